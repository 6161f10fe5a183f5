"""`fwi check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options

if TYPE_CHECKING:
    from fwicli.workflows.planning.plan import Plan


@click.command("check")
@options.config
@options.kind
@options.settings
@options.as_json
def command(config: Path, kind: str | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Check CONFIG and the machine, and print the plan: grid, time step, memory, shots, folders."""
    from fwicli.config.loader import load
    from fwicli.workflows.planning.environment import examined

    loaded = load(config, kind, settings)
    show(examined(loaded, loaded.config.output or Path("runs") / config.stem), as_json)


def show(made: Plan, as_json: bool) -> None:
    """Print a plan on stdout."""
    values = made.summary()
    if as_json:
        display.summary(values, as_json)
        return
    stages: list[dict[str, Any]] = values.pop("stages")
    warnings, histories = values.pop("warnings"), values.pop("history", [])
    near = [stage["summary"] for stage in values.pop("near_source", [])]
    values |= values.pop("environment", {})
    display.summary({name: _text(value) for name, value in values.items()}, as_json=False)
    click.echo()
    rows = [list(stages[0]), *[[_text(v) for v in stage.values()] for stage in stages]]
    numbered = [["stage", *map(str, range(1, len(stages) + 1))]]
    columns = numbered + [list(column) for column in zip(*rows, strict=True)]
    width = max(len(column[0]) for column in columns)
    widths = [max(len(c[i]) for c in columns) for i in range(1, len(columns[0]))]
    for name, *cells in columns:
        row = "  ".join(cell.rjust(w) for cell, w in zip(cells, widths, strict=True))
        click.echo(f"{name.replace('_', ' '):<{width}}  {row}")
    for number, reason in enumerate(dict.fromkeys(histories), 1):
        stage = f" of stage {number}" if len(set(histories)) > 1 else ""
        click.echo(f"history{stage}: {reason}")
    for number, text in enumerate(dict.fromkeys(near), 1):
        stage = f" of stage {number}" if len(set(near)) > 1 else ""
        click.echo(f"near source{stage}: {text}")
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def _text(value: Any) -> str:
    if isinstance(value, list):
        same = len({str(v) for v in value}) == 1
        return _text(value[0]) if same else ", ".join(_text(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
