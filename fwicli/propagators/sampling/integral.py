"""Integrals over time of sources and of records, and derivatives of sources.

    Q_n = dt sum_{m <= n} q_m,        q'_m = dt sum_{n >= m} Q'_n
    D_n = (q_n - q_{n-1}) / dt,       q'_m = (D'_m - D'_{m+1}) / dt

The first, of which the second is the transpose, runs forwards in time and the second backwards,
both in windows of steps. Values before the first step and after the last are zero: the sum of the
derivatives up to a step is the value there.

Records of rates become those of their integrals by the same sums, half a step later. As they run
forwards, and adjoint sources backwards, the roles of the two directions are exchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Steps = Callable[[Array, int, int], Array]
Collect = Callable[[int, int, Array], None]


@dataclass(frozen=True)
class Integral:
    """Sums over the steps of a propagation.

    Parameters
    ----------
    step : float
        Time step [s].
    precision : {"float32", "float64"}
        Of the results; sums are taken in double precision.
    """

    step: float
    precision: str

    def forwards(self, steps: Callable[..., Array]) -> Steps:
        """Steps of an integral, from a function that gives those of the integrand."""
        whole: list[Array] = []

        def integrated(values: Array, first: int, last: int) -> Array:
            if not whole:
                sums = self.step * np.cumsum(steps(values), axis=0, dtype=np.float64)
                whole.append(sums.astype(self.precision))
            return whole[0][first:last]

        return integrated

    def backwards(self, collect: Collect) -> Collect:
        """A function that takes the transpose of the integral, window by window from the last."""
        later: Array | float = 0.0

        def integrated(first: int, last: int, steps: Array) -> None:
            nonlocal later
            sums = np.cumsum(steps[::-1], axis=0, dtype=np.float64)[::-1] + later
            later = sums[0]
            collect(first, last, (self.step * sums).astype(self.precision))

        return integrated

    def recorded(self, collect: Collect) -> Collect:
        """A function that takes the integral of records, window by window from the first."""
        earlier: Array | float = 0.0

        def integrated(first: int, last: int, steps: Array) -> None:
            nonlocal earlier
            sums = np.cumsum(steps, axis=0, dtype=np.float64) + earlier
            earlier = sums[-1]
            collect(first, last, (self.step * sums).astype(self.precision))

        return integrated

    def injected(self, steps: Callable[..., Array]) -> Steps:
        """Transpose of `recorded`: steps that enter backwards in time, from those of residuals."""
        whole: list[Array] = []

        def integrated(values: Array, first: int, last: int) -> Array:
            if not whole:
                sums = np.cumsum(steps(values)[::-1], axis=0, dtype=np.float64)[::-1]
                whole.append((self.step * sums).astype(self.precision))
            return whole[0][first:last]

        return integrated


@dataclass(frozen=True)
class Delay:
    """Records of the step before, the first of which is zero."""

    def recorded(self, collect: Collect) -> Collect:
        """A function that takes the records, window by window from the first."""
        before: Array | None = None

        def delayed(first: int, last: int, steps: Array) -> None:
            nonlocal before
            rows = np.zeros_like(steps[:1]) if before is None else before
            before = steps[-1:].copy()
            collect(first, last, np.concatenate([rows, steps[:-1]]))

        return delayed

    def injected(self, steps: Callable[..., Array]) -> Callable[..., Array]:
        """Transpose of `recorded`: each step has the values of the next, and the last has none."""

        def advanced(values: Array, first: int = 0, last: int | None = None) -> Array:
            window = steps(values, first + 1, None if last is None else last + 1)
            count = len(window) + 1 if last is None else last - first
            return np.pad(window, ((0, count - len(window)), (0, 0)))

        return advanced


@dataclass(frozen=True)
class Derivative:
    """Differences between the steps of a propagation.

    Parameters
    ----------
    step : float
        Time step [s].
    precision : {"float32", "float64"}
        Of the results.
    """

    step: float
    precision: str

    def forwards(self, steps: Steps) -> Steps:
        """Steps of a derivative, from a function that gives those of its integral."""

        def differentiated(values: Array, first: int, last: int) -> Array:
            window = steps(values, max(first - 1, 0), last).astype(np.float64)
            zero = np.zeros_like(window[: 0 if first else 1])
            rates = np.diff(window, axis=0, prepend=zero) / self.step
            return np.asarray(rates.astype(self.precision))

        return differentiated

    def backwards(self, collect: Collect) -> Collect:
        """A function that takes the transpose of the derivative, window by window from the last."""
        later: Array | None = None

        def differentiated(first: int, last: int, steps: Array) -> None:
            nonlocal later
            rates = steps.astype(np.float64)
            after = np.zeros_like(rates[:1]) if later is None else later
            later = rates[:1].copy()
            sums = -np.diff(rates, axis=0, append=after)
            collect(first, last, (sums / self.step).astype(self.precision))

        return differentiated
