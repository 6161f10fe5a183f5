"""Misfits between synthetic and observed gathers, each with its adjoint source.

A misfit is a pure function of two gathers and the sampling interval (see `misfit`), and does not
depend on the wave equation. To add one, write the class, with its settings as fields, and name it
in `MISFITS`.
"""

from __future__ import annotations

from fwicli.inversion.misfits.adaptive import Adaptive
from fwicli.inversion.misfits.attributes import Envelope, Phase, TraceNormalized
from fwicli.inversion.misfits.correlation import Correlation
from fwicli.inversion.misfits.graph_space import GraphSpace
from fwicli.inversion.misfits.misfit import Misfit
from fwicli.inversion.misfits.residuals import Huber, LeastSquares, StudentT
from fwicli.inversion.misfits.travel_time import TravelTime
from fwicli.inversion.misfits.wasserstein import Wasserstein

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
