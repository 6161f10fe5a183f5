"""Differences along z below the surface of a solid, where tractions are zero.

Values on the points, z_j = j h from the surface down, are the normal stresses and the velocities
along the surface, u; those half a cell below, z_i = (i + 1/2) h, the other stresses and the normal
velocity, w. Nothing is above. Differences along z are

    M du/dz = Q u,      N dw/dz = P w,      N ds/dz = -Q^T s,      M dt/dz = -P^T t

with diagonal matrices N and M of the volumes of points and of half points, over those of whole
cells, tractions s of shear at half points, and normal tractions t on the points below the surface.
Away from it Q and P are the differences of the interior, N = M = 1. The transposes say that the
traction does no work on the surface: with them the energy of the scheme, kinetic and elastic with
the volumes N and M, is constant in any medium, so that no wave can grow. P has no row for the
surface, where the normal stress is zero: dw/dz there follows from that (see `elastic`). So do
Q^T and P^T without values of tractions on the surface, which are zero.

Near the surface the differences of velocities are exact for parabolas, as are those of tractions
that vanish on it. Other coefficients are fitted. The largest singular value of the differences is
held within 0.5 % of that of the interior, for which the safety of the time step has room. They are
fitted to waves of line sources at 10 to 45 cells along the surface, by the spectrum of a Ricker
wavelet with 10 points in the S wavelength at its peak, for vp / vs of 1.5, 1.9 and 3. Forces,
injections of volume, and receivers are in all cells down to the tenth: fitted to some depths alone,
waves are wrong by half their size at others. Points are interpolated as in `sampling.one_sided`.
Order 4 is fitted to the velocity of Rayleigh waves alone. Beside that, waves guided by the surface,
also by soft rock on hard rock, are kept from running backwards, d w / d k_x < 0, because a matched
layer amplifies them (see `absorbing`).

References: Kristek, Moczo and Archuleta (2002), Stud. Geophys. Geod. 46, 355-381, for the place of
the surface and one-sided differences; O'Reilly, Lundquist, Dunham and Nordstroem (2017), J. Comput.
Phys. 346, 572-589, for staggered differences that sum by parts; Mittet (2002), Geophysics 67,
1616-1623, for the modulus along the surface.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import PhysicsError
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.equations.surface_tables import TABLES

Array = NDArray[np.float64]

# Points in the shortest wavelength, at the upper edge of the band, with which errors of surface
# waves stay below 2 % over four wavelengths with orders 6 and 8: `benchmarks/surface_waves.py`.
POINTS = 6.7

# Operators of differences: of which values, and whether half a cell on (1) or back (-1).
OPERATORS = {("motion", 1): "u", ("motion", -1): "w", ("stress", -1): "s", ("stress", 1): "t"}


@dataclass(frozen=True)
class Closure:
    """Differences of one order next to the surface.

    Attributes
    ----------
    order : int
        Of the differences of the interior.
    points, halves : ndarray of shape (n,)
        Volumes N and M of the first points and half points; those below have 1.
    along, down : ndarray of shape (n, n)
        First rows of Q, one a half point, and of P, one a point.
    """

    order: int
    points: Array
    halves: Array
    along: Array
    down: Array

    @property
    def size(self) -> int:
        """Rows that differ from those of the interior."""
        return len(self.points)

    @property
    def reach(self) -> int:
        """Points that these rows use, and with those of the interior that use them, affect."""
        return self.size + self.order // 2

    def matrices(self, count: int) -> dict[str, Array]:
        """The four differences over unit spacing, by operator (see `OPERATORS`).

        Parameters
        ----------
        count : int
            Points, and half points.

        Returns
        -------
        dict of str to ndarray of shape (count, count)
        """
        q = interior(self.order, count)
        p, n = -q.T, self.size
        q[:n, :n], p[:n, :n] = self.along, self.down
        # No normal traction on the surface does work.
        p[0] = 0.0
        points, halves = np.ones((2, count))
        points[:n], halves[:n] = self.points, self.halves
        return {
            "u": q / halves[:, None],
            "w": p / points[:, None],
            "s": -q.T / points[:, None],
            "t": -p.T / halves[:, None],
        }

    def corrections(self, operator: str) -> dict[int, Array]:
        """Changes of the difference of the interior, with zeros above the surface, by an operator.

        Parameters
        ----------
        operator : {"u", "w", "s", "t"}

        Returns
        -------
        dict of int to ndarray of shape (size,)
            By offsets of labels, the coefficients of the first rows, over unit spacing.
        """
        count = self.reach + self.order
        q = interior(self.order, count)
        plain = q if operator in "ut" else -q.T
        change = (self.matrices(count)[operator] - plain)[: self.size]
        diagonals = {}
        for offset in range(1 - self.size, self.order // 2 + self.size):
            columns = np.arange(self.size) + offset
            inside = (columns >= 0) & (columns < count)
            rows = np.zeros(self.size)
            rows[inside] = change[np.flatnonzero(inside), columns[inside]]
            if np.abs(rows).max() > 1e-14:
                diagonals[offset] = rows
        return diagonals


def interior(order: int, count: int) -> Array:
    """Staggered differences from points to half points over unit spacing, with zeros around.

    Parameters
    ----------
    order : int
    count : int
        Points, and half points.

    Returns
    -------
    ndarray of shape (count, count)
    """
    matrix = np.zeros((count, count))
    for number, weight in enumerate(Stencil(order).half):
        matrix += weight * (np.eye(count, k=number + 1) - np.eye(count, k=-number))
    return matrix


@cache
def closure(order: int) -> Closure:
    """The differences next to the surface for an order of those of the interior.

    Parameters
    ----------
    order : int
        One of `orders`.

    Returns
    -------
    Closure
    """
    table = TABLES[order]
    return Closure(order, *(np.array(table[n]) for n in ("points", "halves", "along", "down")))


def orders() -> tuple[int, ...]:
    """Orders of the space differences for which there are differences next to the surface."""
    return tuple(sorted(TABLES))


def check_sides(
    name: str, solid: bool, free: Collection[str], stencil: Stencil | None, points: int
) -> None:
    """Make sure that an equation of solids has a free surface where sides are free.

    Parameters
    ----------
    name : str
        Of the equation.
    solid : bool
        Whether it has the surface of a solid.
    free : collection of str
        Sides that are free.
    stencil : Stencil or None
        Of the space differences; None where it is not there yet.
    points : int
        Of the model along z.

    Raises
    ------
    PhysicsError
        If it has none, or only on top; if the stencil has no differences next to it; if the model
        is too thin.
    """
    if not free:
        return
    if not solid:
        raise PhysicsError(
            f"the equation `{name}` has no free surface: sides of zero pressure, of which "
            f"there are {len(free)}, are no surface of a solid; let all sides absorb, with "
            f"`physics.free_surface: false` and without `physics.absorbing.sides` (in Python "
            f"`free=()`)"
        )
    if set(free) != {"z-"}:
        raise PhysicsError(
            f"the equation `{name}` has a free surface on top only, and the sides "
            f"{', '.join(free)} are free: sides of zero pressure are no surface of a solid; let "
            f"all others absorb, with `physics.free_surface: true` in place of "
            f"`physics.absorbing.sides` (in Python `free=('z-',)`)"
        )
    if stencil is not None:
        _check_stencil(stencil, points)


def check_topography(name: str, topographic: bool, free: Collection[str], stencil: Stencil) -> None:
    """Make sure that an equation has a surface that cuts the cells (see `cut_cells`).

    Parameters
    ----------
    name : str
        Of the equation.
    topographic : bool
        Whether it has such a surface.
    free : collection of str
        Sides that are free.
    stencil : Stencil
        Of the space differences.

    Raises
    ------
    PhysicsError
        If it has none, if other sides are free, or if weights are optimised.
    """
    if not topographic:
        raise PhysicsError(
            f"the equation `{name}` has no topography; use `elastic`, or leave out `topography`"
        )
    if set(free) != {"z-"}:
        raise PhysicsError(
            f"a topography is a free surface on top, and the free sides are "
            f"{', '.join(free) or 'none'}; give `free=('z-',)`"
        )
    if stencil.optimised:
        raise PhysicsError(
            "optimised stencils have no differences at a topography; use `stencil='taylor'`"
        )


def _check_stencil(stencil: Stencil, points: int) -> None:
    """Make sure that a stencil has differences next to the surface, with room for them."""
    order = stencil.order
    if order not in orders():
        raise PhysicsError(
            f"space order {order} has no differences at the free surface of a solid; use "
            f"`physics.order` (in Python `order`) of {', '.join(map(str, orders()))}"
        )
    if stencil.optimised:
        raise PhysicsError(
            "optimised stencils have no differences at the free surface of a solid, which go with "
            "Taylor's weights; use `physics.stencil: taylor` (in Python `stencil='taylor'`)"
        )
    fewest = closure(order).reach + order
    if points < fewest:
        raise PhysicsError(
            f"a model of {points} points along z is too thin for the free surface of a solid, "
            f"whose differences of order {order} need {fewest}; add points below, or lower "
            f"`physics.order` (in Python `order`)"
        )


def lines(order: int, operator: str) -> dict[int, str]:
    """Names of the lines of coefficients of an operator, by the offset that each multiplies.

    Parameters
    ----------
    order : int
    operator : {"u", "w", "s", "t"}

    Returns
    -------
    dict of int to str
    """
    offsets = closure(order).corrections(operator)
    return {o: f"closure_{operator}_{chr(ord('a') + n)}" for n, o in enumerate(offsets)}


def line(name: str, order: int, spacing: float, count: int) -> Array:
    """Coefficients of a line, zero below the rows that are changed.

    Parameters
    ----------
    name : str
        See `lines`.
    order : int
    spacing : float
        Along z [m].
    count : int
        Points along z.

    Returns
    -------
    ndarray of shape (count,)
    """
    _, operator, letter = name.split("_")
    values = list(closure(order).corrections(operator).values())[ord(letter) - ord("a")]
    coefficients = np.zeros(count)
    coefficients[: len(values)] = values / spacing
    return coefficients
