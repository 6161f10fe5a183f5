"""Band filters commute with modelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli.survey.signals.bands import Band
from fwicli.survey.signals.wavelets import Spectrum, ricker, times

BANDS = [Band(0.0, 5.0), Band(3.0, 9.0), Band(4.0, 200.0)]


@pytest.mark.parametrize("band", BANDS, ids=str)
def test_response_is_that_of_the_filter(band: Band) -> None:
    """The response by formula is that of the filter."""
    impulse = np.zeros(8192)
    impulse[0] = 1.0
    spectrum = Spectrum.of(impulse, 0.004)
    filtered = Spectrum.of(band.apply(impulse, 0.004), 0.004)
    expected = band.response(spectrum.frequencies, 0.004)
    np.testing.assert_allclose(filtered.amplitude, expected, atol=1e-9)


def test_edges_are_at_three_decibel() -> None:
    edges = np.array([3.0, 9.0])
    np.testing.assert_allclose(Band(3.0, 9.0).response(edges, 0.004), np.sqrt(0.5), rtol=1e-6)


def test_filter_is_causal() -> None:
    """Nothing before the first sample of the signal: no energy is cut off at t = 0."""
    signal = np.zeros(500)
    signal[100:] = ricker(times(0.004, 400), 8.0)
    filtered = Band(0.0, 4.0).apply(signal, 0.004)
    assert not filtered[:100].any()


def test_whole_band_changes_nothing() -> None:
    signal = np.random.default_rng(0).standard_normal(100)
    np.testing.assert_array_equal(Band(0.0, 1000.0).apply(signal, 0.004), signal)


def test_filter_commutes_with_modelling(make_setting: Callable[..., Any]) -> None:
    """F(m) (h * q) = h * (F(m) q), except beyond the band of the resampling."""
    s = make_setting(2, samples=160)
    t = times(0.004, 160)
    wavelet = np.stack([ricker(t, 20.0), ricker(t, 15.0)])
    band = Band(0.0, 12.0)
    place = s.sources, s.receivers
    first = s.propagator.forward(s.model, band.apply(wavelet, 0.004), *place)
    last = band.apply(s.propagator.forward(s.model, wavelet, *place), 0.004)
    # The random medium is resolved down to the grid: the records hold all frequencies.
    assert np.linalg.norm(first - last) < 2e-3 * np.linalg.norm(last)
