"""Locations of sources and receivers: points, weights in a volume, or the whole grid.

A source or receiver is one of

    positions                   array of shape (n_points, ndim) [m]: q(t) delta(x - x_s), u(x_r, t)
    Points(x, components)       the same, each with its component (see `survey.points`)
    PositionDerivative(x, n)    derivatives of orders n by these positions
    ExtendedSource(w)           source w(x) q(t), or record of the integral of w(x) u(x, t)
    FullField()                 source f(x, t), or record u(x, t), at all points of the grid

All operators take any of them: injection and recording at the same locations are exact transposes.
The data of points and extended sources have the shape (n, samples), those of whole fields the shape
(samples, *grid). All but `Points` record or emit pressure. This module puts one field of an
equation at locations; `running.shot_points` knows the fields of components.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli import ndarrays, scalars
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.absorbing import walls
from fwicli.propagators.checks import entrance, sides
from fwicli.propagators.sampling import interpolation, near_surface
from fwicli.propagators.sampling.interpolation import ON_POINTS, Interpolation, Staggering
from fwicli.survey.points import Points

if TYPE_CHECKING:
    from fwicli.propagators.discretization import Discretization

Array = NDArray[Any]

# By which a position may miss the model, in grid spacings: that of metres in single precision.
ROUND_OFF = 1e-3
# Memory that values at distinct grid points may take in all steps [bytes].
LARGEST = 256e6


@dataclass(frozen=True, eq=False)
class ExtendedSource:
    """Extended sources or receivers.

    Parameters
    ----------
    weights : ndarray of shape (n, *grid.shape) or grid.shape
        For a source w(x) q(t), w [1/m2] in 2D, [1/m3] in 3D, with q as for a point. One over the
        cell volume at a grid point, and zero elsewhere, is a point source there.
    """

    weights: Array


@dataclass(frozen=True, eq=False)
class PositionDerivative:
    """Derivatives by the positions of point sources or receivers.

    Parameters
    ----------
    positions : ndarray of shape (n_points, ndim)
        [m]
    orders : ndarray of int, shape (n_points, ndim)
        How often the derivative is taken along each axis; 0 for none. A record is in [Pa/m] for
        the first; a source of first order is a dipole.
    """

    positions: Array
    orders: NDArray[np.int64]


@dataclass(frozen=True)
class FullField:
    """All points of the model's grid.

    A source f(x, t) is in [Pa/m2]; a record is the pressure [Pa].

    Parameters
    ----------
    every : int
        Only every n-th sample is given or recorded.

    Raises
    ------
    GeometryError
        If it is no whole number above 0.
    """

    every: int = 1

    def __post_init__(self) -> None:
        every = scalars.whole("`every` of FullField", self.every, 1, GeometryError)
        object.__setattr__(self, "every", every)


Locations = Array | Points | PositionDerivative | ExtendedSource | FullField


@dataclass(frozen=True)
class GridLocations:
    """A place as a kernel sees it.

    Attributes
    ----------
    visited : Interpolation
        Interpolation inside the time loop.
    matrix : sparse matrix of shape (n, n_visited), or None
        Interpolation outside it, for all steps at once.
    field : tuple of int
        For a whole wave field, the shape of the grid.
    every : int
        Samples of a whole wave field are this far apart.
    """

    visited: Interpolation
    matrix: Any = None
    field: tuple[int, ...] = ()
    every: int = 1

    @property
    def count(self) -> int:
        """Rows of the interpolation that the time loop does."""
        return int(self.visited.weights.shape[0])

    @property
    def rows(self) -> int:
        """Traces of the place."""
        return int(self.count if self.matrix is None else self.matrix.shape[0])

    def traces(self, data: Array, samples: int) -> Array:
        """Data of the place as traces of shape (n, samples).

        Parameters
        ----------
        data : ndarray
            Of shape (n, samples), or (samples, *grid) for whole fields.
        samples : int
            Samples of a record.

        Returns
        -------
        ndarray of shape (n, samples)
        """
        if not self.field:
            return data
        traces = np.zeros((int(np.prod(self.field)), samples), dtype=data.dtype)
        traces[:, :: self.every] = np.reshape(data, (len(data), -1)).T
        return traces

    def shape(self, samples: int) -> tuple[int, ...]:
        """Shape of the data of the place."""
        if not self.field:
            return self.rows, samples
        return len(range(0, samples, self.every)), *self.field

    def data(self, traces: Array) -> Array:
        """Transpose of `traces`."""
        if not self.field:
            return traces
        return np.ascontiguousarray(traces[:, :: self.every].T).reshape(-1, *self.field)


def on_grid(
    place: Locations,
    discretization: Discretization,
    steps: int,
    density: bool = False,
    what: str = "positions",
    staggering: Staggering = ON_POINTS,
) -> GridLocations:
    """A place on the grid with the absorbing layer, for one field.

    Parameters
    ----------
    place : Locations
        Positions [m], or other locations.
    discretization : Discretization
    steps : int
        Steps of a propagation.
    density : bool
        Whether the values of a whole wave field are those of a source, per volume.
    what : str
        Name of the place for messages.
    staggering : Staggering
        Of the field.

    Returns
    -------
    GridLocations

    Raises
    ------
    GeometryError
        If there is no such place on the grid.
    PhysicsError
        If whole fields of an equation are wanted that has none on the points.
    """
    grid, layer = discretization.grid, discretization.layer
    before = np.array([pad for pad, _ in layer.pads(grid.ndim)])
    if isinstance(place, ExtendedSource):
        volume = _volume(place, discretization, before, what)
        _check_values(discretization, staggering, what)
        return GridLocations(_of_rock(volume, staggering))
    if isinstance(place, FullField):
        _check_values(discretization, staggering, what)
        rows = np.indices(grid.shape).reshape(grid.ndim, -1, 1) + before[:, None, None]
        weights = np.full((rows.shape[1], 1), grid.cell_volume if density else 1.0)
        everywhere = _of_rock(Interpolation(rows.astype(np.int32), weights), staggering)
        return GridLocations(everywhere, None, grid.shape, place.every)
    orders = place.orders if isinstance(place, PositionDerivative) else None
    positions = entrance.positions(
        what, place.positions if isinstance(place, PositionDerivative) else place, grid
    )
    if orders is not None and np.shape(orders) != positions.shape:
        raise GeometryError(
            f"{what}: orders of derivatives have the shape {np.shape(orders)}, positions "
            f"{positions.shape}; both need the same"
        )
    ends = np.asarray(grid.origin), np.asarray(grid.end)
    inside = np.clip(positions, *ends)  # points beyond are refused below, or round-off
    if discretization.topography is not None:
        discretization.topography.check(what, positions)
    if staggering.mirrored:
        sides.check_sounding(what, inside, grid, layer.free, (orders, staggering.even))
    some = orders is not None and np.any(orders)
    kinds = np.asarray(orders, dtype=np.int64).tobytes() if some else b""
    key = positions.tobytes(), positions.shape, kinds
    return _at_positions(key, discretization, steps, what, staggering)


def _check_values(discretization: Discretization, staggering: Staggering, what: str) -> None:
    """Refuse whole fields of an equation that has no values on the points."""
    if staggering.half:
        raise PhysicsError(
            f"the equation `{discretization.equation}` has no values on the grid points, and "
            f"{what} are whole fields of them; give positions"
        )


# Shots with the same receivers follow each other, and one shot has them in two runs.
@lru_cache(maxsize=8)
def _at_positions(
    key: tuple[bytes, tuple[int, ...], bytes],
    discretization: Discretization,
    steps: int,
    what: str,
    staggering: Staggering,
) -> GridLocations:
    """Positions on the grid; the key has positions [m], their shape, and orders of derivatives.

    Raises
    ------
    GeometryError
        If one lies outside the grid.
    """
    positions, shape, orders = key
    grid, layer = discretization.grid, discretization.layer
    before = np.array([pad for pad, _ in layer.pads(grid.ndim)])
    place = np.frombuffer(positions).reshape(shape)
    padded = layer.padded(grid.shape)
    ends = np.array(grid.shape) - 1.0
    position = (place - np.asarray(grid.origin)) / np.asarray(grid.spacing)
    # In the absorbing layer waves are not those of the earth, and beyond is memory of others.
    outside = ((position < -ROUND_OFF) | (position > ends + ROUND_OFF)).any(axis=1)
    if outside.any():
        first = int(np.argmax(outside))
        where = ", ".join(f"{x:g}" for x in place[first])
        raise GeometryError(
            f"{what}: point {first} at ({where}) m lies outside the model, and so do "
            f"{np.count_nonzero(outside)} of {len(place)}; the model reaches from {grid.origin} to "
            f"{grid.end} m: move them, or check units, the origin and the sign of depths"
        )
    position = np.clip(position, 0.0, ends) + before
    how = discretization.interpolation, walls(layer.free, grid.ndim), padded
    if orders:
        powers = np.frombuffer(orders, dtype=np.int64).reshape(shape)
        rows = _near_surface(
            interpolation.interpolation(position, *how, powers, staggering),
            (position, powers),
            staggering,
        )
        # Derivatives are per spacing there, and per metre here.
        per_metre = np.prod(np.asarray(grid.spacing) ** -powers.astype(float), axis=1)
        return GridLocations(replace(rows, weights=rows.weights * per_metre[:, None]))
    if staggering.rock is not None:
        rows = interpolation.interpolation(position, *how, staggering=staggering)
        return GridLocations(_near_surface(rows, (position, None), staggering))
    visited, matrix = interpolation.condensed(position, *how, staggering)
    itemsize = np.dtype(discretization.precision).itemsize
    if matrix is None:
        return GridLocations(visited)
    if visited.weights.shape[0] * steps * itemsize > LARGEST:
        return GridLocations(interpolation.interpolation(position, *how, staggering=staggering))
    return GridLocations(visited, matrix.astype(discretization.precision))


def _of_rock(values: Interpolation, staggering: Staggering) -> Interpolation:
    """Values at grid points over the share of rock that they stand for; none in the air."""
    return values if staggering.rock is None else near_surface.divided(values, staggering.rock)


def _near_surface(
    rows: Interpolation, at: tuple[Array, Array | None], staggering: Staggering
) -> Interpolation:
    """Rows at positions in cells, those that would reach into the air by values of the rock."""
    return rows if staggering.rock is None else near_surface.inside(rows, at, staggering)


def _volume(
    place: ExtendedSource, discretization: Discretization, before: Array, what: str
) -> Interpolation:
    """Points where any of the weights of a volume is not zero, times the cell volume."""
    grid = discretization.grid
    weights = ndarrays.real(f"the volume of {what}", place.weights, GeometryError)
    weights = weights.astype(np.float64, copy=False)
    if weights.ndim == grid.ndim:
        weights = weights[None]
    if weights.shape[1:] != grid.shape or not np.isfinite(weights).all():
        raise GeometryError(
            f"weights of a volume need the shape (n, {', '.join(map(str, grid.shape))}) and finite "
            f"values; got shape {np.shape(place.weights)}"
        )
    used = (weights != 0).any(axis=0)
    if not used.any():
        raise GeometryError("the weights of a volume are all zero; there is nothing to inject")
    rows = (np.stack(np.nonzero(used)) + before[:, None]).astype(np.int32)
    indices = np.broadcast_to(rows[:, None, :], (grid.ndim, len(weights), rows.shape[1]))
    return Interpolation(indices, weights[:, used] * grid.cell_volume)


def inject(traces: Array, at: GridLocations, to_longer: Callable[[Array], Array]) -> Array:
    """Traces of shape (n, samples) as what the kernel injects, of shape (extended, n_visited).

    The matrix of the locations comes first where it makes fewer of them.

    Parameters
    ----------
    traces : ndarray of shape (n, samples)
    at : GridLocations
    to_longer : callable
        From traces to arrays of shape (extended, n).

    Returns
    -------
    ndarray of shape (extended, n_visited)
    """
    if at.matrix is None:
        return to_longer(traces)
    if at.count < len(traces):
        return to_longer(at.matrix.T @ traces)
    return np.ascontiguousarray((at.matrix.T @ to_longer(traces).T).T)


def record(longer: Array, at: GridLocations, to_traces: Callable[[Array], Array]) -> Array:
    """Transpose of `inject`.

    Parameters
    ----------
    longer : ndarray of shape (extended, n_visited)
    at : GridLocations
    to_traces : callable
        From arrays of shape (extended, n) to traces.

    Returns
    -------
    ndarray of shape (n, samples)
    """
    if at.matrix is None:
        return to_traces(longer)
    if at.count < at.matrix.shape[0]:
        return np.asarray(at.matrix @ to_traces(longer))
    return to_traces(np.ascontiguousarray((at.matrix @ longer.T).T))
