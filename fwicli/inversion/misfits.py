"""Misfits between synthetic and observed gathers, each with its adjoint source.

A misfit is a pure function of two gathers of shape (n_receivers, samples) and the sampling
interval [s]. It returns its value and its derivative with respect to the synthetic gather; it
knows nothing of waves. To add one, write the function and name it in `MISFITS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Misfit = Callable[[Array, Array, float], tuple[float, Array]]


def least_squares(synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
    """Energy of the residual, dt/2 sum (s - d)**2; its adjoint source is dt (s - d)."""
    residual = synthetic.astype(np.float64) - observed
    return 0.5 * interval * float(np.vdot(residual, residual)), interval * residual


MISFITS: dict[str, Misfit] = {"least_squares": least_squares}
