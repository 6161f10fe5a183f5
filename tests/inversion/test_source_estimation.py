"""The estimated wavelet is the best one, and its derivative is exact."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.inversion.source_estimation import Fitted, SourceFit, common, filter_step
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import ricker, times

INTERVAL, SAMPLES = 0.004, 150
SHAPE = (5, SAMPLES)
LAGS = (-0.02, 0.06)


def fit(damping: float = 1e-2, weights: bool = True, seed: int = 0, step: int = 1) -> SourceFit:
    rng = np.random.default_rng(seed)
    w = rng.random(SHAPE) * (rng.random(SHAPE) > 0.3) if weights else np.ones((1, 1))
    return SourceFit(LAGS, damping, w, step=step)


def pair(seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal((2, *SHAPE)))


@pytest.mark.parametrize("damping", [1e-1, 1e-6])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("step", [1, 5])
def test_filter_is_the_best(damping: float, weights: bool, step: int) -> None:
    """No other filter has a smaller objective, with the convolution of NumPy."""
    s, d = pair()
    source = fit(damping, weights, step=step)
    fitted = source.fit(s, d, INTERVAL)
    first, count = round(LAGS[0] / INTERVAL), fitted.filter.size
    assert count == {1: 21, 5: 5}[step]
    every = np.arange(SAMPLES) % step == 0

    def minimised(f: np.ndarray) -> float:
        whole = np.zeros(21)
        whole[::step] = f
        y = np.stack([np.convolve(whole, trace)[-first : SAMPLES - first] for trace in s])
        np.testing.assert_allclose(fitted.lags.convolve(f, s), y, atol=1e-12)
        rest = (source.weights * (y - d))[:, every]
        energy = np.sum((source.weights * s)[:, every] ** 2)
        return float(np.sum(rest**2) + damping * energy * np.sum(f**2))

    least = minimised(fitted.filter)
    rng = np.random.default_rng(2)
    for size in (1e-1, 1e-3):
        for _ in range(5):
            other = fitted.filter + size * rng.standard_normal(count)
            assert minimised(other) > least
            back = fitted.filter - (other - fitted.filter)
            slope = minimised(other) - minimised(back)
            assert abs(slope) < 1e-9 * least


def test_unknown_wavelet_is_found() -> None:
    """Delayed and of another shape, from data modelled with a guess."""
    rng = np.random.default_rng(3)
    t = times(INTERVAL, SAMPLES)
    guess = np.zeros(SAMPLES)
    guess[:3] = 1.0, -0.4, 0.1
    true = ricker(t, 20.0, 0.05)
    earth = rng.standard_normal(SHAPE) * np.exp(-t / 0.2)
    s, d = (np.stack([np.convolve(w, e)[:SAMPLES] for e in earth]) for w in (guess, true))
    fitted = SourceFit((0.0, 0.3), 1e-10).fit(s, d, INTERVAL)
    np.testing.assert_allclose(fitted.wavelet(guess), true, atol=1e-5)
    assert np.linalg.norm(fitted.synthetic - d) < 1e-5 * np.linalg.norm(d)


@pytest.mark.parametrize("high", [4.0, 12.0])
def test_few_values_do_in_a_low_band(high: float) -> None:
    """A filter with as many as the band needs fits as well as one with all."""
    rng, samples = np.random.default_rng(7), 600
    t = times(INTERVAL, samples)
    earth = rng.standard_normal((4, samples)) * np.exp(-t / 0.4)
    guess, true = ricker(t, high / 2, 0.3), -2 * ricker(t, 0.7 * high, 0.38)
    band = Band(0.0, high)
    s, d = (
        band.apply(np.stack([np.convolve(w, e)[:samples] for e in earth]), INTERVAL)
        for w in (guess, true)
    )
    step = filter_step(high, INTERVAL)
    assert step == {4.0: 10, 12.0: 3}[high]
    few, all_ = (SourceFit((-0.2, 0.4), 1e-4, step=k).fit(s, d, INTERVAL) for k in (step, 1))
    assert few.filter.size < all_.filter.size / (step - 1)
    left = [float(np.linalg.norm(f.synthetic - d) / np.linalg.norm(d)) for f in (few, all_)]
    assert left[0] < max(1.5 * left[1], 0.02)
    assert left[0] < 0.1


def test_scale_of_the_guess_does_not_matter() -> None:
    s, d = pair()
    once, twice = fit().fit(s, d, INTERVAL), fit().fit(3.0 * s, d, INTERVAL)
    np.testing.assert_allclose(twice.synthetic, once.synthetic, rtol=1e-9, atol=1e-12)


def probe(y: np.ndarray) -> tuple[float, np.ndarray]:
    """Some function of a gather that has nothing to do with the fit, and its derivative."""
    a = np.random.default_rng(9).standard_normal(y.shape)
    return float(np.sum(a * y + np.cos(y))), a - np.sin(y)


@pytest.mark.parametrize("damping", [1e-1, 1e-3])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("step", [1, 5])
def test_derivative_through_the_filter(damping: float, weights: bool, step: int) -> None:
    """Of a function of the fitted data by the original, against central differences, to 1e-7."""
    s, d = pair()
    source = fit(damping, weights, step=step)
    fitted = source.fit(s, d, INTERVAL)
    gradient = fitted.transpose(probe(fitted.synthetic)[1])
    rng = np.random.default_rng(4)
    for _ in range(4):
        v, h = rng.standard_normal(SHAPE), 1e-5
        up, down = (probe(source.fit(s + k * v, d, INTERVAL).synthetic)[0] for k in (h, -h))
        assert np.vdot(gradient, v) == pytest.approx((up - down) / (2 * h), rel=1e-7)
    # The filter is more than a constant: held as it is, the derivative is another one.
    without_filter = fitted.lags.correlate(fitted.filter, probe(fitted.synthetic)[1])
    assert np.linalg.norm(without_filter - gradient) > 0.01 * np.linalg.norm(gradient)


@pytest.mark.parametrize("step", [1, 3])
def test_change_is_the_transpose(step: int) -> None:
    """<dw/ds v, a> = <v, (dw/ds)^T a>, to round-off."""
    s, d = pair()
    fitted = fit(step=step).fit(s, d, INTERVAL)
    v, a = pair(5)
    error = np.vdot(fitted.change(v), a) - np.vdot(v, fitted.transpose(a))
    assert abs(error) < 1e-12 * np.linalg.norm(fitted.change(v)) * np.linalg.norm(a)


def test_variable_projection() -> None:
    """Where the misfit is what the filter minimises, its derivative drops out."""
    s, d = pair()
    source = fit(1e-12)
    fitted = source.fit(s, d, INTERVAL)
    adjoint = source.weights**2 * (fitted.synthetic - d)
    without_filter = fitted.lags.correlate(fitted.filter, adjoint)
    np.testing.assert_allclose(
        fitted.transpose(adjoint), without_filter, atol=1e-8 * np.abs(without_filter).max()
    )


def shots(many: list[np.ndarray], observed: list[np.ndarray]) -> list[Fitted]:
    """Several shots with one filter."""
    sources = [fit(1e-2, True, seed) for seed in range(len(many))]
    rows = list(zip(sources, many, observed, strict=True))
    total, coefficients = common([m.equations(s, d, INTERVAL) for m, s, d in rows])
    return [m.fitted(s, d, INTERVAL, total, coefficients) for m, s, d in rows]


def test_common_filter_has_an_exact_derivative() -> None:
    """Each shot changes the filter of all of them."""
    many, observed = ([pair(k)[i] for k in range(3)] for i in range(2))
    fitted = shots(many, observed)
    adjoints = [probe(f.synthetic)[1] for f in fitted]
    q = fitted[0].equations.solve(
        sum(f.by_filter(a) for f, a in zip(fitted, adjoints, strict=True))
    )
    gradients = [f.by_original(a, q) for f, a in zip(fitted, adjoints, strict=True)]
    rng, h = np.random.default_rng(6), 1e-5
    for shot in range(3):
        v = rng.standard_normal(SHAPE)

        def value(step: float, shot: int = shot, v: np.ndarray = v) -> float:
            changed = [s + step * v * (k == shot) for k, s in enumerate(many)]
            return sum(probe(f.synthetic)[0] for f in shots(changed, observed))

        expected = (value(h) - value(-h)) / (2 * h)
        assert np.vdot(gradients[shot], v) == pytest.approx(expected, rel=1e-7)


def test_one_shot_in_common_is_its_own() -> None:
    s, d = pair()
    alone = fit().fit(s, d, INTERVAL)
    np.testing.assert_array_equal(shots([s], [d])[0].filter, alone.filter)


def test_survives_a_worker() -> None:
    s, d = pair()
    copy = pickle.loads(pickle.dumps(fit()))
    np.testing.assert_array_equal(copy.fit(s, d, INTERVAL).filter, fit().fit(s, d, INTERVAL).filter)


def test_nothing_to_fit_is_refused() -> None:
    s, d = pair()
    with pytest.raises(DataError, match=r"widen `inversion\.source\.window`"):
        fit().fit(0 * s, d, INTERVAL)
    narrow = np.sin(np.arange(SAMPLES))[None]
    with pytest.raises(DataError, match=r"raise `inversion\.source\.damping`"):
        SourceFit(LAGS, 0.0).fit(narrow * 0 + 1.0 * (np.arange(SAMPLES) == 0), 0 * narrow, INTERVAL)
