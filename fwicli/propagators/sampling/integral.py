"""Integral over time of the source of an equation of first order in time, and its transpose.

    Q_n = dt sum_{m <= n} q_m,        q'_m = dt sum_{n >= m} Q'_n

The first runs forwards in time and the second backwards, both in windows of steps.
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
