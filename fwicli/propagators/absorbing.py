"""Absorbing layer: convolutional perfectly matched layer for second-order wave equations.

Inside the layer a coordinate x is stretched, d/dx -> (1 / s) d/dx with

    s = 1 + d(x) / (a(x) + i w),

damping d [1/s] and frequency shift a [1/s]. The stretched second derivative is

    d2u/dx2 + dpsi/dx + zeta

with memory variables that live in the layer only, advanced by one step dt as

    psi+  = b psi  + c du/dx,                    b = exp(-(d + a) dt)
    zeta+ = b zeta + c (d2u/dx2 + dpsi+/dx),     c = d (b - 1) / (d + a)

Where the damping is strong these add up to a difference of the discrete operators, d2/dx2 minus
d/dx applied twice. It must not be positive for any wavenumber, or the layer amplifies waves that
stay in it. The second derivative of order 2N and first derivatives of order 2N - 2 at half points
satisfy this; first derivatives of order 2N do not, and such a layer grows exponentially.

The damping grows as a power of the depth into the layer, d = d0 (depth / L)**p, with d0 chosen
for a reflection R at normal incidence, d0 = -(p + 1) v ln(R) / (2 L); a decreases from the inner
edge to the outer. psi sits half a point to the right of its label, u and zeta on the points.

The waves of tilted anisotropy include a slow shear wave, an artefact of the acoustic approximation,
whose group velocity points against its slowness in wide sectors: no matched layer absorbs such a
wave, it grows. Equations that have it make the layer resist shear, which turns it into a wave that
can be absorbed, and drag the rest of it to zero (see `equations.tti`).

A side of the model may do without a layer: the pressure is then zero on its first or last points,
and every field is continued beyond them as its own mirror image, pressures with the sign changed.
On top that is the free surface of the earth.

References: Komatitsch and Martin (2007), Geophysics 72, SM155-SM167; Pasalic and McGarry (2010),
SEG expanded abstracts 29, 2925-2929, for the second-order form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import scalars
from fwicli.errors import GeometryError

# Names of the sides by axis, and whether at the first or the last points; z is the last axis.
SIDES = {"x-": "left", "x+": "right", "y-": "front", "y+": "back", "z-": "top", "z+": "bottom"}
SURFACE = ("z-",)

# For each axis, whether the model ends there in a free side: before its first points, its last.
Walls = tuple[tuple[bool, bool], ...]

# Chosen for waves that graze the layer, and for thin layers: on the water layer of Marmousi-II,
# with sources and receivers 15 m below the top, 20 cells leave 3e-5 of the records out to 6 km
# offset, and 12 cells 2e-4. Normal incidence alone would be content with less. A thicker layer
# begins more gently, which leaves less of waves that meet it steeply: 20 cells go from power 3 to
# 3.5, and from -104 to -118 dB where the damping is made for velocities much larger.
POWERS = (3.0, 4.0)
REFLECTION = 1e-9
# Of tilted anisotropy: how firmly the layer resists shear at its outer edge, relative to the
# deficit of the shear wave; the drag on that wave, relative to the damping, and the most of it, as
# a share of the drag that turns a checkerboard over in a time step. In layers of 12 and 20 cells
# around random media, for tilts of 0.1 to 1.4 rad and epsilon - delta of 0.05 to 0.4, nothing grows
# in 20 000 steps; with half of the firmness, or 0.4 of the drag and no firmness, the shear wave
# grew in some.
FIRMNESS = 0.2
DRAG, DRAG_LIMIT = 10.0, 0.25
# Of the surface of a solid: the friction in layers beside it, relative to their damping. Waves that
# the surface guides in rocks may run backwards, against their phase, and a matched layer amplifies
# them. With this share nothing grows in 20 000 steps in layers of 12 and 20 cells, also below mud
# with vs 7 times as large in the rock under it, and in random rocks; with a fifth of it, waves in
# random rocks do. It returns 0.7 and 0.2 % of the records' energy norm from 12 and 20 cells.
FRICTION = 0.05


@dataclass(frozen=True)
class AbsorbingLayer:
    """Thickness and strength of the layer, fixed for a whole run.

    Parameters
    ----------
    cells : int
        Thickness in grid cells on every side.
    velocity : float
        Velocity that the damping is made for, the largest in the model [m/s].
    frequency : float
        Centre of the signal's band [Hz]; sets the frequency shift a = pi * frequency.
    gap : int
        Undamped cells between model and layer, so that the sinc functions of sources and
        receivers near the edge of the model do not reach into the layer.
    free : tuple of str
        Sides where the pressure is zero, without a layer, such as "z-" for a free surface at the
        top, also of a solid, and "x+" for the last points along x (see `SIDES`).

    Raises
    ------
    GeometryError
        If there is no such side, or a number is impossible.
    """

    cells: int
    velocity: float
    frequency: float
    gap: int = 0
    free: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        numbers = {
            "cells": scalars.whole("`cells` of the layer", self.cells, 0, GeometryError),
            "velocity": scalars.positive(
                "`velocity` of the layer", self.velocity, " [m/s]", GeometryError
            ),
            "frequency": scalars.real(
                "`frequency` of the layer", self.frequency, " [Hz]", GeometryError, 0.0
            ),
            "gap": scalars.whole("`gap` of the layer", self.gap, 0, GeometryError),
        }
        for name, number in numbers.items():
            object.__setattr__(self, name, number)
        if not isinstance(self.free, tuple) or set(self.free) - set(SIDES):
            raise GeometryError(
                f"free sides are a tuple of some of {', '.join(SIDES)}; got {self.free!r}"
            )
        # One order, so that equal layers are equal and share their kernels.
        object.__setattr__(self, "free", tuple(s for s in SIDES if s in self.free))

    @property
    def power(self) -> float:
        """Power of the depth with which the damping grows."""
        return float(np.clip(3 + (self.cells - 12) / 16, *POWERS))

    def pads(self, ndim: int) -> tuple[tuple[int, int], ...]:
        """Cells added to the model before and after it, along every axis."""
        pad = self.cells + self.gap
        ends = walls(self.free, ndim)
        return tuple((0 if first else pad, 0 if last else pad) for first, last in ends)

    def padded(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a grid with the cells that are added."""
        pads = self.pads(len(shape))
        return tuple(n + before + after for n, (before, after) in zip(shape, pads, strict=True))

    def firmness(self, n: int, free: tuple[bool, bool] = (False, False)) -> NDArray[np.float64]:
        """Resistance to shear relative to the deficit of the medium, at n points along an axis.

        Parameters
        ----------
        n : int
            Number of points.
        free : pair of bool
            Whether the first end, and the last, are free sides.

        Returns
        -------
        ndarray of shape (n,)
        """
        return np.asarray(FIRMNESS * self._depth(np.arange(n), n, free) ** 2)

    def drag(
        self,
        n: int,
        axis: int,
        spacing: tuple[float, ...],
        step: float,
        free: tuple[bool, bool] = (False, False),
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Drag on the shear wave along an axis, and how much of it is left to other axes.

        Parameters
        ----------
        n : int
            Number of points.
        axis : int
            Axis, 0 for x.
        spacing : tuple of float
            Grid spacing along every axis [m].
        step : float
            Time step [s].
        free : pair of bool
            Whether the first end, and the last, are free sides.

        Returns
        -------
        rate : ndarray of shape (n,)
            Of the curvature of shear, over the time step [m2/s2].
        left : ndarray of shape (n,)
            Share of the most that the layers of other axes may add.
        """
        damping = self._damping(self._depth(np.arange(n), n, free), spacing[axis])
        share = np.minimum(DRAG * damping * step, 1.0)
        most = DRAG_LIMIT / (sum(1 / h**2 for h in spacing) * step**2)
        return np.asarray(most * share), np.asarray(1 - share)

    def _damping(self, depth: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
        """d at depths in the layer [1/s]."""
        thickness = max(self.cells, 1) * spacing
        strongest = -(self.power + 1) * self.velocity * np.log(REFLECTION) / (2 * thickness)
        return np.asarray(strongest * depth**self.power)

    def _depth(
        self, position: NDArray[Any], n: int, free: tuple[bool, bool]
    ) -> NDArray[np.float64]:
        """Depth of points in the layer, as a share of its thickness."""
        nowhere = np.zeros(n)
        depth = np.maximum(
            nowhere if free[0] else self.cells - position,
            nowhere if free[1] else position - (n - 1 - self.cells),
        )
        return np.asarray(np.clip(depth / max(self.cells, 1), 0.0, 1.0))

    def friction(
        self, n: int, spacing: float, free: tuple[bool, bool] = (False, False)
    ) -> NDArray[np.float64]:
        """Rate at which a layer beside the surface of a solid slows every wave down.

        Parameters
        ----------
        n : int
            Number of points along the axis.
        spacing : float
            Grid spacing along the axis [m].
        free : tuple of two bool
            Whether there is no layer at the first points, and at the last.

        Returns
        -------
        rate : ndarray of shape (n,)
            [1/s]
        """
        return FRICTION * self._damping(self._depth(np.arange(n), n, free), spacing)

    def coefficients(
        self,
        n: int,
        spacing: float,
        step: float,
        offset: float,
        free: tuple[bool, bool] = (False, False),
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recursion coefficients b and c along an axis of n points.

        Parameters
        ----------
        n : int
            Number of points.
        spacing : float
            Grid spacing along the axis [m].
        step : float
            Time step [s].
        offset : float
            Where they are taken, relative to the points, in cells: 0 or 0.5.
        free : tuple of two bool
            Whether there is no layer at the first points, and at the last.

        Returns
        -------
        b, c : ndarray of shape (n,)
        """
        position = np.arange(n) + offset
        depth = self._depth(position, n, free)
        d = self._damping(depth, spacing)
        a = np.pi * self.frequency * (1 - depth)
        b = np.exp(-(d + a) * step)
        rate = np.where(d > 0, d + a, 1.0)
        c = d * (b - 1) / rate
        # The last half point lies beyond the grid; its mirror image is not kept either.
        c[position > n - 1] = 0.0
        return b, c


def strip_points(cells: int, order: int) -> int:
    """Points of a strip of the layer: its cells, and those from which stencils reach into it.

    Parameters
    ----------
    cells : int
        Of the layer.
    order : int
        Of the space differences.

    Returns
    -------
    int
    """
    return cells + order // 2


def walls(free: Iterable[str], ndim: int) -> Walls:
    """Which ends of every axis are free sides.

    Parameters
    ----------
    free : iterable of str
        Names of free sides (see `SIDES`).
    ndim : int
        Number of space dimensions.

    Returns
    -------
    Walls

    Raises
    ------
    GeometryError
        If a side is named that the model does not have.
    """
    axes = "xz" if ndim == 2 else "xyz"
    names = list(free)
    for name in names:
        if name[0] not in axes:
            raise GeometryError(
                f"a model of {ndim} dimensions has no side {name} ({SIDES[name]}); leave it out"
            )
    return tuple((f"{axis}-" in names, f"{axis}+" in names) for axis in axes)
