"""Interpolation in time and the removal of dispersion: right, and exactly transposed."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import TimeAxis
from fwicli.propagators.sampling import dispersion
from fwicli.propagators.sampling.resampling import Resampling
from fwicli.survey.signals.wavelets import ricker, times

AXES = [TimeAxis(0.004, 120, k, corrected) for k in (1, 2, 5) for corrected in (True, False)]


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_transposes_are_exact(axis: TimeAxis) -> None:
    """<A x, y> = <x, A^T y> for both directions."""
    rng = np.random.default_rng(0)
    r = Resampling(axis)
    samples, steps = rng.standard_normal((3, 120)), rng.standard_normal((r.steps, 3))
    for there, back in (
        (np.vdot(r.to_steps(samples), steps), np.vdot(samples, r.to_steps_transpose(steps))),
        (np.vdot(r.to_samples(steps), samples), np.vdot(steps, r.to_samples_transpose(samples))),
    ):
        assert there == pytest.approx(back, abs=1e-12 * np.linalg.norm(steps) * 120)


def test_without_a_filter_samples_are_steps() -> None:
    """Nothing is resampled or corrected: no step is taken after the last sample."""
    r = Resampling(TimeAxis(0.004, 120, 1, corrected=False))
    assert r.steps == 120
    samples = np.random.default_rng(0).standard_normal((3, 120))
    assert np.array_equal(r.to_steps(samples), samples.T)
    assert np.array_equal(r.to_samples(samples.T), samples)


@pytest.mark.parametrize("substeps", [2, 5])
def test_band_limited_signals_are_reproduced(substeps: int) -> None:
    """To the steps and back, up to half the Nyquist frequency and to the last sample."""
    axis = TimeAxis(0.004, 200, substeps, corrected=False)
    r = Resampling(axis)
    t = times(0.004, 200)
    fine = axis.step * np.arange(r.steps)
    # The signal is still loud at the end of the record.
    for frequency, delay in ((20.0, 0.4), (25.0, 0.79)):
        steps = r.to_steps(ricker(t, frequency, delay)[None])[:, 0]
        inside = fine < 0.7
        expected = ricker(fine, frequency, delay)
        assert np.abs(steps - expected)[inside].max() < 2e-4
        back = r.to_samples(expected[:, None])[0]
        assert np.abs(back - ricker(t, frequency, delay)).max() < 2e-4


def test_restoring_undoes_dispersing() -> None:
    """The two changes of frequency are inverse to each other in the band."""
    interval, step, n = 0.004, 0.002, 400
    w = ricker(times(interval, n), 12.0, 0.6)
    there = dispersion.disperse(n, interval, step) @ w
    assert np.linalg.norm(there - w) > 0.05 * np.linalg.norm(w)
    back = dispersion.restore(n, interval, step) @ there
    assert np.linalg.norm(back - w) < 1e-3 * np.linalg.norm(w)


def test_dispersion_follows_the_scheme() -> None:
    """An oscillator stepped by leap-frog answers a dispersed source as theory says."""
    interval, n, frequency = 0.01, 600, 4.0
    w0 = 2 * np.pi * frequency
    source = ricker(times(interval, n), 4.0, 0.5)

    def leap_frog(q: np.ndarray, dt: float) -> np.ndarray:
        u = np.zeros(q.size + 1)
        for i in range(1, q.size):
            u[i + 1] = 2 * u[i] - u[i - 1] + dt**2 * (q[i] - w0**2 * u[i])
        return u[:-1]

    fine = leap_frog(np.interp(np.arange(n * 64) / 64, np.arange(n), source), interval / 64)[::64]
    plain = leap_frog(source, interval)
    corrected = dispersion.restore(n, interval, interval) @ leap_frog(
        dispersion.disperse(n, interval, interval) @ source, interval
    )
    assert np.linalg.norm(plain - fine) > 0.1 * np.linalg.norm(fine)
    assert np.linalg.norm((corrected - fine)[:500]) < 0.01 * np.linalg.norm(fine[:500])
