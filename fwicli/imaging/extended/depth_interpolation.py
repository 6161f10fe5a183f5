"""Values of images between their points along depth, linear, and the transpose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def at_rows(values: Array, rows: Array) -> Array:
    """Values between their points along depth; zero above the first and below the last.

    Parameters
    ----------
    values : ndarray of shape (..., n_z)
    rows : ndarray
        Places along depth for each value, in points from the first, not whole; its shape and that
        of the values agree or broadcast.

    Returns
    -------
    ndarray of the shape of the values
    """
    upper, above, below = _shares(values.shape[-1], rows)
    upper = np.broadcast_to(upper, values.shape)
    event = above * np.take_along_axis(values, upper, axis=-1)
    return np.asarray(event + below * np.take_along_axis(values, upper + 1, axis=-1))


def at_rows_transpose(values: Array, rows: Array) -> Array:
    """Transpose of `at_rows`.

    Parameters
    ----------
    values : ndarray of shape (..., n_z)
    rows : ndarray
        As there.

    Returns
    -------
    ndarray of the shape of the values
    """
    upper, above, below = _shares(values.shape[-1], rows)
    first = np.arange(0, values.size, values.shape[-1]).reshape(*values.shape[:-1], 1)
    total = np.zeros(values.size)
    for place, share in ((upper, above), (upper + 1, below)):
        total += np.bincount((first + place).ravel(), (share * values).ravel(), values.size)
    return total.reshape(values.shape)


def _shares(points: int, rows: Array) -> tuple[Array, Array, Array]:
    """Points above the rows, and the shares of these and of those below."""
    upper = np.clip(np.floor(rows).astype(int), 0, points - 2)
    share = rows - upper
    inside = (share >= 0) & (share <= 1)
    return upper, np.where(inside, 1 - share, 0.0), np.where(inside, share, 0.0)
