"""Acoustic wave equation of vertical transverse isotropy (VTI), of variable density.

    r a = grad_h(u),        h = div_h(a) + q,        r c = dw/dz,        v = dc/dz
    k d2g/dt2 = (e - s**2) h,        dg/dt = p,        u = g + s w
    k d2w/dt2 = s h + v

    k = 1 / (r vp**2),    e = 1 + 2 epsilon,    s = sqrt(1 + 2 delta),    r = rho / rho_w

with the negative stress u along the layers and w across them [Pa], in water both the pressure,
compressibility k [s2/m2] and density r relative to water of rho_w = 1000 kg/m3, Thomsen's epsilon
and delta, the vertical velocity vp and source q [Pa/m2]. h and v are minus the accelerations of
the strain along and across the layers. The matrix of e, s and 1 is the stiffness, (u, w) its
product with the strains; it is symmetric, and not negative where delta <= epsilon: the energy of
the waves then cannot grow. The differences act as in the equation of variable density.

u is found by way of g, what it differs by from a fluid's s w. The slow shear wave is in g, which it
moves by little: found from u and w it would be a small difference of large terms. Its frequencies
come down to zero, and rounding of 2 g - g- would be integrated twice; g is advanced by its rate p
[Pa/s] instead. In single precision both together make the Jacobian 20 times as exact.

References: Thomsen (1986), Geophysics 51, 1954-1966; Duveneck and Bakker (2011), Geophysics 76,
S65-S75, for the system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.propagators.equations.channel import pressure
from fwicli.propagators.equations.equation import Equation, Limit
from fwicli.propagators.equations.footprint import Footprint

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium

LIMITS = (
    Limit(
        lambda epsilon, delta: epsilon - delta,
        "delta must not exceed epsilon: acoustic waves then grow without bound",
    ),
    Limit(lambda delta: 0.5 + delta, "delta must not be below -0.5: sqrt(1 + 2 delta) is real"),
)


def state(medium: Medium) -> None:
    """State the residuals of the strains and of the stresses along and across the layers."""
    k, r = medium.parameter("k"), medium.parameter("r")
    e, s = medium.parameter("e"), medium.parameter("s")
    u, w = medium.field("u", time_order=1), medium.field("w", time_order=2)
    h, v = medium.field("h", time_order=1), medium.field("v", time_order=1)
    along: list[Any] = []
    across: list[Any] = []
    for axis in medium.axes:
        vertical = axis == medium.axes[-1]
        a = medium.field(f"a{axis}", time_order=1, half=axis)
        stress = w if vertical else u
        medium.solve(a, medium.between(r, axis) * a.forward - medium.slope(stress, axis, 1))
        (across if vertical else along).append(medium.slope(a.forward, axis, -1))
    medium.solve(h, h.forward - sum(along))
    medium.solve(v, v.forward - sum(across))
    g, p = medium.field("g", time_order=1), medium.field("p", time_order=1)
    # Over k, too: its quotients with both time steps would be two arrays more to read.
    medium.solve(p, p.dt - medium.coefficient("es", (e - s**2) / k) * h.forward)
    medium.solve(w, k * w.dt2 - s * h.forward - v.forward)
    medium.solve(g, g.dt - p.forward)
    medium.solve(u, u.forward - g.forward - s * w.forward)


EQUATION = Equation(
    name="vti",
    parameters=lambda _: {
        "k": "1000 / (rho * vp**2)",
        "r": "rho / 1000",
        "e": "1 + 2 * epsilon",
        "s": "(1 + 2 * delta) ** (1 / 2)",
    },
    emitted=pressure("h"),
    recorded=pressure("u"),
    state=state,
    # In the plane, both a live in rings of rows, and so do their multipliers.
    footprint=lambda ndim: Footprint(
        4 * ndim + 12 - 2 * (ndim == 2),
        5 * ndim + 16 - 2 * (ndim == 2),
        {
            "k": ("h", "w"),
            "r": tuple(f"a{axis}" for axis in range(ndim)),
            "e": ("h",),
            "s": ("h", "w"),
        },
        ndim + 6,
        2 * ndim,
        packed=(2, 4),
    ),
    slowest=lambda vp, epsilon, delta: (
        vp * np.sqrt(1 + 2 * np.minimum(0, np.minimum(epsilon, delta)))
    ),
    fastest=lambda vp, epsilon: vp * np.sqrt(1 + 2 * np.maximum(0, epsilon)),
    defaults={"rho": 1000.0},
    limits=LIMITS,
    mean_density=True,
    differences="half",
)
