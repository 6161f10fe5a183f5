"""ShotPoints: the sources or receivers of a shot, as points of the fields that a kernel works on.

A component is a sum of fields of the equation (see `equations.equation.Channel`), each at its own
place between the points. So the traces of a shot belong to parts, one a field: the traces that
have a share in the field, their shares, and the points of that field. Where traces of a field
differ in their time, as velocities and their integrals do, there is a part for each, at the same
points. Injection and recording are transposes of each other, whatever the components. A strain is
the difference of two displacements, one at each end of its gauge, and its rate that of velocities;
a matrix, and its transpose, turn one into the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from fwicli.propagators.equations import cut_cells, registry, surface
from fwicli.propagators.equations.channel import Channel
from fwicli.propagators.equations.component_fields import component_fields
from fwicli.propagators.locations import GridLocations, Locations, inject, on_grid, record
from fwicli.propagators.sampling.interpolation import Rock, Staggering
from fwicli.survey.components import Component
from fwicli.survey.points import Points

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization

Array = NDArray[Any]
Timing = tuple[int, bool, bool, bool]
# Name of a field, and the time of its traces (see `Channel.timing`).
PartKey = tuple[str, Timing]
# Shares in a field by the time of its traces, each with its channel.
Shares = dict[Timing, tuple[Channel, float]]


@dataclass(frozen=True)
class FieldPoints:
    """Points of one field.

    Attributes
    ----------
    field : str
        Name of the field.
    channel : Channel
        One that the field belongs to, with the time of these traces.
    at : GridLocations
    rows : ndarray of int, shape (n,), or None
        Numbers of the traces that have a share in the field; None for all.
    shares : ndarray of shape (n, 1), or None
        Their shares; None if all are 1.
    """

    field: str
    channel: Channel
    at: GridLocations
    rows: NDArray[np.int64] | None = None
    shares: Array | None = None

    @property
    def key(self) -> PartKey:
        """Name of the field, and the time of the traces: no other part of a shot has both."""
        return self.field, self.channel.timing


@dataclass(frozen=True)
class ShotPoints:
    """Sources or receivers of a shot.

    Attributes
    ----------
    parts : tuple of FieldPoints
        One for each field and time; those of a field come together, and have the same points.
    count : int
        Traces of points with components; 0 for other locations.
    gauges : sparse matrix of shape (count, n), or None
        From traces of the ends of gauges to those of the points; None without gauges.
    """

    parts: tuple[FieldPoints, ...]
    count: int = 0
    gauges: Any = None

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the fields, as a signature of a kernel has them."""
        return tuple(dict.fromkeys(part.field for part in self.parts))

    @property
    def visited(self) -> int:
        """Rows of all interpolations that the time loop does."""
        return sum(part.at.count for part in self.parts)

    def shape(self, samples: int) -> tuple[int, ...]:
        """Shape of the data of the points."""
        return (self.count, samples) if self.count else self.parts[0].at.shape(samples)

    def inject(self, data: Array, to_longer: Callable[[Array], Array]) -> dict[PartKey, Array]:
        """Data as what the kernel injects into each field.

        Parameters
        ----------
        data : ndarray of shape (n, samples)
            Traces of the points (see `GridLocations.traces`).
        to_longer : callable
            From traces to arrays of shape (extended, n).

        Returns
        -------
        dict of PartKey to ndarray of shape (extended, n_visited)
        """
        values = {}
        if self.gauges is not None:
            data = self.gauges.T.astype(data.dtype) @ data
        for part in self.parts:
            traces = data if part.rows is None else data[part.rows]
            if part.shares is not None:
                traces = traces * part.shares.astype(traces.dtype)
            values[part.key] = inject(traces, part.at, to_longer)
        return values

    def record(self, longer: Mapping[PartKey, Array], to_traces: Callable[[Array], Array]) -> Array:
        """Transpose of `inject`.

        Parameters
        ----------
        longer : mapping of PartKey to ndarray of shape (extended, n_visited)
            Records of each part.
        to_traces : callable
            From arrays of shape (extended, n) to traces.

        Returns
        -------
        ndarray of shape (n, samples)
        """
        pieces = []
        for part in self.parts:
            traces = record(longer[part.key], part.at, to_traces)
            pieces.append(
                traces if part.shares is None else traces * part.shares.astype(traces.dtype)
            )
        first, whole = pieces[0], self.parts[0].rows is None
        count = self.count if self.gauges is None else self.gauges.shape[1]
        total = first if whole else np.zeros((count, first.shape[1]), dtype=first.dtype)
        for part, traces in list(zip(self.parts, pieces, strict=True))[int(whole) :]:
            total[... if part.rows is None else part.rows] += traces
        return total if self.gauges is None else self.gauges.astype(total.dtype) @ total

    def traces(self, data: Array, samples: int) -> Array:
        """Data of the points as traces (see `GridLocations.traces`).

        Parameters
        ----------
        data : ndarray
        samples : int
            Samples of a record.

        Returns
        -------
        ndarray of shape (n, samples)
        """
        return self.parts[0].at.traces(data, samples)

    def data(self, traces: Array) -> Array:
        """Transpose of `traces`.

        Parameters
        ----------
        traces : ndarray of shape (n, samples)

        Returns
        -------
        ndarray
        """
        return self.parts[0].at.data(traces)


def on_fields(
    place: Locations, discretization: Discretization, steps: int, verb: str
) -> ShotPoints:
    """Sources or receivers on the fields of their components.

    Parameters
    ----------
    place : Locations
    discretization : Discretization
    steps : int
        Steps of a propagation.
    verb : {"record", "emit"}
        Whether they are receivers or sources.

    Returns
    -------
    ShotPoints

    Raises
    ------
    GeometryError
        If there are no such locations on the grid.
    PhysicsError
        If the equation does not have their components.
    """
    equation = registry.load(discretization.equation)
    count, gauges = len(place.positions) if isinstance(place, Points) else 0, None
    if isinstance(place, Points) and any(c.gauge is not None for c in place.components):
        for component in set(place.components):  # refused by its own name
            equation.channels(component, verb, discretization.grid.ndim)
        place, gauges = _at_ends(place)
    alone = Component.named(equation.usual(verb, discretization.grid.ndim)[0])
    components = set(place.components) if isinstance(place, Points) else {alone}
    channels = {c: equation.channels(c, verb, discretization.grid.ndim) for c in components}
    shares = {c: _shares(c_channels) for c, c_channels in channels.items()}
    fields = component_fields(equation, components, verb, discretization.grid.ndim)

    def parts(name: str) -> Iterator[FieldPoints]:
        own = {c: s.get(name, {}) for c, s in shares.items()}
        times = {channel.timing: channel for s in own.values() for channel, _ in s.values()}
        locations, rows, weights = _own(place, own, list(times))
        what = "receivers" if verb == "record" else "sources"
        staggering = _staggering(fields[name], discretization, verb)
        at = on_grid(locations, discretization, steps, verb == "emit", what, staggering)
        for channel, shared in zip(times.values(), weights, strict=True):
            yield FieldPoints(name, channel, at, rows, shared)

    return ShotPoints(tuple(part for name in fields for part in parts(name)), count, gauges)


def _at_ends(points: Points) -> tuple[Points, Any]:
    """Points without gauges, and the matrix from their traces to those of points with gauges.

    The points keep their numbers, those of gauges at their first ends; the second ends follow.
    """
    components = points.components
    numbers = [n for n, c in enumerate(components) if c.gauge is not None]
    positions = np.array(points.positions, dtype=np.float64)
    seconds = np.empty((len(numbers), positions.shape[1]))
    weights = np.ones(len(positions))
    for row, number in enumerate(numbers):
        positions[number], seconds[row] = components[number].ends(positions[number])
        weights[number] = -1.0 / components[number].gauge
    moving = [c if c.gauge is None else Component(c.vector, c.dip, c.azimuth) for c in components]
    rows = np.concatenate([np.arange(len(positions)), np.asarray(numbers)])
    values = np.concatenate([weights, -weights[numbers]])
    matrix = csr_matrix((values, (rows, np.arange(len(rows)))))
    ends = Points(np.concatenate([positions, seconds]), moving + [moving[n] for n in numbers])
    return ends, matrix


def _staggering(channel: Channel, discretization: Discretization, verb: str) -> Staggering:
    """Where the fields of a channel sit, and what is beyond free sides."""
    if discretization.topography is not None:
        shares = rock(discretization, channel.half, not channel.strain)
        return Staggering(channel.half, channel.even, False, (), shares)
    if not registry.load(discretization.equation).has_surface(discretization.layer.free):
        return Staggering(channel.half, channel.even)
    volumes: tuple[float, ...] = ()
    if verb == "emit":
        closure = surface.closure(discretization.order)
        half = discretization.grid.ndim - 1 in channel.half
        volumes = tuple((closure.halves if half else closure.points).tolist())
    return Staggering(channel.half, channel.even, False, volumes, strain=channel.strain)


@lru_cache(maxsize=8)
def rock(discretization: Discretization, half: tuple[int, ...], divides: bool) -> Rock:
    """Shares of rock at the values of stresses, or half a cell on of velocities.

    Parameters
    ----------
    discretization : Discretization
    half : tuple of int
        Axes along which the values sit half a cell on.
    divides : bool
        Whether stresses are divided by these shares; moments, which work on rates of strain, are
        not.

    Returns
    -------
    Rock
    """
    cells = discretization.cut_cells
    if len(half) != 1:
        return Rock(cells.array(cut_cells.volume(half)), divides)
    (axis,) = half
    return Rock(np.where(cells.belongs(axis), cells.array(cut_cells.mass(axis)), 0.0), False)


def _shares(channels: tuple[tuple[float, Channel], ...]) -> dict[str, Shares]:
    """Shares of fields in a component."""
    shares: dict[str, Shares] = {}
    for share, channel in channels:
        for name, weight in channel.fields.items():
            own = shares.setdefault(name, {})
            sum_of = own.get(channel.timing, (channel, 0.0))[1]
            own[channel.timing] = channel, sum_of + share * weight
    return shares


def _own(
    place: Locations, shares: Mapping[Component, Shares], times: Sequence[Timing]
) -> tuple[Locations, NDArray[np.int64] | None, list[Array | None]]:
    """Locations with a share in a field, the numbers of their traces, and the shares by time."""
    of = {c: [own[t][1] if t in own else 0.0 for t in times] for c, own in shares.items()}
    if not isinstance(place, Points):
        (each,) = of.values()
        return place, None, [None if share == 1 else np.array([[share]]) for share in each]
    columns = np.array([of[c] for c in place.components])
    rows = np.flatnonzero(columns.any(axis=1))
    weights = [None if (w == 1).all() else w[:, None] for w in columns[rows].T]
    return place.positions[rows], None if len(rows) == len(columns) else rows, weights
