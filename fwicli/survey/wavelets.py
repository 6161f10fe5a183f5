"""Source time functions, and the band of a signal.

    Ricker     w(t) = (1 - 2 a) exp(-a),        a = (pi f (t - t0))**2
    Ormsby     trapezoid in frequency with corners f1 < f2 < f3 < f4

References: Ricker (1953), Geophysics 18, 10-40; Ryan (1994), CSEG Recorder 19(7), 8-9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Spectrum:
    """Amplitude spectrum of a signal.

    Attributes
    ----------
    frequencies : ndarray
        [Hz]
    amplitude : ndarray
        Of the same length.
    """

    frequencies: Array
    amplitude: Array

    @classmethod
    def of(cls, wavelet: Array, interval: float) -> Spectrum:
        """Spectrum of a wavelet sampled at `interval` [s]."""
        n = 4 * wavelet.shape[-1]
        return cls(np.fft.rfftfreq(n, interval), np.abs(np.fft.rfft(wavelet, n)))

    def shaped(self, response: Array) -> Spectrum:
        """The spectrum after a filter with this amplitude response."""
        return Spectrum(self.frequencies, self.amplitude * response)

    @property
    def highest(self) -> float:
        """Upper edge of the band [Hz]: the last frequency above `BAND_EDGE` of the largest."""
        loud = self.amplitude >= BAND_EDGE * self.amplitude.max()
        return float(self.frequencies[np.flatnonzero(loud)[-1]])

    @property
    def centre(self) -> float:
        """Mean frequency [Hz], weighted with the power."""
        power = self.amplitude**2
        return float((self.frequencies * power).sum() / power.sum())
