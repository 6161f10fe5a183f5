"""Isotropic acoustic wave equation of variable density.

    r a       = grad(u)
    k d2u/dt2 - div(a) = q,        k = 1 / (r vp**2),    r = rho / rho_w

with pressure u [Pa], its gradient over the density a [Pa/m], compressibility k [s2/m2] and density
r, both relative to water of rho_w = 1000 kg/m3, and source q [Pa/m2]: in water a source has the
amplitude that it has in the equation of constant density. The densities act half a cell between
the pressures, where their mean is the effective density of the two cells; `interfaces`
prepares them, so that a step from cell to cell reflects as it should.

References: Virieux and Operto (2009), Geophysics 74, WCC1-WCC26; Moczo et al. (2002), Bull. Seism.
Soc. Am. 92, 3042-3066, for the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwicli.propagators.equations.channel import Channel
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.footprint import Footprint

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium


def state(medium: Medium) -> None:
    """State the residuals of the pressure gradients over density, and of the pressure."""
    k, r = medium.parameter("k"), medium.parameter("r")
    u = medium.field("u", time_order=2)
    divergence = []
    for axis in medium.axes:
        a = medium.field(f"a{axis}", time_order=1, half=axis)
        medium.solve(a, medium.between(r, axis) * a.forward - medium.slope(u, axis, 1))
        divergence.append(medium.slope(a.forward, axis, -1))
    medium.solve(u, k * u.dt2 - sum(divergence))


def accelerations(ndim: int) -> dict[str, Channel]:
    """Accelerations of particles [m/s2]: minus the gradients over density, of the step before."""
    return {
        f"a{name}": Channel({f"a{axis}": -1e-3}, (axis,), (axis,), half_steps=-2)
        for axis, name in enumerate("xyz"[:: 4 - ndim])
    }


def forces(ndim: int) -> dict[str, Channel]:
    """Forces [N] in 3D, [N/m] in 2D: what they add to the acceleration takes its sign."""
    return {
        f"f{name}": Channel({f"a{axis}": -1.0}, (axis,), (axis,))
        for axis, name in enumerate("xyz"[:: 4 - ndim])
    }


EQUATION = Equation(
    name="variable_density",
    parameters=lambda _: {"k": "1000 / (rho * vp**2)", "r": "rho / 1000"},
    recorded=lambda ndim: {"pressure": Channel({"u": 1.0}), **accelerations(ndim)},
    emitted=lambda ndim: {"pressure": Channel({"u": 1.0}), **forces(ndim)},
    state=state,
    # Two levels of u and, an axis, two memory variables and, in 3D, a; k, r and their coefficients;
    # then three levels of the multiplier of u, one of the others, two gradients and illumination,
    # and two levels of a, for the history.
    footprint=lambda ndim: Footprint(
        4 * ndim + 5 - 2 * (ndim == 2),
        5 * ndim + 6,
        {"k": ("u",), "r": tuple(f"a{axis}" for axis in range(ndim))},
        ndim + 2,
        2 * ndim,
        ("u",),
        {f"a{axis}": 2 - (ndim == 3) for axis in range(ndim)},
        packed=(2, 4),
    ),
    mean_density=True,
    differences="half",
)
