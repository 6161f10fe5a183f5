"""Volumes, masses and differences of a grid that a free surface cuts.

The energy of the scheme is a sum over places: of squared velocities with masses M, and of stresses
times rates of strain with volumes V, those parts of cells that are rock. With velocities' slopes
e = D v and the moduli C of the rock,

    M r dv/dt = -D^T s,        ds/dt = V C e,

that energy is constant, so that no wave can grow; and no traction needs to be set on the surface,
since none that does work is in the sum: it is natural. A velocity belongs to the rock if a slope
with a volume uses it. Slopes are differences of second order next to the surface, where those of
the stencil would use velocities that do not belong to it.

The volume of a place is the integral over the rock of the product of hat functions around it, two
cells wide along each axis. They sum to one and reproduce linear functions, so that the volumes are
right wherever the surface cuts the cells, and inclined planes are no stairs. Sums with such weights
miss integrals by a twelfth of the slope across the surface (the formula of Euler and Maclaurin). A
dipole of that `MOMENT` along the surface, with its `ENDS` below it, mends it. Masses are the same
integrals, and at least

    M_i >= sum_s V_s |D_si| sum_j |D_sj| / b**2,        b = sum_j |D_sj| in the interior,

for the slopes along every axis, which keeps the time step: no velocity with little mass is held by
a stiffer place.

References: Mittet (2002), Geophysics 67, 1616-1623, for half volumes at a plane surface; Moczo et
al. (2002), Bull. Seism. Soc. Am. 92, 3042-3066, for volume averages; Parvizian, Duester and Rank
(2007), Comput. Mech. 41, 121-133, for energies of cells that a boundary cuts.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.equations.stencils import Stencil

if TYPE_CHECKING:
    from fwicli.survey.topography import Topography

Array = NDArray[np.float64]
Places = tuple[int, ...]

PREFIX = "cut_"
# Moment of the dipole, and depths of its negative and positive ends below the surface, in cells.
# Between the ends that keep volumes positive, those with the best Rayleigh waves.
MOMENT, ENDS = 1 / 12, (1 / 8, 7 / 8)
# Columns in a cell at which the depth of the surface is taken, in 2D and 3D.
SAMPLES = {2: 16, 3: 4}
# Smaller volumes count as zero.
LEAST = 1e-3


def memory(shape: tuple[int, ...], stencil: Stencil) -> int:
    """Memory of the arrays of cut cells, and of the masses at points [bytes].

    Parameters
    ----------
    shape : tuple of int
        Points along every axis, with the layer.
    stencil : Stencil

    Returns
    -------
    int
    """
    ndim = len(shape)
    volumes, masks = 1 + ndim * (ndim - 1) // 2, ndim * (ndim + 1)
    beyond = int(np.prod([n + 2 * stencil.order for n in shape]))
    return beyond * (8 * (volumes + ndim) + masks) + 8 * ndim * int(np.prod(shape))


def volume(places: Places) -> str:
    """Name of the volumes of places half a cell on along axes."""
    return PREFIX + "volume" + "".join(map(str, places))


def mass(axis: int) -> str:
    """Name of the masses of the velocity along an axis."""
    return f"{PREFIX}mass{axis}"


def whole(of: int, axis: int) -> str:
    """Name of the mask of slopes that have the whole stencil.

    Parameters
    ----------
    of : int
        Axis of the velocity.
    axis : int
        Along which its slope is taken.

    Returns
    -------
    str
    """
    return f"{PREFIX}whole{of}{axis}"


class CutCells:
    """Volumes, masses and masks on a grid with the absorbing layer.

    Parameters
    ----------
    topography : Topography
    pads : tuple of pairs of int
        Cells of the layer before and after the model along each axis.
    stencil : Stencil
    """

    def __init__(
        self, topography: Topography, pads: tuple[tuple[int, int], ...], stencil: Stencil
    ) -> None:
        self._topography = topography
        self._ndim = topography.grid.ndim
        self._weights = stencil.half
        # Beyond the grid the rock goes on, so that slopes at its sides are whole.
        self._beyond = stencil.order
        self._pads = tuple((b + self._beyond, a + self._beyond) for b, a in pads)
        shape = topography.grid.shape
        self._shape = tuple(n + sum(pad) for n, pad in zip(shape, self._pads, strict=True))
        self._volumes = {
            half: self._volume(half) for half in [(), *combinations(range(self._ndim), 2)]
        }
        self._masses = {axis: self._volume((axis,)) for axis in range(self._ndim)}
        self._wholes: dict[tuple[int, int], NDArray[np.bool_]] = {}
        self._belongs: dict[int, NDArray[np.bool_]] = {}
        for axis in range(self._ndim):
            self._set_masses(axis)

    def array(self, name: str) -> Array:
        """Values by name, on the grid with the layer."""
        arrays: dict[str, NDArray[Any]] = {
            **{volume(half): values for half, values in self._volumes.items()},
            **{mass(axis): values for axis, values in self._masses.items()},
            **{whole(*at): values for at, values in self._wholes.items()},
        }
        inside = slice(self._beyond, -self._beyond)
        return arrays[name][(inside,) * self._ndim].astype(np.float64, copy=False)

    @property
    def nbytes(self) -> int:
        """Memory of all its arrays [bytes]."""
        tables: tuple[dict[Any, NDArray[Any]], ...] = (
            *(self._volumes, self._masses),
            *(self._wholes, self._belongs),
        )
        return sum(values.nbytes for table in tables for values in table.values())

    def belongs(self, axis: int) -> NDArray[np.bool_]:
        """Whether the velocity along an axis belongs to the rock, on the grid with the layer."""
        inside = (slice(self._beyond, -self._beyond),) * self._ndim
        return np.asarray(self._belongs[axis][inside])

    def _set_masses(self, of: int) -> None:
        """Masks of the slopes of a velocity, and its masses."""
        places = {axis: self._strained(of, axis) for axis in range(self._ndim)}
        belongs = np.zeros(self._shape, dtype=bool)
        for axis, (values, first) in places.items():
            belongs |= _moved(values > 0, axis, -first) | _moved(values > 0, axis, 1 - first)
        stiffness = {}
        for axis, (values, first) in places.items():
            used = range(first - len(self._weights), first + len(self._weights))
            inside = np.logical_and.reduce([_moved(belongs, axis, n) for n in used])
            self._wholes[of, axis] = inside
            stiffness[axis] = self._stiffness(values, inside.astype(np.float64), axis, first)
        least = np.maximum.reduce(list(stiffness.values()))
        self._belongs[of] = belongs
        # Where no velocity belongs to the rock, none is driven.
        self._masses[of] = np.where(belongs, np.maximum(self._masses[of], least), 1.0)

    def _strained(self, of: int, axis: int) -> tuple[Array, int]:
        """Volumes at the slopes of a velocity, and the number of the value after a slope."""
        half = () if of == axis else (min(of, axis), max(of, axis))
        return self._volumes[half], int(of != axis)

    def _stiffness(self, values: Array, full: Array, axis: int, first: int) -> Array:
        """Sum over slopes that use a velocity, over that in the interior."""
        total = np.zeros(self._shape)
        length = 2 * np.abs(self._weights).sum()
        for number, weight in enumerate(np.abs(self._weights)):
            share = values * full * weight * length
            if not number:
                share = share + values * (1 - full) * 2
            for n in (first + number, first - 1 - number):
                total += _moved(share, axis, -n)
        return np.asarray(total / length**2)

    def _volume(self, half: Places) -> Array:
        """Volumes of places half a cell on along axes, over those of cells."""
        count = SAMPLES[self._ndim]
        offsets = [0.5 if axis in half else 0.0 for axis in range(self._ndim)]
        rows = np.arange(self._shape[-1]) - self._pads[-1][0] + offsets[-1]
        steps = (np.arange(2 * count) + 0.5) / count - 1
        total = np.zeros(self._shape)
        for chosen in product(steps, repeat=self._ndim - 1):
            weight = np.prod([(1 - abs(step)) / count for step in chosen])
            depths = self._depths([o + s for o, s in zip(offsets, chosen, strict=False)])
            near = slice(*np.searchsorted(rows, (depths.min() - 1, depths.max() + 1)))
            total[..., near] += weight * _hat_integral(rows[near] - depths[..., None])
            total[..., near.stop :] += weight
        total += self._dipole(offsets)
        # Rock below, to the last bit.
        total[np.abs(total - 1) < 1e-12] = 1.0
        return np.where(total < LEAST, 0.0, total)

    def _depths(self, offsets: list[float]) -> Array:
        """Depth of the surface beside columns, in cells below the model's first point."""
        lines = [
            np.arange(n) - pad[0] + o
            for n, pad, o in zip(self._shape, self._pads, offsets, strict=False)
        ]
        return self._surface(np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1))

    def _surface(self, cells: Array) -> Array:
        """Depth of the surface at places in cells from the model's first column, in cells."""
        grid = self._topography.grid
        places = np.asarray(grid.origin[:-1]) + cells * np.asarray(grid.spacing[:-1])
        depths = self._topography.at(places.reshape(-1, self._ndim - 1))
        return ((depths - grid.origin[-1]) / grid.spacing[-1]).reshape(cells.shape[:-1])

    def _dipole(self, offsets: list[float]) -> Array:
        """Changes of the volumes of places by a dipole on the surface."""
        count, h = SAMPLES[self._ndim], np.asarray(self._topography.grid.spacing)
        lines = [
            (np.arange(-count, (n + 1) * count) + 0.5) / count - pad[0]
            for n, pad in zip(self._shape, self._pads, strict=False)
        ][: self._ndim - 1]
        cells = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
        depths, step = self._surface(cells), 0.25
        slopes = [
            (self._surface(cells + step * e) - self._surface(cells - step * e)) / (2 * step)
            for e in np.eye(self._ndim - 1)
        ]
        # Into the rock, in cells: the dipole along an axis is as long as its spacing.
        normal = np.stack(
            [*(-s * h[-1] / h[a] for a, s in enumerate(slopes)), np.ones_like(depths)], axis=-1
        )
        length = np.sqrt((normal**2).sum(axis=-1, keepdims=True))
        share = MOMENT / (ENDS[1] - ENDS[0])
        amount = (share * length[..., 0] / count ** (self._ndim - 1)).ravel()
        # Lengths are those of the smallest spacing along the normal.
        along = normal / length * (h / h[-1])
        on_surface = np.concatenate([cells, depths[..., None]], axis=-1)
        total = np.zeros(self._shape)
        before = np.array([pad[0] for pad in self._pads])
        for sign, distance in zip((-1, 1), ENDS, strict=True):
            places = on_surface + distance * along
            at = places.reshape(-1, self._ndim) - np.asarray(offsets) + before
            _deposit(total, at, sign * amount)
        return total


def _deposit(total: Array, at: Array, amounts: Array) -> None:
    """Add amounts at places in cells to the points around, by hat functions."""
    first = np.floor(at).astype(int)
    share = at - first
    for corner in product((0, 1), repeat=total.ndim):
        side = np.array(corner)
        index = first + side
        weight = amounts * np.prod(np.where(side, share, 1 - share), axis=1)
        inside = ((index >= 0) & (index < total.shape)).all(axis=1)
        np.add.at(total, tuple(index[inside].T), weight[inside])


def _hat_integral(depths: Array) -> Array:
    """Integral of a hat function over what lies above its centre by at most `depths`, in cells."""
    d = np.clip(depths, -1.0, 1.0)
    return np.where(d < 0, (1 + d) ** 2 / 2, 1 - (1 - d) ** 2 / 2)


def _moved(values: NDArray[Any], axis: int, count: int) -> NDArray[Any]:
    """Values `count` points on along an axis; beyond the ends, those of the ends."""
    points = np.clip(np.arange(values.shape[axis]) + count, 0, values.shape[axis] - 1)
    return np.take(values, points, axis=axis)


@lru_cache(maxsize=2)
def cut_cells(
    topography: Topography, pads: tuple[tuple[int, int], ...], stencil: Stencil
) -> CutCells:
    """The cut cells of a grid, which shots share.

    Parameters
    ----------
    topography : Topography
    pads : tuple of pairs of int
        Cells of the layer before and after the model along each axis.
    stencil : Stencil

    Returns
    -------
    CutCells
    """
    return CutCells(topography, pads, stencil)
