"""The optimizer's vector x: a block on the grid for each variable, and the earth it stands for.

The variables y are properties of the earth c, or combinations of velocities and density, each of
which stands for one of these (see `survey.properties`):

    c_j = y_j,    or    c_j = C_j(y_j, c_i, ...),    as rho = z / vp    with z = vp rho.

C_j are solved one after the other (see `combinations`). Properties for which no variable stands
stay fixed: if vp is the only variable, it changes at constant density; beside z, at constant
impedance; if z is the only variable, vp stays. Each block is a variable in a unit of its own,
y_b = Y_b(x_b), and gradients follow by the chain rule, the last C_j first:

    dphi/dx_b = dY_b/dx_b dphi/dy_b,
    dphi/dy_j = dC_j/dy_j dphi/dc_j,        dphi/dc_i <- dphi/dc_i + dC_j/dc_i dphi/dc_j.

Laws. A property without a variable may follow vp by a law L (see `survey.laws`), c = c0 L(vp) /
L(vp0) with c0 and vp0 at the beginning. It adds c L'(vp) / L(vp) dphi/dc to dphi/dvp.

Fluids. Where vs is 0, no law changes a property, and no combination stands for vs. There vs stays
0, whatever x is; x is at the lower bound, and both bounds are.

Tapers. With a weight T in [0, 1], only this share of a change reaches the variables,

    y_b = (1 - T) y0_b + T Y_b(x_b),

with y0 the variables at the beginning. Updates so decrease smoothly towards fixed points with any
optimizer, and the gradient remains that of the objective.

Units. The first step is proportional to the preconditioned gradient of each block, so that the
units determine how blocks share the first changes: a unit twice as large makes a block move four
times as far. The unit of vp is fixed (`parameterization`). The units of the others make the bounds
of all blocks equally wide in x: bounds stand for the prior range of a property, and twice the range
means four times the prior variance. From the second step on, L-BFGS corrects the balance by the
measured curvature.

References: Operto et al. (2013), The Leading Edge 32, 1040-1054, for the choice and the scaling of
the variables; Tarantola (2005), Inverse Problem Theory, for the prior variance as the metric.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.unknowns.combinations import SUBSTITUTIONS
from fwicli.inversion.unknowns.parameterization import Parameterization
from fwicli.survey.laws import Law
from fwicli.survey.properties import COMBINATIONS, OF_SOLIDS, UNITS

Array = NDArray[Any]
Properties = Mapping[str, Array]


@dataclass(frozen=True)
class Variable:
    """One block of x.

    Attributes
    ----------
    name : str
        Name of a property, or of a combination of some.
    low, high : float or ndarray of shape grid.shape
        Bounds, in SI units.
    first_change : float
        Largest change in the first trial step, in SI units.
    parameterization : Parameterization
        Relation of the variable to its block of x.
    """

    name: str
    low: float | Array
    high: float | Array
    first_change: float
    parameterization: Parameterization

    @property
    def smallest(self) -> float:
        """The least size of x at a point, relative to the largest; 1 for one size everywhere.

        Combinations of mud and of rock differ by orders of magnitude, those of shear most.
        """
        if self.name not in COMBINATIONS or not self.parameterization.proportional:
            return 1.0
        return 1e-3 if self.name in OF_SOLIDS else 3e-2

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
    laws : mapping of str to Law
        By which properties without a variable follow vp, by their names.
    """

    blocks: tuple[Variable, ...]
    taper: Array | None = None
    initial: Properties = field(default_factory=dict)
    laws: Mapping[str, Law] = field(default_factory=dict)

    def on(self, average: Callable[[Array], Array]) -> Variables:
        """The variables on another grid, without a taper; `average` takes arrays to that grid."""
        blocks = tuple(
            replace(
                b,
                low=b.low if np.ndim(b.low) == 0 else average(np.asarray(b.low)),
                high=b.high if np.ndim(b.high) == 0 else average(np.asarray(b.high)),
            )
            for b in self.blocks
        )
        return Variables(blocks, laws=self.laws)

    def tapered(self, taper: Array, earth: Properties) -> Variables:
        """The variables with a taper.

        Parameters
        ----------
        taper : ndarray of shape grid.shape
            T.
        earth : mapping of str to ndarray of shape grid.shape
            Properties at the beginning, which give y0.

        Returns
        -------
        variables : Variables
        """
        return replace(self, taper=taper, initial=self.values(earth))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(block.name for block in self.blocks)

    @property
    def places(self) -> dict[str, str]:
        """The property that each combination stands for, in the order in which they are solved."""
        return {
            name: combination.place_among(self.names)
            for name, combination in COMBINATIONS.items()
            if name in self.names
        }

    @property
    def properties(self) -> tuple[str, ...]:
        """Properties of the earth that change."""
        places = self.places
        return (*(places.get(name, name) for name in self.names), *self.laws)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantities to store in a result: properties that change, and combinations."""
        return self.properties + tuple(n for n in self.names if n in COMBINATIONS)

    def behind(self, name: str) -> tuple[str, ...]:
        """Variables that a property depends on.

        Parameters
        ----------
        name : str
            Of the property.

        Returns
        -------
        names : tuple of str
        """
        for combination, place in self.places.items():
            if place == name:
                others = (n for n in COMBINATIONS[combination].needs if n != name)
                names = (combination, *(v for n in others for v in self.behind(n)))
                return tuple(dict.fromkeys(names))
        if name in self.laws:
            return self.behind("vp")
        return (name,) if name in self.names else ()

    @property
    def untapered(self) -> Variables:
        """The variables without a taper."""
        return replace(self, taper=None)

    def values(self, earth: Properties) -> dict[str, Array]:
        """The variables y of an earth, by name; at the lower bound where a fluid has none."""
        values = {
            n: COMBINATIONS[n].of(earth) if n in COMBINATIONS else earth[n] for n in self.names
        }
        for block in self.blocks:
            if block.name in OF_SOLIDS:
                values[block.name] = np.where(earth["vs"] == 0, block.low, values[block.name])
        return values

    def pack(self, earth: Properties) -> Array:
        """The vector x of an earth; with a taper, of the earth at the beginning."""
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
        """All properties: those that the variables determine, and the others.

        Parameters
        ----------
        values : mapping of str to ndarray of shape grid.shape
            The variables y, in SI units.
        others : mapping of str to ndarray of shape grid.shape
            Other properties, in SI units; those that y determines are ignored, but that fluids
            stay fluids where a combination stands for vs.

        Returns
        -------
        earth : dict of str to ndarray of shape grid.shape
        """
        earth = {**others, **{n: v for n, v in values.items() if n not in COMBINATIONS}}
        for name, place in self.places.items():
            solution = SUBSTITUTIONS[name, place].solve(values[name], earth)
            if name in OF_SOLIDS and place in others:
                solution = np.where(others[place] == 0, 0.0, solution)
            earth[place] = solution
        for name, law in self.laws.items():
            factors = law.value(earth["vp"]) / law.value(others["vp"])
            earth[name] = others[name] * np.where(others.get("vs", 1.0) == 0, 1.0, factors)
        return earth

    def gradient(self, x: Array, earth: Properties, by: Callable[[str], Array]) -> Array:
        """Derivative with respect to x.

        Parameters
        ----------
        x : ndarray of shape (n_blocks, *grid.shape)
            Unknowns.
        earth : mapping of str to ndarray
            All properties, at x.
        by : callable
            Derivative with respect to a property, by its name, at all others constant.

        Returns
        -------
        gradient : ndarray of shape (n_blocks, *grid.shape)
        """
        derivatives = {name: by(name) for name in self.properties}
        for name, law in self.laws.items():
            relative = law.slope(earth["vp"]) / law.value(earth["vp"])
            outer = np.where(earth.get("vs", 1.0) == 0, 0.0, derivatives[name])
            derivatives["vp"] = derivatives["vp"] + earth[name] * relative * outer
        for name, place in reversed(self.places.items()):
            substitution = SUBSTITUTIONS[name, place]
            outer = derivatives[place]
            if name in OF_SOLIDS:
                outer = np.where(earth[place] == 0, 0.0, outer)
            derivatives[name] = substitution.slope(earth) * outer
            for other, slope in substitution.slopes.items():
                if other in derivatives:
                    derivatives[other] = derivatives[other] + slope(earth) * outer
        parts = [derivatives[name] for name in self.names]
        return np.asarray(self._slopes(x) * np.stack(parts))

    def chain(self, x: Array, derivatives: Properties) -> Array:
        """Derivative with respect to x, from those with respect to the variables y.

        Parameters
        ----------
        x : ndarray of shape (n_blocks, *grid.shape)
            Unknowns.
        derivatives : mapping of str to ndarray of shape grid.shape
            By name of the variable; zero for names that are missing.

        Returns
        -------
        gradient : ndarray of shape (n_blocks, *grid.shape)
        """
        parts = [derivatives.get(n, np.zeros(x.shape[1:])) for n in self.names]
        return np.asarray(self._slopes(x) * np.stack(parts))

    def change(self, x: Array, v: Array) -> dict[str, Array]:
        """Change of the variables y with a change of x.

        Parameters
        ----------
        x, v : ndarray of shape (n_blocks, *grid.shape)
            Unknowns and their change.

        Returns
        -------
        changes : dict of str to ndarray of shape grid.shape
            By name of the variable, in SI units.
        """
        return dict(zip(self.names, self._slopes(x) * v, strict=True))

    def bounds(self, earth: Properties) -> tuple[Array, Array]:
        """Lower and upper bounds of x, of shape (n_blocks, *grid.shape).

        Acoustic waves are stable where delta <= epsilon. If only one of the two changes, the other
        is its bound. If both change, the check of the model rejects trials beyond, as it does all
        that solids, which have vs, do not allow. In fluids both bounds of combinations that stand
        for vs are the lower one.
        """
        shape = next(iter(earth.values())).shape
        low, high = (np.stack([np.broadcast_to(e, shape) for e in ends]) for ends in self._ends())
        names = () if "vs" in earth else self.names
        if "epsilon" in names and "delta" not in names and "delta" in earth:
            block = names.index("epsilon")
            low[block] = np.clip(earth["delta"], low[block], high[block])
        if "delta" in names and "epsilon" not in names and "epsilon" in earth:
            block = names.index("delta")
            high[block] = np.clip(earth["epsilon"], low[block], high[block])
        for block, name in enumerate(self.names):
            if name in OF_SOLIDS:
                high[block] = np.where(earth["vs"] == 0, low[block], high[block])
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
