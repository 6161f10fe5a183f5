"""Constant-density isotropic acoustic wave equation.

    m d2u/dt2 - laplacian(u) = q,        m = 1 / vp**2

with pressure u [Pa], squared slowness m [s2/m2] and source q [Pa/m2]. See Aki and Richards
(2002), Quantitative Seismology, chapter 4, and Virieux and Operto (2009), Geophysics 74,
WCC1-WCC26, for its use in inversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwicli.propagators.equations.channel import pressure
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.footprint import Footprint

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium


def state(medium: Medium) -> None:
    """State the residual of the pressure."""
    m = medium.parameter("m")
    u = medium.field("u", time_order=2)
    medium.solve(u, m * u.dt2 - medium.laplacian(u))


EQUATION = Equation(
    name="acoustic",
    parameters=lambda _: {"m": "1 / vp**2"},
    emitted=pressure("u"),
    recorded=pressure("u"),
    state=state,
    # Two levels of u, two memory variables an axis, m and a coefficient; then three levels
    # of the multiplier, its memory variables, gradient and illumination.
    footprint=lambda ndim: Footprint(
        2 * ndim + 4, 2 * ndim + 5, {"m": ("u",)}, 2, 2 * ndim, ("u",), packed=(2, 4)
    ),
)
