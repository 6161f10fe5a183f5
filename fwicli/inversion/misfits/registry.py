"""Misfits between synthetic and observed gathers, each with its adjoint source.

A misfit is a pure function of two gathers of shape (n_receivers, samples) and the sampling
interval [s]. It returns its value and its derivative with respect to the synthetic gather, and
does not depend on the wave equation. To add one, write the class, with its settings as fields, and
name it in `MISFITS`.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from fwicli.inversion.misfits.adaptive import Adaptive
from fwicli.inversion.misfits.attributes import Envelope, Phase, TraceNormalized
from fwicli.inversion.misfits.correlation import Correlation
from fwicli.inversion.misfits.graph_space import GraphSpace
from fwicli.inversion.misfits.residuals import Huber, LeastSquares, StudentT
from fwicli.inversion.misfits.travel_time import TravelTime
from fwicli.inversion.misfits.wasserstein import Wasserstein

Array = NDArray[Any]


class Misfit(Protocol):
    """Interface of the misfits.

    Some also have `curvature(synthetic, observed, interval, change)`, a positive semi-definite
    second derivative applied to a change of the synthetic gather.
    """

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        ...

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather that explains nothing; values are divided by it.

        Parameters
        ----------
        observed : ndarray of shape (n_receivers, samples)
            Observed gather, in the unit of the data.
        interval : float
            Sampling interval [s].

        Returns
        -------
        scale : float
            Not negative, in the unit of the value.
        """
        ...


MISFITS: dict[str, type[Misfit]] = {
    "least_squares": LeastSquares,
    "huber": Huber,
    "student_t": StudentT,
    "correlation": Correlation,
    "trace_normalized": TraceNormalized,
    "envelope": Envelope,
    "phase": Phase,
    "adaptive": Adaptive,
    "wasserstein": Wasserstein,
    "graph_space": GraphSpace,
    "travel_time": TravelTime,
}
