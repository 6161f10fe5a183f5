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

No matched layer absorbs the shear wave of this medium (see `absorbing`). There the medium resists
shear, which makes a proper wave of it, and drags it to rest,

    m d2u/dt2 = (e - b) h + g v + b laplacian(u) + m c d(v(u) - s v(w))/dt / e
    m d2w/dt2 = g h + (1 - b) v + b laplacian(w) - m c d(s h(u) - e h(w))/dt / e

    v(f) = div(n n . grad(f)),    h(f) = laplacian(f) - v(f),    g**2 = (s**2 - b) (1 - b)

with the squared ratio b of shear velocity to vp and the drag c [m2/s]. In a uniform medium the drag
is the stiffness (e s, s 1) times a symmetric operator that takes energy only: from all of the shear
wave, and of the P wave a share of the order of (e - s**2)**2, for which s <= u/w <= e/s. The
resistance changes the squared velocity of the P wave by a share of b (e - s**2).

References: Thomsen (1986), Geophysics 51, 1954-1966; Zhang, Zhang and Zhang (2011), Geophysics 76,
WA3-WA11, for the self-adjoint form; Duveneck and Bakker (2011), Geophysics 76, S65-S75; Fletcher,
Du and Fowler (2009), Geophysics 74, WCA179-WCA187, for finite shear velocity against instability.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from fwicli.propagators.equations import vti
from fwicli.propagators.equations.channel import pressure
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.footprint import Footprint

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
    stiffness = ("h", "v", "lu", *(f"lw{axis}" for axis in range(ndim)))
    tilt = {f"n{axis}": (f"au{axis}", f"aw{axis}", "tu", "tw") for axis in range(ndim)}
    plane = ndim == 2  # fields in rings of rows
    return Footprint(
        16 * ndim + 15 - 7 * plane,
        22 * ndim + 36 - 2 * plane,
        {"m": ("yu", "yw"), "e": stiffness, "f": stiffness, **tilt},
        2 * ndim + 11,
        11 * ndim,
        ("u", "w"),
        packed=(11, 19),
    )


def state(medium: Medium) -> None:
    """State the residuals of the strains and of the stresses along and across the layers."""
    e = medium.parameter("e")
    s, resistance = _stiffness(medium)
    u, w = medium.field("u", time_order=2), medium.field("w", time_order=2)
    h, v = medium.field("h", time_order=1), medium.field("v", time_order=1)
    # A field of its own: the gradient needs its history, or those of all its parts in the layer.
    bent = medium.field("lu", time_order=1)
    bent_across = _across(medium, u), _across(medium, w)
    medium.solve(bent, bent.forward - medium.laplacian(u))
    layer = [axis for axis in medium.axes if medium.absorbs(axis)]
    bent_w = medium.laplacian(w) if layer else 0
    within = {axis: medium.memory(f"lw{axis}", axis, odd=True) for axis in layer}
    for field in within.values():
        medium.solve(field, field.forward - bent_w)
    medium.solve(h, h.forward - bent.forward + bent_across[0])
    medium.solve(v, v.forward - bent_across[1])
    root = medium.coefficient("root", medium.root(medium.parameter("f"))) if layer else 0
    # Its own coefficient: second derivatives would divide by e at each point and step.
    soft = medium.coefficient("soft", 1 / medium.parameter("e")) if layer else 0
    # Fields of their own, too: the gradient of vp needs no history of the drag then.
    along, across = medium.field("yu", time_order=1), medium.field("yw", time_order=1)
    resisted: list[Any] = [0, 0]
    dragged: list[Any] = [0, 0]
    for axis in layer:
        b = medium.line("firm", axis) * resistance
        resisted[0] += b * (bent.forward - h.forward)
        resisted[1] += b * (within[axis].forward - v.forward)
        drag = _drag(medium, axis, (root, soft), (bent, h, v, within[axis]))
        dragged = [dragged[0] + drag[0], dragged[1] + drag[1]]
    medium.solve(along, along.forward - e * h.forward - s * v.forward - resisted[0])
    medium.solve(across, across.forward - s * h.forward - v.forward - resisted[1])
    square = medium.coefficient("vv", 1 / medium.parameter("m"))
    medium.solve(u, u.dt2 - square * along.forward - dragged[0])
    medium.solve(w, w.dt2 - square * across.forward + dragged[1])


def _stiffness(medium: Medium) -> tuple[Any, Any]:
    """s or, in the absorbing layer, g; and the resistance to shear b per firmness."""
    e, f = medium.parameter("e"), medium.parameter("f")
    layer = [axis for axis in medium.axes if medium.absorbs(axis)]
    if not layer:
        return medium.coefficient("ss", medium.root(f)), 0
    firm = sum(medium.line("firm", axis) for axis in layer)
    # b is below 1 and f, however firm.
    most = f / (1 + f)
    resistance = medium.coefficient("bb", (e - f) * most / (most + firm * (e - f)))
    b = firm * resistance
    return medium.coefficient("ss", medium.root((f - b) * (1 - b))), resistance


def _drag(
    medium: Medium, axis: int, coefficients: tuple[Any, Any], fields: tuple[Any, ...]
) -> tuple[Any, Any]:
    """Drag on the shear wave in the absorbing layer of an axis, in the equations of u and w."""
    root, soft = coefficients
    bent, h, v, bent_w = (f.forward for f in fields)
    before = (a for a in medium.axes if a < axis and medium.absorbs(a))
    # Where layers overlap, all of it is no more than the time step allows.
    rate = medium.line("drag", axis) * prod(medium.line("calm", a) for a in before)
    shear = soft * (bent - h - root * v), soft * root * h - bent_w + v
    drag = []
    for name, part in zip("uw", shear, strict=True):
        last = medium.memory(f"last_{name}{axis}", axis)
        medium.solve(last, last.forward - part)
        drag.append(rate * (last.forward - last))
    return drag[0], drag[1]


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
    emitted=pressure("h"),
    recorded=pressure("u"),
    state=state,
    footprint=footprint,
    slowest=vti.EQUATION.slowest,
    fastest=vti.EQUATION.fastest,
    limits=vti.LIMITS,
    differences="centred",
)
