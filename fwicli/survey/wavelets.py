"""Source time functions, and the band of a signal.

    Ricker     w(t) = (1 - 2 a) exp(-a),        a = (pi f (t - t0))**2
    Ormsby     trapezoid in frequency with corners f1 < f2 < f3 < f4

References: Ricker (1953), Geophysics 18, 10-40; Ryan (1994), CSEG Recorder 19(7), 8-9.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# A signal's band ends where its spectrum falls below this share of its largest value.
BAND_EDGE = 0.05


def times(interval: float, samples: int) -> Array:
    """Sample times [s] from t = 0."""
    return interval * np.arange(samples)


def ricker(t: Array, frequency: float, delay: float | None = None) -> Array:
    """Ricker wavelet of unit amplitude with its peak at `delay` [s].

    Parameters
    ----------
    t : ndarray of shape (samples,)
        Times [s].
    frequency : float
        Peak frequency [Hz].
    delay : float, optional
        By default 1.5 / frequency, where the wavelet starts below 1e-8.
    """
    delay = 1.5 / frequency if delay is None else delay
    a = (np.pi * frequency * (t - delay)) ** 2
    return np.asarray((1 - 2 * a) * np.exp(-a))


def ormsby(t: Array, corners: Sequence[float], delay: float | None = None) -> Array:
    """Ormsby wavelet of unit amplitude with its peak at `delay` [s].

    Parameters
    ----------
    corners : sequence of four floats
        Corner frequencies [Hz], increasing.
    delay : float, optional
        By default 2 / f2, and a cosine taper brings the wavelet to zero at t = 0 and 2 delay.
    """
    f1, f2, f3, f4 = corners
    delay = 2 / f2 if delay is None else delay

    def ramp(low: float, high: float) -> Array:
        def lobe(f: float) -> Array:
            return np.asarray((np.pi * f * np.sinc(f * (t - delay))) ** 2)

        return (lobe(high) - lobe(low)) / (np.pi * (high - low))

    wavelet = ramp(f3, f4) - ramp(f1, f2)
    peak = (f4**2 - f3**2) / (f4 - f3) - (f2**2 - f1**2) / (f2 - f1)
    distance = np.clip(np.abs(t - delay) / delay, 0, 1)
    taper = np.where(distance > 0.5, np.cos(np.pi * (distance - 0.5)) ** 2, 1.0)
    return np.asarray(wavelet / (np.pi * peak) * taper)


def highest_frequency(wavelet: Array, interval: float) -> float:
    """Upper edge of the band of a wavelet [Hz]: the last frequency above `BAND_EDGE`."""
    spectrum, frequencies = _spectrum(wavelet, interval)
    return float(frequencies[np.flatnonzero(spectrum >= BAND_EDGE * spectrum.max())[-1]])


def central_frequency(wavelet: Array, interval: float) -> float:
    """Mean frequency of a wavelet [Hz], weighted with its power."""
    spectrum, frequencies = _spectrum(wavelet, interval)
    power = spectrum**2
    return float((frequencies * power).sum() / power.sum())


def _spectrum(wavelet: Array, interval: float) -> tuple[Array, Array]:
    n = 4 * wavelet.shape[-1]
    spectrum = np.abs(np.fft.rfft(np.atleast_2d(wavelet), n, axis=-1)).max(axis=0)
    return spectrum, np.fft.rfftfreq(n, interval)
