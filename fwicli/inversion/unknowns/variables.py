"""The optimizer's vector x: a block on the grid for each variable, and the earth it stands for.

The variables y are properties of the earth c, or the impedance in place of the density:

    c_j = y_j,        rho = z / vp    with z = vp rho, where the impedance is a variable,

so that vp changes at a density that stays where it is the only variable, and at an impedance that
stays where vp and z are the variables. With z alone vp stays. Each block is a variable in a unit of
its own, y_b = Y_b(x_b), and gradients follow by the chain rule

    dphi/dx_b = dY_b/dx_b dphi/dy_b,
    dphi/dz = dphi/drho / vp,        dphi/dvp at z = dphi/dvp - (rho / vp) dphi/drho.

Tapers. Where a weight T in [0, 1] is given, only this share of a change reaches the variables,

    y_b = (1 - T) y0_b + T Y_b(x_b),

with y0 the variables at the beginning, so that an update fades out smoothly towards what is fixed
whatever the optimizer, and the gradient remains that of the objective.

Units. The optimizer begins from steps in proportion to the preconditioned gradient of each block,
so the units say how the blocks share the first changes: a block with a unit twice as large moves
four times as far. The unit of vp is fixed (`parameterization`); the units of the others are such
that the bounds of all blocks are equally wide in x. The bounds are taken for what is known of the
properties beforehand: one that may vary twice as much is given the fourfold variance. From the
second step on L-BFGS corrects the balance by the curvature that it meets.

References: Operto et al. (2013), The Leading Edge 32, 1040-1054, for the choice and the scaling of
the variables; Tarantola (2005), Inverse Problem Theory, for the prior variance as the metric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.unknowns.parameterization import Parameterization
from fwicli.survey.model import IMPEDANCE, UNITS

Array = NDArray[Any]
Properties = Mapping[str, Array]


@dataclass(frozen=True)
class Variable:
    """One block of x.

    Attributes
    ----------
    name : str
        Of a property, or "impedance".
    low, high : float or ndarray of shape grid.shape
        Bounds, in SI units.
    first_change : float
        Largest change in the first trial step, in SI units.
    parameterization : Parameterization
        Between the variable and its block of x.
    """

    name: str
    low: float | Array
    high: float | Array
    first_change: float
    parameterization: Parameterization

    def first_step(self, x: Array) -> float:
        """The first change as a change of x, from a block of x."""
        changed = self.parameterization.to_property(x) + self.first_change
        return float(np.abs(self.parameterization.from_property(changed) - x).max())


@dataclass(frozen=True)
class Variables:
    """The variables of an inversion; x has the shape (number of variables, *grid.shape).

    Attributes
    ----------
    blocks : tuple of Variable
    taper : ndarray of shape grid.shape, optional
        T.
    initial : mapping of str to ndarray
        y0, where there is a taper.
    """

    blocks: tuple[Variable, ...]
    taper: Array | None = None
    initial: Properties = field(default_factory=dict)

    def on(self, average: Callable[[Array], Array]) -> Variables:
        """The same on another grid, to which `average` takes values; without a taper."""
        return Variables(
            tuple(
                replace(
                    b,
                    low=b.low if np.ndim(b.low) == 0 else average(np.asarray(b.low)),
                    high=b.high if np.ndim(b.high) == 0 else average(np.asarray(b.high)),
                )
                for b in self.blocks
            )
        )

    def tapered(self, taper: Array, earth: Properties) -> Variables:
        """The same, of which only a share of a change reaches the variables of an earth."""
        return Variables(self.blocks, taper, self.values(earth))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(block.name for block in self.blocks)

    @property
    def properties(self) -> tuple[str, ...]:
        """Properties of the earth that change."""
        return tuple("rho" if name == IMPEDANCE else name for name in self.names)

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is worth keeping of a result: properties that change, and the impedance."""
        return self.properties + tuple(n for n in self.names if n == IMPEDANCE)

    @property
    def untapered(self) -> Variables:
        """The same, of which all of a change reaches the variables."""
        return replace(self, taper=None)

    def values(self, earth: Properties) -> dict[str, Array]:
        """The variables y of an earth, by name."""
        return {n: earth["vp"] * earth["rho"] if n == IMPEDANCE else earth[n] for n in self.names}

    def pack(self, earth: Properties) -> Array:
        """The vector x of an earth; with a taper, of that which it began from."""
        return self.scaled(self.values(earth))

    def scaled(self, values: Properties) -> Array:
        """The vector x of variables y, without a taper."""
        return np.stack([b.parameterization.from_property(values[b.name]) for b in self.blocks])

    def _scaled(self, values: Array) -> Array:
        """x of values of the variables, one block each."""
        pairs = zip(self.blocks, values, strict=True)
        return np.stack([b.parameterization.from_property(part) for b, part in pairs])

    def unpack(self, x: Array) -> dict[str, Array]:
        """The variables y of a vector x, by name."""
        values = {
            b.name: b.parameterization.to_property(part)
            for b, part in zip(self.blocks, x, strict=True)
        }
        if self.taper is None:
            return values
        return {n: v + (1 - self.taper) * (self.initial[n] - v) for n, v in values.items()}

    def _slopes(self, x: Array) -> Array:
        """dy/dx, one block each."""
        pairs = zip(self.blocks, x, strict=True)
        slopes = np.stack([b.parameterization.slope(part) for b, part in pairs])
        return slopes if self.taper is None else slopes * self.taper

    def earth(self, values: Properties, others: Properties) -> dict[str, Array]:
        """All properties: those that the variables y determine, and those that stay."""
        earth = {**others, **{n: v for n, v in values.items() if n != IMPEDANCE}}
        if IMPEDANCE in values:
            earth["rho"] = values[IMPEDANCE] / earth["vp"]
        return earth

    def gradient(self, x: Array, earth: Properties, by: Callable[[str], Array]) -> Array:
        """Derivative with respect to x.

        Parameters
        ----------
        earth : mapping of str to ndarray
            All properties, at x.
        by : callable
            Derivative with respect to a property, by its name, at all others that stay.
        """
        parts = []
        for block in self.blocks:
            if block.name == IMPEDANCE:
                derivative = by("rho") / earth["vp"]
            else:
                derivative = by(block.name)
                if block.name == "vp" and IMPEDANCE in self.names:
                    derivative = derivative - earth["rho"] / earth["vp"] * by("rho")
            parts.append(derivative)
        return np.asarray(self._slopes(x) * np.stack(parts))

    def chain(self, x: Array, derivatives: Properties) -> Array:
        """Derivative with respect to x, from those with respect to the variables y, by name.

        A variable whose derivative is left out has none.
        """
        parts = [derivatives.get(n, np.zeros(x.shape[1:])) for n in self.names]
        return np.asarray(self._slopes(x) * np.stack(parts))

    def change(self, x: Array, v: Array) -> dict[str, Array]:
        """Change of the variables y with a change v of x, by name."""
        return dict(zip(self.names, self._slopes(x) * v, strict=True))

    def bounds(self, earth: Properties) -> tuple[Array, Array]:
        """Lower and upper bounds of x, of shape (number of variables, *grid.shape).

        Where only one of epsilon and delta changes, it stops at the other: acoustic waves are
        stable where delta <= epsilon. Where both change, trials beyond are refused.
        """
        shape = earth["vp"].shape
        low, high = (np.stack([np.broadcast_to(e, shape) for e in ends]) for ends in self._ends())
        names = self.names
        if "epsilon" in names and "delta" not in names and "delta" in earth:
            block = names.index("epsilon")
            low[block] = np.clip(earth["delta"], low[block], high[block])
        if "delta" in names and "epsilon" not in names and "epsilon" in earth:
            block = names.index("delta")
            high[block] = np.clip(earth["epsilon"], low[block], high[block])
        ends = np.stack([self._scaled(low), self._scaled(high)])
        return ends.min(axis=0), ends.max(axis=0)

    def _ends(self) -> tuple[list[Array | float], list[Array | float]]:
        return [b.low for b in self.blocks], [b.high for b in self.blocks]

    def first_change(self, x: Array) -> Array:
        """Largest change of each block in the first trial step, to be compared with x."""
        steps = [b.first_step(part) for b, part in zip(self.blocks, x, strict=True)]
        return np.array(steps).reshape(-1, *[1] * (x.ndim - 1))

    def ranges(self, x: Array) -> str:
        """The values of the variables at x, for a message."""
        return ", ".join(
            f"{n} from {v.min():g} to {v.max():g} {UNITS.get(n, '')}".rstrip()
            for n, v in self.unpack(x).items()
        )
