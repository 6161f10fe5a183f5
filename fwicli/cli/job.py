"""`fwi job`."""

from __future__ import annotations

from pathlib import Path

import click

from fwicli.cli import display
from fwicli.cli.verb import EXIT_CODES, VerbCommand


@click.command(
    "job",
    cls=VerbCommand,
    rank=87,
    short_help="Run the next attempt of a submitted run; its script does so.",
    help=(
        "Run the next attempt of the job of the run in FOLDER, as its script does.\n\n"
        "The node is checked, then the run begins or goes on. A signal that time runs out lets the "
        "run save; then the job is requeued, until the run is done, or three attempts in a row add "
        "nothing to it."
    ),
    examples=("job runs/first", "job runs/first --member 3"),
    exit_codes={**EXIT_CODES, 0: "done; other codes are those of the run"},
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--member",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="Number of the job in its array, from 1; by default what the batch system says.",
)
def command(folder: Path, member: int | None) -> None:
    """Run an attempt.

    Parameters
    ----------
    folder : Path
        Of the run.
    member : int, optional
        Number in an array.
    """
    from fwicli.workflows.batch import attempt

    display.progress()
    raise click.exceptions.Exit(attempt.run(folder, member or attempt.member_of_array()))
