"""Gathers of several components: the same misfit of each, with a factor for each.

    phi(s, d) = sum_c f_c misfit(s_c, d_c),        f_c = w_c phi_0,1 / phi_0,c

with the traces s_c and d_c of component c, weights w_c, and phi_0,c the misfit of all observed
traces of that component against nothing, summed over the survey (see `shots.experiments`). With
equal weights all components count alike, whatever their units. Component 1 is the first one, so
that phi keeps the unit of a survey of it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.misfits.misfit import Misfit
from fwicli.survey import components
from fwicli.survey.components import Component

Array = NDArray[Any]
# Second derivative of a misfit, times a change of the synthetic gather.
Curvature = Callable[[Array, Array, float, Array], Array]


@dataclass(frozen=True)
class ByComponent(Misfit):
    """A misfit of each component of a gather.

    Parameters
    ----------
    misfit : Misfit
        Of the traces of one component.
    components : tuple of Component
        Of the traces of the gather; empty before there is one (see `shots.experiments`).
    factors : mapping of Component to float
        f_c; 1 for those that are left out.
    """

    misfit: Misfit
    components: tuple[Component, ...]
    factors: Mapping[Component, float]

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        value, derivative = 0.0, np.zeros(synthetic.shape)
        for factor, rows in self._parts():
            part, by = self.misfit(synthetic[rows], observed[rows], interval)
            value += factor * part
            derivative[rows] = factor * by
        return value, derivative

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather that explains nothing."""
        sizes = self.scales(observed, interval)
        return sum(self.factors.get(c, 1.0) * size for c, size in sizes.items())

    def scales(self, observed: Array, interval: float) -> dict[Component, float]:
        """Values of each component for a gather that explains nothing, without their factors.

        Parameters
        ----------
        observed : ndarray of shape (n_receivers, samples)
            Observed gather, in the units of the components.
        interval : float
            Sampling interval [s].

        Returns
        -------
        scales : dict of Component to float
        """
        rows = components.rows(self.components)
        return {c: self.misfit.scale(observed[r], interval) for c, r in rows.items()}

    @property
    def curvature(self) -> Curvature | None:
        """The second derivative, as in `CurvedMisfit`; None if the misfit has none."""
        of_each: Curvature | None = getattr(self.misfit, "curvature", None)
        if of_each is None:
            return None

        def product(synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
            total = np.zeros(synthetic.shape)
            for factor, rows in self._parts():
                gathers = synthetic[rows], observed[rows], interval, change[rows]
                total[rows] = factor * of_each(*gathers)
            return total

        return product

    def weighted(self, factors: Mapping[Component, float]) -> ByComponent:
        """The misfit with other factors."""
        return replace(self, factors=factors)

    def _parts(self) -> list[tuple[float, NDArray[np.int64]]]:
        """Factor and traces of each component."""
        rows = components.rows(self.components)
        return [(self.factors.get(c, 1.0), r) for c, r in rows.items()]


def factors(
    scales: Sequence[Mapping[Component, float]], weights: Mapping[Component, float]
) -> dict[Component, float]:
    """Factors with which components count as their weights say.

    Parameters
    ----------
    scales : sequence of mapping of Component to float
        Of each shot, the misfit of each component against nothing.
    weights : mapping of Component to float
        w_c; 1 for those that are left out.

    Returns
    -------
    factors : dict of Component to float
        0 for components without energy.
    """
    sums: dict[Component, float] = {}
    for shot in scales:
        for component, size in shot.items():
            sums[component] = sums.get(component, 0.0) + size
    unit = next((size for size in sums.values() if size > 0), 1.0)
    return {c: weights.get(c, 1.0) * unit / size if size > 0 else 0.0 for c, size in sums.items()}
