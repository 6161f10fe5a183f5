"""The surface of the earth in sections: a line, and nothing drawn in the air above it."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fwicli.plotting import lengths
from fwicli.plotting.style import Axes
from fwicli.survey.topography import Topography

Array = NDArray[Any]

# Between the section and the marks of sources and receivers.
AIR, LINE = 0.5, 1.0


def middle(axes: Axes, topography: Topography | None) -> None:
    """Draw the surface in a section; in 3D it is the section in the middle of y.

    Parameters
    ----------
    axes : Axes
        With the section, in the unit of its grid.
    topography : Topography or None
        None for a model without air.
    """
    if topography is None:
        return
    depths, step = topography.columns, 1 / lengths.unit_of(topography.grid).size
    depths = depths if depths.ndim == 1 else depths[:, depths.shape[1] // 2]
    surface(axes, topography.grid.coordinates(0) * step, depths * step)


def surface(axes: Axes, x: Array, depths: Array) -> None:
    """Draw a surface as a line, and leave the section above it blank.

    Parameters
    ----------
    axes : Axes
        With the section; depths increase downwards.
    x, depths : ndarray of shape (n,)
        In the units of the axes.
    """
    across, down = axes.get_xlim(), axes.get_ylim()
    axes.fill_between(x, min(*down, depths.min()), depths, color="white", lw=0, zorder=AIR)
    axes.plot(x, depths, color="k", lw=0.8, zorder=LINE)
    axes.set(xlim=across, ylim=down)
