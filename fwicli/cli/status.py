"""`fwi status`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import options
from fwicli.cli.labels import number
from fwicli.cli.verb import EXIT_CODES, VerbCommand

if TYPE_CHECKING:
    from fwicli.workflows.viewing.status import RunReport

# Seconds between two looks.
EVERY = 5.0


@click.command(
    "status",
    cls=VerbCommand,
    rank=90,
    short_help="Say how far runs have come, wherever they run.",
    help=(
        "Say how far the run in each folder RUN has come: state, stage, iteration, misfit, shots, "
        "time left, and its last error.\n\n"
        "It works on every machine that sees the folder, also for a queued job and for a run that "
        "was killed. States: queued, running, finished, stopped (by a signal, after saving), "
        "failed, and dead (it says running, but shows no life)."
    ),
    examples=(
        "status runs/invert",
        "status runs/invert --watch",
        "status runs/first runs/second --watch 60",
        "status runs/invert --json",
    ),
    exit_codes={
        0: "done, whatever the state of the runs",
        1: EXIT_CODES[1],
        2: "wrong command line, or no folder of a run",
    },
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", type=click.Path(path_type=Path))
@click.option(
    "--watch",
    is_flag=False,
    flag_value=EVERY,
    type=click.FloatRange(min=0.5),
    metavar="[SECONDS]",
    help=f"Look again every so often (after RUN; {EVERY:g} s), until nothing runs or waits.",
)
@options.as_json
def command(runs: tuple[Path, ...], watch: float | None, as_json: bool) -> None:
    """Show the state of runs.

    Parameters
    ----------
    runs : tuple of Path
    watch : float, optional
        Seconds between two looks; one look without it.
    as_json : bool
    """
    from fwicli.workflows.viewing.status import SETTLED, run
    from fwicli.workflows.viewing.watch import Watch

    observed = Watch()
    while True:
        reports = [run(folder) for folder in runs]
        if watch is not None:
            observed.look(reports)
        _show(reports, as_json, watch is not None)
        if watch is None or all(report.state in SETTLED for report in reports):
            return
        time.sleep(watch)


def _show(reports: list[RunReport], as_json: bool, again: bool) -> None:
    """Print reports: as JSON, one in full, or a line each."""
    if as_json:
        summaries = [report.summary() for report in reports]
        click.echo(json.dumps(summaries, indent=None if again else 2))
        return
    if again:
        click.clear()  # nothing where stdout is no terminal
    if len(reports) == 1:
        rows = _rows(reports[0])
        width = max(map(len, rows))
        for name, text in rows.items():
            click.echo(f"{name:<{width}}  {_plain(text)}")
    else:
        _table(reports)


def _rows(report: RunReport) -> dict[str, str]:
    """Quantities of a run in words."""
    command = f" (fwi {report.kind})" if report.kind else ""
    rows = {"run": f"{report.folder}{command}", "state": report.state}
    if report.begun_from:
        rows["begun from"] = report.begun_from
    if report.state == "running" and report.task and not report.shots:
        rows["state"] += f", {report.task}"
    if report.iterations and report.stage:
        rows["stage"] = f"{report.stage} of {len(report.iterations)}"
        rows["iteration"] = f"{report.iteration} of {_iterations(report)}"
    if report.misfit_last is not None:
        rows["misfit"] = _misfit(report)
    if report.shots:
        rows["shots"] = _shots(report)
    if report.workers:
        rows["workers"] = f"{report.workers} at once"
    if report.host:
        more = f", number {report.processes} of the run" if report.processes > 1 else ""
        rows["process"] = f"{report.pid} on {report.host}{more}"
    if report.job:
        rows["job"] = _job(report.job)
    if report.seconds is not None:
        rows["time spent"] = duration(report.seconds)
    if report.seconds_left is not None:
        source = "the plan" if report.left_by == "plan" else "the pace until now"
        rows["time left"] = f"{duration(report.seconds_left)} by {source}"
    reason = "stopped by" if report.state == "stopped" else "error"
    texts = {reason: report.error, "last warning": report.warning}
    rows |= {name: text for name, text in texts.items() if text}
    return rows | {"note" if i == 0 else f"note {i + 1}": n for i, n in enumerate(report.notes)}


def _shots(report: RunReport) -> str:
    """Shots of the run, or of the present evaluation; of a finished inversion, of the last one."""
    if report.state == "finished":
        return f"{report.shots}{' an evaluation' if report.iterations else ''}"
    again = f", evaluation {report.evaluation}" if report.evaluation > 1 else ""
    return f"{report.shots_done} of {report.shots}{again}"


def _iterations(report: RunReport) -> str:
    stages = report.iterations
    return str(stages[report.stage - 1]) if 0 < report.stage <= len(stages) else "?"


def _misfit(report: RunReport) -> str:
    """Misfit now, at the beginning of the stage, and of the run."""
    text = number(report.misfit_last or 0.0)
    if report.misfit_stage is not None:
        text += f", from {number(report.misfit_stage)} in this stage"
    if report.stage > 1 and report.misfit_first is not None:
        text += f", from {number(report.misfit_first)} in the first"
    return text


def _job(job: dict[str, Any]) -> str:
    scheduler, identity = job.get("scheduler", ""), job.get("id", "")
    parts = [f"{scheduler} {identity}".strip()]
    if job.get("state"):
        parts.append(str(job["state"]))
    attempts = job.get("attempts")
    count = len(attempts) if isinstance(attempts, list) else attempts
    if isinstance(count, int) and count > 1:
        parts.append(f"{count} attempts")
    return ", ".join(parts)


def _table(reports: list[RunReport]) -> None:
    """One line a run."""
    rows = [("run", "state", "stage", "iteration", "misfit", "shots", "left")]
    for report in reports:
        place = (
            f"{report.stage}/{len(report.iterations)}",
            f"{report.iteration}/{_iterations(report)}",
        )
        rows.append(
            (
                report.folder,
                report.state,
                *(place if report.iterations else ("", "")),
                "" if report.misfit_last is None else number(report.misfit_last),
                f"{report.shots_done}/{report.shots}" if report.shots else "",
                "" if report.seconds_left is None else duration(report.seconds_left),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [_plain(cell).ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def duration(seconds: float) -> str:
    """A time as a person says it, as `2 h 5 min`.

    Parameters
    ----------
    seconds : float
    """
    total = round(seconds)
    days, hours, minutes = total // 86400, total // 3600 % 24, total // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {total % 60} s" if minutes else f"{total} s"


def _plain(text: str) -> str:
    """A text of a file without characters that a terminal obeys."""
    return "".join(c if c.isprintable() else " " for c in text)
