"""Shear waves with horizontal motion across a plane (SH), staggered, of first order in time.

    r dv/dt  = ds_x/dx + ds_z/dz + f,        r = rho / rho_w
    ds_i/dt  = g e_i,    e_i = dv/dx_i,      g = r vs**2

with particle velocity along y times the density of water v [Pa s/m], stresses s_i = s_iy [Pa],
rates of strain e_i, the modulus of shear g over the density of water of rho_w = 1000 kg/m3 [m2/s2],
and the force f along y over the area of the plane [N/m3]. They are waves of a model in 2D, from
lines along y: they make no pressure, and P waves have no part in them.

v lives in the middle of four points, half a cell on along both axes, and half a step before s in
time. s_x and e_x live half a cell on along z, those of z along x. Density is the arithmetic mean of
four points, and the modulus that of two: their interface is parallel to the rate of strain, which
is the same on both sides, so that the stresses add up. The harmonic mean would be that of stresses
across the interface, which the grid has without a mean. These waves do not enter fluids, where the
modulus is zero. No stress acts on a free surface, where s_z is zero and v even: with s_z on the
first points and v half a cell below, these are the mirror images that other equations have of a
pressure and of a velocity. Below a fluid the surface is that of its last points, and v half a cell
below it has half of s_x: its error is of first order in the spacing.

References: Virieux (1984), Geophysics 49, 1933-1942; Moczo et al. (2002), Bull. Seism. Soc. Am. 92,
3042-3066, for media that change between the points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fwicli.propagators.equations.channel import Channel
from fwicli.propagators.equations.equation import Equation, Limit
from fwicli.propagators.equations.footprint import Footprint

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium

BOTH = (0, 1)
# Where no solid is faster there are only fluids [m/s].
SLOWEST = 1.0


def state(medium: Medium) -> None:
    """State the residuals of the particle velocity and of two stresses."""
    g, r = medium.parameter("g"), medium.parameter("r")
    v = medium.field("v", time_order=1, half=BOTH)
    s = [medium.field(f"s{axis}", time_order=1, half=(1 - axis,)) for axis in medium.axes]
    force = sum(medium.slope(s[axis], axis, 1) for axis in medium.axes)
    density = medium.coefficient("m", medium.between(medium.between(r, 0), 1))
    medium.solve(v, density * v.dt - force)
    for axis in medium.axes:
        rate = medium.field(f"e{axis}", time_order=1, half=(1 - axis,))
        medium.solve(rate, rate.forward - medium.slope(v.forward, axis, -1))
        modulus = medium.coefficient(f"g{axis}", medium.between(g, 1 - axis))
        medium.solve(s[axis], s[axis].dt - modulus * rate.forward)


EQUATION = Equation(
    name="sh",
    dimensions=(2,),
    parameters=lambda _: {"g": "vs**2 * rho / 1000", "r": "rho / 1000"},
    recorded=lambda _: {"vy": Channel({"v": 1e-3}, BOTH, BOTH, half_steps=-1)},
    emitted=lambda _: {"fy": Channel({"v": 1.0}, BOTH, BOTH)},
    state=state,
    # Two levels of v, two stresses and four memory variables; g, r and three of their means; then
    # rates of strain, multipliers, two gradients, sums for the means, and illumination.
    footprint=lambda _: Footprint(14, 18, {"g": ("e0", "e1"), "r": ()}, 5, 4, packed=(2, 4)),
    slowest=lambda vs: np.where(vs > 0, vs, np.max(vs)),
    fastest=lambda vs: vs,
    limits=(
        Limit(
            lambda vs: 0 * vs + np.max(vs) - SLOWEST,
            "vs must be positive somewhere: there are no SH waves in fluids",
            of_whole_model=True,
        ),
    ),
    differences="half",
)
