"""`fwi merge`."""

from __future__ import annotations

from pathlib import Path

import click

from fwicli.cli import display, options
from fwicli.cli.verb import VerbCommand


@click.command(
    "merge",
    cls=VerbCommand,
    rank=90,
    short_help="Put the parts of a run together.",
    help=(
        "Put the parts in the folder RUN together, which runs with --shots have written. The "
        "result is that of one run with all shots, bit for bit. Parts that are missing, "
        "incomplete or of another run are named, with the commands that run them."
    ),
    examples=("merge runs/first", "merge runs/first --json"),
)
@click.argument("run", metavar="RUN", type=click.Path(file_okay=False, path_type=Path))
@options.as_json
def command(run: Path, as_json: bool) -> None:
    """Merge the parts of a run.

    Parameters
    ----------
    run : Path
        Its folder.
    as_json : bool
    """
    progress = display.progress()
    try:
        with display.interrupts():
            from fwicli.workflows.run_folder import merging  # late: an interrupt may come before

            summary = merging.run(run, progress)
    finally:
        progress.stop()
    display.summary(summary, as_json)
