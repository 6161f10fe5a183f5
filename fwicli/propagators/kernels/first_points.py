"""First points of rows: where those of each row begin among points in the order of their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def table(axis: str, prefix: str) -> str:
    """Name of the argument that holds the first point of each row.

    Parameters
    ----------
    axis : str
        Along which rows follow each other.
    prefix : str
        With which names of the arguments of the points begin.

    Returns
    -------
    str
    """
    return f"{axis}_first_{prefix}"


def numbers(rows: NDArray[Any], count: int, halo: int) -> NDArray[np.int32]:
    """Number of the first point at or behind each row.

    Parameters
    ----------
    rows : ndarray of int, of shape (n_points,)
        Rows of the points, in their order.
    count : int
        Rows of the grid.
    halo : int
        Rows before and after them.

    Returns
    -------
    ndarray of int, of shape (count + 2 * halo,)
    """
    return np.searchsorted(rows, np.arange(-halo, count + halo)).astype(np.int32)
