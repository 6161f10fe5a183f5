"""Adjoint sources are derivatives, and misfits see what they are for."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy

from fwicli.inversion.attributes import Envelope, Phase, TraceNormalized
from fwicli.inversion.correlation import Correlation
from fwicli.inversion.graphspace import GraphSpace, assignment
from fwicli.inversion.matching import Adaptive
from fwicli.inversion.misfits import MISFITS
from fwicli.inversion.residuals import Huber, LeastSquares, StudentT
from fwicli.inversion.transport import Wasserstein, distance_of
from fwicli.inversion.traveltimes import TravelTime
from fwicli.survey.wavelets import ricker, times

INTERVAL = 0.004
FREQUENCY = 8.0

# Every misfit as it is, and with settings that take another way through it.
CASES: list[Any] = [
    *(make() for make in MISFITS.values()),
    Huber(threshold=0.3),
    StudentT(degrees=1.0, width=0.2),
    Correlation(over="gather"),
    TraceNormalized(norm="mean"),
    TraceNormalized(norm="peak", weighting="observed"),
    TraceNormalized(weighting="observed"),
    Envelope(exponent=2.0),
    Envelope(exponent=0.5, damping=0.1),
    Phase(damping=0.3),
    Adaptive(max_lag=0.05, damping=1e-3),
    Wasserstein(sharpness=0.5),
    GraphSpace(shift=0.02, step=0.008),
    TravelTime(max_shift=0.05),
]
# Those that do not change when all traces are multiplied by one number.
SCALE_FREE = (Correlation, Phase, Adaptive, TravelTime)


def name_of(misfit: Any) -> str:
    return str(misfit)


def gathers(seed: int = 0, receivers: int = 4, samples: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Two noisy gathers of the same arrivals at other times, their traces of other strengths."""
    rng = np.random.default_rng(seed)
    time = times(INTERVAL, samples)
    strengths = 10.0 ** rng.uniform(-1, 1, (2, receivers))
    late = rng.uniform(-0.03, 0.03, receivers)
    both = [
        [a * ricker(time - 0.05 * r - shift, FREQUENCY) for r, (a, shift) in enumerate(rows)]
        for rows in (zip(strengths[0], late, strict=True), zip(strengths[1], 0 * late, strict=True))
    ]
    found = np.array(both)
    noise = rng.standard_normal(found.shape)
    return tuple(found + 0.05 * np.abs(found).max(axis=-1, keepdims=True) * noise)


@pytest.mark.parametrize("misfit", CASES, ids=name_of)
def test_adjoint_source_is_the_derivative(misfit: Any) -> None:
    """Against central differences in random directions."""
    for seed in range(3):
        synthetic, observed = gathers(seed)
        value, adjoint = misfit(synthetic, observed, INTERVAL)
        assert value > 0
        assert adjoint.shape == synthetic.shape
        rng = np.random.default_rng(seed + 10)
        for _ in range(3):
            direction = synthetic * rng.standard_normal(synthetic.shape)
            h = 1e-6
            up = misfit(synthetic + h * direction, observed, INTERVAL)[0]
            down = misfit(synthetic - h * direction, observed, INTERVAL)[0]
            expected = (up - down) / (2 * h)
            size = np.linalg.norm(adjoint) * np.linalg.norm(direction) / np.sqrt(direction.size)
            assert np.vdot(adjoint, direction) == pytest.approx(expected, rel=1e-6, abs=1e-6 * size)
