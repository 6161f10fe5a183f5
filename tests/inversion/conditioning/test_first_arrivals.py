"""First arrivals are found where waves begin, in noise and beside dead traces."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.inversion.conditioning.first_arrivals import pick_for_mutes
from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import ricker, times

INTERVAL, SAMPLES, FREQUENCY = 0.004, 500, 8.0
PERIOD = 1 / FREQUENCY


def gather() -> tuple[np.ndarray, np.ndarray]:
    """A hyperbola with louder reflections behind it, and the times at which it begins."""
    offsets = np.abs(np.arange(-300.0, 2700.0, 50.0))
    arrivals = np.sqrt(0.2**2 + (offsets / 2000) ** 2)
    t = times(INTERVAL, SAMPLES)
    traces = np.zeros((len(offsets), SAMPLES))
    for delay, size in ((0.0, 1.0), (0.35, 2.5), (0.6, -1.5)):
        for trace, begin in zip(traces, arrivals, strict=True):
            trace += size * ricker(t - begin - delay, FREQUENCY, 1 / FREQUENCY) / (0.1 + begin)
    return traces, arrivals


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("band", [False, True])
def test_picks(noise: float, band: bool) -> None:
    """Within a period of the onset, in white noise and in noise of the band of the waves."""
    traces, arrivals = gather()
    added = np.random.default_rng(0).standard_normal(traces.shape)
    if band:
        added = Band(3.0, 15.0).apply(added, INTERVAL)
        added /= added.std()
    traces = traces + noise * traces.max(axis=1, keepdims=True) * added
    error = pick_for_mutes(traces, INTERVAL) - arrivals
    assert np.abs(error).max() < PERIOD
    assert abs(np.median(error)) < 0.7 * PERIOD


def test_dead_traces_take_what_their_neighbours_have() -> None:
    traces, arrivals = gather()
    dead = [0, 11, 12, 59]
    traces[dead] = 0
    error = (pick_for_mutes(traces, INTERVAL) - arrivals)[dead]
    assert np.abs(error).max() < PERIOD


def test_scale_of_a_trace_does_not_matter() -> None:
    traces, _ = gather()
    scales = 10.0 ** np.random.default_rng(1).uniform(-12, 6, len(traces))
    np.testing.assert_array_equal(
        pick_for_mutes(traces, INTERVAL), pick_for_mutes(traces * scales[:, None], INTERVAL)
    )


def test_silence_has_no_arrival() -> None:
    np.testing.assert_allclose(pick_for_mutes(np.zeros((3, 11)), 0.1), 1.0)


def test_noise_without_arrivals_is_refused() -> None:
    with pytest.raises(DataError, match="kind: moveout"):
        pick_for_mutes(np.sin(2 * np.pi * 8 * times(INTERVAL, SAMPLES))[None], INTERVAL)
