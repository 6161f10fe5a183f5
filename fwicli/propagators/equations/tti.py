"""Acoustic wave equation of tilted transverse isotropy (TTI), of constant density.

    h = laplacian(u) - div(n n . grad(u)) + q,        v = div(n n . grad(w))
    m d2u/dt2 = e h + s v
    m d2w/dt2 = s h + v

    m = 1 / vp**2,    e = 1 + 2 epsilon,    s = sqrt(1 + 2 delta)
    n = (sin(theta) cos(phi), sin(theta) sin(phi), cos(theta)),  in 2D (sin(theta), cos(theta))

with the negative stress u along the layers and w across them [Pa], in water both the pressure,
squared slowness m [s2/m2] along the axis n, which is across the layers, Thomsen's epsilon and
delta, the tilt theta of the axis from the vertical and its azimuth phi [rad], and source q [Pa/m2].
div(n n . grad) is minus a difference operator times its transpose, and laplacian - div(n n . grad)
is not positive because a centred difference never exceeds the half-point differences of which the
laplacian is made: the energy cannot grow whatever the tilt, where delta <= epsilon.

References: Thomsen (1986), Geophysics 51, 1954-1966; Zhang, Zhang and Zhang (2011), Geophysics 76,
WA3-WA11, for the self-adjoint form; Duveneck and Bakker (2011), Geophysics 76, S65-S75.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fwicli.propagators.equations import vti
from fwicli.propagators.equations.equation import Equation, Footprint

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium


def parameters(ndim: int) -> Mapping[str, str]:
    """Parameters and their formulas."""
    azimuth = (" * cos(phi)", " * sin(phi)") if ndim == 3 else ("",)
    axis = {f"n{i}": f"sin(theta){part}" for i, part in enumerate(azimuth)}
    return {
        "m": "1 / vp**2",
        "e": "1 + 2 * epsilon",
        "f": "1 + 2 * delta",
        **axis,
        f"n{ndim - 1}": "cos(theta)",
    }


def footprint(ndim: int) -> Footprint:
    """Memory that it takes."""
    stiffness = ("u", "w", "h", "v")
    tilt = {f"n{i}": (f"au{i}", f"aw{i}", "tu", "tw", f"last{i}", *stiffness) for i in range(ndim)}
    mass = ("u", "w", *(f"last{axis}" for axis in range(ndim)))
    return Footprint(
        21 * ndim + 10, 38 * ndim + 9, {"m": mass, "e": stiffness, "f": stiffness, **tilt}
    )


def state(medium: Medium) -> None:
    """State the residuals of the strains and of the stresses along and across the layers."""
    m = medium.parameter("m")
    e, s = _stiffness(medium)
    u, w = medium.field("u", time_order=2), medium.field("w", time_order=2)
    h, v = medium.field("h", time_order=1), medium.field("v", time_order=1)
    across = _across(medium, u), _across(medium, w)
    medium.solve(h, h.forward - medium.laplacian(u) + across[0])
    medium.solve(v, v.forward - across[1])
    drag = _drag(medium, u, w, e, s)
    medium.solve(u, m * u.dt2 - e * h.forward - s * v.forward + m * drag[0])
    medium.solve(w, m * w.dt2 - s * h.forward - v.forward - m * drag[1])


def _drag(medium: Medium, u: Any, w: Any, e: Any, s: Any) -> tuple[Any, Any]:
    """Drag on the shear wave in the absorbing layer, in the equations of u and w."""
    along, across = 0, 0
    for axis in filter(medium.absorbs, medium.axes):
        n = medium.parameter(f"n{axis}")
        steep, flat = n**2, 1 - n**2
        # What is not a P wave along the normal of the layer.
        first = medium.coefficient(f"along{axis}", s * flat + steep)
        second = medium.coefficient(f"across{axis}", e * flat + s * steep)
        shear = first * u - second * w
        last = medium.memory(f"last{axis}", axis)
        medium.solve(last, last.forward - shear)
        rate = medium.line("drag", axis) * (shear - last)
        along, across = along + steep * rate, across + flat * rate
    return along, across


def _stiffness(medium: Medium) -> tuple[Any, Any]:
    """e and s; in the absorbing layer those of an elliptical medium."""
    e, f = medium.parameter("e"), medium.parameter("f")
    e_in, f_in = e, f
    for axis in medium.axes:
        n, taper = medium.parameter(f"n{axis}"), medium.taper(axis)
        excess = taper * (e_in - f_in)
        e_in, f_in = e_in - excess * n**2, f_in + excess * (1 - n**2)
    return medium.coefficient("ee", e_in), medium.coefficient("ss", medium.root(f_in))


def _across(medium: Medium, f: Any) -> Any:
    """div(n n . grad f), by fields of its own for every part of it."""
    n = [medium.parameter(f"n{axis}") for axis in medium.axes]
    slope = 0
    for axis in medium.axes:
        a = medium.field(f"a{f.name}{axis}", time_order=1, even=(axis,))
        medium.solve(a, a.forward - medium.centred(f, axis))
        slope = slope + n[axis] * a.forward
    t = medium.field(f"t{f.name}", time_order=1, even=tuple(medium.axes))
    medium.solve(t, t.forward - slope)
    divergence = 0
    for axis in medium.axes:
        b = medium.field(f"b{f.name}{axis}", time_order=1, even=(axis,))
        medium.solve(b, b.forward - n[axis] * t.forward)
        divergence = divergence + medium.centred(b.forward, axis)
    return divergence


EQUATION = Equation(
    name="tti",
    parameters=parameters,
    source="h",
    receiver="u",
    state=state,
    footprint=footprint,
    slowest=vti.EQUATION.slowest,
    fastest=vti.EQUATION.fastest,
    limits=vti.LIMITS,
)
