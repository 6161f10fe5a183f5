"""First arrivals of known times are found, whatever amplitude, polarity and later waves."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.conditioning.first_arrivals import arrival_shifts, pick_onsets
from fwicli.survey.signals.wavelets import ricker, times

INTERVAL, FREQUENCY, SAMPLES = 0.004, 8.0, 500
T = times(INTERVAL, SAMPLES)


def gather(arrivals: np.ndarray, later: float = 3.0, sign: float = 1.0) -> np.ndarray:
    """A weak first wave, and a stronger one that does not move."""
    delay = 1.5 / FREQUENCY
    traces = [sign * 0.1 * ricker(T, FREQUENCY, t + delay) for t in arrivals]
    return np.stack(traces) + later * ricker(T, FREQUENCY, 1.6)


ARRIVALS = np.linspace(0.0, 1.0, 21)


def test_onsets_follow_the_wave() -> None:
    """To a twentieth of a cycle, all late by the same time, not more than the wavelet's rise."""
    late = pick_onsets(gather(ARRIVALS), INTERVAL, FREQUENCY) - ARRIVALS
    assert np.ptp(late) <= 1.5 * INTERVAL
    assert 0 < late.mean() < 1.5 / FREQUENCY


def test_onsets_are_found_in_noise() -> None:
    """Noise at a tenth of the first wave, which is a thirtieth of the later one."""
    noise = 0.01 * np.random.default_rng(0).standard_normal((21, SAMPLES))
    late = pick_onsets(gather(ARRIVALS[4:]) + noise[4:], INTERVAL, FREQUENCY) - ARRIVALS[4:]
    assert np.ptp(late) < 0.3 / FREQUENCY


def test_silence_has_no_onset() -> None:
    silent = np.zeros((3, SAMPLES))
    assert np.isnan(pick_onsets(silent, INTERVAL, FREQUENCY)).all()
    shifts = arrival_shifts(silent, gather(ARRIVALS[:3]), INTERVAL, FREQUENCY)
    assert np.isnan(shifts.time).all()
    noise = np.random.default_rng(0).standard_normal((20, SAMPLES))
    assert np.isnan(pick_onsets(noise, INTERVAL, FREQUENCY)).mean() > 0.8


@pytest.mark.parametrize("cycles", [-2.3, -1.1, -0.5, 0.0, 0.2, 0.7, 1.0, 1.9])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_shifts_do_not_skip(cycles: float, sign: float) -> None:
    """Of whole cycles as of parts, whatever polarity, to a fiftieth of a cycle."""
    arrivals = ARRIVALS[8:14] + cycles / FREQUENCY
    shifts = arrival_shifts(
        gather(ARRIVALS[8:14]), gather(arrivals, sign=sign), INTERVAL, FREQUENCY
    )
    np.testing.assert_allclose(shifts.time * FREQUENCY, cycles, atol=0.02)
    assert (sign * shifts.correlation > 0.95).all()


def test_amplitudes_do_not_move_arrivals() -> None:
    """Another ratio of the first wave to the later one, ten times as large in all."""
    other = 10 * gather(ARRIVALS[8:14], later=1.5)
    shifts = arrival_shifts(gather(ARRIVALS[8:14]), other, INTERVAL, FREQUENCY)
    np.testing.assert_allclose(shifts.time * FREQUENCY, 0, atol=0.02)


def test_unlike_arrivals_are_told() -> None:
    """Noise has a time now and then, and no correlation."""
    random = np.random.default_rng(1)
    late = np.where(T > 0.8, 1.0, 0.0)
    first, second = random.standard_normal((2, 40, SAMPLES)) * late
    shifts = arrival_shifts(first, second, INTERVAL, FREQUENCY)
    assert np.nanmedian(np.abs(shifts.correlation)) < 0.6


@pytest.mark.parametrize("cycles", [0.0, 0.4, -1.0])
def test_ringing_waves_in_noise_skip_seldom(cycles: float) -> None:
    """Of many like cycles, with noise at a tenth, all but a few are compared with their own."""
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 40, SAMPLES))

    def ringing(start: float) -> np.ndarray:
        late = np.clip(T - start, 0, None)
        rise = 0.5 * FREQUENCY * late
        return rise * np.exp(1 - rise) * np.sin(4 * np.pi * rise)

    begin = np.linspace(0.5, 1.0, 40)
    first, second = (np.stack([ringing(t) for t in begin + s]) for s in (0.0, cycles / FREQUENCY))
    shifts = arrival_shifts(first + noise[0], second + noise[1], INTERVAL, FREQUENCY)
    assert (np.abs(shifts.time * FREQUENCY - cycles) > 0.4).mean() < 0.1
    assert (shifts.correlation < 0).mean() < 0.1


@pytest.mark.filterwarnings("error")
def test_no_traces_have_no_onsets() -> None:
    assert pick_onsets(np.zeros((0, SAMPLES)), INTERVAL, FREQUENCY).shape == (0,)
