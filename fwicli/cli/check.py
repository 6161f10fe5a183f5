"""`fwi check`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options
from fwicli.cli.verb import READS, VerbCommand

if TYPE_CHECKING:
    from fwicli.config.loader import Loaded
    from fwicli.workflows.planning.nodes import Nodes
    from fwicli.workflows.planning.plan import Plan


@click.command(
    "check",
    cls=VerbCommand,
    rank=40,
    short_help="Check a config and print the plan; run nothing.",
    help=(
        "Check CONFIG and the machine, and print the plan: grid, time step, memory, shots, "
        "folders.\n\n"
        "With --calibrate, run some time steps of its kernels on this machine, with as many "
        "workers as the run has, and add to the plan what the run takes: time of a shot, an "
        "iteration, a stage and in all. Later plans for the same kernels have these at once.\n\n"
        "With --shot, model a shot in the starting model of an inversion or a migration, compare "
        "it with its record, draw both, and name what is wrong: sampling, positions, time zero, "
        "polarity, wavelet, dead shots. Pictures go to runs/NAME-check, or to the folder of -o."
    ),
    examples=(
        "check model.yaml",
        "check invert.yaml --set inversion.bounds=[1400,5000]",
        "check rtm.yaml --json",
        "check invert.yaml --calibrate",
        "check invert.yaml --nodes 16 --cores 64 --memory 256",
        "check invert.yaml --shot 12",
        "check invert.yaml --shot 3 --shot 12 --stage 2 -o quality",
    ),
    exit_codes=READS,
)
@options.config
@options.kind
@click.option(
    "--shot",
    "shots",
    type=click.IntRange(min=0),
    multiple=True,
    metavar="N",
    help="Model shot N, from 0, and compare it with its record; may be repeated.",
)
@click.option(
    "--stage",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Stage of an inversion whose band and grid a shot is compared in; by default the first.",
)
@click.option(
    "--calibrate",
    is_flag=True,
    help="Measure kernels and the time outside of shots on this machine; some seconds a stage.",
)
@click.option(
    "--grid-error",
    is_flag=True,
    help="With --calibrate, measure the error of a coarse grid also where that takes minutes.",
)
@click.option(
    "--nodes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Plan for N nodes of a cluster, of the site of the config, or of --cores and --memory.",
)
@click.option("--cores", type=click.IntRange(min=1), metavar="N", help="Cores of a node.")
@click.option(
    "--memory",
    type=click.FloatRange(min=0, min_open=True),
    metavar="GB",
    help="Memory of a node.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the pictures of shots.",
)
@options.settings
@options.as_json
def command(
    config: Path,
    kind: str | None,
    settings: tuple[str, ...],
    as_json: bool,
    **others: Any,
) -> None:
    """Plan a run and print the plan, or compare shots with their records.

    Parameters
    ----------
    config : Path
    kind : str, optional
        Command that the config is for; by default that of its sections.
    settings : tuple of str
        `a.b=c` of the command line.
    as_json : bool
    **others
        Whether kernels and coarse grids are measured; nodes, their cores and memory; shots to model
        and compare, the stage of their comparison from 1, the folder of pictures.
    """
    from fwicli.config.loader import load
    from fwicli.workflows.planning.environment import examined

    _check_options(**others)
    loaded = load(config, kind, settings)
    compared = {name: others[name] for name in ("shots", "stage", "folder")}
    if compared["shots"]:
        _compare(loaded, settings, as_json, **compared)
        return
    nodes = None
    if others["nodes"] is not None:
        from fwicli.workflows.planning.nodes import of_site

        size = others["nodes"], others["cores"], others["memory"]
        nodes = of_site(loaded.config.execution, *size)
    if others["calibrate"]:
        _calibrate(loaded, nodes, others["grid_error"])
    show(examined(loaded, loaded.config.output or Path("runs") / config.stem, nodes), as_json)


def _check_options(**chosen: Any) -> None:
    """Refuse options that would be ignored."""
    if chosen["shots"] and (chosen["calibrate"] or chosen["nodes"]):
        raise click.UsageError("--shot compares a shot, and plans nothing; leave out the others")
    if not chosen["shots"] and (chosen["stage"] is not None or chosen["folder"] is not None):
        raise click.UsageError("--stage and -o belong to the comparison of a shot; add --shot N")
    if chosen["grid_error"] and not chosen["calibrate"]:
        raise click.UsageError("--grid-error belongs to --calibrate; add it")
    if chosen["nodes"] is None and (chosen["cores"] or chosen["memory"]):
        raise click.UsageError("--cores and --memory say what a node has; add --nodes N")


def _calibrate(loaded: Loaded, nodes: Nodes | None, however_long: bool) -> None:
    """Measure the kernels of a config; progress goes to stderr."""
    from fwicli.workflows.planning.plan import make_plan
    from fwicli.workflows.quality import calibration, grid_error, rehearsal  # late: Devito

    progress = display.progress()
    try:
        with display.interrupts():
            plan = make_plan(loaded, nodes)
            calibration.calibrate(plan, loaded.config)
            rehearsal.measure(plan, loaded)
            if nodes is None:
                grid_error.measure(plan, loaded, however_long)
    finally:
        progress.stop()


def _compare(
    loaded: Loaded,
    settings: tuple[str, ...],
    as_json: bool,
    shots: tuple[int, ...],
    stage: int | None,
    folder: Path | None,
) -> None:
    """Compare shots with their records, and print what is wrong."""
    from fwicli.workflows.quality import one_shot

    folder = folder or Path("runs") / f"{loaded.path.stem}-check"
    values = one_shot.check(loaded, shots, (stage or 1) - 1, folder)
    if as_json:
        display.summary(values, as_json)
        return
    click.echo(f"compared in {values['compared']}, in the starting model")
    for shot in values["shots"]:
        click.echo()
        display.summary({k: "none" if v is None else v for k, v in shot.items()}, as_json=False)
    click.echo()
    for fault in values["faults"]:
        click.echo(f"{fault['kind'].replace('_', ' ')}: {fault['text']}")
        click.echo(f"  cure: {fault['cure']}")
        if fault["settings"]:
            options = [o for s in (*settings, *fault["settings"]) for o in ("--set", s)]
            options += [o for shot in shots for o in ("--shot", str(shot))]
            options += [] if stage is None else ["--stage", str(stage)]
            click.echo(f"  try:  {shlex.join(['fwi', 'check', str(loaded.path), *options])}")
    if not values["judged"]:
        click.echo(
            "time zero and polarity are not judged: too few first arrivals are the same event in "
            "observed and synthetic traces; choose other shots, a band of other frequencies with "
            "--stage, or a better starting model or wavelet, and compare the picture"
        )
    elif not values["faults"]:
        click.echo("nothing is wrong with sampling, positions, time zero, polarity or wavelet")
    for picture in values["pictures"]:
        click.echo(f"picture: {picture}")
    for warning in values["warnings"]:
        click.echo(f"warning: {warning}", err=True)


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
    if plan.nodes is not None:  # the costs have the memory of a node
        for name in ("memory_mb", "memory_with_imports_mb"):
            del values[name]
    stages: list[dict[str, Any]] = values.pop("stages")
    warnings, histories = values.pop("warnings"), values.pop("history", [])
    notes = values.pop("survey", [])
    near = [stage["summary"] for stage in values.pop("near_source", [])]
    costs = values.pop("costs", {})
    timed = costs.pop("stages", [{} for _ in stages])
    basis = {label: costs.pop(label, "") for label in ("calibration", "assumption")}
    costs |= {n: "not measured" for n, value in costs.items() if value is None}
    values |= costs | values.pop("environment", {})
    display.summary(values, as_json=False)
    click.echo()
    for times in timed:
        times |= {n: "not measured" for n, value in times.items() if value is None}
    display.table("stage", [stage | times for stage, times in zip(stages, timed, strict=True)])
    for label, text in basis.items():
        if text:
            click.echo(f"{label}: {text}")
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
        "memory_mb": plan.memory * plan.at_once / 1e6,
        "memory_with_imports_mb": plan.total.nbytes / 1e6,
        "gigapoint_steps_per_propagation": [stage.work() / 1e9 for stage in plan.stages],
        "stages": [stage.summary() | e for stage, e in zip(plan.stages, exact, strict=True)],
    }
