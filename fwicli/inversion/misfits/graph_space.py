"""Optimal transport in graph space: samples of a trace are points (t, s(t)) that are assigned.

    phi = dt/2 min_j sum_i (A / T)**2 (t_i - t_j(i))**2 + (s_i - d_j(i))**2
    dphi/ds_i = dt (s_i - d_j(i))

over the permutations j of the samples, with synthetic s, observed d, the peak A of the observed
trace and a time T [s]: to move a sample by T costs as much as to change it by A. As T goes to zero
nothing moves, and phi is least squares; it is never more than that. Within T of each other,
arrivals are compared with the right ones.

The minimum is a linear assignment problem, which SciPy solves for every trace. As the waves are
sampled much more densely than they need be, only some of the samples are compared, `step` apart.

Reference: Metivier, Brossier, Merigot and Oudet (2019), Inverse Problems 35, 085001.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.misfits.traces import period

Array = NDArray[Any]

# Samples that are compared in a dominant period.
POINTS = 16


@dataclass(frozen=True)
class GraphSpace:
    """Least squares between samples that may move in time.

    shift: T [s], the largest error in time that is expected; the dominant period of the observed
    gather by default.  step: between the samples that are compared [s]; 1/16 of the dominant
    period by default.
    """

    shift: float | None = None
    step: float | None = None

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        s, d = synthetic.astype(np.float64), observed.astype(np.float64)
        every, shift = self._numbers(d, interval)
        coarse = every * interval
        value, derivative = 0.0, np.zeros_like(s)
        for trace, (some, others) in enumerate(zip(s[:, ::every], d[:, ::every], strict=True)):
            price = (np.abs(others).max() * coarse / shift) ** 2
            chosen = assignment(some, others, price)
            residual = some - others[chosen]
            moved = chosen - np.arange(some.size)
            value += 0.5 * coarse * float(price * moved @ moved + residual @ residual)
            derivative[trace, ::every] = coarse * residual
        return value, derivative

    def scale(self, observed: Array, interval: float) -> float:
        """The value for no waves at all, which nothing can move."""
        d = observed.astype(np.float64)
        every = self._numbers(d, interval)[0]
        return 0.5 * every * interval * float((d[:, ::every] ** 2).sum())

    def curvature(
        self,
        synthetic: Array,  # noqa: ARG002
        observed: Array,
        interval: float,
        change: Array,
    ) -> Array:
        """Second derivative while the assignment stays, applied to a change of the synthetic."""
        every = self._numbers(observed.astype(np.float64), interval)[0]
        found = np.zeros(change.shape)
        found[:, ::every] = every * interval * change[:, ::every]
        return found

    def _numbers(self, observed: Array, interval: float) -> tuple[int, float]:
        """Samples in a step, and T [s]."""
        dominant = period(observed, interval)
        step = dominant / POINTS if self.step is None else self.step
        every = min(max(1, round(step / interval)), observed.shape[-1])
        return every, dominant if self.shift is None else self.shift


def assignment(s: Array, d: Array, price: float) -> Array:
    """For every sample of s the sample of d that it is assigned to, at the least cost in all.

    Parameters
    ----------
    price : float
        Cost of a move by one sample.
    """
    n = np.arange(s.size)
    cost = price * (n[:, None] - n) ** 2.0 + (s[:, None] - d) ** 2
    return np.asarray(scipy.optimize.linear_sum_assignment(cost)[1])
