"""Sources and receivers off the grid, by Kaiser-windowed sinc functions.

The value of a band-limited field at position x, in units of the grid spacing, is

    u(x) = sum_i u_i prod_axes g(x - i),        g(s) = sinc(s) I0(b sqrt(1 - (s/r)**2)) / I0(b)

over the 2 r nearest points along each axis. A source is injected with the same weights, divided
by the cell volume: that is the transpose, and the band-limited delta function.

Both directions are stored as rows of grid points and weights that are *gathered*: a receiver sums
over its grid points, and a grid point sums over the sources that reach it. No two rows write the
same place, so the result does not depend on the number of threads.

Reference: Hicks (2002), Geophysics 67, 156-165. With r = 4 and b = 6.31 the error along an axis is
at most 0.13 % down to 4 points per wavelength.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
from numpy.typing import NDArray

RADIUS = 4
KAISER_BETA = 6.31


@dataclass(frozen=True)
class Interpolation:
    """Rows of grid points and weights, one row a receiver, padded with zero weights.

    Attributes
    ----------
    indices : ndarray of int32, shape (ndim, n_points, width)
    weights : ndarray of shape (n_points, width)
    """

    indices: NDArray[np.int32]
    weights: NDArray[Any]


@dataclass(frozen=True)
class Injection:
    """Grid points and the sources that reach each, padded with zero weights.

    Attributes
    ----------
    indices : ndarray of int32, shape (ndim, n_grid_points)
    members : ndarray of int32, shape (n_grid_points, width)
        Numbers of the sources.
    weights : ndarray of shape (n_grid_points, width)
    """

    indices: NDArray[np.int32]
    members: NDArray[np.int32]
    weights: NDArray[Any]


def interpolation(positions: NDArray[np.float64], surface: bool = False) -> Interpolation:
    """Interpolation of a field at positions of shape (n_points, ndim), in grid spacings.

    A coordinate within a millionth of a spacing of a grid point is taken to be on it. Below a free
    surface the field above is the negative mirror image of that below, and so are the weights.
    """
    positions = np.atleast_2d(np.asarray(positions, dtype=np.float64))
    nearest = np.rint(positions)
    positions = np.where(np.abs(positions - nearest) < 1e-6, nearest, positions)
    first = np.floor(positions).astype(np.int64) - RADIUS + 1
    reach = np.arange(2 * RADIUS)
    distance = positions[:, :, None] - (first[:, :, None] + reach)
    window = np.sqrt(np.maximum(0.0, 1 - (distance / RADIUS) ** 2))
    kernel = np.sinc(distance) * scipy.special.i0(KAISER_BETA * window)
    kernel = np.where(np.abs(distance) < RADIUS, kernel / scipy.special.i0(KAISER_BETA), 0.0)
    kernel[np.abs(kernel) < 1e-12] = 0.0

    n, ndim = positions.shape
    weights = np.ones((n, 1))
    for axis in range(ndim):
        weights = (weights[:, :, None] * kernel[:, axis, None, :]).reshape(n, -1)
    offsets = np.stack(np.meshgrid(*[reach] * ndim, indexing="ij")).reshape(ndim, -1)
    indices = first.T[:, :, None] + offsets[:, None, :]
    if surface:
        weights = weights * np.sign(indices[-1])
        indices[-1] = np.abs(indices[-1])
    return _compact(indices, weights)


def _compact(indices: NDArray[np.int64], weights: NDArray[np.float64]) -> Interpolation:
    """Move the non-zero weights of each row to its front and cut what no row needs."""
    order = np.argsort(weights == 0, axis=1, kind="stable")
    width = max(1, int((weights != 0).sum(axis=1).max(initial=1)))
    weights = np.take_along_axis(weights, order, axis=1)[:, :width]
    indices = np.take_along_axis(indices, order[None], axis=2)[:, :, :width]
    # Padding points at the row's first point, so that no index leaves the grid.
    indices = np.where(weights == 0, indices[:, :, :1], indices)
    return Interpolation(indices.astype(np.int32), weights)


def transpose(points: Interpolation) -> Injection:
    """Injection that is the exact transpose of an interpolation."""
    ndim, n, width = points.indices.shape
    flat = points.indices.reshape(ndim, -1)
    weights = points.weights.ravel()
    members = np.repeat(np.arange(n), width)
    used = weights != 0
    grid_points, row = np.unique(flat[:, used], axis=1, return_inverse=True)
    row = row.ravel()
    order = np.argsort(row, kind="stable")
    counts = np.bincount(row, minlength=grid_points.shape[1])
    column = np.arange(row.size) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (grid_points.shape[1], int(counts.max(initial=1)))
    out_members = np.zeros(shape, dtype=np.int32)
    out_weights = np.zeros(shape)
    out_members[row[order], column] = members[used][order]
    out_weights[row[order], column] = weights[used][order]
    return Injection(grid_points.astype(np.int32), out_members, out_weights)
