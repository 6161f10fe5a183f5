"""`fwi explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from fwicli.cli.verb import VerbCommand

if TYPE_CHECKING:
    from fwicli.config.reference import Setting


@click.command(
    "explain",
    cls=VerbCommand,
    rank=20,
    short_help="Explain a key of a config: unit, default, allowed values.",
    examples=("explain inversion.stages.band", "explain physics"),
    exit_codes={0: "done", 2: "no config has such a key"},
)
@click.argument("key", required=False)
def command(key: str | None) -> None:
    """Explain a KEY of a config: type, unit, default, what is allowed, and its meaning.

    Without KEY, the sections of a config are listed.
    """
    from fwicli.config.reference import explained

    if key is None:
        lines = list(_overview())
    else:
        meanings = _once(explained(key))
        lines = [line for meaning in meanings.items() for line in _described(*meaning)]
        for section, commands in {s.key: commands for s, commands in meanings.items()}.items():
            lines.extend(_keys(section, commands[0]))
    click.echo("\n".join(lines))


def _once(meanings: Mapping[Setting, list[str]]) -> dict[Setting, list[str]]:
    """Meanings of a key, each once, with all that chooses it if there are others."""
    alike: dict[Setting, list[Setting]] = {}
    for setting in meanings:
        alike.setdefault(replace(setting, selector=""), []).append(setting)
    merged = {}
    for plain, same in alike.items():
        choices = " or ".join(s.selector for s in same if s.selector) if len(alike) > 1 else ""
        one = same[0] if len(same) == 1 else replace(plain, selector=choices)
        merged[one] = list(dict.fromkeys(c for s in same for c in meanings[s]))
    return merged


def _overview() -> Iterator[str]:
    """Sections of the configs of each command."""
    from fwicli.config.reference import below
    from fwicli.config.schema import KINDS

    for kind in KINDS:
        yield f"config of `fwi {kind}`:"
        for setting in below((), kind):
            yield f"  {setting.key[-1]:<12} {setting.sentence}"


def _described(setting: Setting, commands: list[str]) -> Iterator[str]:
    """Description of a key in one of its alternatives."""
    choice = f" with {setting.selector}" if setting.selector else ""
    yield f"{'.'.join(setting.key)}{choice} ({', '.join(f'fwi {name}' for name in commands)})"
    yield f"  {setting.sentence}"
    yield f"  type     {setting.type}"
    if setting.unit or "number" in setting.type:
        yield f"  unit     {setting.unit or 'none'}"
    yield f"  default  {setting.default}"
    if setting.allowed:
        yield f"  allowed  {setting.allowed}"


def _keys(section: tuple[str, ...], command: str) -> Iterator[str]:
    """Keys of a section, under what chooses each alternative."""
    from itertools import groupby

    from fwicli.config.reference import SELECTORS, below

    settings = below(section, command)
    width = max((len(setting.key[-1]) for setting in settings), default=0)
    for choice, members in groupby(settings, key=lambda setting: setting.selector):
        keys = [s for s in members if not choice or s.key[-1] not in SELECTORS]
        yield f"  {'keys' if keys else 'no keys'}{f' with {choice}' if choice else ''}"
        for setting in keys:
            yield f"    {setting.key[-1]:<{width}}  {setting.sentence}"
