"""Pages of the config reference, made from the schema: the texts of `fwi explain`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from fwicli.config.reference import Setting, below, settings
from fwicli.config.schema import KINDS

FOLDER = "reference/config"
COLUMNS = ("key", "type", "unit", "default", "allowed", "meaning")


def pages() -> dict[str, str]:
    """Markdown of every page, by its path in the site: an index, and one page a section."""
    texts = {f"{FOLDER}/index.md": "\n".join(_index())}
    for section in sections():
        texts[f"{FOLDER}/{section}.md"] = "\n".join(_page(section))
    return texts


def sections() -> list[str]:
    """Sections and keys at the top of the configs, in the order of `fwi invert`."""
    names = [setting.key[-1] for kind in ("invert", *KINDS) for setting in below((), kind)]
    return list(dict.fromkeys(names))


def on_files(files: Any, config: Any) -> Any:
    """Add the pages to those of the site."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def commands() -> dict[Setting, list[str]]:
    """Every key, and the commands whose configs have it."""
    kinds: dict[Setting, list[str]] = {}
    for kind in KINDS:
        for setting in settings(kind):
            kinds.setdefault(setting, []).append(kind)
    return kinds


def _index() -> Iterator[str]:
    yield "# Config reference\n"
    yield "Each section of a config has a page. `fwi explain KEY` prints the same text, and"
    yield "`fwi schema COMMAND` the JSON schema with which editors complete and check a config.\n"
    yield f"| section | {' | '.join(f'`fwi {kind}`' for kind in KINDS)} | meaning |"
    yield f"| --- | {'--- | ' * len(KINDS)}--- |"
    for section in sections():
        found = {kind: s for kind in KINDS for s in below((), kind) if s.key == (section,)}
        marks = " | ".join(_presence(found.get(kind)) for kind in KINDS)
        sentences = dict.fromkeys(setting.sentence for setting in found.values())
        yield f"| [`{section}`]({section}.md) | {marks} | {' '.join(map(_cell, sentences))} |"


def _presence(setting: Setting | None) -> str:
    if setting is None:
        return ""
    return "required" if setting.default == "required" else "optional"


def _page(section: str) -> Iterator[str]:
    """A table of each level of a section, and of each alternative in it."""
    kinds = {s: names for s, names in commands().items() if s.key[0] == section}
    yield f"# `{section}`\n"
    yield from _table(s for s in kinds if s.key == (section,))
    parents = dict.fromkeys(_parent(s) for s in kinds if len(s.key) > 1)
    for parent in parents:
        members = [s for s in kinds if len(s.key) > 1 and _parent(s) == parent]
        names = ", ".join(
            f"`fwi {kind}`" for kind in KINDS if any(kind in kinds[s] for s in members)
        )
        yield f"\n## {'.'.join(parent)} {{ #{'.'.join(parent)} }}\n"
        yield f"In configs of {names}.\n"
        for selector, group in groupby(members, key=lambda s: s.selector):
            if selector:
                yield f"\n**`{selector}`**\n"
            yield from _table(group)


def _parent(setting: Setting) -> tuple[str, ...]:
    return setting.key[:-1]


def _table(rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"| {' | '.join('---' for _ in COLUMNS)} |"
    for setting in rows:
        unit = setting.unit or ("none" if "number" in setting.type else "")
        yield (
            "| "
            + " | ".join(
                (
                    f"`{setting.key[-1]}`",
                    _cell(setting.type),
                    unit,
                    f"`{setting.default}`",
                    _cell(setting.allowed),
                    _cell(setting.sentence),
                )
            )
            + " |"
        )


def _cell(text: str) -> str:
    """Text in a table, whose bars would begin another cell."""
    return text.replace("|", "\\|").replace("[", "\\[").replace("*", "\\*")
