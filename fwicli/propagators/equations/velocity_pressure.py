"""Acoustic wave equation as a staggered system of first order in time.

    r dv/dt = -grad(p)
    k dp/dt = -div(v) + int q dt,        k = 1 / (r vp**2),    r = rho / rho_w

with pressure p [Pa], particle velocity times the density of water v [Pa s/m], compressibility k
[s2/m2] and density r, both relative to water of rho_w = 1000 kg/m3, and source q [Pa/m2]. v lives
half a step before p in time and half a cell on in space. Eliminating v gives the equation of
variable density, to round-off also of the discrete scheme; what is its own is the absorbing layer,
with memory variables of the first derivatives alone.

References: Virieux (1984), Geophysics 49, 1933-1942; Collino and Tsogka (2001), Geophysics 66,
294-307, for the layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwicli.propagators.equations.channel import Channel
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.footprint import Footprint

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium


def state(medium: Medium) -> None:
    """State the residuals of the particle velocities and of the pressure."""
    k, r = medium.parameter("k"), medium.parameter("r")
    p = medium.field("p", time_order=1)
    divergence = []
    for axis in medium.axes:
        v = medium.field(f"v{axis}", time_order=1, half=axis)
        medium.solve(v, medium.between(r, axis) * v.dt + medium.slope(p, axis, 1))
        divergence.append(medium.slope(v.forward, axis, -1))
    medium.solve(p, k * p.dt + sum(divergence))


def velocities(ndim: int) -> dict[str, Channel]:
    """Particle velocities [m/s]: those of the equation over the density of water."""
    return {
        f"v{name}": Channel({f"v{axis}": 1e-3}, (axis,), (axis,), half_steps=-1)
        for axis, name in enumerate("xyz"[:: 4 - ndim])
    }


def forces(ndim: int) -> dict[str, Channel]:
    """Forces [N] in 3D, [N/m] in 2D: they drive the particle velocities, at whole steps."""
    return {
        f"f{name}": Channel({f"v{axis}": 1.0}, (axis,), (axis,))
        for axis, name in enumerate("xyz"[:: 4 - ndim])
    }


EQUATION = Equation(
    name="velocity_pressure",
    parameters=lambda _: {"k": "1000 / (rho * vp**2)", "r": "rho / 1000"},
    recorded=lambda ndim: {"pressure": Channel({"p": 1.0}), **velocities(ndim)},
    emitted=lambda ndim: {"pressure": Channel({"p": 1.0}, integrated=True), **forces(ndim)},
    state=state,
    # Two levels of p and, an axis, of v and two memory variables; k, r and their coefficients; then
    # as many multipliers, two gradients and illumination.
    footprint=lambda ndim: Footprint(
        4 * ndim + 5,
        6 * ndim + 5,
        {"k": ("p",), "r": tuple(f"v{axis}" for axis in range(ndim))},
        ndim + 1,
        2 * ndim,
        recorded={f"v{axis}": 1 for axis in range(ndim)},
        packed=(2, 4),
    ),
    mean_density=True,
    differences="half",
)
