"""Isotropic elastic waves with constant quality factors, as a system of first order in time.

    r dv_i/dt  = sum_j ds_ij/dx_j + f_i,        r = rho / rho_w
    e_ij       = (dv_i/dx_j + dv_j/dx_i) (1/2 if i = j) - delta_ij int q dt / n
    ds_ii/dt   = P(sum_j e_jj) + S(2 e_ii) - sum_j S(2 e_jj),        ds_ij/dt = S(e_ij)

P and S are moduli with losses, one of P waves and one of S waves. Each makes a rate of stress from
a rate of strain e, as in `viscoacoustic`, whose constants T_l, w_l and G are those of both:

    P(e) = y - 2 a s,       y = e / k,      s = sum_l w_l m_l - G (y - a s)
    T_l dm_l/dt = y - a s - m_l
    k = (1 + a**2) / (r vp**2),     a = tan(arctan(1 / Qp) / 2)

and S has g = r vs**2 / (1 + b**2) in place of 1 / k, and b = tan(arctan(1 / Qs) / 2) in place of a.
Stress s_ij [Pa], particle velocity times the density of water v [Pa s/m], places, means and sources
are those of `elastic`; memory variables m_l [Pa/s] sit where their rate of strain does. At the
angular frequency w, with Z of `viscoacoustic`, the modulus of S waves is

    S(w) = g (1 - b Z) / (1 + b Z),

so that the phase of both moduli is close to arctan(1 / Q) over a band about the reference
frequency, at which vp and vs are the phase velocities.

The scheme: rates of strain live with v, half a step before the stresses. So do y and s. Memory
variables live with the stresses: their value in the middle of a step is the mean of those before
and after. This mean has m after the step in it, hence y and s of the same step. The equation for
s is linear and of one point, and solved in the statement: u = a / (1 - i a), where i is the weight
of y in s, is a coefficient. A step costs one product a memory variable, whatever Q is.

The modulus g_ij at a corner is the harmonic mean of the four around it. Its loss is g_ij times the
mean of their b / g: then 1 / S is the mean of four to first order in b. Both are zero where one of
them is a fluid, and so is the rate y at its points: the qs of fluids does not matter.

The first points along z may be the surface of the earth, as in `elastic`. As s_zz = 0 there at all
times, P(sum_j e_jj) = S(2 e_xx) + S(2 e_yy) = R, in 2D without e_yy. With S / P as a ratio of
polynomials in w this says e_zz = (2 S / P - 1) (e_xx + e_yy), and in 2D the modulus along the
surface is 4 S (1 - S / P). The scheme has no need of it: a step finds y of P from R, which is there
already, and from the sum o of weighted memory variables of P, where s = o - i y:

    y = (1 - i a) / (1 + i a) (R + 2 u o),        e_zz = k y - e_xx - e_yy        on the surface.

Memory variables of P and of S(2 e_zz) are driven by these, so that s_zz is zero to the last bit and
every mechanism has its share. P and S lose energy as anywhere, and s_zz does no work: energy, that
of the mechanisms included, cannot grow. In fluids R and y are zero, also after round-off. Layers
beside the surface slow memory variables down as they do stresses.

References: Robertsson, Blanch and Symes (1994), Geophysics 59, 1444-1456; Blanch, Robertsson and
Symes (1995), Geophysics 60, 176-184; Moczo and Kristek (2005), Geophys. Res. Lett. 32, L01306, for
means of materials with losses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from fwicli.propagators.equations import elastic
from fwicli.propagators.equations.equation import Equation, Limit
from fwicli.propagators.equations.footprint import Footprint
from fwicli.propagators.equations.viscoacoustic import BAND, SMALLEST, TIMES, fastest, mechanisms

if TYPE_CHECKING:
    from fwicli.propagators.equations.medium import Medium

# The square of a modulus of shear over the density of water [m4/s4] which is that of a fluid.
SOFTEST = 1e-2


def state(medium: Medium) -> None:
    """State the residuals of velocities, rates of strain, memory variables and stresses."""
    k, g, a, b, r = (medium.parameter(name) for name in ("k", "g", "a", "b", "r"))
    v, s, e = elastic.motion(medium, r)
    solid = Solid(medium, *mechanisms(medium))
    c, u = medium.coefficient("c", 1 / k), medium.coefficient("u", solid.feedback(a))
    w = medium.coefficient("w", solid.feedback(b))
    lost = medium.coefficient("l", b * g / (g**2 + SOFTEST))  # b / g, but 0 in fluids
    normal = [s[i, i] for i in medium.axes], [rate.forward for rate in e]
    solve = _solve_below_surface if medium.has_surface else _solve_normal_stresses
    solve(solid, *normal, (c, u, w))
    solid.remember()
    for i, j in combinations(medium.axes, 2):
        shear = elastic.sheared(medium, v, i, j)
        corner = medium.coefficient(f"g{i}{j}", medium.harmonic(g, (i, j)))
        mean = corner * medium.between(medium.between(lost, i), j)
        between = medium.coefficient(f"w{i}{j}", solid.feedback(mean))
        stressed = solid.stressed(f"{i}{j}", corner * shear.forward, between, (i, j))
        medium.solve(s[i, j], s[i, j].dt + medium.friction(s[i, j]) - stressed)
        solid.remember()


def _solve_normal_stresses(solid: Solid, s: list[Any], e: list[Any], moduli: Any) -> None:
    """State the residuals of stresses along axes."""
    medium, (c, u, w) = solid.medium, moduli
    g = medium.parameter("g")
    pressing = solid.stressed("p", c * sum(e), u)
    sheared = [solid.stressed(f"{i}", g * (2 * e[i]), w) for i in medium.axes]
    for i in medium.axes:
        others = sum(sheared[j] for j in medium.axes if j != i)
        medium.solve(s[i], s[i].dt - pressing + others)


def _solve_below_surface(solid: Solid, s: list[Any], e: list[Any], moduli: Any) -> None:
    """As `_solve_normal_stresses`; stresses along z are zero on the surface."""
    medium, (c, u, w) = solid.medium, moduli
    k, g, a = (medium.parameter(name) for name in "kga")
    *level, z = medium.axes
    below = medium.line("below", z)  # one below the surface, zero on it
    area = sum(e[i] for i in level)
    sheared = [solid.stressed(f"{i}", g * (2 * e[i]), w) for i in level]
    memory = solid.memory("p")
    older, load = (medium.field(name, time_order=1) for name in ("older", "load"))
    medium.solve(older, older.forward - solid.older(memory))
    # R + 2 u o, and what it makes of volume.
    medium.solve(load, load.forward - sum(sheared) - 2 * u * older.forward)
    late = solid.instant * a
    soft = medium.coefficient("soft", (1 - below) * k * (1 - late) / (1 + late))
    volume = below * (area + e[z]) + soft * load.forward
    pressing = solid.stressed("p", c * volume, u, memory=memory)
    upright = below * e[z] + soft * load.forward - (1 - below) * area
    squeezed = solid.stressed(f"{z}", g * (2 * upright), w)
    for i in level:
        others = sum(sheared[j] for j in level if j != i) + squeezed
        medium.solve(s[i], s[i].dt + medium.friction(s[i]) - pressing + others)
    normal = below * (pressing - sum(sheared))
    medium.solve(s[z], s[z].dt + medium.friction(s[z]) - normal)


@dataclass(frozen=True)
class Solid:
    """The mechanisms of a linear solid, which make rates of stress from rates of strain.

    Attributes
    ----------
    medium : Medium
    decays, shares, instant : list of expression, expression
        Their constants (see `viscoacoustic.mechanisms`).
    memories : list
        Memory variables that are not stated yet, each with the field that drives it.
    """

    medium: Medium
    decays: list[Any]
    shares: list[Any]
    instant: Any
    memories: list[tuple[list[Any], Any]] = field(default_factory=list)

    def feedback(self, loss: Any) -> Any:
        """Weight u of a loss: as s belongs to the middle of the step it adds to itself.

        Parameters
        ----------
        loss : expression

        Returns
        -------
        expression
        """
        return loss / (1 - self.instant * loss)

    def memory(self, name: str, half: tuple[int, ...] = ()) -> list[Any]:
        """Memory variables of a rate of strain.

        Parameters
        ----------
        name : str
            End of their names.
        half : tuple of int
            Axes along which they sit half a cell on.

        Returns
        -------
        list of TimeFunction
        """
        return [
            self.medium.field(f"memory{name}_{number}", time_order=1, half=half)
            for number, _ in enumerate(self.decays)
        ]

    def older(self, memory: list[Any]) -> Any:
        """The share of s that memory variables before a step have.

        Parameters
        ----------
        memory : list of TimeFunction

        Returns
        -------
        expression
        """
        return sum(share * m for share, m in zip(self.shares, memory, strict=True))

    def stressed(
        self,
        name: str,
        y: Any,
        u: Any,
        half: tuple[int, ...] = (),
        memory: list[Any] | None = None,
    ) -> Any:
        """State what losses leave of a rate of stress.

        Parameters
        ----------
        name : str
            End of the names of its fields.
        y : expression
            Rate of stress without losses.
        u : Function
            Weight of the losses (see `feedback`).
        half : tuple of int
            Axes along which the rate sits half a cell on.
        memory : list of TimeFunction, optional
            Its memory variables; by default new ones.

        Returns
        -------
        expression
        """
        medium = self.medium
        s, drive = (
            medium.field(f"{kind}{name}", time_order=1, half=half) for kind in ("relaxed", "drive")
        )
        memory = self.memory(name, half) if memory is None else memory
        medium.solve(s, s.forward - self.older(memory) + self.instant * y)
        medium.solve(drive, drive.forward - y + u * s.forward)
        self.memories.append((memory, drive))
        return 2 * drive.forward - y

    def remember(self) -> None:
        """State the memory variables of all moduli since the last call."""
        medium = self.medium
        for memory, drive in self.memories:
            for m, decay in zip(memory, self.decays, strict=True):
                left = decay * m - medium.step * medium.friction(m)
                medium.solve(m, m.forward - left - drive.forward)
        self.memories.clear()


def footprint(ndim: int) -> Footprint:
    """Arrays of elastic waves, and of the mechanisms of all moduli."""
    plain = elastic.footprint(ndim)
    pairs = list(combinations(range(ndim), 2))
    points = tuple(f"{i}" for i in range(ndim))
    corners = tuple(f"{i}{j}" for i, j in pairs)
    moduli = 1 + len(points) + len(corners)
    sheared = tuple(f"relaxed{name}" for name in points + corners)
    moving = tuple(name for i, j in pairs for name in (f"e{i}{j}", f"relaxed{i}{j}"))
    return Footprint(
        # Memory variables; two losses, their coefficients, also at corners, and a loss over g.
        plain.forward + len(TIMES) * moduli + 5 + len(pairs),
        # Two levels of s for the history, and multipliers; gradients, and sums for coefficients.
        plain.gradient + 6 * moduli + 5 + len(pairs),
        {
            "k": plain.history["k"],
            "g": (*(f"e{i}" for i in range(ndim)), *moving),
            "a": ("relaxedp",),
            "b": sheared,
            "r": plain.history["r"],
        },
        plain.state + (1 + len(TIMES)) * moduli,
        plain.strips,
        recorded=plain.recorded,
        packed=plain.packed,
        # A coefficient of the surface and its sum; what is strained there, with its history.
        surface=(1, 7),
        surface_history={"k": ("load",), "g": ("load",), "a": ("older", "load")},
    )


EQUATION = Equation(
    name="viscoelastic",
    parameters=lambda _: {
        "k": "1000 * (1 + (qp + sqrt(qp**2 + 1))**-2) / (rho * vp**2)",
        "g": "rho * vs**2 / (1000 * (1 + (qs + sqrt(qs**2 + 1))**-2))",
        "a": "1 / (qp + sqrt(qp**2 + 1))",
        "b": "1 / (qs + sqrt(qs**2 + 1))",
        "r": "rho / 1000",
    },
    recorded=elastic.EQUATION.recorded,
    emitted=elastic.EQUATION.emitted,
    state=state,
    footprint=footprint,
    slowest=elastic.EQUATION.slowest,
    fastest=fastest,
    limits=(
        *elastic.EQUATION.limits,
        Limit(
            lambda qp: qp - SMALLEST,
            f"qp must be at least {SMALLEST:g}: the fit of a constant Q ends there",
        ),
        Limit(
            lambda vs, qs: np.where(vs > 0, qs - SMALLEST, 0.0),
            f"qs must be at least {SMALLEST:g} where vs is not 0: the fit of a constant Q ends "
            f"there",
        ),
        Limit(
            lambda vp, vs, qp, qs: qs - 4 / 3 * (vs / vp) ** 2 * qp,
            "qs must be at least 4/3 (vs / vp)**2 qp: changes of volume gain energy below",
        ),
    ),
    free_sides=False,
    constant_q=BAND,
    solid_surface=True,
    differences="half",
)
