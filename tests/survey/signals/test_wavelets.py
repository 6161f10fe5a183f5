"""Source time functions."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.survey.signals.wavelets import Spectrum, ormsby, ricker, times


@pytest.mark.parametrize("frequency", [3.0, 10.0, 25.0])
def test_ricker_peaks_where_it_says(frequency: float) -> None:
    """Unit amplitude at the delay, and the largest amplitude at the peak frequency."""
    t = times(0.002, 2000)
    w = ricker(t, frequency)
    assert w.max() == pytest.approx(1.0, abs=0.02)
    assert abs(w[0]) < 1e-6
    spectrum = Spectrum.of(w, 0.002)
    assert spectrum.frequencies[spectrum.amplitude.argmax()] == pytest.approx(frequency, rel=0.05)
    # (f / f0)**2 exp(1 - (f / f0)**2) = 0.05 at f = 2.36 f0.
    assert spectrum.highest == pytest.approx(2.36 * frequency, rel=0.02)


def test_ormsby_is_flat_between_its_inner_corners() -> None:
    """A trapezoid in frequency: flat inside, nothing outside, unit amplitude at the delay."""
    corners = (2.0, 5.0, 20.0, 30.0)
    w = ormsby(times(0.002, 3000), corners, delay=2.0)
    assert w[1000] == pytest.approx(1.0)
    assert w.argmax() == 1000
    spectrum = Spectrum.of(w, 0.002)
    f, a = spectrum.frequencies, spectrum.amplitude / spectrum.amplitude.max()
    assert np.all(np.abs(a[(f > 5.5) & (f < 19)] - a[np.searchsorted(f, 10)]) < 0.05)
    assert a[np.searchsorted(f, 25.0)] == pytest.approx(0.5, abs=0.06)
    assert a[(f > 31) | (f < 1.4)].max() < 0.03


def test_ormsby_starts_from_rest() -> None:
    w = ormsby(times(0.002, 1000), (3.0, 6.0, 20.0, 30.0))
    assert abs(w[0]) < 1e-12
