"""Optimal transport in graph space: samples of a trace are points (t, s(t)) that are assigned.

    phi = dt/2 min_j sum_i (A / T)**2 (t_i - t_j(i))**2 + (s_i - d_j(i))**2
    dphi/ds_i = dt (s_i - d_j(i))

over the permutations j of the samples, with synthetic s, observed d, the peak A of the observed
trace and a time T [s]: a move by T costs as much as a change by A. As T goes to zero nothing moves,
and phi becomes least squares, its upper limit. Arrivals that are less than T apart are compared
with each other.

SciPy solves the linear assignment problem of every trace. Waves are sampled more densely than this
needs, so that only every n-th sample is compared, `step` apart.

Reference: Metivier, Brossier, Merigot and Oudet (2019), Inverse Problems 35, 085001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.misfits.misfit import CurvedMisfit
from fwicli.inversion.misfits.traces import period

Array = NDArray[Any]

# Samples that are compared in a dominant period.
POINTS = 16


@dataclass(frozen=True)
class GraphSpace(CurvedMisfit):
    """Least squares between samples that may move in time.

    Parameters
    ----------
    shift : float, optional
        T [s], the largest expected error in time; the dominant period of the observed gather by
        default.
    step : float, optional
        Interval between the compared samples [s]; 1/16 of the dominant period by default.
    """

    shift: float | None = None
    step: float | None = None

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        s, d = synthetic.astype(np.float64), observed.astype(np.float64)
        step, shift = self._numbers(d, interval)
        coarse = step * interval
        value, derivative = 0.0, np.zeros_like(s)
        for trace, (synthetic_trace, observed_trace) in enumerate(
            zip(s[:, ::step], d[:, ::step], strict=True)
        ):
            price = (np.abs(observed_trace).max() * coarse / shift) ** 2
            chosen = assignment(synthetic_trace, observed_trace, price)
            residual = synthetic_trace - observed_trace[chosen]
            distance = chosen - np.arange(synthetic_trace.size)
            value += 0.5 * coarse * float(price * distance @ distance + residual @ residual)
            derivative[trace, ::step] = coarse * residual
        return value, derivative

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather of zeros, in which no sample moves."""
        d = observed.astype(np.float64)
        step = self._numbers(d, interval)[0]
        return 0.5 * step * interval * float((d[:, ::step] ** 2).sum())

    def curvature(
        self,
        synthetic: Array,  # noqa: ARG002
        observed: Array,
        interval: float,
        change: Array,
    ) -> Array:
        """Second derivative at a fixed assignment, applied to a change of the synthetic gather."""
        step = self._numbers(observed.astype(np.float64), interval)[0]
        product = np.zeros(change.shape)
        product[:, ::step] = step * interval * change[:, ::step]
        return product

    def _numbers(self, observed: Array, interval: float) -> tuple[int, float]:
        """Samples between compared samples, and T [s]."""
        dominant = period(observed, interval)
        seconds = dominant / POINTS if self.step is None else self.step
        samples = min(max(1, round(seconds / interval)), observed.shape[-1])
        return samples, dominant if self.shift is None else self.shift


def assignment(s: Array, d: Array, price: float) -> Array:
    """Assign every sample of s to a sample of d at the least total cost.

    Parameters
    ----------
    s, d : ndarray of shape (samples,)
        Traces.
    price : float
        Cost of a move by one sample.

    Returns
    -------
    permutation : ndarray of int, of shape (samples,)
        For every sample of s, the number of its sample of d.
    """
    n = np.arange(s.size)
    cost = price * (n[:, None] - n) ** 2.0 + (s[:, None] - d) ** 2
    return np.asarray(scipy.optimize.linear_sum_assignment(cost)[1])
