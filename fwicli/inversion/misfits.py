"""Misfits between synthetic and observed gathers, each with its adjoint source.

A misfit is a pure function of two gathers of shape (n_receivers, samples) and the sampling
interval [s]. It returns its value and its derivative with respect to the synthetic gather; it
knows nothing of waves. To add one, write the class, with its settings as fields, and name it in
`MISFITS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Misfit(Protocol):
    """What compares a synthetic gather with an observed one."""

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        ...

    def scale(self, observed: Array, interval: float) -> float:
        """What values are compared with: that of a gather of which nothing is explained."""
        ...


@dataclass(frozen=True)
class LeastSquares:
    """Energy of the residual, dt/2 sum (s - d)**2; its adjoint source is dt (s - d)."""

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        residual = synthetic.astype(np.float64) - observed
        return 0.5 * interval * float(np.vdot(residual, residual)), interval * residual

    def scale(self, observed: Array, interval: float) -> float:
        """The value for no waves at all."""
        return self(np.zeros_like(observed), observed, interval)[0]

    def curvature(
        self,
        synthetic: Array,  # noqa: ARG002  others need both gathers
        observed: Array,  # noqa: ARG002
        interval: float,
        change: Array,
    ) -> Array:
        """The second derivative, applied to a change of the synthetic gather."""
        return np.asarray(interval * change.astype(np.float64))


MISFITS: dict[str, type[Misfit]] = {"least_squares": LeastSquares}
