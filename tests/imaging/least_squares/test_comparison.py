"""Weighted linearised records, and their transposes through the waves."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import Propagator, ricker, times
from fwicli.imaging.direct_wave import direct_wave
from fwicli.imaging.least_squares.comparison import LinearComparison
from fwicli.imaging.least_squares.tasks import LinearTask, PredictionTask
from fwicli.inversion.conditioning.operators import BandPass, Chain, TimeDerivative, Weights
from fwicli.inversion.hessian import with_changes
from fwicli.inversion.source_estimation import SourceFit
from fwicli.propagators.tasks import ModellingTask
from fwicli.survey import proximity
from fwicli.survey.signals.bands import Band
from tests.equations import USUAL_ORDER

RNG = np.random.default_rng(5)
SAMPLES, INTERVAL = 120, 0.004
SOURCE = np.array([[155.0, 20.0]])
RECEIVERS = np.stack([np.linspace(40, 260, 9), np.full(9, 30.0)], axis=1)
WAVELET = ricker(times(INTERVAL, SAMPLES), 10.0)[None]
WEIGHTS = Chain(
    (
        Weights(RNG.random((9, SAMPLES))),
        BandPass(Band(2, 30), INTERVAL),
        TimeDerivative(-0.5, INTERVAL),
        TimeDerivative(0.7, INTERVAL),
    )
)
NEAR = proximity.without(np.linspace(5, 200, 9), 40.0, WAVELET[0], INTERVAL)
FILTER = RNG.standard_normal(31)


def comparison(observed: np.ndarray) -> LinearComparison:
    fit = SourceFit((-0.04, 0.08))
    return LinearComparison(observed, INTERVAL, True, WEIGHTS, NEAR, slice(3, SAMPLES - 5), fit)


@pytest.fixture(scope="module")
def propagator() -> Propagator:
    vp = np.full((31, 21), 2000.0)
    vp[:, 12:] = 2300.0
    # Spacing, layer and order are those of most tests, so that kernels are compiled once.
    return Propagator.for_model(
        vp,
        (10.0, 12.0),
        cells=10,
        order=USUAL_ORDER,
        dt=INTERVAL,
        samples=SAMPLES,
        frequency=20.0,
        precision="float64",
        history_step=1,
    )


def model(propagator: Propagator) -> dict[str, np.ndarray]:
    vp = np.full(propagator.grid.shape, 2000.0)
    vp[:, 12:] = 2300.0
    return propagator.parameters(vp=vp)


def test_forward_and_transpose() -> None:
    """<W f * d, r> = <d, f^T W^T r> to round-off."""
    compared = comparison(np.zeros((9, SAMPLES)))
    gather, residual = RNG.standard_normal((2, 9, SAMPLES))
    forward, back = compared.forward(gather, FILTER), compared.transpose(residual, FILTER)
    error = abs(np.vdot(forward, residual) - np.vdot(gather, back))
    assert error < 1e-12 * np.linalg.norm(forward) * np.linalg.norm(residual)


def test_gradient_and_product_are_those_of_the_value(propagator: Propagator) -> None:
    """|W f J dm|**2 = <dm, product>; the gradient is the slope of the value, a parabola."""
    p = model(propagator)
    change = 1e-9 * RNG.standard_normal(p["m"].shape)
    observed = RNG.standard_normal((9, SAMPLES))

    def task(scale: float, product: bool) -> LinearTask:
        perturbed = with_changes(p, {"m": scale * change})
        place = SOURCE, RECEIVERS
        return LinearTask(
            propagator.discretization,
            perturbed,
            WAVELET,
            *place,
            comparison(observed),
            product,
            FILTER,
        )

    product = task(1.0, True)()
    assert product.energy == pytest.approx(np.vdot(change, product.image), rel=1e-12)
    still, moved = task(0.0, False)(), task(1.0, False)()
    slope = np.vdot(still.image, change)
    assert 0.5 * moved.energy - 0.5 * still.energy == pytest.approx(
        slope + 0.5 * product.energy, rel=1e-9
    )
    assert still.start == pytest.approx(still.energy, rel=1e-12)
    assert moved.start == pytest.approx(still.energy, rel=1e-12)
    np.testing.assert_allclose(
        moved.image - still.image, product.image, atol=1e-10 * np.abs(moved.image).max()
    )


def test_filter_finds_another_wavelet(propagator: Propagator) -> None:
    """Records of a wavelet that is delayed and stronger leave no residual once it is fitted."""
    p = model(propagator)
    place = SOURCE, RECEIVERS
    later = np.zeros_like(WAVELET)
    later[:, 5:] = 3 * WAVELET[:, :-5]
    observed = ModellingTask(propagator.discretization, p, later, *place)()
    fit = SourceFit((-0.04, 0.08), damping=1e-9)
    compared = LinearComparison(observed, INTERVAL, True, Chain(), None, None, fit)
    perturbed = with_changes(p, {"m": np.zeros_like(p["m"])})
    shot = LinearTask(propagator.discretization, perturbed, WAVELET, *place, compared)()
    assert shot.energy < 1e-6 * np.vdot(observed, observed)
    assert np.argmax(np.abs(shot.filter)) == 10 + 5


def test_direct_wave_is_that_of_the_medium_at_the_source(propagator: Propagator) -> None:
    """It is part of the prediction in place of the waves of the whole model."""
    p = model(propagator)
    place = SOURCE, RECEIVERS
    uniform = {"m": np.full_like(p["m"], 1 / 2000.0**2)}
    expected = ModellingTask(propagator.discretization, uniform, WAVELET, *place)()
    task = ModellingTask(propagator.discretization, p, WAVELET, *place)
    np.testing.assert_allclose(direct_wave(task), expected, rtol=1e-12)
    assert np.linalg.norm(expected - task()) > 0.01 * np.linalg.norm(expected)
    perturbed = with_changes(p, {"m": np.zeros_like(p["m"])})
    compared = LinearComparison(expected, INTERVAL)
    inputs = propagator.discretization, perturbed, WAVELET, *place, compared
    np.testing.assert_allclose(PredictionTask(*inputs, in_water=True).gathers()[0], expected)
    assert LinearTask(*inputs, in_water=True)().energy < 1e-20 * np.vdot(expected, expected)
