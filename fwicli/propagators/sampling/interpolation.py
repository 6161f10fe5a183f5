"""Sources and receivers off the grid, by Kaiser-windowed sinc functions or linearly.

The value of a band-limited field at position x, in units of the grid spacing, is

    u(x) = sum_i u_i prod_axes g(x - i),        g(s) = sinc(s) I0(b sqrt(1 - (s/r)**2)) / I0(b)

over the 2 r nearest points along each axis; or linearly, g(s) = 1 - |s| with r = 1. A source is
injected with the same weights, divided by the cell volume: that is the transpose, and the
band-limited delta function.

Both directions are stored as rows of grid points and weights that are *gathered*: a receiver sums
over its grid points, and a grid point sums over the sources that reach it. No two rows write the
same place, so the result does not depend on the number of threads.

Derivatives of u along the axes have the derivatives of g as weights; so do those of a gather with
respect to the positions of sources and receivers.

Below the surface of a solid, where fields have no images, see `one_sided`.

Where many receivers share their grid points or depths, the time loop visits fewer points, and a
sparse matrix does the rest for all steps at once (see `condensed`).

Reference: Hicks (2002), Geophysics 67, 156-165. With r = 4 and b = 6.31 the error along an axis is
at most 0.13 % down to 4 points per wavelength.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.propagators.absorbing import Walls
from fwicli.propagators.sampling import one_sided

# Grid points and their weights.
Rows = tuple[NDArray[np.int64], NDArray[np.float64]]
# Half-widths of the interpolations, in grid spacings.
RADIUS = {"sinc": 4, "linear": 1}
KAISER_BETA = 6.31
# Nodes of the integrals for the derivatives of the sinc function.
QUADRATURE = 32
# So many points a weight there may be at most, for these to be visited instead.
CONDENSED = 0.5


@dataclass(frozen=True)
class Staggering:
    """Where the values of a field sit, and what they are beyond free sides.

    Attributes
    ----------
    half : tuple of int
        Axes along which they sit half a cell on from the point that they belong to.
    even : tuple of int
        Axes about whose free sides the field is even; about those of others it is odd.
    mirrored : bool
        Whether there are images beyond free sides.
    volumes : tuple of float
        By which weights are divided: of the first values below the surface of a solid, over those
        of others.
    rock : Rock, optional
        Of the values of a grid that a topography cuts (see `cut_cells`).
    strain : {"", "level", "upright", "shear"}
        Rate of strain that is interpolated, of which a moment is the transpose; "" for others.
    """

    half: tuple[int, ...] = ()
    even: tuple[int, ...] = ()
    mirrored: bool = True
    volumes: tuple[float, ...] = ()
    rock: Rock | None = None
    strain: str = ""


@dataclass(frozen=True, eq=False)
class Rock:
    """Shares of rock at the values of a field on a grid that a topography cuts.

    Attributes
    ----------
    shares : ndarray
        On the grid with the layer; 0 where a value does not belong to the rock.
    divides : bool
        Whether values are those of the rock times these shares.
    """

    shares: NDArray[np.float64]
    divides: bool


ON_POINTS = Staggering()


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


def interpolation(
    positions: NDArray[np.float64],
    kind: str = "sinc",
    walls: Walls = (),
    shape: Sequence[int] = (),
    orders: NDArray[np.int64] | None = None,
    staggering: Staggering = ON_POINTS,
) -> Interpolation:
    """Interpolation of a field at positions of shape (n_points, ndim), in grid spacings.

    A coordinate within a millionth of a spacing of a value is taken to be there. Beyond a free side
    the field is the mirror image of that inside, a pressure the negative one, and so are weights.

    Parameters
    ----------
    positions : ndarray of shape (n_points, ndim)
    kind : {"sinc", "linear"}
    walls : sequence of pairs of bool
        For each axis, whether its first and last points are a free side.
    shape : sequence of int
        Points of the grid; needed where there are free sides.
    orders : ndarray of int, shape (n_points, ndim), optional
        Orders of the derivative along the axes, per grid spacing, that is taken of the field.
    staggering : Staggering
        Of the field.

    Returns
    -------
    Interpolation
    """
    return _compact(*_product(_axes(positions, kind, walls, shape, orders, staggering)))


def condensed(
    positions: NDArray[np.float64],
    kind: str = "sinc",
    walls: Walls = (),
    shape: Sequence[int] = (),
    staggering: Staggering = ON_POINTS,
) -> tuple[Interpolation, Any]:
    """The interpolation as one of fewer points, and a matrix from these to the positions.

    Receivers at one depth need the field at that depth only above and below grid points, from where
    it is interpolated horizontally. Others may share grid points.

    Parameters
    ----------
    positions : ndarray of shape (n_points, ndim)
    kind : {"sinc", "linear"}
    walls : Walls
        Ends of the axes that are free sides.
    shape : sequence of int
        Points of the grid along every axis.
    staggering : Staggering
        Of the field.

    Returns
    -------
    visited : Interpolation
        Interpolation inside the time loop.
    matrix : sparse matrix of shape (n_points, n_visited), or None
        Interpolation for all steps at once; None where it would not save half of the weights.
    """
    positions = np.atleast_2d(np.asarray(positions, dtype=np.float64))
    axes = _axes(positions, kind, walls, shape, staggering=staggering)
    visited, share = _at_depths(positions[:, -1], axes)
    if (matrix := _matrix(visited, share)) is not None:
        return visited, matrix
    rows = _compact(*_product(axes))
    visited, share = _at_grid_points(rows)
    if (matrix := _matrix(visited, share)) is not None:
        return visited, matrix
    return rows, None


def _matrix(visited: Interpolation, share: Rows) -> Any:
    """Matrix of the shares that positions have in visited points; None if these are too many."""
    columns, weights = share
    used = weights != 0
    if visited.weights.shape[0] > CONDENSED * np.count_nonzero(used) or weights.shape[1] == 1:
        return None
    entries = weights[used], (np.nonzero(used)[0], columns[used])
    return scipy.sparse.csr_matrix(entries, shape=(len(weights), visited.weights.shape[0]))


def _axes(
    positions: NDArray[np.float64],
    kind: str,
    walls: Walls,
    shape: Sequence[int],
    orders: NDArray[np.int64] | None = None,
    staggering: Staggering = ON_POINTS,
) -> list[Rows]:
    """Grid points and weights along every axis, each of shape (n_points, width)."""
    positions = np.atleast_2d(np.asarray(positions, dtype=np.float64))
    halves = np.array([axis in staggering.half for axis in range(positions.shape[1])], dtype=int)
    positions = positions - halves / 2
    nearest = np.rint(positions)
    positions = np.where(np.abs(positions - nearest) < 1e-6, nearest, positions)
    radius, axes = RADIUS[kind], []
    for axis, along in enumerate(positions.T):
        indices = np.floor(along).astype(np.int64)[:, None] + np.arange(1 - radius, radius + 1)
        distance = along[:, None] - indices
        order = np.zeros(len(along), dtype=np.int64) if orders is None else orders[:, axis]
        weights = _weights(distance, kind, order)
        weights[np.abs(weights) < 1e-12] = 0.0
        for last, free in enumerate(walls[axis] if walls else ()):
            if free and not staggering.mirrored:
                field = "across" if halves[axis] else "along" if staggering.half else "pressure"
                field = staggering.strain or field
                indices, weights = one_sided.rows((indices, weights), along, order, kind, field)
                weights = weights / one_sided.volumes_at(indices, staggering.volumes)
            elif free:
                wall, sign = (shape[axis] - 1, -1) if last else (0, 1)
                # In half cells from the side.
                inwards = sign * (2 * (indices - wall) + halves[axis])
                if axis not in staggering.even:
                    weights = weights * np.sign(inwards)
                indices = wall + (sign * np.abs(inwards) - halves[axis]) // 2
        axes.append((indices, weights))
    return axes


def _product(axes: list[Rows]) -> Rows:
    """Grid points, of shape (axes, n_points, width), and weights of the product of axes."""
    n = len(axes[0][0])
    indices, weights = np.empty((0, n, 1), dtype=np.int64), np.ones((n, 1))
    for along, factor in axes:
        old, new = weights.shape[1], factor.shape[1]
        indices = np.concatenate([np.repeat(indices, new, axis=2), np.tile(along, (1, old))[None]])
        weights = (weights[:, :, None] * factor[:, None, :]).reshape(n, -1)
    return indices, weights


def _at_depths(depths: NDArray[np.float64], axes: list[Rows]) -> tuple[Interpolation, Rows]:
    """Points straight above or below grid points, at the depths of the positions.

    Returns
    -------
    visited : Interpolation
    shares : tuple of ndarray, of shape (n_points, width)
        For each position the numbers of the visited points that it needs, and their weights.
    """
    *horizontal, (depth, vertical) = axes
    indices, weights = _product(horizontal)
    _, chosen, level = np.unique(depths, return_index=True, return_inverse=True)
    levels = np.broadcast_to(level.reshape(1, -1, 1), (1, *weights.shape))
    places, numbers = _distinct(np.concatenate([indices, levels]))
    own = chosen[places[-1]]
    width = vertical.shape[1]
    above = np.repeat(places[:-1, :, None], width, axis=2)
    visited = _compact(np.concatenate([above, depth[own][None]]), vertical[own])
    return visited, (numbers, weights)


def _at_grid_points(rows: Interpolation) -> tuple[Interpolation, Rows]:
    """Distinct grid points of an interpolation, as in `_at_depths`."""
    places, numbers = _distinct(rows.indices.astype(np.int64))
    ones = np.ones((places.shape[1], 1))
    return Interpolation(places[:, :, None].astype(np.int32), ones), (numbers, rows.weights)


def _weights(
    distance: NDArray[np.float64], kind: str, orders: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Derivatives of g, of an order for each row, at distances in grid spacings."""
    weights = np.empty_like(distance)
    for order in np.unique(orders):
        rows = orders == order
        weights[rows] = (_sinc if kind == "sinc" else _hat)(distance[rows], int(order))
    return weights


def _hat(distance: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Linear interpolation; on a grid point its slope is that of the cell that follows."""
    inside = (distance > -1) & (distance < 1)
    if order == 0:
        return np.where(inside, 1 - np.abs(distance), 0.0)
    inside |= distance == -1
    return np.where(inside & (order == 1), np.where(distance < 0, 1.0, -1.0), 0.0)


def _sinc(distance: NDArray[np.float64], order: int = 0) -> NDArray[np.float64]:
    """Kaiser-windowed sinc of distances in grid spacings, or a derivative of it.

    By the rule of Leibniz from those of its factors.
    """
    inside = np.abs(distance) < RADIUS["sinc"]
    s = np.where(inside, distance, 0.0)
    total = np.zeros_like(s)
    for n in range(order + 1):
        total += math.comb(order, n) * _sinc_derivative(s, n) * _window_derivative(s, order - n)
    return np.where(inside, total / scipy.special.i0(KAISER_BETA), 0.0)


def _sinc_derivative(s: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Derivative of sinc(s), the mean of cos(pi t s) over t from 0 to 1."""
    if order == 0:
        return np.asarray(np.sinc(s))
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    t = np.pi * (nodes + 1) / 2
    waves = t**order * np.cos(s[..., None] * t + order * np.pi / 2)
    return np.asarray(waves @ (weights / 2))


def _window_derivative(s: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Derivative of I0(b sqrt(y)) by s, with y = 1 - (s / r)**2.

    The n-th by y is (b / 2)**n y**(-n / 2) I_n(b sqrt(y)); y is a square, so that the rule of Faa
    di Bruno has terms of its first and second derivative only.
    """
    radius = RADIUS["sinc"]
    y = 1 - (s / radius) ** 2
    root = KAISER_BETA * np.sqrt(y)
    first, second = -2 * s / radius**2, -2 / radius**2
    total = np.zeros_like(s)
    for k in range(order // 2 + 1):
        n = order - k
        outer = (KAISER_BETA**2 / 2 / root) ** n * scipy.special.iv(n, root) if n else 0.0
        outer = scipy.special.i0(root) if n == 0 else outer
        ways = math.factorial(order) / (math.factorial(k) * math.factorial(order - 2 * k))
        total += ways * (second / 2) ** k * first ** (order - 2 * k) * outer
    return total


def _compact(indices: NDArray[np.int64], weights: NDArray[np.float64]) -> Interpolation:
    """Move the non-zero weights of each row to its front and cut what no row needs."""
    needed = (weights != 0).any(axis=0)
    needed[0] |= not needed.any()
    weights, indices = weights[:, needed], indices[:, :, needed]
    if not (weights != 0).all():
        order = np.argsort(weights == 0, axis=1, kind="stable")
        width = max(1, int((weights != 0).sum(axis=1).max(initial=1)))
        weights = np.take_along_axis(weights, order, axis=1)[:, :width]
        indices = np.take_along_axis(indices, order[None], axis=2)[:, :, :width]
        # Padding points at the row's first point, so that no index leaves the grid.
        indices = np.where(weights == 0, indices[:, :, :1], indices)
    return Interpolation(indices.astype(np.int32), weights)


def transpose(points: Interpolation) -> Injection:
    """Injection that is the exact transpose of an interpolation."""
    used = points.weights != 0
    places, rows = _distinct(points.indices[:, used].astype(np.int64))
    members, weights = np.nonzero(used)[0], points.weights[used]
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=places.shape[1])
    column = np.arange(rows.size) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = (places.shape[1], int(counts.max(initial=1)))
    out_members = np.zeros(shape, dtype=np.int32)
    out_weights = np.zeros(shape)
    out_members[rows[order], column] = members[order]
    out_weights[rows[order], column] = weights[order]
    return Injection(places.astype(np.int32), out_members, out_weights)


def _distinct(indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct columns of indices of shape (n, ...), in order, and which of them each one is."""
    columns = indices.reshape(len(indices), -1)
    if not columns.size:
        return columns, columns[0]
    low = columns.min(axis=1, keepdims=True)
    extent = tuple((columns - low).max(axis=1) + 1)
    flat = np.ravel_multi_index(tuple(columns - low), extent)
    # Marking those that occur takes a tenth of the time of sorting them.
    occurs = np.zeros(int(np.prod(extent)), dtype=bool)
    occurs[flat] = True
    places = np.stack(np.unravel_index(np.flatnonzero(occurs), extent)) + low
    which = (np.cumsum(occurs) - 1)[flat]
    return places, which.reshape(indices.shape[1:])
