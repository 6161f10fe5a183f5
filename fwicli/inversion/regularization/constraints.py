"""What a model must be: within bounds, and with slopes in convex sets.

With D v the differences of a property v between neighbours that may change [SI/m], and means over
the points that have one,

    total variation    mean |D v| <= t
    smoothness         sqrt(mean |D v|**2) <= s
    slopes             low <= D_k v <= high    everywhere, along one axis k

so that slopes along z with low = 0 are a trend that never decreases with depth. Each is a convex
set of slopes with a formula for the nearest of them; `projection` finds the nearest model.

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
        """The nearest member; slopes where there is no edge stay as they are."""
        ...

    def excess(self, slope: Array, edges: Mask) -> float:
        """How far slopes are outside of the set, relative to its size; 0 inside."""
        ...


def _lengths(slope: Array, edges: Mask) -> tuple[Array, int]:
    """Length of the slope at every point, and at how many points there is one."""
    length = np.sqrt((np.where(edges, slope, 0.0) ** 2).sum(axis=0))
    return length, max(int(edges.any(axis=0).sum()), 1)


def _relative(found: float, limit: float) -> float:
    """By how much of a limit a value exceeds it."""
    return max(found - limit, 0.0) / limit


@dataclass(frozen=True)
class Variation:
    """Total variation: the mean length of the slopes is at most `limit` [SI/m]."""

    limit: float

    def measure(self, slope: Array, edges: Mask) -> float:
        """Mean length of the slopes."""
        length, points = _lengths(slope, edges)
        return float(length.sum()) / points

    def nearest(self, slope: Array, edges: Mask) -> Array:
        """All lengths less the same amount, but none below zero."""
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
        """Relative to the limit."""
        return _relative(self.measure(slope, edges), self.limit)


@dataclass(frozen=True)
class Smoothness:
    """The root mean square of the slopes is at most `limit` [SI/m]."""

    limit: float

    def measure(self, slope: Array, edges: Mask) -> float:
        """Root mean square of the slopes."""
        length, points = _lengths(slope, edges)
        return float(np.sqrt((length**2).sum() / points))

    def nearest(self, slope: Array, edges: Mask) -> Array:
        """All slopes, shorter by the same factor."""
        found = self.measure(slope, edges)
        if found <= self.limit:
            return slope
        return np.where(edges, self.limit / found * slope, slope)

    def excess(self, slope: Array, edges: Mask) -> float:
        """Relative to the limit."""
        return _relative(self.measure(slope, edges), self.limit)


@dataclass(frozen=True)
class SlopeRange:
    """Slopes along an axis between `low` and `high` [SI/m], which may be infinite."""

    axis: int
    low: float = -np.inf
    high: float = np.inf

    def nearest(self, slope: Array, edges: Mask) -> Array:
        """Slopes along the axis, clipped."""
        found = slope.copy()
        own = np.clip(slope[self.axis], self.low, self.high)
        found[self.axis] = np.where(edges[self.axis], own, slope[self.axis])
        return found

    def excess(self, slope: Array, edges: Mask) -> float:
        """Largest, relative to the limits or to the size of the slopes, whichever is more."""
        own = slope[self.axis][edges[self.axis]]
        if not own.size:
            return 0.0
        beyond = max(float((self.low - own).max()), float((own - self.high).max()), 0.0)
        limits = [abs(limit) for limit in (self.low, self.high) if np.isfinite(limit)]
        return beyond / max(*limits, float(np.sqrt((own**2).mean())), np.finfo(float).tiny)
