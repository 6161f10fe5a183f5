"""`fwi report`."""

from __future__ import annotations

from pathlib import Path

import click

from fwicli.cli import display, options
from fwicli.cli.verb import EXIT_CODES, VerbCommand

SHOTS = 8


@click.command(
    "report",
    cls=VerbCommand,
    rank=92,
    short_help="Write one page on a run: set-up, course, result, data fit, provenance.",
    help=(
        "Write one page on the run in the folder RUN, which needs no network to be read.\n\n"
        "It shows set-up, plan, convergence, models with a slider over the iterations, data fit, "
        "spectra, phase residuals, diagnosis, wavelets, warnings and provenance. The run may be "
        "unfinished, or have failed. A few shots are modelled anew in its first and its last model."
    ),
    examples=(
        "report runs/invert",
        "report runs/invert -o invert.html --shots 16",
        "report runs/invert --no-modelling --json",
    ),
    exit_codes={
        **{code: EXIT_CODES[code] for code in (0, 1)},
        2: "wrong command line, or RUN is not the folder of a run",
        3: "a file of the run is damaged",
        4: "the page cannot be written",
        130: EXIT_CODES[130],
    },
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the page; by default report.html in the folder of the run.",
)
@click.option(
    "--shots",
    type=click.IntRange(min=1),
    default=SHOTS,
    show_default=True,
    help="Shots that are modelled for the data fit, at most.",
)
@click.option("--no-modelling", is_flag=True, help="Model no shots; leave the data fit out.")
@options.as_json
def command(run: Path, output: Path | None, shots: int, no_modelling: bool, as_json: bool) -> None:
    """Write the page of a run.

    Parameters
    ----------
    run : Path
        Folder of the run.
    output : Path, optional
        File of the page.
    shots : int
        Shots that are modelled, at most.
    no_modelling : bool
    as_json : bool
    """
    from fwicli.cli.reading import check_folder
    from fwicli.execution import return_memory
    from fwicli.workflows.viewing.report.run import run as write

    check_folder(output, "-o")
    return_memory()
    progress = display.progress()
    try:
        with display.interrupts():
            summary = write(run, output, 0 if no_modelling else shots, progress)
    finally:
        progress.stop()
    if not as_json:
        summary = {name: value for name, value in summary.items() if value != []}
    display.summary(summary, as_json)
