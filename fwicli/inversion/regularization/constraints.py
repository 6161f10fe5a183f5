"""Convex sets of models: within bounds, and with slopes in convex sets.

With D v the differences of a property v between neighbours that may change [SI/m], and means over
the points that have a difference,

    total variation    mean |D v| <= t
    smoothness         sqrt(mean |D v|**2) <= s
    slopes             low <= D_k v <= high    everywhere, along one axis k

so that slopes along z with low = 0 are a trend that never decreases with depth. For each set a
formula gives the nearest member; `projection` computes the nearest model.

References: Duchi et al. (2008), Proc. 25th ICML, 272-279, for the nearest point of an L1 ball;
Esser et al. (2018), SIAM J. Imaging Sci. 11, 376-406, for total variation and monotone slopes as
constraints of full-waveform inversion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Mask = NDArray[np.bool_]


class SlopeSet(Protocol):
    """A convex set of slopes, of shape (ndim, *grid.shape)."""

    def nearest(self, slope: Array, edges: Mask) -> Array:
        """The nearest member of the set.

        Parameters
        ----------
        slope : ndarray of shape (ndim, *grid.shape)
            Slopes [SI/m].
        edges : ndarray of bool, of shape (ndim, *grid.shape)
            Where a slope lies between two points that may change.

        Returns
        -------
        nearest : ndarray of shape (ndim, *grid.shape)
            Slopes off the edges are unchanged.
        """
        ...

    def excess(self, slope: Array, edges: Mask) -> float:
        """Distance of slopes from the set, relative to its size; 0 inside.

        Parameters
        ----------
        slope : ndarray of shape (ndim, *grid.shape)
            Slopes [SI/m].
        edges : ndarray of bool, of shape (ndim, *grid.shape)
            Where a slope lies between two points that may change.

        Returns
        -------
        excess : float
        """
        ...


def _lengths(slope: Array, edges: Mask) -> tuple[Array, int]:
    """Length of the slope at every point, and the number of points with an edge."""
    length = np.sqrt((np.where(edges, slope, 0.0) ** 2).sum(axis=0))
    return length, max(int(edges.any(axis=0).sum()), 1)


def _relative(value: float, limit: float) -> float:
    """By how much of a limit a value exceeds it."""
    return max(value - limit, 0.0) / limit


@dataclass(frozen=True)
class Variation(SlopeSet):
    """Total variation: the mean length of the slopes is at most `limit` [SI/m]."""

    limit: float

    def measure(self, slope: Array, edges: Mask) -> float:
        """Mean length of the slopes.

        Parameters
        ----------
        slope : ndarray of shape (ndim, *grid.shape)
            Slopes [SI/m].
        edges : ndarray of bool, of shape (ndim, *grid.shape)
            Where a slope lies between two points that may change.

        Returns
        -------
        mean : float
            [SI/m].
        """
        length, points = _lengths(slope, edges)
        return float(length.sum()) / points

    def nearest(self, slope: Array, edges: Mask) -> Array:
        """Shorten all lengths by the same amount, to no less than zero.

        Parameters
        ----------
        slope : ndarray of shape (ndim, *grid.shape)
            Slopes [SI/m].
        edges : ndarray of bool, of shape (ndim, *grid.shape)
            Where a slope lies between two points that may change.

        Returns
        -------
        nearest : ndarray of shape (ndim, *grid.shape)
        """
        length, points = _lengths(slope, edges)
        radius = self.limit * points
        if length.sum() <= radius:
            return slope
        falling = np.sort(length, axis=None)[::-1]
        amounts = (np.cumsum(falling) - radius) / np.arange(1, falling.size + 1)
        amount = amounts[np.flatnonzero(falling > amounts)[-1]]
        share = np.maximum(length - amount, 0.0) / np.where(length > 0, length, 1.0)
        return np.where(edges, share * slope, slope)

    def excess(self, slope: Array, edges: Mask) -> float:
        """Excess of the mean length over the limit, relative to the limit."""
        return _relative(self.measure(slope, edges), self.limit)


@dataclass(frozen=True)
class Smoothness(SlopeSet):
    """The root mean square of the slopes is at most `limit` [SI/m]."""

    limit: float

    def measure(self, slope: Array, edges: Mask) -> float:
        """Root mean square of the slopes.

        Parameters
        ----------
        slope : ndarray of shape (ndim, *grid.shape)
            Slopes [SI/m].
        edges : ndarray of bool, of shape (ndim, *grid.shape)
            Where a slope lies between two points that may change.

        Returns
        -------
        rms : float
            [SI/m].
        """
        length, points = _lengths(slope, edges)
        return float(np.sqrt((length**2).sum() / points))

    def nearest(self, slope: Array, edges: Mask) -> Array:
        """Shorten all slopes by the same factor.

        Parameters
        ----------
        slope : ndarray of shape (ndim, *grid.shape)
            Slopes [SI/m].
        edges : ndarray of bool, of shape (ndim, *grid.shape)
            Where a slope lies between two points that may change.

        Returns
        -------
        nearest : ndarray of shape (ndim, *grid.shape)
        """
        rms = self.measure(slope, edges)
        if rms <= self.limit:
            return slope
        return np.where(edges, self.limit / rms * slope, slope)

    def excess(self, slope: Array, edges: Mask) -> float:
        """Excess of the root mean square over the limit, relative to the limit."""
        return _relative(self.measure(slope, edges), self.limit)


@dataclass(frozen=True)
class SlopeRange(SlopeSet):
    """Slopes along an axis between `low` and `high` [SI/m], which may be infinite."""

    axis: int
    low: float = -np.inf
    high: float = np.inf

    def nearest(self, slope: Array, edges: Mask) -> Array:
        """Clip the slopes along the axis.

        Parameters
        ----------
        slope : ndarray of shape (ndim, *grid.shape)
            Slopes [SI/m].
        edges : ndarray of bool, of shape (ndim, *grid.shape)
            Where a slope lies between two points that may change.

        Returns
        -------
        nearest : ndarray of shape (ndim, *grid.shape)
        """
        nearest = slope.copy()
        clipped = np.clip(slope[self.axis], self.low, self.high)
        nearest[self.axis] = np.where(edges[self.axis], clipped, slope[self.axis])
        return nearest

    def excess(self, slope: Array, edges: Mask) -> float:
        """Largest excess, relative to the larger of the limits and the size of the slopes."""
        slopes = slope[self.axis][edges[self.axis]]
        if not slopes.size:
            return 0.0
        beyond = max(float((self.low - slopes).max()), float((slopes - self.high).max()), 0.0)
        limits = [abs(limit) for limit in (self.low, self.high) if np.isfinite(limit)]
        return beyond / max(*limits, float(np.sqrt((slopes**2).mean())), np.finfo(float).tiny)
