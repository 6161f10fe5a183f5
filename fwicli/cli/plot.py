"""`fwi plot`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fwicli.cli import display, options
from fwicli.cli.verb import EXIT_CODES, VerbCommand

if TYPE_CHECKING:
    from fwicli.workflows.viewing.drawing.drawable import PictureOptions


class Numbers(click.ParamType):  # type: ignore[type-arg]
    """Two numbers with a comma, as `8,4`."""

    name = "A,B"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """The two numbers.

        Parameters
        ----------
        value : str or tuple
        param : click.Parameter or None
        ctx : click.Context or None

        Returns
        -------
        numbers : tuple of float
        """
        if isinstance(value, tuple):
            return value
        try:
            first, second = map(float, str(value).split(","))
        except ValueError:
            self.fail(f"`{value}` is not two numbers with a comma, as in 8,4", param, ctx)
        return first, second


PICTURE = (
    click.option("--iterate", type=click.IntRange(0), help="Iterate of an inversion; 0: start."),
    click.option("--shot", metavar="N,...", help="Numbers of shots, from 0, with commas."),
    click.option("--wiggle", is_flag=True, help="Draw traces as curves, not as density."),
    click.option("--x", type=float, help="Plane of a 3D array at this x [m]."),
    click.option("--y", type=float, help="Section of a 3D array at this y [m]."),
    click.option("--z", type=float, help="Depth slice of a 3D array [m]."),
    click.option("--cmap", metavar="NAME", help="Colour map of Matplotlib."),
    click.option(
        "--clip",
        type=click.FloatRange(0, 100, min_open=True),
        metavar="PERCENT",
        help="Share of the values within the colours.",
    ),
    click.option("--range", type=Numbers(), help="Values at the ends of the colours."),
    click.option("--size", type=Numbers(), help="Width and height [inches]."),
    click.option(
        "--dpi", type=click.FloatRange(20, 1200), default=150, show_default=True,
        help="Dots per inch.",
    ),
)  # fmt: skip


def picture(command: Any) -> Any:
    """Options of pictures."""
    for option in reversed(PICTURE):
        command = option(command)
    return command


@click.command(
    "plot",
    cls=VerbCommand,
    rank=92,
    short_help="Draw one picture of a run or a file.",
    help=(
        "Draw WHAT of SOURCE, the folder of a run or a file of any kind that is read, into a PNG "
        "or PDF file. Without WHAT, list what there is to draw.\n\n"
        "Models and images with --x, --y or --z in 3D, iterates and differences to start and "
        "reference, gathers, spectra, positions, wavelets and convergence."
    ),
    examples=(
        "plot runs/invert",
        "plot runs/invert vp --iterate 12 -o vp12.png",
        "plot runs/invert error/vp -o error.pdf --range -300,300",
        "plot shots.h5 gather --shot 0,5 --wiggle -o gathers.png",
        "plot image.h5 image --z 800 --clip 97 --cmap gray -o slice.png",
        "plot line.sgy spectrum --preset streamer -o spectrum.png",
    ),
    exit_codes={
        0: "done",
        1: EXIT_CODES[1],
        2: "wrong command line, no file SOURCE, or nothing of that name to draw",
        3: "a file is damaged, or of no kind that is read",
        4: "the picture cannot be written",
    },
)
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("what", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PNG or PDF file to write.",
)
@picture
@options.reading
@options.as_json
def command(
    source: Path, what: str | None, output: Path | None, as_json: bool, **chosen: Any
) -> None:
    """Draw a picture, or list what there is to draw.

    Parameters
    ----------
    source : Path
    what : str, optional
    output : Path, optional
    as_json : bool
    **chosen
        Options of pictures, and how files are read that do not say it themselves.
    """
    from fwicli.cli.reading import check_folder, check_present, file_layout
    from fwicli.workflows.viewing.plot import available, run

    check_present([source], "SOURCE")
    check_folder(output, "-o")
    display.progress()
    picture_options = _options({name: chosen.pop(name) for name in OWN})
    layout = file_layout(**chosen)
    if what is None:
        listed = available(source, layout)
        if output is not None or picture_options.stated:
            raise click.UsageError(f"name WHAT is drawn, one of: {', '.join(listed)}")
        if as_json:
            click.echo(json.dumps(listed, indent=2))
            return
        width = max(map(len, listed), default=0)
        for name, about in listed.items():
            click.echo(f"{name:<{width}}  {about}")
        return
    if output is None:
        raise click.UsageError(f"name the picture with -o, as in `-o {Path(what).name}.png`")
    run(source, what, output, picture_options, layout)
    display.summary({"picture": str(output)}, as_json)


OWN = ("iterate", "shot", "wiggle", "x", "y", "z", "cmap", "clip", "range", "size", "dpi")


def _options(chosen: dict[str, Any]) -> PictureOptions:
    """Options of a picture from those of the command line."""
    from fwicli.plotting.style import Look
    from fwicli.workflows.viewing.drawing.drawable import PictureOptions

    look = Look(chosen["size"], chosen["dpi"], chosen["cmap"], chosen["clip"], chosen["range"])
    stated = tuple(n for n in OWN[:-2] if chosen[n] not in (None, False))
    places = {n: chosen[n] for n in ("x", "y", "z") if chosen[n] is not None}
    shots = _shots(chosen["shot"])
    return PictureOptions(look, chosen["iterate"], shots, chosen["wiggle"], places, stated)


def _shots(text: str | None) -> tuple[int, ...]:
    if text is None:
        return ()
    if not re.fullmatch(r"\s*\d+\s*(,\s*\d+\s*)*", text):
        raise click.BadParameter(
            f"`{text}` names no shots; write whole numbers with commas, as in 0,5,10",
            param_hint="--shot",
        )
    return tuple(int(part) for part in text.split(","))
