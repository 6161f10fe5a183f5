"""Windows: the part of a model in which the waves of one shot are propagated.

A window takes its values from the model, C m, and its image or gradient is added to that of the
model, C^T g. The sum over shots is therefore the derivative of the sum of their misfits. The
absorbing layer lies around the window as around a model of that size.

The extent of a window is given, as a distance beyond source and receivers, or follows from travel
times: a wave from a source at s out to x and back to a receiver at r takes at least

    t = |T(x) - T(s)| + |T(x) - T(r)|,        T(x) = int dx / v(x)

along every axis, with v(x) the fastest wave anywhere at x. Beyond the x with t = t_end, neither the
model nor the layer affects the record before t_end.

All windows of a survey have one size, so that one set of arrays serves them all. Each window is
centred about its shot, or moved so that it lies within the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.points import Points
from fwicli.survey.topography import Topography
from fwicli.survey.uniform import is_uniform

Array = NDArray[Any]

# Lowest and highest position along every axis [m].
Extent = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Window:
    """A block of the points of a grid.

    Parameters
    ----------
    grid : Grid
        Of the model.
    start, shape : tuple of int
        First point, and number of points, along every axis.
    surface : Topography, optional
        Its part of a topography, on its own grid.
    """

    grid: Grid
    start: tuple[int, ...]
    shape: tuple[int, ...]
    surface: Topography | None = None

    @property
    def whole(self) -> bool:
        """Whether it is all of the model."""
        return self.shape == self.grid.shape

    @property
    def local(self) -> Grid:
        """Grid of the window, with the origin of the model: the same for every shot."""
        return Grid(self.shape, self.grid.spacing, self.grid.origin)

    @property
    def _slices(self) -> tuple[slice, ...]:
        return tuple(slice(s, s + n) for s, n in zip(self.start, self.shape, strict=True))

    def below(self, topography: Topography) -> Window:
        """The window with its part of a topography of the model."""
        depths = topography.columns[self._slices[:-1]] - self.offset[-1]
        return replace(self, surface=Topography.on(self.local, depths))

    def union(self, other: Window) -> Window:
        """The smallest window that includes this one and another one of the same grid."""
        if self == other:
            return self
        first, last = self._ends
        others = other._ends
        start = tuple(map(min, first, others[0]))
        end = tuple(map(max, last, others[1]))
        return Window(self.grid, start, tuple(e - s for s, e in zip(start, end, strict=True)))

    def slices_in(self, outer: Window) -> tuple[slice, ...]:
        """Where it lies in arrays of a window that includes it."""
        first, last = self._ends
        return tuple(slice(s - o, e - o) for s, e, o in zip(first, last, outer.start, strict=True))

    @property
    def _ends(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """First point, and point behind the last one, along every axis."""
        return self.start, tuple(s + n for s, n in zip(self.start, self.shape, strict=True))

    def cut(self, values: Array) -> Array:
        """Values in the window, of shape `shape`, from those of the model."""
        return values if self.whole else np.ascontiguousarray(values[self._slices])

    def cut_all(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """Several arrays in the window, by name."""
        return {name: self.cut(values) for name, values in parameters.items()}

    def add(self, part: Array, total: Array) -> None:
        """Add values in the window to those of the model, in place: the transpose of `cut`.

        Parameters
        ----------
        part : ndarray of shape `shape`
            Values in the window.
        total : ndarray of shape grid.shape
            Values of the model.
        """
        total[self._slices] += part

    def local_positions(self, positions: Any) -> Any:
        """Positions [m], or points with components, on the window's own grid."""
        if self.whole:
            return positions
        if isinstance(positions, Points):
            return positions.shifted(-self.offset)
        return positions - self.offset

    @property
    def offset(self) -> NDArray[np.float64]:
        """Distance of its first point from that of the model along every axis [m]."""
        return np.asarray(np.array(self.start) * np.array(self.grid.spacing))


def of_one_size(
    grid: Grid, extents: Sequence[Extent], tied: Sequence[tuple[bool, bool]], fewest: int
) -> tuple[Window, ...]:
    """A window for each shot, all of one size.

    Parameters
    ----------
    grid : Grid
        Of the model.
    extents : sequence of Extent
        Extent of each shot; parts outside the model are ignored.
    tied : sequence of pairs of bool
        Whether windows must include the first and the last points along an axis, as where the
        pressure is zero there.
    fewest : int
        Smallest number of points of a window along every axis.

    Returns
    -------
    windows : tuple of Window
    """
    spacing, origin = np.array(grid.spacing), np.array(grid.origin)
    ends = np.array(grid.shape) - 1
    low, high = (np.stack(sides) for sides in zip(*extents, strict=True))
    first = np.clip(np.floor((low - origin) / spacing + 1e-6), 0, ends)
    last = np.clip(np.ceil((high - origin) / spacing - 1e-6), 0, ends)
    for axis, (at_start, at_end) in enumerate(tied):
        first[:, axis] = 0 if at_start else first[:, axis]
        last[:, axis] = ends[axis] if at_end else last[:, axis]
    size = np.maximum((last - first + 1).max(axis=0), fewest)
    size = np.minimum(size, ends + 1).astype(int)
    # The extent of the shot is centred in its window.
    start = np.clip(np.floor((first + last - size + 1) / 2), 0, ends + 1 - size).astype(int)
    for axis, (at_start, at_end) in enumerate(tied):
        if at_start or at_end:
            start[:, axis] = 0 if at_start else ends[axis] + 1 - size[axis]
    shape = tuple(int(n) for n in size)
    return tuple(Window(grid, tuple(int(i) for i in s), shape) for s in start)


def whole(grid: Grid) -> Window:
    """The window that is the whole model."""
    return Window(grid, (0,) * grid.ndim, grid.shape)


def beyond(geometry: Acquisition, distance: float, margin: Array) -> list[Extent]:
    """All depths, and a horizontal distance beyond source and receivers of each shot.

    Parameters
    ----------
    geometry : Acquisition
    distance : float
        Horizontal distance [m].
    margin : ndarray of shape (ndim,)
        Smallest distance [m], for the interpolation of the positions.

    Returns
    -------
    extents : list of Extent
    """
    extents = []
    for low, high in _spreads(geometry):
        reach = np.maximum(distance, margin)
        reach[-1] = np.inf
        extents.append((low - reach, high + reach))
    return extents


def recorded(
    geometry: Acquisition, grid: Grid, velocity: Array, duration: float, margin: Array
) -> list[Extent]:
    """Extents from which waves come back to a receiver within the record.

    Parameters
    ----------
    geometry : Acquisition
    grid : Grid
        Of the model.
    velocity : ndarray of shape grid.shape
        Fastest wave at every point [m/s].
    duration : float
        Time from the first value of the source to the end of the record [s].
    margin : ndarray of shape (ndim,)
        Distance that is added [m], for the interpolation of the positions and the length of the
        space differences.

    Returns
    -------
    extents : list of Extent
    """
    clocks = [_Clock(grid, axis, velocity) for axis in range(grid.ndim)]
    extents = []
    for shot, (low, high) in enumerate(_spreads(geometry)):
        source = geometry.source(shot)[0]
        ends = [
            clock.turning(source[axis], low[axis], high[axis], duration)
            for axis, clock in enumerate(clocks)
        ]
        first, last = np.array(ends).T
        # Source and receivers lie in their window even if no wave travels between them in time.
        extents.append((np.minimum(first, low) - margin, np.maximum(last, high) + margin))
    return extents


def _spreads(geometry: Acquisition) -> list[Extent]:
    """Lowest and highest position of source and receivers of every shot."""
    spreads, ends = [], dict[int, Extent]()
    for shot in range(geometry.shots):
        receivers, source = geometry.sensed(shot), geometry.sources[shot]
        # Shots often have all receivers in common.
        if id(receivers) not in ends:
            ends = {id(receivers): (receivers.min(axis=0), receivers.max(axis=0))}
        low, high = ends[id(receivers)]
        spreads.append((np.minimum(low, source), np.maximum(high, source)))
    return spreads


class _Clock:
    """T(x) along an axis: the shortest travel time from the first point to x."""

    def __init__(self, grid: Grid, axis: int, velocity: Array) -> None:
        others = tuple(a for a in range(grid.ndim) if a != axis)
        if is_uniform(velocity):
            velocity = np.full(
                [n if a == axis else 1 for a, n in enumerate(grid.shape)], velocity.flat[0]
            )
        fastest = velocity.max(axis=others)
        between = np.maximum(fastest[1:], fastest[:-1])
        self._x = grid.coordinates(axis)
        self._time = np.concatenate([[0.0], np.cumsum(grid.spacing[axis] / between)])

    def turning(
        self, source: float, low: float, high: float, duration: float
    ) -> tuple[float, float]:
        """Farthest positions from which a wave returns to a receiver within `duration`."""
        t, first, last = np.interp([source, low, high], self._x, self._time)
        begin, end = (t + first - duration) / 2, (t + last + duration) / 2
        return (
            float(np.interp(begin, self._time, self._x)) if begin > 0 else -np.inf,
            float(np.interp(end, self._time, self._x)) if end < self._time[-1] else np.inf,
        )
