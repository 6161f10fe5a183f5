"""The nearest model of a convex set: within bounds, and with slopes in other sets.

    P(m) = argmin_v 1/2 |v - m|**2    so that    low <= v <= high,    D v in C_1, C_2, ...

with D the differences of neighbours along all axes, and sets C_i of slopes on which projection is
a formula (`constraints`). The alternating direction method of multipliers enforces all of them,
with copies z_i of the constrained quantities and multipliers y_i,

    v   = (I + r I + r n D^T D)^-1 (m + r sum_i A_i^T (z_i - y_i)),       A_0 = I,  A_i = D
    z_i = P_i(A_i v + y_i),        y_i <- y_i + A_i v - z_i,

where the equation for v is diagonal in cosines, so that a step costs two cosine transforms. In
Dykstra's alternating projections, each projection onto a set such as |D v| <= t would be an
iteration of its own. The penalty r is adapted only until a fixed step, so that the iteration
converges.

References: Boyd et al. (2011), Foundations and Trends in Machine Learning 3, 1-122, sections 3.3,
3.4 and 5.1; Peters and Herrmann (2019), The Leading Edge 38, 94-100, for intersections of sets in
inversion; Boyle and Dykstra (1986), Lecture Notes in Statistics 37, 28-47.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.errors import ModelError
from fwicli.inversion.regularization.constraints import SlopeSet
from fwicli.inversion.regularization.differences import (
    Differences,
    cosine_eigenvalues,
    slopes,
    slopes_transpose,
)

Array = NDArray[Any]

# Largest number of steps; relaxation; first penalty.
STEPS, RELAXATION, PENALTY = 2000, 1.6, 10.0
# Steps between adaptations of the penalty, and the step of the last one.
EVERY, ADAPTED = 10, 400
# The iteration ends when slopes exceed their limits, and optimality is missed, by no more than this
# share. After the last step, a larger share is accepted.
TOLERANCE, ACCEPTED = 2e-3, 1e-2


@dataclass(frozen=True)
class Feasible:
    """A convex set of models of one property.

    Parameters
    ----------
    low, high : ndarray of shape grid.shape
        Bounds, in SI units; equal where the property is fixed.
    sets : sequence of SlopeSet
        Sets that contain its slopes.
    spacing : tuple of float
        Of the grid [m].
    name : str
        Of the property, for messages.
    """

    low: Array
    high: Array
    sets: Sequence[SlopeSet]
    spacing: tuple[float, ...]
    name: str = "vp"

    @property
    def differences(self) -> Differences:
        """Differences between points that may change."""
        return Differences(np.asarray(self.low < self.high), self.spacing)

    def excess(self, values: Array) -> float:
        """Largest excess of the slopes of a model over their sets, relative to the sets."""
        differences = self.differences
        slope = differences.gradient(values)
        return max((one.excess(slope, differences.edges) for one in self.sets), default=0.0)

    def project(self, values: Array) -> Array:
        """The nearest model of the set.

        Bounds hold exactly, other sets to the share `TOLERANCE` of their limits.

        Raises
        ------
        ModelError
            If the iteration finds none, as where bounds and slopes contradict each other.
        """
        inside: Array = np.clip(values.astype(float), self.low, self.high)
        if self.excess(inside) <= TOLERANCE:
            return inside
        nearest = _Splitting(self, values.astype(float)).run()
        excess = self.excess(nearest)
        if not excess <= ACCEPTED:
            raise ModelError(
                f"no model of {self.name} was found that is within its bounds and the constraints "
                f"on its slopes, which the nearest exceeds by {100 * excess:.2g} %; widen the "
                f"bounds or loosen the constraints"
            )
        return nearest


@dataclass(frozen=True)
class Constraints:
    """Constraints of several properties, each by itself.

    Parameters
    ----------
    sets : mapping of str to Feasible
        By property.
    """

    sets: Mapping[str, Feasible]

    def project(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """The nearest properties; those without constraints are unchanged."""
        projected = dict(values)
        for name, feasible in self.sets.items():
            projected[name] = feasible.project(projected[name])
        return projected


class _Splitting:
    """The iteration for one model, in units in which the model and its cells are of order one."""

    def __init__(self, feasible: Feasible, values: Array) -> None:
        self.feasible = feasible
        self.edges = feasible.differences.edges
        cell = min(feasible.spacing)
        self.steps = tuple(h / cell for h in feasible.spacing)
        self.origin = float(values.mean())
        self.unit = float(np.ptp(values)) or 1.0
        self.slope_unit = self.unit / cell
        self.target = (values - self.origin) / self.unit
        self.eigenvalues = cosine_eigenvalues(values.shape, self.steps)
        # The first copy is of the model, the others of its slopes.
        self.copies = [self.target.copy(), *(self._slopes(self.target) for _ in feasible.sets)]
        self.multipliers = [np.zeros_like(z) for z in self.copies]
        self.penalty = PENALTY

    def run(self) -> Array:
        """The nearest model, in SI units."""
        values = self.target
        for step in range(1, STEPS + 1):
            values = self._model()
            copies, mismatch = self.copies, self._update(values)
            changed = self._optimality(copies)
            if step % EVERY == 0:
                model = self._in_bounds(values)
                excess = self.feasible.excess(model)
                if max(mismatch, changed, excess) <= TOLERANCE:
                    return model
                if step <= ADAPTED:
                    self._balance(max(excess, mismatch), changed)
        return self._in_bounds(values)

    def _slopes(self, values: Array) -> Array:
        return slopes(values, self.steps)

    def _in_bounds(self, values: Array) -> Array:
        model = self.origin + self.unit * values
        return np.asarray(np.clip(model, self.feasible.low, self.feasible.high))

    def _gather(self, parts: Sequence[Array]) -> Array:
        """Sum of A_i^T of some copies."""
        total = parts[0].copy()
        for part in parts[1:]:
            total += slopes_transpose(part, self.steps)
        return total

    def _model(self) -> Array:
        pairs = zip(self.copies, self.multipliers, strict=True)
        right = self.target + self.penalty * self._gather([z - y for z, y in pairs])
        diagonal = 1 + self.penalty * (1 + (len(self.copies) - 1) * self.eigenvalues)
        coefficients = scipy.fft.dctn(right, norm="ortho") / diagonal
        return np.asarray(scipy.fft.idctn(coefficients, norm="ortho"))

    def _update(self, values: Array) -> float:
        """New copies and multipliers; returns the relative mismatch of copies and originals."""
        slope = self._slopes(values)
        mismatch = size = 0.0
        copies: list[Array] = []
        multipliers: list[Array] = []
        for number, (z, y) in enumerate(zip(self.copies, self.multipliers, strict=True)):
            image = slope if number else values
            relaxed = RELAXATION * image + (1 - RELAXATION) * z
            copies.append(self._nearest(number, relaxed + y))
            multipliers.append(y + relaxed - copies[-1])
            mismatch += float(((image - copies[-1]) ** 2).sum())
            size += float((image**2).sum())
        self.copies, self.multipliers = copies, multipliers
        return float(np.sqrt(mismatch / size)) if size else 0.0

    def _nearest(self, number: int, copy: Array) -> Array:
        """The nearest member of the set of a copy."""
        if number == 0:
            return (self._in_bounds(copy) - self.origin) / self.unit
        nearest = self.feasible.sets[number - 1].nearest(self.slope_unit * copy, self.edges)
        return nearest / self.slope_unit

    def _optimality(self, before: Sequence[Array]) -> float:
        """By how much the optimality of the model is missed, relative to its terms."""
        changes = [z - old for z, old in zip(self.copies, before, strict=True)]
        size = float(np.linalg.norm(self._gather(self.multipliers)))
        return float(np.linalg.norm(self._gather(changes))) / size if size else 0.0

    def _balance(self, missed: float, changed: float) -> None:
        """Change the penalty so that constraints and optimality converge at the same pace."""
        factor = 2.0 if missed > 2 * changed else 0.5 if changed > 2 * missed else 1.0
        self.penalty *= factor
        self.multipliers = [y / factor for y in self.multipliers]
