"""`fwi check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options
from fwicli.cli.verb import READS, VerbCommand

if TYPE_CHECKING:
    from fwicli.workflows.planning.plan import Plan


@click.command(
    "check",
    cls=VerbCommand,
    rank=40,
    short_help="Check a config and print the plan; run nothing.",
    help=(
        "Check CONFIG and the machine, and print the plan: grid, time step, memory, shots, folders."
    ),
    examples=(
        "check model.yaml",
        "check invert.yaml --set inversion.bounds=[1400,5000]",
        "check rtm.yaml --json",
    ),
    exit_codes=READS,
)
@options.config
@options.kind
@options.settings
@options.as_json
def command(config: Path, kind: str | None, settings: tuple[str, ...], as_json: bool) -> None:
    """Plan a run and print the plan.

    Parameters
    ----------
    config : Path
    kind : str, optional
        Command that the config is for; by default that of its sections.
    settings : tuple of str
        `a.b=c` of the command line.
    as_json : bool
    """
    from fwicli.config.loader import load
    from fwicli.workflows.planning.environment import examined

    loaded = load(config, kind, settings)
    show(examined(loaded, loaded.config.output or Path("runs") / config.stem), as_json)


def show(plan: Plan, as_json: bool) -> None:
    """Print a plan on stdout.

    Parameters
    ----------
    plan : Plan
    as_json : bool
    """
    values = plan.summary()
    if as_json:
        display.summary(values, as_json)
        return
    values |= unrounded(plan)
    stages: list[dict[str, Any]] = values.pop("stages")
    warnings, histories = values.pop("warnings"), values.pop("history", [])
    notes = values.pop("survey", [])
    near = [stage["summary"] for stage in values.pop("near_source", [])]
    values |= values.pop("environment", {})
    display.summary(values, as_json=False)
    click.echo()
    display.table("stage", stages)
    for note in notes:
        click.echo(f"survey: {note}")
    for number, reason in enumerate(dict.fromkeys(histories), 1):
        stage = f" of stage {number}" if len(set(histories)) > 1 else ""
        click.echo(f"history{stage}: {reason}")
    for number, text in enumerate(dict.fromkeys(near), 1):
        stage = f" of stage {number}" if len(set(near)) > 1 else ""
        click.echo(f"near source{stage}: {text}")
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)


def unrounded(plan: Plan) -> dict[str, Any]:
    """Numbers that the summary of a plan rounds, as they are."""
    exact = [
        {
            "spacing_m": list(stage.grid.spacing),
            "highest_frequency_hz": stage.highest_frequency,
            "points_per_wavelength": stage.points_per_wavelength,
        }
        for stage in plan.stages
    ]
    return {
        "memory_per_shot_mb": plan.memory / 1e6,
        "memory_mb": plan.memory * plan.workers / 1e6,
        "memory_with_imports_mb": plan.total.nbytes / 1e6,
        "gigapoint_steps_per_propagation": [stage.work() / 1e9 for stage in plan.stages],
        "stages": [stage.summary() | e for stage, e in zip(plan.stages, exact, strict=True)],
    }
