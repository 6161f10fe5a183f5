"""One wavelet for all shots, estimated from all their synthetic gathers in a first pass.

    first pass     s_i = F_i(m) w,      sum_i (S_i^T V_i S_i + epsilon_i) f = sum_i S_i^T V_i d_i
    between        y_i = f * s_i,       value_i and a_i = dvalue_i / dy_i,
                   sum_i (S_i^T V_i S_i + epsilon_i) q = sum_i S_i^T a_i
    second pass    J_i^T of the adjoint sources that follow from a_i, f and q (see
    `source_estimation`)

The worker of a shot sets up its equations. They are summed here in the order of the shots, so that
the result does not depend on the number of workers. The first pass costs one propagation a shot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.comparison import Comparison, StoredComparison
from fwicli.inversion.source_estimation import Equations, Fitted, SourceFit, common
from fwicli.propagators.tasks import ShotTask
from fwicli.survey.signals.spans import within

Array = NDArray[Any]


@dataclass(frozen=True)
class Modelled:
    """Synthetic gather of a shot, and the normal equations of its source."""

    synthetic: Array
    equations: Equations


@dataclass(frozen=True)
class FirstPassTask(ShotTask):
    """Synthetic gather and normal equations of one shot, as a picklable function."""

    comparison: Comparison | StoredComparison

    def __call__(self) -> Modelled:
        """Model the shot and set up its equations."""
        synthetic = self.propagator.forward(
            self.parameters, self.wavelet, self.source, self.receivers
        )
        compared = self.comparison.loaded()
        fit = compared.source or SourceFit((0.0, 0.0))
        return Modelled(synthetic, fit.equations(synthetic, compared.observed, compared.interval))


@dataclass(frozen=True)
class ComparedGather:
    """Result of a comparison, in place of the comparison itself.

    Attributes
    ----------
    value : float
        phi of the gather.
    adjoint : ndarray of shape (n_receivers, samples)
        Derivative by the synthetic gather.
    fitted : ndarray of shape (n_receivers, samples)
        Synthetic gather with the estimated wavelet.
    observed : ndarray of shape (n_receivers, samples)
        Observed gather [Pa].
    interval : float
        Sampling interval [s].
    span : slice, optional
        Samples that are recorded; by default all.
    """

    value: float
    adjoint: Array
    fitted: Array
    observed: Array
    interval: float
    span: slice | None = None

    def loaded(self) -> ComparedGather:
        """The comparison with its data in memory: this one."""
        return self

    def recorded(self, gather: Array) -> Array:
        """A gather with zeros where this shot is not recorded."""
        return within(gather, self.span)

    def __call__(self, synthetic: Array) -> tuple[float, Array]:  # noqa: ARG002
        """Value and derivative; the synthetic gather must be that of the first pass."""
        return self.value, self.adjoint

    def estimated(self, synthetic: Array) -> Array:  # noqa: ARG002
        """The synthetic gather with the estimated wavelet."""
        return self.fitted


AnyComparison = Comparison | StoredComparison | ComparedGather


def fits(comparisons: Sequence[Comparison], modelled: Sequence[Modelled]) -> list[Fitted]:
    """Synthetic gathers of all shots with their filters: one in common, or one each.

    Parameters
    ----------
    comparisons : sequence of Comparison
        All with a source fit.
    modelled : sequence of Modelled
        Results of the first pass, in the same order.

    Returns
    -------
    fitted : list of Fitted
    """
    pairs = list(zip(comparisons, modelled, strict=True))
    total, shared = None, None
    if any(c.source is not None and c.source.common for c in comparisons):
        total, shared = common([m.equations for m in modelled])
    fitted = []
    for compared, shot in pairs:
        fit = compared.source or SourceFit((0.0, 0.0))
        equations = total or shot.equations
        coefficients = equations.filter() if shared is None else shared
        gathers = (shot.synthetic, compared.observed, compared.interval)
        fitted.append(fit.fitted(*gathers, equations, coefficients))
    return fitted


def compared_gathers(
    comparisons: Sequence[Comparison], modelled: Sequence[Modelled]
) -> list[ComparedGather]:
    """Values and adjoint sources of shots whose source is estimated in common.

    Parameters
    ----------
    comparisons : sequence of Comparison
        All with a source fit in common.
    modelled : sequence of Modelled
        Results of the first pass, in the same order.

    Returns
    -------
    compared : list of ComparedGather
    """
    fitted = fits(comparisons, modelled)
    outcomes = [c.compare_fitted(f.synthetic) for c, f in zip(comparisons, fitted, strict=True)]
    by_filter = np.zeros(fitted[0].filter.shape)
    for gather, (_, adjoint) in zip(fitted, outcomes, strict=True):
        by_filter += gather.by_filter(adjoint)
    solution = fitted[0].equations.solve(by_filter)
    return [
        ComparedGather(
            value,
            f.by_original(adjoint, solution),
            f.synthetic,
            c.observed,
            c.interval,
            c.span,
        )
        for c, f, (value, adjoint) in zip(comparisons, fitted, outcomes, strict=True)
    ]


def wavelets(fitted: Sequence[Fitted], modelled: Sequence[Array], common_filter: bool) -> Array:
    """Estimated wavelets of all shots; one if they have the filter and the first guess in common.

    Parameters
    ----------
    fitted : sequence of Fitted
    modelled : sequence of ndarray of shape (1, samples)
        Wavelets that the shots were modelled with [Pa].
    common_filter : bool
        Whether the shots have one filter.

    Returns
    -------
    wavelets : ndarray of shape (n_shots or 1, samples)
        [Pa]
    """
    shared = common_filter and all(np.array_equal(w, modelled[0]) for w in modelled)
    pairs = list(zip(fitted, modelled, strict=True))
    return np.concatenate([f.wavelet(w) for f, w in pairs[: 1 if shared else None]])
