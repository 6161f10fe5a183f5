"""Differences between neighbouring points of the grid, with their transposes.

    (D_k v)_i  = (v_{i+e_k} - v_i) / h_k                     first, along axis k
    (D_kk v)_i = (v_{i+e_k} - 2 v_i + v_{i-e_k}) / h_k**2    second

Differences across the edge of the grid, or to a fixed point, are zero: no penalty or constraint
could remove a contrast to fixed values, such as that of the sea floor. Without fixed points,
cosines diagonalise D^T D, with the eigenvalues `cosine_eigenvalues`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mask = NDArray[np.bool_]


def _part(axis: int, start: int | None, stop: int | None) -> tuple[slice, ...]:
    """Index of a range along one axis."""
    return (*[slice(None)] * axis, slice(start, stop))


@dataclass(frozen=True)
class Differences:
    """First differences along every axis, and second ones.

    Parameters
    ----------
    free : ndarray of bool
        Points that may change.
    spacing : tuple of float
        Of the grid [m].
    """

    free: Mask
    spacing: tuple[float, ...]

    @property
    def edges(self) -> Mask:
        """Where first differences are between free points, of shape (ndim, *grid.shape)."""
        edges = np.zeros((self.free.ndim, *self.free.shape), dtype=bool)
        for axis in range(self.free.ndim):
            low, high = _part(axis, None, -1), _part(axis, 1, None)
            edges[axis][low] = self.free[low] & self.free[high]
        return edges

    def gradient(self, values: Array) -> Array:
        """First differences along each axis, of shape (ndim, *grid.shape)."""
        return np.where(self.edges, slopes(values, self.spacing), 0.0)

    def gradient_transpose(self, slope: Array) -> Array:
        """Transpose of `gradient`."""
        return slopes_transpose(np.where(self.edges, slope, 0.0), self.spacing)

    def curvature(self, values: Array) -> Array:
        """Second differences along each axis, of shape (ndim, *grid.shape)."""
        return self._second(slopes(values, self.spacing))

    def curvature_transpose(self, bend: Array) -> Array:
        """Transpose of `curvature`."""
        return slopes_transpose(self._second_transpose(bend), self.spacing)

    def _inner(self, axis: int) -> Mask:
        """Points that are free, and whose two neighbours along an axis are."""
        before, at, after = (_part(axis, *r) for r in ((None, -2), (1, -1), (2, None)))
        return np.asarray(self.free[before] & self.free[at] & self.free[after])

    def _second(self, slope: Array) -> Array:
        bend = np.zeros(slope.shape)
        for axis, h in enumerate(self.spacing):
            before, at = _part(axis, None, -2), _part(axis, 1, -1)
            change = (slope[axis][at] - slope[axis][before]) / h
            bend[axis][at] = np.where(self._inner(axis), change, 0.0)
        return bend

    def _second_transpose(self, bend: Array) -> Array:
        slope = np.zeros(bend.shape)
        for axis, h in enumerate(self.spacing):
            before, at = _part(axis, None, -2), _part(axis, 1, -1)
            part = np.where(self._inner(axis), bend[axis][at], 0.0) / h
            slope[axis][at] += part
            slope[axis][before] -= part
        return slope


def slopes(values: Array, spacing: tuple[float, ...]) -> Array:
    """First differences between all points, zero at the last point along each axis.

    Parameters
    ----------
    values : ndarray of shape grid.shape
    spacing : tuple of float
        Of the grid [m].

    Returns
    -------
    slopes : ndarray of shape (ndim, *grid.shape)
        Per metre.
    """
    differences = np.zeros((values.ndim, *values.shape))
    for axis, h in enumerate(spacing):
        differences[axis][_part(axis, None, -1)] = np.diff(values, axis=axis) / h
    return differences


def slopes_transpose(slope: Array, spacing: tuple[float, ...]) -> Array:
    """Transpose of `slopes`.

    Parameters
    ----------
    slope : ndarray of shape (ndim, *grid.shape)
        Values at the last points along each axis do not count.
    spacing : tuple of float
        Of the grid [m].

    Returns
    -------
    values : ndarray of shape grid.shape
    """
    total = np.zeros(slope.shape[1:])
    for axis, h in enumerate(spacing):
        low, high = _part(axis, None, -1), _part(axis, 1, None)
        total[low] -= slope[axis][low] / h
        total[high] += slope[axis][low] / h
    return total


def cosine_eigenvalues(shape: tuple[int, ...], spacing: tuple[float, ...]) -> Array:
    """Eigenvalues of `slopes_transpose` after `slopes`, whose eigenvectors are cosines (DCT-II).

    Parameters
    ----------
    shape : tuple of int
        Of the grid.
    spacing : tuple of float
        Of the grid [m].

    Returns
    -------
    eigenvalues : ndarray of shape `shape`
        [1/m2].
    """
    total = np.zeros(shape)
    for axis, (n, h) in enumerate(zip(shape, spacing, strict=True)):
        along_axis = (2 * np.sin(0.5 * np.pi * np.arange(n) / n) / h) ** 2
        total += along_axis.reshape(-1, *[1] * (len(shape) - axis - 1))
    return total
