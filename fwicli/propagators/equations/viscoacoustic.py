"""Acoustic wave equation with a constant quality factor, as a system of first order in time.

    r dv/dt = -grad(p),     k y = e = int q dt - div(v)
    dp/dt = y - 2 g s,      s = sum_l w_l m_l - G (y - g s)
    T_l dm_l/dt = y - g s - m_l

    r = rho / rho_w,        k = (1 + g**2) / (r vp**2),        g = tan(arctan(1 / Q) / 2)

with pressure p [Pa], particle velocity times the density of water v [Pa s/m], rate of compression
e, the rate of pressure y [Pa/s] that a medium without losses would have, memory variables m_l
[Pa/s], and source q [Pa/m2]; rho_w = 1000 kg/m3. Relaxation times T_l and weights w_l, half of
whose sum is G, are constants. At the angular frequency w the compressibility is

    K(w) = k (1 + g Z) / (1 - g Z),        Z(w) = sum_l w_l / (1 + i w T_l) - G,

a ratio of polynomials whose real roots alternate: a generalised standard linear solid, which cannot
gain energy. Times and weights are fitted so that Im Z is close to -1 over a band about the
reference frequency w0, where Re Z = 0. The phase of K is then that of 1 - i / Q, whatever Q is,
and vp is the phase velocity at w0. K is close to the law of Kjartansson,
k (i w / w0)**(-2 arctan(1 / Q) / pi): over the band the decay is within 1 %, and the phase velocity
within 0.2 %, for Q of 20 and more.

References: Liu, Anderson and Kanamori (1976), Geophys. J. R. Astr. Soc. 47, 41-58; Blanch,
Robertsson and Symes (1995), Geophysics 60, 176-184, for one parameter that serves all mechanisms;
Kjartansson (1979), J. Geophys. Res. 84, 4737-4748.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.propagators.equations.channel import Channel
from fwicli.propagators.equations.equation import Equation, Limit
from fwicli.propagators.equations.footprint import Footprint
from fwicli.propagators.equations.velocity_pressure import velocities

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium

# Relaxation times, times w0, and weights: those with the smallest largest error of Im Z, 0.8 %,
# over a band whose ends have the ratio 6. Times mirror each other about 1, so that Re Z = 0 at w0.
TIMES = (0.36312983, 2.75383602)
WEIGHTS = (1.5461427, 1.5461427)
# G: the most of Re Z, at rest and for the fastest changes.
MOST = sum(WEIGHTS) / 2
# The ends of the band over the reference frequency.
BAND = (6**-0.5, 6**0.5)
# Below this Q the decay is off by more than 1.5 % within the band.
SMALLEST = 5.0


def state(medium: Medium) -> None:
    """State the residuals of velocities, pressure and memory variables."""
    k, g, r = (medium.parameter(name) for name in ("k", "g", "r"))
    decays, shares, instant = mechanisms(medium)
    p = medium.field("p", time_order=1)
    e, y, s, drive = (medium.field(n, time_order=1) for n in ("e", "rate", "relaxed", "drive"))
    memory = [medium.field(f"memory{number}", time_order=1) for number, _ in enumerate(TIMES)]
    divergence = []
    for axis in medium.axes:
        v = medium.field(f"v{axis}", time_order=1, half=axis)
        push = medium.field(f"push{axis}", time_order=1, half=axis)
        medium.solve(push, push.forward + medium.slope(p, axis, 1))
        light = medium.coefficient(f"light{axis}", 1 / medium.between(r, axis))
        medium.solve(v, v.dt - light * push.forward)
        divergence.append(medium.slope(v.forward, axis, -1))
    medium.solve(e, e.forward + sum(divergence))
    modulus = medium.coefficient("c", 1 / k)
    medium.solve(y, y.forward - modulus * e.forward)
    older = sum(share * m for share, m in zip(shares, memory, strict=True))
    medium.solve(s, s.forward - older + instant * y.forward)
    # As s belongs to the middle of the step it adds to itself; u has this in it.
    u = medium.coefficient("u", g / (1 - instant * g))
    medium.solve(drive, drive.forward - y.forward + u * s.forward)
    medium.solve(p, p.dt - 2 * drive.forward + y.forward)
    for m, decay in zip(memory, decays, strict=True):
        medium.solve(m, m.forward - decay * m - drive.forward)


def mechanisms(medium: Medium) -> tuple[list[Any], list[Any], Any]:
    """Constants of the mechanisms over a time step.

    Parameters
    ----------
    medium : Medium

    Returns
    -------
    decays : list of expression
        Share of a memory variable that remains after a step.
    shares : list of expression
        Weights of memory variables before the step in their sum in its middle.
    instant : expression
        Weight of the rate that a medium without losses would have, in the same sum.
    """
    frequency = 2 * math.pi * medium.reference_frequency
    # The step over relaxation times; a little more, so that with means over a step and differences
    # for derivatives slow changes relax as in continuous time.
    steps = [frequency * medium.step / time for time in TIMES]
    steps = [h + h**3 / 12 for h in steps]
    # A memory variable over 1 - exp(-h) needs one product a step. Its value in the
    # middle of a step is the mean of those before and after.
    shares = [w * (1 - medium.exp(-2 * h)) / 2 for w, h in zip(WEIGHTS, steps, strict=True)]
    instant = sum(w * medium.exp(-h) for w, h in zip(WEIGHTS, steps, strict=True)) / 2
    return [medium.exp(-h) for h in steps], shares, instant


def fastest(vp: Any, qp: Any) -> Any:
    """Velocity of the highest frequencies, which leave nothing time to relax.

    Parameters
    ----------
    vp : ndarray
        P velocity at the reference frequency [m/s].
    qp : ndarray
        Quality factor.

    Returns
    -------
    ndarray
        [m/s]
    """
    g = 1 / (qp + np.sqrt(qp**2 + 1))
    return vp * np.sqrt((1 + MOST * g) / (1 - MOST * g) / (1 + g**2))


def forces(ndim: int) -> dict[str, Channel]:
    """Forces [N] in 3D, [N/m] in 2D: they drive the particle velocities, at whole steps."""
    return {
        f"f{name}": Channel({f"push{axis}": 1.0}, (axis,), (axis,))
        for axis, name in enumerate("xyz"[:: 4 - ndim])
    }


EQUATION = Equation(
    name="viscoacoustic",
    parameters=lambda _: {
        "k": "1000 * (1 + (qp + sqrt(qp**2 + 1))**-2) / (rho * vp**2)",
        "g": "1 / (qp + sqrt(qp**2 + 1))",
        "r": "rho / 1000",
    },
    recorded=lambda ndim: {"pressure": Channel({"p": 1.0}), **velocities(ndim)},
    emitted=lambda ndim: {"pressure": Channel({"e": 1.0}, integrated=True), **forces(ndim)},
    state=state,
    # Velocities, two levels of p, memory variables and those of the layer; k, g, r, c, u and, an
    # axis, 1/r. Then two levels of fields for the history, one of multipliers and two of one, three
    # gradients, four kinds of sums for them, and illumination.
    footprint=lambda ndim: Footprint(
        4 * ndim + 7 + len(TIMES),
        # In the plane, the multiplier of a rate lives in a ring of rows.
        7 * ndim + 16 + len(TIMES) - (ndim == 2),
        {"k": ("e",), "g": ("relaxed",), "r": tuple(f"push{axis}" for axis in range(ndim))},
        # Also those of the history, which are made a step before it is kept.
        2 * ndim + 3 + len(TIMES),
        2 * ndim,
        recorded={f"v{axis}": 1 for axis in range(ndim)},
        packed=(2, 4),
    ),
    fastest=fastest,
    limits=(
        Limit(
            lambda qp: qp - SMALLEST,
            f"qp must be at least {SMALLEST:g}: the fit of a constant Q ends there",
        ),
    ),
    mean_density=True,
    constant_q=BAND,
    differences="half",
)
