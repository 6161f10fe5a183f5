"""`fwi image`."""

from __future__ import annotations

from pathlib import Path

import click

from fwicli.cli import display, options
from fwicli.cli.verb import EXIT_CODES, VerbCommand


@click.command(
    "image",
    cls=VerbCommand,
    rank=82,
    short_help="Image the earth by the reflectivity of an inverted model.",
    help=(
        "Write and draw the reflectivity of the model that the run of `fwi invert` in the folder "
        "RUN has arrived at, in the band of the wavelet or in another one.\n\n"
        "Images of the same data by `fwi rtm` and `fwi lsrtm` are drawn below it."
    ),
    examples=(
        "image runs/invert",
        "image runs/invert --along dip --band 0 10 -o image.h5",
        "image runs/invert --rtm runs/rtm --lsrtm runs/lsrtm --json",
    ),
    exit_codes={
        **{code: EXIT_CODES[code] for code in (0, 1)},
        2: "wrong command line, or RUN is not the folder of an inversion",
        3: "a file of a run is damaged, or images cover different parts of the earth",
        4: "the image cannot be written",
        130: EXIT_CODES[130],
    },
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="HDF5 file of the image; by default RUN_image.h5 beside the folder of the run.",
)
@click.option(
    "--along",
    type=click.Choice(["depth", "dip"]),
    default="depth",
    show_default=True,
    help="Direction of the derivative.",
)
@click.option(
    "--band",
    type=(float, float),
    help="Lowest and highest frequency [Hz]; by default those of the wavelet.",
)
@click.option("--rtm", type=click.Path(path_type=Path), help="Run of `fwi rtm`.")
@click.option("--lsrtm", type=click.Path(path_type=Path), help="Run of `fwi lsrtm`.")
@options.as_json
def command(
    run: Path,
    output: Path | None,
    along: str,
    band: tuple[float, float] | None,
    as_json: bool,
    **others: Path | None,
) -> None:
    """Write the image of a run.

    Parameters
    ----------
    run : Path
        Folder of the run.
    output : Path, optional
        HDF5 file of the image.
    along : {"depth", "dip"}
    band : tuple of float, optional
        [Hz]
    as_json : bool
    **others : Path or None
        Folders of the runs of `fwi rtm` and `fwi lsrtm`.
    """
    from fwicli.cli.reading import check_folder, check_present
    from fwicli.workflows.viewing.image import ImageOptions
    from fwicli.workflows.viewing.image import run as write

    if band is not None and not 0 <= band[0] < band[1]:
        raise click.UsageError(
            f"--band {band[0]:g} {band[1]:g} is no band: the first frequency must be below the "
            f"second, and not negative [Hz]"
        )
    check_folder(output, "-o")
    for name, path in others.items():
        if path is not None:
            check_present([path], f"--{name}")
    named = tuple((n, path) for n in ("rtm", "lsrtm") if (path := others[n]) is not None)
    display.summary(write(run, output, ImageOptions(along, band, named)), as_json)
