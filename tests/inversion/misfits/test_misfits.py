"""Of every misfit: its adjoint source is its derivative, and data explain themselves."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from fwicli.inversion.misfits.adaptive import Adaptive
from fwicli.inversion.misfits.attributes import Envelope, Phase, TraceNormalized
from fwicli.inversion.misfits.correlation import Correlation
from fwicli.inversion.misfits.graph_space import GraphSpace
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.inversion.misfits.residuals import Huber, StudentT
from fwicli.inversion.misfits.travel_time import TravelTime
from fwicli.inversion.misfits.wasserstein import Wasserstein
from tests.inversion.arrivals import INTERVAL, PERIOD, gathers, pulse, train

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
CURVED = [case for case in CASES if hasattr(case, "curvature")]
every = pytest.mark.parametrize("misfit", CASES, ids=str)


@every
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_adjoint_source_is_the_derivative(misfit: Any, seed: int) -> None:
    """Against central differences in random directions."""
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
        # Where a random direction happens to lie along the level, its usual slope is the measure.
        size = np.linalg.norm(adjoint) * np.linalg.norm(direction) / np.sqrt(direction.size)
        expected = pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-6 * size)
        assert np.vdot(adjoint, direction) == expected


@every
@pytest.mark.parametrize("data", [gathers()[1], pulse(0.0), train(0.0)], ids=["noisy", "1", "6"])
def test_nothing_is_left_where_data_agree(misfit: Any, data: np.ndarray) -> None:
    """Neither value nor slope, beside those of data that are an eighth of a period late."""
    off = np.roll(data, round(PERIOD / 8 / INTERVAL), axis=-1)
    value, adjoint = misfit(data, data, INTERVAL)
    other, slope = misfit(off, data, INTERVAL)
    assert abs(value) < 1e-12 * other
    assert np.linalg.norm(adjoint) < 1e-6 * np.linalg.norm(slope)


@every
def test_strength_of_the_data(misfit: Any) -> None:
    """All data a million times as strong: nothing but the unit of the misfit changes."""
    synthetic, observed = gathers()
    value = misfit(synthetic, observed, INTERVAL)[0] / misfit.scale(observed, INTERVAL)
    strong = misfit(1e6 * synthetic, 1e6 * observed, INTERVAL)[0]
    assert strong / misfit.scale(1e6 * observed, INTERVAL) == pytest.approx(value, rel=1e-9)


@every
def test_single_precision_is_computed_in_double(misfit: Any) -> None:
    """Gathers of waves are float32; values in float64 resolve their small changes."""
    synthetic, observed = (g.astype(np.float32) for g in gathers())
    value, adjoint = misfit(synthetic, observed, INTERVAL)
    same, exact = misfit(synthetic.astype(float), observed.astype(float), INTERVAL)
    assert value == pytest.approx(same, rel=1e-12)
    assert adjoint.dtype == np.float64
    np.testing.assert_allclose(adjoint, exact, rtol=1e-9, atol=1e-12 * np.abs(exact).max())


@every
def test_it_begins_at_order_one(misfit: Any) -> None:
    """Arrivals that are wrong by half a period."""
    value = misfit(pulse(PERIOD / 2), pulse(0.0), INTERVAL)[0]
    assert 0.03 < value / misfit.scale(pulse(0.0), INTERVAL) < 4


@every
def test_dead_traces_do_no_harm(misfit: Any) -> None:
    """Of observed and of synthetic gathers; what is all zero has no scale."""
    synthetic, observed = gathers()
    for dead in (synthetic, observed):
        dead[1] = 0
        value, adjoint = misfit(synthetic, observed, INTERVAL)
        assert np.isfinite(value)
        assert np.isfinite(adjoint).all()
    assert misfit.scale(0 * observed, INTERVAL) == 0
    assert np.isfinite(misfit(synthetic, 0 * observed, INTERVAL)[1]).all()


@every
def test_traces_are_compared_one_by_one(misfit: Any) -> None:
    """In any order; and the misfit crosses to a worker as it is."""
    synthetic, observed = gathers()
    value, adjoint = misfit(synthetic, observed, INTERVAL)
    order = np.array([2, 0, 3, 1])
    again = pickle.loads(pickle.dumps(misfit))
    assert again == misfit
    other, swapped = again(synthetic[order], observed[order], INTERVAL)
    assert other == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(swapped, adjoint[order], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("misfit", CURVED, ids=str)
def test_curvature_is_symmetric_and_positive(misfit: Any) -> None:
    """As a matrix, at any data."""
    synthetic, observed = gathers(samples=20)
    units = np.eye(synthetic.size).reshape(-1, *synthetic.shape)
    rows = [misfit.curvature(synthetic, observed, INTERVAL, unit).ravel() for unit in units]
    matrix = np.array(rows)
    size = np.abs(matrix).max()
    assert size > 0
    assert np.abs(matrix - matrix.T).max() < 1e-12 * size
    assert np.linalg.eigvalsh(matrix).min() > -1e-9 * size


@pytest.mark.parametrize("misfit", CURVED, ids=str)
def test_curvature_is_the_second_derivative_where_data_agree(misfit: Any) -> None:
    """Where nothing is left, what Gauss and Newton leave out is zero."""
    data = gathers()[1]
    change = np.random.default_rng(3).standard_normal(data.shape) * data
    h = 1e-6
    up, down = (misfit(data + s * h * change, data, INTERVAL)[1] for s in (1, -1))
    product = misfit.curvature(data, data, INTERVAL, change)
    error = np.linalg.norm(product - (up - down) / (2 * h))
    assert error < 1e-6 * np.linalg.norm(product)


def test_huber_and_student_lie_below_their_parabolas() -> None:
    """Their curvature is that of a parabola that touches at the residual and bounds them."""
    observed = gathers()[1]
    for misfit in (Huber(0.5), StudentT(2.0, 0.5)):
        synthetic = gathers(5)[0]
        value, slope = misfit(synthetic, observed, INTERVAL)
        for seed in range(20):
            change = 10 * np.random.default_rng(seed).standard_normal(synthetic.shape)
            bent = misfit.curvature(synthetic, observed, INTERVAL, change)
            bound = value + np.vdot(slope, change) + 0.5 * np.vdot(bent, change)
            assert misfit(synthetic + change, observed, INTERVAL)[0] <= bound * (1 + 1e-12)
