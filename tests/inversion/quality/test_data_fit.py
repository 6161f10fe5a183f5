"""Data fit in cases with known answers: shifted, scaled and reversed copies."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.quality.comparison import ComparedShot
from fwicli.inversion.quality.data_fit import DataFit, FitClasses, shot_fit

INTERVAL, SAMPLES, BAND = 0.004, 500, (2.0, 20.0)
DISTANCE = np.linspace(100.0, 2100.0, 40)
DURATION = INTERVAL * SAMPLES


def random_traces(count: int = len(DISTANCE), seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, SAMPLES))


def delayed(traces: np.ndarray, tau: float) -> np.ndarray:
    """Traces later by tau [s], exactly, and around the end of the record."""
    f = np.fft.rfftfreq(SAMPLES, INTERVAL)
    return np.fft.irfft(np.fft.rfft(traces) * np.exp(-2j * np.pi * f * tau), SAMPLES)


def fit(synthetic: np.ndarray, observed: np.ndarray, classes: FitClasses | None = None) -> DataFit:
    classes = classes or FitClasses.of([DISTANCE], BAND, DURATION)
    compared = ComparedShot(3, DISTANCE, observed, synthetic, INTERVAL, 8.0)
    return DataFit(classes, (shot_fit(compared, classes),))


def test_copy_of_each_trace_has_correlation_one() -> None:
    """Whatever the factor of each; the phase residual is zero."""
    traces = random_traces()
    result = fit(traces * np.linspace(0.1, 9.0, len(traces))[:, None], traces)
    np.testing.assert_allclose(result.correlation, 1.0, rtol=1e-12)
    np.testing.assert_allclose(result.coherence, 1.0, rtol=1e-12)
    assert np.abs(result.phase).max() < 1e-12


def test_misfit_of_a_scaled_copy() -> None:
    """||1.3 d - d|| = 0.3 ||d|| in every class, and in all."""
    traces = random_traces()
    result = fit(1.3 * traces, traces)
    np.testing.assert_allclose(result.by_shot_and_offset, 0.3, rtol=1e-12)
    np.testing.assert_allclose(result.by_offset, 0.3, rtol=1e-12)
    assert result.misfit == pytest.approx(0.3, rel=1e-12)
    assert result.shots[0].misfit == pytest.approx(0.3, rel=1e-12)


@pytest.mark.parametrize("tau", [0.007, -0.012])
def test_late_records_have_the_phase_of_their_delay(tau: float) -> None:
    """2 pi f tau at every frequency, positive where the observed waves are later."""
    traces = random_traces()
    frequencies = np.fft.rfftfreq(SAMPLES, INTERVAL)[4:40]
    step = frequencies[1] - frequencies[0]
    edges = np.append(frequencies - 0.5 * step, frequencies[-1] + 0.5 * step)
    classes = FitClasses(np.linspace(100.0, 2100.0, 5), edges)
    result = fit(traces, delayed(traces, tau), classes)
    expected = 2 * np.pi * frequencies * tau
    np.testing.assert_allclose(result.phase, np.repeat(expected[:, None], 4, axis=1), rtol=1e-9)
    np.testing.assert_allclose(result.correlation, np.cos(result.phase), rtol=1e-9)


def test_phase_wraps_at_half_a_cycle() -> None:
    traces = random_traces()
    f = np.fft.rfftfreq(SAMPLES, INTERVAL)[20]
    classes = FitClasses(np.array([0.0, 3000.0]), np.array([f - 0.1, f + 0.1]))
    late = fit(traces, delayed(traces, 0.6 / f), classes)
    assert late.phase[0, 0] == pytest.approx(2 * np.pi * (0.6 - 1.0), rel=1e-9)


def test_reversed_records_anticorrelate() -> None:
    result = fit(-random_traces(), random_traces())
    np.testing.assert_allclose(result.correlation, -1.0, rtol=1e-12)


def test_unrelated_records_are_incoherent() -> None:
    """The mean of n random phases is of the size 1 / sqrt(n)."""
    result = fit(
        random_traces(seed=1), random_traces(seed=2), FitClasses(DISTANCE[[0, -1]], np.array(BAND))
    )
    assert result.coherence.max() < 3 / np.sqrt(len(DISTANCE))


def test_each_trace_is_in_one_class() -> None:
    """Sums over classes are those of all traces; classes without a trace have no number."""
    observed, synthetic = random_traces(seed=1), random_traces(seed=2)
    classes = FitClasses(np.array([0.0, 600.0, 2100.0, 4000.0]), np.array([2.0, 8.0, 20.0]))
    result = fit(synthetic, observed, classes)
    near = DISTANCE < 600.0
    expected = np.linalg.norm((synthetic - observed)[near]) / np.linalg.norm(observed[near])
    assert result.by_offset[0] == pytest.approx(expected, rel=1e-12)
    # A distance at an inner edge belongs to the class that begins there.
    np.testing.assert_array_equal(result.shots[0].counts[0], [near.sum(), (~near).sum() - 1, 1])
    empty = fit(synthetic, observed, FitClasses(np.array([0.0, 50.0, 4000.0]), classes.bands))
    assert np.isnan(empty.by_offset[0])
    assert np.isnan(empty.correlation[:, 0]).all()
    assert np.isnan(empty.phase[:, 0]).all()


def test_each_frequency_is_in_one_band() -> None:
    classes = FitClasses(np.array([0.0, 1.0]), np.array([1.0, 2.0, 4.0]))
    frequencies = np.arange(0.0, 6.0, 0.5)
    chosen = [frequencies[s].tolist() for s in classes.of_band(frequencies)]
    assert chosen == [[1.0, 1.5], [2.0, 2.5, 3.0, 3.5, 4.0]]


def test_bands_are_no_narrower_than_the_record_resolves() -> None:
    assert len(FitClasses.of([DISTANCE], (0.0, 3.0), 2.0).bands) - 1 == 6
    assert len(FitClasses.of([DISTANCE], (0.0, 300.0), 2.0).bands) - 1 == 20
    assert len(FitClasses.of([DISTANCE], (0.0, 0.1), 2.0).bands) - 1 == 1


def test_silent_traces_do_not_count() -> None:
    """Neither in correlations nor in misfits."""
    traces = random_traces()
    traces[::2] = 0
    result = fit(traces, traces)
    np.testing.assert_allclose(result.correlation, 1.0, rtol=1e-12)
    assert result.shots[0].counts.sum(axis=1).max() == len(traces) // 2
    assert result.misfit == 0
