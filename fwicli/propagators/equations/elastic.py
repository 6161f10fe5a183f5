"""Isotropic elastic wave equation as a staggered system of first order in time (P-SV in 2D).

    r dv_i/dt  = sum_j ds_ij/dx_j + f_i,        r = rho / rho_w
    e_ij       = (dv_i/dx_j + dv_j/dx_i) (1/2 if i = j) - delta_ij int q dt / n
    ds_ii/dt   = (c - 2 g) sum_j e_jj + 2 g e_ii,        ds_ij/dt = g e_ij

    c = 1 / k,    k = 1 / (r vp**2),    g = r vs**2

with stress s [Pa], particle velocity times the density of water v [Pa s/m], the modulus c of P
waves and g of S waves [m2/s2], both over the density of water of rho_w = 1000 kg/m3, and rates of
strain e, those of shear twice those of the tensor. The parameter k is the compressibility of a
fluid [s2/m2], as in the acoustic equations. Pressure is minus the mean of the n normal
stresses. A source q [Pa/m2] of pressure injects volume, equally along the axes: in a fluid it has
the amplitude that it has in the acoustic equations. Forces f act on the velocities. A moment M(t)
[N m] (in 2D of a line, [N m/m]) at a point is stress-free strain, with the forces -div(M delta):

    ds_ij/dt   = ... - dM_ij/dt delta

so that s is what the rock around bears, less M at the source itself. With M_ij = m delta_ij it is
the source of pressure q = 1000 / K d2m/dt2, where K is the bulk modulus, in 2D rho (vp**2 - vs**2).

Normal stresses live on the points, v_i half a cell on along i, and s_ij half a cell on along both;
v lives half a step before s in time. Density is the arithmetic mean of two points where v sits. The
modulus of shear at a corner is the harmonic mean of the four points around it: zero where one of
them is a fluid, so that fluids need no care.

The first points along z may be the surface of the earth, which nothing pulls: s_iz = 0. Its normal
stresses and the velocities along it lie on it; v_z and s_iz lie half a cell below. Differences
along z end there (see `surface`), and as s_zz = 0 gives e_zz = -(1 - 2 g k) sum_i e_ii, with the
sum along the surface,

    ds_ii/dt = 2 g k (c - 2 g) sum_j e_jj + 2 g e_ii        on the surface,

which is zero in fluids, also after round-off. Below a topography the surface cuts the cells: moduli
are multiplied by volumes of rock and densities by masses (see `cut_cells`).

References: Virieux (1986), Geophysics 51, 889-901; Moczo et al. (2002), Bull. Seism. Soc. Am. 92,
3042-3066, for the means.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.propagators.equations.channel import Channel
from fwicli.propagators.equations.equation import Equation, Limit
from fwicli.propagators.equations.footprint import Footprint
from fwicli.propagators.equations.velocity_pressure import forces, velocities

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium


def state(medium: Medium) -> None:
    """State the residuals of velocities, rates of strain and stresses."""
    k, g, r = (medium.parameter(name) for name in ("k", "g", "r"))
    c = medium.coefficient("c", medium.volume(()) / k)
    v, s, e = motion(medium, r)
    along = g if medium.volume(()) == 1 else medium.coefficient("ga", medium.volume(()) * g)
    _solve_normal_stresses(medium, s, [rate.forward for rate in e], (c, k, along))
    for i, j in combinations(medium.axes, 2):
        shear = sheared(medium, v, i, j)
        modulus = medium.volume((i, j)) * medium.harmonic(g, (i, j))
        corner = medium.coefficient(f"g{i}{j}", modulus)
        medium.solve(s[i, j], s[i, j].dt + medium.friction(s[i, j]) - corner * shear.forward)


def motion(medium: Medium, r: Any) -> tuple[list[Any], dict[tuple[int, int], Any], list[Any]]:
    """State the residuals of velocities and of rates of strain along axes.

    Parameters
    ----------
    medium : Medium
    r : Function
        Density over that of water.

    Returns
    -------
    v : list of TimeFunction
        Velocities, by axis.
    s : dict of (int, int) to TimeFunction
        Stresses, whose residuals are not stated yet.
    e : list of TimeFunction
        Rates of strain along axes.
    """
    axes = medium.axes
    v = [medium.field(f"v{i}", time_order=1, half=(i,)) for i in axes]
    s = {(i, i): medium.field(f"s{i}", time_order=1) for i in axes}
    for i, j in combinations(axes, 2):
        s[i, j] = s[j, i] = medium.field(f"s{i}{j}", time_order=1, half=(i, j))
    for i in axes:
        force = sum(medium.pull(s[i, j], j, 1 if i == j else -1) for j in axes)
        medium.solve(v[i], medium.between(r, i) * (v[i].dt + medium.friction(v[i])) - force)
    e: list[Any] = []
    for i in axes:
        e.append(medium.field(f"e{i}", time_order=1))
        medium.solve(e[i], e[i].forward - medium.slope(v[i].forward, i, -1))
    return v, s, e


def sheared(medium: Medium, v: list[Any], i: int, j: int) -> Any:
    """State the residual of a rate of shear strain.

    Parameters
    ----------
    medium : Medium
    v : list of TimeFunction
        Velocities.
    i, j : int
        Axes, in their order.

    Returns
    -------
    TimeFunction
    """
    shear = medium.field(f"e{i}{j}", time_order=1, half=(i, j))
    rate = medium.slope(v[i].forward, j, 1) + medium.slope(v[j].forward, i, 1)
    medium.solve(shear, shear.forward - rate)
    return shear


def _solve_normal_stresses(medium: Medium, s: Any, e: list[Any], moduli: tuple[Any, ...]) -> None:
    """State the residuals of stresses along axes, which are zero along z on a surface."""
    c, k, g = moduli
    rates = {i: s[i, i].dt + medium.friction(s[i, i]) for i in medium.axes}
    volume, other = sum(e), c - 2 * g
    if not medium.has_surface:
        for i in medium.axes:
            medium.solve(s[i, i], rates[i] - other * volume - 2 * g * e[i])
        return
    *level, z = medium.axes
    area = sum(e[i] for i in level)
    below = medium.line("below", z)  # one below the surface, zero on it
    flat = medium.coefficient("f", other * (below + (1 - below) * 2 * g * k))
    mixed = medium.coefficient("m", below * other)
    for i in level:
        medium.solve(s[i, i], rates[i] - flat * area - 2 * g * e[i] - mixed * e[z])
    upright = medium.coefficient("w", below * c)
    medium.solve(s[z, z], rates[z] - mixed * area - upright * e[z])


def moments(ndim: int) -> dict[str, Channel]:
    """Moments [N m] in 3D, [N m/m] in 2D: their rates drive the stresses, within a step."""
    last, channels = ndim - 1, {}
    axes = dict(enumerate("xyz"[:: 4 - ndim]))
    for i, name in axes.items():
        strain = "upright" if i == last else "level"
        channels[f"m{name}{name}"] = moment(f"s{i}", (), strain)
    for i, j in combinations(axes, 2):
        strain = "shear" if j == last else "level"
        channels[f"m{axes[i]}{axes[j]}"] = moment(f"s{i}{j}", (i, j), strain)
    return channels


def moment(field: str, half: tuple[int, ...], strain: str) -> Channel:
    """The channel of an element of a moment.

    Parameters
    ----------
    field : str
        Stress that it drives.
    half : tuple of int
        Axes along which the stress sits half a cell on.
    strain : {"level", "upright", "shear"}
        See `Channel`.

    Returns
    -------
    Channel
    """
    return Channel({field: -1.0}, half, half_steps=2, differentiated=True, strain=strain)


def footprint(ndim: int) -> Footprint:
    """Arrays of stresses, rates of strain, velocities and memory variables, and of coefficients."""
    pairs = ndim * (ndim - 1) // 2
    tensor, slopes = ndim + pairs, ndim**2
    rates = tuple(f"e{i}" for i in range(ndim))
    shears = tuple(f"e{i}{j}" for i, j in combinations(range(ndim), 2))
    return Footprint(
        # Two levels of stresses along axes; k, g, r, c, the modulus at corners and means of
        # densities.
        tensor + ndim + ndim + 2 * slopes + 4 + pairs + ndim,
        # Two levels of velocities and of rates, for the history; multipliers, of which those of
        # velocities have two levels; gradients, illumination and sums for c and corners. In the
        # plane, those of strains live in rings of rows.
        2 * ndim + 4 * tensor + 2 * slopes + 2 * ndim + 5 + pairs - 3 * (ndim == 2),
        {"k": rates, "g": (*rates, *shears), "r": tuple(f"v{i}" for i in range(ndim))},
        ndim + 2 * tensor,
        2 * slopes,
        recorded={f"v{axis}": 1 for axis in range(ndim)},
        packed=(2 * ndim, 4 * ndim),
        # Moduli of the surface, and sums for their gradients.
        surface=(3, 3),
        # Volumes, masses and masks of cut cells; a modulus, and the sum for its gradient.
        topography=(1 + pairs + ndim + ndim**2 + 1, 1),
    )


EQUATION = Equation(
    name="elastic",
    parameters=lambda _: {
        "k": "1000 / (rho * vp**2)",
        "g": "rho * vs**2 / 1000",
        "r": "rho / 1000",
    },
    recorded=lambda ndim: {
        "pressure": Channel({f"s{axis}": -1 / ndim for axis in range(ndim)}),
        **velocities(ndim),
    },
    emitted=lambda ndim: {
        "pressure": Channel({f"e{axis}": -1 / ndim for axis in range(ndim)}, integrated=True),
        **forces(ndim),
        **moments(ndim),
    },
    state=state,
    footprint=footprint,
    slowest=lambda vp, vs: np.where(vs > 0, vs, vp),
    limits=(
        Limit(
            lambda vp, vs: vp - 2 / np.sqrt(3) * vs,
            "vp must be at least 1.1548 vs: the bulk modulus is negative below",
        ),
    ),
    free_sides=False,
    solid_surface=True,
    topography=True,
    differences="half",
)
