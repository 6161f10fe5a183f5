"""Elastic wave equation of vertical transverse isotropy (VTI), staggered, of first order in time.

    r dv_i/dt  = sum_j ds_ij/dx_j + f_i,        r = rho / rho_w
    e_ij       = (dv_i/dx_j + dv_j/dx_i) (1/2 if i = j) - delta_ij int q dt / n
    ds_xx/dt   = c11 (e_xx + e_yy) - 2 c66 e_yy + c13 e_zz,        ds_yy/dt likewise
    ds_zz/dt   = c13 (e_xx + e_yy) + c33 e_zz
    ds_iz/dt   = c55 e_iz,        ds_xy/dt = c66 e_xy

    c33 = r vp**2 = 1 / k,    c55 = r vs**2 = g,    c11 = c33 e**2,    c66 = c55 h,    c13 = c33 f
    e = sqrt(1 + 2 epsilon),    h = 1 + 2 gamma
    f c33 = sqrt((c33 - c55) (c33 - c55 + 2 delta c33)) - c55

with stress s [Pa], particle velocity times the density of water v [Pa s/m], the velocities vp and
vs of waves along the vertical, Thomsen's epsilon, delta and gamma, not of weak anisotropy but as he
defines them, and stiffnesses over the density of water of rho_w = 1000 kg/m3 [m2/s2]. A change of k
alone leaves a fluid a fluid. e is the velocity of horizontal P waves over vp.
Without y, in 2D, there is no gamma. Pressure, sources and the places of fields are those of
isotropic elastic waves (see `elastic`), and so are the means: of density where v sits, and harmonic
ones of c55 and c66 at corners. A fluid has vs = 0, and is isotropic: c13 = c11 = c33. There gamma
does not matter.

The squared phase velocities of P and SV waves at the angle a to the vertical, over vp**2, are

    (b + 1 + 2 epsilon s +- sqrt((p s - q (1 - s))**2 + 4 m s (1 - s))) / 2,        s = sin(a)**2,
    b = vs**2 / vp**2,    q = 1 - b,    p = q + 2 epsilon,    m = q (q + 2 delta).

They are extreme at s of 0, of 1 and where ((p + q)**2 - 4 m) s**2 + (4 m - 2 q (p + q)) s = m -
q**2; where m = p q the medium is elliptical, and they change with s alone.

On the surface of the earth (see `elastic`) s_zz = 0 gives e_zz = -f (e_xx + e_yy), and with it

    ds_xx/dt = (c11 - c13**2 / c33) (e_xx + e_yy) - 2 c66 e_yy,        ds_yy/dt likewise,

where c11 - c13**2 / c33 = (e**2 - f**2) / k is zero in fluids, also after round-off.

A matched layer along x amplifies waves whose group velocity points against their slowness along x.
No wave does where (c13 + c55)**2 <= c11 (c33 - c55), and none along z where
(c13 + c55)**2 <= c33 (c11 - c55): where m is at most (1 + 2 epsilon) q, and p. Media beyond are
refused. They grow exponentially, and others not, as near as 0.04 c33**2 to these bounds.

References: Thomsen (1986), Geophysics 51, 1954-1966; Becache, Fauqueux and Joly (2003), J. Comput.
Phys. 188, 399-433, for the layer; Virieux (1986), Geophysics 51, 889-901, for the grid.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.propagators.equations import elastic
from fwicli.propagators.equations.equation import Equation, Limit
from fwicli.propagators.equations.footprint import Footprint

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium

# Slowest velocity over vp of a medium that is not stable, which is refused.
LEAST = 1e-3


def parameters(ndim: int) -> dict[str, str]:
    """Formulas in the properties."""
    ratio = "(vs / vp)**2"
    horizontal = {"h": "1 + 2 * gamma"} if ndim == 3 else {}
    return {
        "k": "1000 / (rho * vp**2)",
        "g": "rho * vs**2 / 1000",
        "r": "rho / 1000",
        "e": "(1 + 2 * epsilon) ** (1 / 2)",
        "f": f"((1 - {ratio}) * (1 + 2 * delta - {ratio})) ** (1 / 2) - {ratio}",
        **horizontal,
    }


def state(medium: Medium) -> None:
    """State the residuals of velocities, rates of strain and stresses."""
    r, axes, pairs = medium.parameter("r"), medium.axes, list(combinations(medium.axes, 2))
    v, s, e = elastic.motion(medium, r)
    c55 = medium.parameter("g")
    c66 = medium.parameter("h") * c55 if len(axes) == 3 else 0
    _solve_normal_stresses(medium, [s[i, i] for i in axes], [rate.forward for rate in e], c66)
    for i, j in pairs:
        shear = elastic.sheared(medium, v, i, j)
        stiffness = c55 if j == axes[-1] else c66
        corner = medium.coefficient(f"g{i}{j}", medium.harmonic(stiffness, (i, j)))
        rate = s[i, j].dt + medium.friction(s[i, j])
        medium.solve(s[i, j], rate - corner * shear.forward)


def _solve_normal_stresses(medium: Medium, s: list[Any], e: list[Any], c66: Any) -> None:
    """State the residuals of stresses along axes, which are zero along z on a surface."""
    k, ratio, f = (medium.parameter(name) for name in "kef")
    *level, z = medium.axes
    below = medium.line("below", z) if medium.has_surface else 1  # zero on the surface
    c11 = medium.coefficient("c11", (ratio**2 - (1 - below) * f**2) / k)
    c13 = medium.coefficient("c13", below * f / k)
    c33 = medium.coefficient("c33", below / k)
    area = sum(e[i] for i in level)
    rates = [stress.dt + medium.friction(stress) for stress in s]
    for i in level:
        others = sum(2 * c66 * e[j] for j in level if j != i)
        medium.solve(s[i], rates[i] - c11 * area + others - c13 * e[z])
    medium.solve(s[z], rates[z] - c13 * area - c33 * e[z])


def _fractions(vp: Any, vs: Any, epsilon: Any, delta: Any) -> tuple[Any, Any, Any, Any]:
    """b, p, q and m: moduli over c33."""
    b = (vs / vp) ** 2
    return b, 1 - b + 2 * epsilon, 1 - b, (1 - b) * (1 - b + 2 * delta)


def _extremes(vp: Any, vs: Any, epsilon: Any, delta: Any) -> tuple[list[Any], list[Any]]:
    """Velocities [m/s] of P and of SV waves at angles among which are the extremes."""
    b, p, q, m = _fractions(vp, vs, epsilon, delta)
    square, line, constant = (p + q) ** 2 - 4 * m, 4 * m - 2 * q * (p + q), m - q**2
    root = np.sqrt(np.maximum(line**2 + 4 * square * constant, 0.0))
    half = -(line + np.where(line < 0, -root, root)) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = [np.clip(np.nan_to_num(s), 0.0, 1.0) for s in (half / square, -constant / half)]
    fast, slow = [], []
    for s in (0.0, 1.0, *inner):
        root = np.sqrt(np.maximum((p * s - q * (1 - s)) ** 2 + 4 * m * s * (1 - s), 0.0))
        mean = b + 1 + 2 * epsilon * s
        fast.append(vp * np.sqrt(np.maximum(mean + root, 0.0) / 2))
        slow.append(vp * np.sqrt(np.maximum(mean - root, 2 * LEAST**2) / 2))
    return fast, slow


def _slowest(vp: Any, vs: Any, epsilon: Any, delta: Any, gamma: Any = 0.0) -> Any:
    """Of SV waves, and in 3D of SH waves; of P waves in fluids [m/s]."""
    fast, slow = _extremes(vp, vs, epsilon, delta)
    horizontal = vs * np.sqrt(np.maximum(1 + 2 * gamma, LEAST**2))
    shear = np.minimum(np.min(np.broadcast_arrays(*slow), axis=0), horizontal)
    return np.where(vs > 0, shear, np.min(np.broadcast_arrays(*fast), axis=0))


def _fastest(vp: Any, vs: Any, epsilon: Any, delta: Any) -> Any:
    """Of P waves [m/s]."""
    return np.max(np.broadcast_arrays(*_extremes(vp, vs, epsilon, delta)[0]), axis=0)


def _in_solids(vs: Any, margin: Any) -> Any:
    """A margin of solids; what fluids may be is a limit of its own."""
    return np.where(vs > 0, margin, 0.0)


def _energy(vp: Any, vs: Any, epsilon: Any, delta: Any, gamma: Any = -0.5) -> Any:
    """((c11 - c66) c33 - c13**2) / c33**2; c66 is 0 where there is no gamma, in 2D."""
    b, _, _, m = _fractions(vp, vs, epsilon, delta)
    c13 = np.sqrt(np.maximum(m, 0.0)) - b
    return _in_solids(vs, 1 + 2 * epsilon - b * (1 + 2 * gamma) - c13**2)


LIMITS = (
    Limit(
        lambda vs, epsilon, delta: np.where(vs > 0, 0.0, -np.maximum(abs(epsilon), abs(delta))),
        "a fluid, where vs is 0, is isotropic: epsilon and delta must be 0 there",
    ),
    Limit(lambda vp, vs: vp - vs, "vp must be at least vs: c13 is no real number"),
    Limit(
        lambda vp, vs, delta: 1 + 2 * delta - (vs / vp) ** 2,
        "delta must not be below ((vs / vp)**2 - 1) / 2: c13 is no real number",
    ),
    Limit(lambda gamma=0.0: 0.5 + gamma, "gamma must not be below -0.5: c66 is negative"),
    Limit(
        _energy,
        "c13**2 must not exceed c33 (c11 - c66), with c66 of 0 in 2D: strain must cost energy",
    ),
    # In the whole model, as the layer is around the window of each shot.
    Limit(
        lambda vp, vs, epsilon, delta: _in_solids(vs, epsilon - delta + (vs / vp) ** 2 / 2),
        "delta - epsilon must not exceed (vs / vp)**2 / 2: absorbing layers along x and y amplify "
        "SV waves whose energy runs against their wavefronts",
    ),
    Limit(
        lambda vp, vs, epsilon, delta: _in_solids(
            vs, epsilon - (1 - (vs / vp) ** 2) * (delta - (vs / vp) ** 2 / 2)
        ),
        "epsilon must not be below (1 - (vs / vp)**2) (delta - (vs / vp)**2 / 2): absorbing layers "
        "along z amplify SV waves whose energy runs against their wavefronts",
    ),
)


def footprint(ndim: int) -> Footprint:
    """Arrays of elastic waves; e, f, in 3D h, c11 and c13 more, and gradients and sums for them."""
    *level, _ = rates = tuple(f"e{i}" for i in range(ndim))
    shears = tuple(f"e{i}{j}" for i, j in combinations(range(ndim), 2))
    solid = elastic.footprint(ndim)
    horizontal = {"h": (*level, "e01")} if ndim == 3 else {}
    return replace(
        solid,
        forward=solid.forward + 2 + ndim,
        gradient=solid.gradient + 2 + ndim,
        surface=(0, 0),
        history={
            "k": rates,
            "g": (*level, *shears) if ndim == 3 else shears,
            "r": solid.history["r"],
            "e": tuple(level),
            "f": rates,
            **horizontal,
        },
    )


EQUATION = Equation(
    name="elastic_vti",
    parameters=parameters,
    recorded=elastic.EQUATION.recorded,
    emitted=elastic.EQUATION.emitted,
    state=state,
    footprint=footprint,
    slowest=_slowest,
    fastest=_fastest,
    limits=LIMITS,
    free_sides=False,
    solid_surface=True,
    differences="half",
)
