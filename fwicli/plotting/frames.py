"""Pictures of one quantity that share their axes and colours: iterates of a model, one a frame.

Axes and colour scale are drawn once, as SVG. A field is a small PNG, a point of the grid a pixel:

    index = round(255 (v - low) / (high - low)),    cut to 0 ... 255

of a palette. The ends are the same for all frames, so that equal colours mean equal values.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.plotting import lengths, topographies
from fwicli.plotting.encoding import compact, vector
from fwicli.plotting.style import Axes, Figure
from fwicli.survey.grid import Grid
from fwicli.survey.topography import Topography

Array = NDArray[Any]

# Width of a picture [inches], and colours of a palette.
WIDTH, LEVELS = 8.0, 256
# Lowest level of an energy [dB], and dots per inch of its picture.
FAINT, DPI = -40.0, 110


@dataclass(frozen=True)
class FrameStyle:
    """Colours of all frames of a quantity.

    Parameters
    ----------
    colours : str
        Name of a colour map.
    low, high : float
        Ends of the scale, in the unit of the quantity.
    label : str
        Of the colour scale, with its unit.
    """

    colours: str
    low: float
    high: float
    label: str


def middle_section(values: Array) -> Array:
    """The vertical section of shape (n_x, n_z) that is drawn: in 3D the one in the middle of y."""
    return values if values.ndim == 2 else values[:, values.shape[1] // 2]


def field(values: Array, style: FrameStyle, pixels: int = 640) -> bytes:
    """A field as PNG, without axes.

    Parameters
    ----------
    values : ndarray of shape (n_x, n_z) or (n_x, n_y, n_z)
    style : FrameStyle
    pixels : int
        Along an axis at most; a field with more points is drawn at some of them.

    Returns
    -------
    picture : bytes
    """
    from matplotlib import colormaps
    from PIL import Image

    section = middle_section(np.asarray(values, dtype=np.float64))
    chosen = [
        np.unique(np.linspace(0, n - 1, min(n, pixels)).round().astype(int)) for n in section.shape
    ]
    share = (section[np.ix_(*chosen)] - style.low) / max(style.high - style.low, 1e-300)
    index = np.clip(np.round((LEVELS - 1) * np.nan_to_num(share)), 0, LEVELS - 1).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(index.T), mode="L")
    colours = colormaps[style.colours](np.arange(LEVELS), bytes=True)[:, :3]
    picture.putpalette(np.ascontiguousarray(colours).tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def illumination(
    values: Array, grid: Grid, title: str, topography: Topography | None = None
) -> bytes:
    """An energy below its largest value [dB], as a picture with axes.

    Parameters
    ----------
    values : ndarray of shape grid.shape
        Not negative.
    grid : Grid
    title : str
    topography : Topography, optional
        Surface with air above, which stays blank.

    Returns
    -------
    picture : bytes
        PNG.
    """
    section = middle_section(np.asarray(values, dtype=np.float64))
    largest = float(section.max()) or 1.0
    level = 10 * np.log10(np.maximum(section / largest, 10.0 ** (0.1 * FAINT)))
    faintest = 5.0 * np.floor(float(np.percentile(level, 0.5)) / 5.0)
    style = FrameStyle("viridis", min(faintest, -5.0), 0.0, "below the largest value [dB]")
    figure, panel = _axes(grid, style, title)
    panel.imshow(
        level.T,
        cmap=style.colours,
        vmin=style.low,
        vmax=style.high,
        extent=(*panel.get_xlim(), *panel.get_ylim()),
    )
    topographies.middle(panel, topography)
    return compact(figure, DPI)


def axes(
    grid: Grid, style: FrameStyle, title: str, topography: Topography | None = None
) -> tuple[bytes, tuple[float, float, float, float]]:
    """Axes and colour scale of the frames as SVG, and the box of the field in it.

    Parameters
    ----------
    grid : Grid
    style : FrameStyle
    title : str
    topography : Topography, optional
        Surface with air above, which covers the field.

    Returns
    -------
    picture : bytes
    box : tuple of float
        Left, top, width and height of the field, as shares of the picture.
    """
    figure, panel = _axes(grid, style, title)
    topographies.middle(panel, topography)
    figure.draw_without_rendering()
    place = panel.get_position()
    return vector(figure), (place.x0, 1 - place.y1, place.width, place.height)


def _axes(grid: Grid, style: FrameStyle, title: str) -> tuple[Figure, Axes]:
    """A figure with empty axes of a section, and a colour scale."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    extent = [(e - o) for o, e in zip(grid.origin, grid.end, strict=True)]
    height = float(np.clip(0.82 * WIDTH * extent[-1] / extent[0], 1.6, 6.5)) + 0.7
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="none")
    panel = figure.subplots()
    panel.set_facecolor("none")
    unit = lengths.unit_of(grid)
    panel.set(
        xlim=(grid.origin[0] / unit.size, grid.end[0] / unit.size),
        ylim=(grid.end[-1] / unit.size, grid.origin[-1] / unit.size),
        xlabel=unit.label("x"),
        ylabel=unit.label("depth"),
        aspect="equal",
        title=title,
    )
    scale = ScalarMappable(Normalize(style.low, style.high), style.colours)
    figure.colorbar(scale, ax=panel, label=style.label, shrink=0.9)
    return figure, panel
