"""`fwi convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fwicli.cli import display, options
from fwicli.cli.verb import EXIT_CODES, VerbCommand

FORMATS = ("hdf5", "segy", "su", "rsf", "npy")


@click.command(
    "convert",
    cls=VerbCommand,
    rank=36,
    short_help="Write shot records or an array in another format.",
    help=(
        "Write shot records or an array of the file IN in another format into OUT.\n\n"
        "Records: HDF5, SEG-Y, SU and RSF of Madagascar; one shot is in memory at a time. Arrays "
        "(models, images): HDF5, .npy, .npz, RSF, SEG-Y and raw binary, to HDF5, .npy, RSF and "
        "SEG-Y. The ends of the names say the formats, or --to that of OUT. OUT appears when it is "
        "complete; IN is never changed. Each kind of content that OUT has no place for is named on "
        "a line."
    ),
    examples=(
        "convert line.sgy line.h5",
        "convert line.sgy line.h5 --preset streamer --bytes receiver_x=81:int32",
        "convert 'line*.sgy' survey.h5",
        "convert runs/model/shots.h5 shots.rsf",
        "convert runs/invert/inversion.h5 result.rsf --dataset result/vp",
        "convert vp.bin vp.npy --shape 1601,401",
    ),
    exit_codes={
        0: EXIT_CODES[0],
        1: EXIT_CODES[1],
        2: "wrong command line, no file IN, or OUT exists",
        3: "IN cannot be read, or OUT cannot hold its content",
        4: "OUT cannot be written, as on a full disk; what was there before stays",
        130: "interrupted by Ctrl-C; OUT is not there, or as it was before",
    },
)
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice(FORMATS), help="Format of OUT.")
@options.reading
@click.option("--force", is_flag=True, help="Replace OUT if it exists.")
@options.as_json
def command(
    source: Path, target: Path, form: str | None, force: bool, as_json: bool, **reading: Any
) -> None:
    """Convert a file.

    Parameters
    ----------
    source, target : Path
    form : str, optional
        Format of the target.
    force : bool
        Whether a target that exists is replaced.
    as_json : bool
    **reading
        How the source is read, where it does not say it itself.
    """
    from fwicli.cli.reading import check_folder, check_present, file_layout
    from fwicli.workflows.exchange.convert import Conversion, run

    check_present([source], "IN")
    check_folder(target, "OUT")
    progress = display.progress()
    try:
        with display.interrupts():
            conversion = Conversion(source, target, form or "", force)
            summary = run(conversion, file_layout(**reading), progress)
    finally:
        progress.stop()
    if as_json:
        display.summary(summary, as_json)
        return
    notes = summary.pop("notes")
    display.summary(summary, as_json)
    for sentence in notes:
        click.echo(f"note: {sentence}", err=True)
