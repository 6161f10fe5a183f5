"""Images on another grid, by cubic splines.

An image has at least two points in its shortest wavelength along depth. Splines are close to sinc
functions there, where linear interpolation weakens the shortest waves by half.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.survey.grid import Grid

Array = NDArray[Any]


def resampled(image: Array, grid: Grid, onto: Grid) -> Array:
    """An image at the points of another grid.

    Parameters
    ----------
    image : ndarray of shape grid.shape
    grid : Grid
    onto : Grid
        It ends within a cell of the first, where the outermost values are repeated.

    Returns
    -------
    ndarray of shape onto.shape
        The image itself for equal grids.

    Raises
    ------
    DataError
        If the grids differ in their number of axes, or in their ends by more than a cell.
    """
    if grid == onto:
        return image
    _check_ends(grid, onto)
    points = np.meshgrid(
        *((onto.coordinates(a) - grid.origin[a]) / grid.spacing[a] for a in range(grid.ndim)),
        indexing="ij",
    )
    values = np.asarray(image, dtype=float)
    return np.asarray(scipy.ndimage.map_coordinates(values, points, order=3, mode="nearest"))


def _check_ends(grid: Grid, onto: Grid) -> None:
    """Make sure that two grids cover the same part of the earth, to a cell."""
    cell = np.maximum(grid.spacing, onto.spacing) if grid.ndim == onto.ndim else 0.0
    ends = [np.asarray([g.origin, g.end]) for g in (grid, onto)]
    if grid.ndim == onto.ndim and (np.abs(ends[0] - ends[1]) <= cell * (1 + 1e-6)).all():
        return
    raise DataError(
        f"the image covers {_extent(grid)}, and the model {_extent(onto)}; name an image of the "
        f"same part of the earth"
    )


def _extent(grid: Grid) -> str:
    """Begin and end of a grid along its axes, in words."""
    return " by ".join(
        f"{name} = {start:g} to {end:g} m"
        for name, start, end in zip(grid.axes, grid.origin, grid.end, strict=True)
    )
