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

No matched layer absorbs the shear wave of this medium (see `absorbing`). In the layer the medium
resists shear, so that it becomes a proper wave, and the P wave hardly differs, by 0.1 % of its
velocity squared where epsilon - delta is 0.1,

    m d2u/dt2 = (e - b) h + g v + b laplacian(u)              g**2 = (s**2 - b) (1 - b)
    m d2w/dt2 = g h + (1 - b) v + b laplacian(w)

with the squared ratio b of shear velocity to vp. What of it still grows is dragged to rest.

References: Thomsen (1986), Geophysics 51, 1954-1966; Zhang, Zhang and Zhang (2011), Geophysics 76,
WA3-WA11, for the self-adjoint form; Duveneck and Bakker (2011), Geophysics 76, S65-S75; Fletcher,
Du and Fowler (2009), Geophysics 74, WCA179-WCA187, for finite shear velocity against instability.
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
    layer = ("l", *(f"l{axis}" for axis in range(ndim)))
    return Footprint(
        28 * ndim + 14,
        36 * ndim + 32,
        {"m": mass, "e": (*stiffness, *layer), "f": (*stiffness, *layer), **tilt},
    )


def state(medium: Medium) -> None:
    """State the residuals of the strains and of the stresses along and across the layers."""
    m = medium.parameter("m")
    e, s, one, unit = _stiffness(medium)
    u, w = medium.field("u", time_order=2), medium.field("w", time_order=2)
    h, v = medium.field("h", time_order=1), medium.field("v", time_order=1)
    # A field of its own: the gradient needs its history, or those of all its parts in the layer.
    bent = medium.field("l", time_order=1)
    across = _across(medium, u), _across(medium, w)
    medium.solve(bent, bent.forward - medium.laplacian(u))
    medium.solve(h, h.forward - bent.forward + across[0])
    medium.solve(v, v.forward - across[1])
    drag = _drag(medium, u, w)
    shear = [0, 0]
    bent_w = medium.laplacian(w) if unit != 0 else 0
    for axis in filter(medium.absorbs, medium.axes):
        within = medium.memory(f"l{axis}", axis, odd=True)
        medium.solve(within, within.forward - bent_w)
        b = medium.line("firm", axis) * unit
        shear = [shear[0] + b * bent.forward, shear[1] + b * within.forward]
    medium.solve(u, m * u.dt2 - e * h.forward - s * v.forward - shear[0] + m * drag[0])
    medium.solve(w, m * w.dt2 - s * h.forward - one * v.forward - shear[1] - m * drag[1])


def _stiffness(medium: Medium) -> tuple[Any, Any, Any, Any]:
    """e, s, 1 less the resistance to shear b of the absorbing layer, and b per firmness."""
    e, f = medium.parameter("e"), medium.parameter("f")
    layer = [axis for axis in medium.axes if medium.absorbs(axis)]
    if not layer:
        return e, medium.coefficient("ss", medium.root(f)), 1, 0
    firm = sum(medium.line("firm", axis) for axis in layer)
    # b is below 1 and f, however firm.
    most = f / (1 + f)
    unit = medium.coefficient("bb", (e - f) * most / (most + firm * (e - f)))
    b = firm * unit
    return (
        medium.coefficient("ee", e - b),
        medium.coefficient("ss", medium.root((f - b) * (1 - b))),
        medium.coefficient("one", 1 - b),
        unit,
    )


def _drag(medium: Medium, u: Any, w: Any) -> tuple[Any, Any]:
    """Drag on the shear wave in the absorbing layer, in the equations of u and w."""
    e, f = medium.parameter("e"), medium.parameter("f")
    along, across = 0, 0
    for axis in filter(medium.absorbs, medium.axes):
        n = medium.parameter(f"n{axis}")
        steep, flat = n**2, 1 - n**2
        # What is not a P wave along the normal of the layer, in the elliptical medium that has the
        # same velocity there.
        e_normal = e - (e - f) * steep
        s_normal = medium.coefficient(f"sn{axis}", medium.root(f + (e - f) * flat))
        first = medium.coefficient(f"along{axis}", s_normal * flat + steep)
        second = medium.coefficient(f"across{axis}", e_normal * flat + s_normal * steep)
        shear = first * u - second * w
        last = medium.memory(f"last{axis}", axis)
        medium.solve(last, last.forward - shear)
        # Shear waves grow where the axis is oblique to the layer; drag does no good elsewhere.
        rate = 4 * steep * flat * medium.line("drag", axis) * (shear - last)
        along, across = along + steep * rate, across + flat * rate
    return along, across


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
