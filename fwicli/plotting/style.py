"""Matplotlib as it comes: pictures do not depend on the settings of other programs.

Jupyter sets MPLBACKEND for every command that a cell starts, to a module that need not be here; a
`matplotlibrc` may be damaged, or lie in the folder where a command is run. Matplotlib reads all of
this when it is imported, and gives up over some of it.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic
from fwicli.errors import ConfigError
from fwicli.survey.properties import COMBINATIONS, OF_SOLIDS, PROPERTIES

SETTINGS = "matplotlibrc"
# Formats of pictures, by the ends of names.
FORMATS = ("png", "pdf")


@contextmanager
def _own_settings() -> Iterator[None]:
    """Have Matplotlib read its own settings alone."""
    before = {n: os.environ.get(n) for n in ("MPLBACKEND", "MATPLOTLIBRC")}
    spec = find_spec("matplotlib")
    package = Path(spec.origin).parent if spec is not None and spec.origin else Path()
    os.environ.pop("MPLBACKEND", None)
    os.environ["MATPLOTLIBRC"] = str(package / "mpl-data" / SETTINGS)
    # Settings in the folder where a command is run come before those.
    here = os.open(".", os.O_RDONLY) if Path(SETTINGS).is_file() else None
    try:
        if here is not None:
            os.chdir(package)
        yield
    finally:
        if here is not None:
            os.fchdir(here)
            os.close(here)
        for name, value in before.items():
            with suppress(KeyError):
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


with _own_settings():
    from matplotlib import colormaps
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

__all__ = ["Axes", "Figure", "Look", "colour_scale", "label", "save", "section_size"]


@dataclass(frozen=True)
class Look:
    """Size and colours of a single picture; what is None is chosen for its content.

    Attributes
    ----------
    size : tuple of float or None
        Width and height [inches].
    dpi : float
        Dots per inch.
    colours : str or None
        Name of a colour map of Matplotlib.
    clip : float or None
        Share of the values that lie within the colours [%].
    limits : tuple of float or None
        Values at the ends of the colours, in the unit of the picture.

    Raises
    ------
    ConfigError
        If there is no such colour map.
    """

    size: tuple[float, float] | None = None
    dpi: float = 150.0
    colours: str | None = None
    clip: float | None = None
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.colours is not None and self.colours not in colormaps:
            close = difflib.get_close_matches(self.colours, colormaps, n=3) or ["turbo", "gray_r"]
            raise ConfigError(
                f"there are no colours `{self.colours}` in Matplotlib; write --cmap with one of "
                f"its names, as {', '.join(close)}"
            )


def colour_scale(figure: Figure, picture: Any, axes: Axes, title: str) -> None:
    """Draw a scale of colours at the right of a section.

    Matplotlib would move the section to its scale, and lay labels on the other side out as if it
    had not: beyond the picture. With a scale the section therefore stays at the left of its place.

    Parameters
    ----------
    figure : Figure
    picture : AxesImage
    axes : Axes
        Of the section.
    title : str
        Label of the scale.
    """
    axes.set_anchor("W")
    figure.colorbar(picture, ax=axes, label=title, shrink=0.9, panchor=(0.0, 0.5))


def section_size(proportion: float) -> tuple[float, float]:
    """Width and height of a figure that keep the proportions of a section.

    Parameters
    ----------
    proportion : float
        Height of the section over its width.

    Returns
    -------
    size : tuple of float
        [inches]; figures of tall sections are narrower than others.
    """
    width, tallest = 8.0, 9.0
    height = min(max(0.82 * width * proportion, 1.6), tallest)
    fitting = tallest / proportion + 2.0 if proportion > 0 else width
    return min(max(fitting, 4.0), width), height + 0.7


def save(figure: Figure, path: Path, dpi: float) -> None:
    """Write a figure, as PDF if its name ends so, else as PNG.

    Parameters
    ----------
    figure : Figure
    path : Path
    dpi : float
        Dots per inch.
    """
    software = f"fwicli {metadata.version('fwicli')}"
    pdf = path.suffix.lower() == ".pdf"
    with atomic.replacing(path) as new:
        if pdf:
            figure.savefig(new, dpi=dpi, format="pdf", metadata={"Creator": software})
        else:
            # The same bytes; but `savefig` draws a figure twice to lay it out.
            figure.dpi = dpi
            canvas: Any = FigureCanvasAgg(figure)
            canvas.print_png(new, metadata={"Software": software})


def label(name: str, unit: str) -> str:
    """Label of a quantity, with its unit in brackets.

    Parameters
    ----------
    name : str
    unit : str
        Empty without one.

    Returns
    -------
    label : str
    """
    words = words_of(name)
    return f"{words} [{unit}]" if unit else words


def extremes(name: str, *arrays: NDArray[Any]) -> tuple[float, float]:
    """Lowest and highest value of a quantity, for a scale of colours.

    Fluids, in which combinations such as vp / vs are 0, do not count unless there is nothing else.

    Parameters
    ----------
    name : str
        Of the quantity.
    *arrays : ndarray
        Its values, of any shapes.

    Returns
    -------
    low, high : float
    """
    if name in OF_SOLIDS:
        arrays = tuple(a[a > 0] for a in arrays if np.nanmax(a) > 0) or arrays
    return min(float(np.nanmin(a)) for a in arrays), max(float(np.nanmax(a)) for a in arrays)


def words_of(name: str) -> str:
    """Name of a quantity in a label: properties of the earth have some of their own.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    quantity = PROPERTIES.get(name) or COMBINATIONS.get(name)
    return (quantity.words if quantity is not None else "") or name
