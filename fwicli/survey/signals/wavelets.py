"""Source time functions, and the band of a signal.

    Ricker     w(t) = (1 - 2 a) exp(-a),        a = (pi f (t - t0))**2
    Ormsby     trapezoid in frequency with corners f1 < f2 < f3 < f4

A wavelet with another sampling than the records is resampled by its Fourier series, which is exact
below both Nyquist frequencies (chirp-z transform: Rabiner, Schafer and Rader, 1969).

References: Ricker (1953), Geophysics 18, 10-40; Ryan (1994), CSEG Recorder 19(7), 8-9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.digits import round_down
from fwicli.errors import DataError

Array = NDArray[Any]

# Share of the largest amplitude of a spectrum at which the band of a signal ends.
BAND_EDGE = 0.05
# Highest frequency that samples of a Ricker wavelet must hold, relative to its peak frequency: half
# of BAND_EDGE, as x**2 exp(1 - x**2) = 0.025, since what is above Nyquist is folded onto it.
RICKER_EDGE = 2.57
# The same for an Ormsby wavelet, relative to its last corner: its taper widens the spectrum.
ORMSBY_EDGE = 1.05
# Longest sampling interval of exploration records [s]; those of earthquakes may be longer.
LONG_INTERVAL = 0.1
# Shortest length of an Ormsby wavelet, in periods of the second corner: a shorter taper widens the
# spectrum beyond the corners (by 37 % of f4 at half of it, 2 % at this length).
ORMSBY_PERIODS = 1.0


def times(interval: float, samples: int) -> Array:
    """Sample times from t = 0.

    Parameters
    ----------
    interval : float
        Sampling interval [s].
    samples : int
        Number of samples.

    Returns
    -------
    times : ndarray of shape (samples,)
        [s].
    """
    return interval * np.arange(samples)


def ricker(t: Array, frequency: float, delay: float | None = None) -> Array:
    """Ricker wavelet of unit amplitude.

    Parameters
    ----------
    t : ndarray of shape (samples,)
        Times [s].
    frequency : float
        Peak frequency [Hz].
    delay : float, optional
        Time of the peak [s]; by default 1.5 / frequency, where the wavelet starts below 1e-8.

    Returns
    -------
    wavelet : ndarray of shape (samples,)

    Raises
    ------
    DataError
        If the frequency is not positive, a value is not a number, or the sampling is too coarse.
    """
    _positive("the frequency of a Ricker wavelet", frequency, "Hz")
    delay = 1.5 / frequency if delay is None else delay
    if not np.isfinite(delay):
        raise DataError(f"the delay of a wavelet is a time in s; got {delay}")
    _sampled(t, RICKER_EDGE * frequency, f"a Ricker wavelet of {frequency:g} Hz")
    a = (np.pi * frequency * (t - delay)) ** 2
    return np.asarray((1 - 2 * a) * np.exp(-a))


def ormsby(t: Array, corners: Sequence[float], delay: float | None = None) -> Array:
    """Ormsby wavelet of unit amplitude.

    Parameters
    ----------
    t : ndarray of shape (samples,)
        Times [s].
    corners : sequence of four floats
        Corner frequencies [Hz], increasing.
    delay : float, optional
        Time of the peak [s]; by default 2 / f2. A cosine taper brings the wavelet to zero at t = 0
        and 2 delay.

    Returns
    -------
    wavelet : ndarray of shape (samples,)

    Raises
    ------
    DataError
        If the corners are not four increasing frequencies, the delay is too short for them, or the
        sampling is too coarse.
    """
    values = np.asarray(corners, dtype=float)
    if values.shape != (4,) or not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
        raise DataError(
            f"an Ormsby wavelet has four increasing corner frequencies [Hz]; got {list(corners)}"
        )
    f1, f2, f3, f4 = values.tolist()
    _positive("the first corner of an Ormsby wavelet", f1, "Hz")
    delay = 2 / f2 if delay is None else delay
    if not ORMSBY_PERIODS / 2 / f2 * (1 - 1e-9) <= delay < np.inf:
        raise DataError(
            f"a delay of {delay:g} s cuts an Ormsby wavelet with corners from {f1:g} and {f2:g} Hz "
            f"to {2 * delay:g} s, too short for its band; leave out the delay, which is then "
            f"{2 / f2:g} s, or make it {np.ceil(500 * ORMSBY_PERIODS / f2) / 1000:g} s or more"
        )
    _sampled(t, ORMSBY_EDGE * f4, f"an Ormsby wavelet with corners up to {f4:g} Hz")

    def ramp(low: float, high: float) -> Array:
        def lobe(f: float) -> Array:
            return np.asarray((np.pi * f * np.sinc(f * (t - delay))) ** 2)

        return (lobe(high) - lobe(low)) / (np.pi * (high - low))

    wavelet = ramp(f3, f4) - ramp(f1, f2)
    peak = (f4**2 - f3**2) / (f4 - f3) - (f2**2 - f1**2) / (f2 - f1)
    distance = np.clip(np.abs(t - delay) / delay, 0, 1)
    taper = np.where(distance > 0.5, np.cos(np.pi * (distance - 0.5)) ** 2, 1.0)
    return np.asarray(wavelet / (np.pi * peak) * taper)


def _positive(name: str, value: float, unit: str) -> None:
    """Make sure that a number is finite and above zero."""
    if not 0 < value < np.inf:
        raise DataError(f"{name} must be a finite number above 0 {unit}; got {value:g}")


def _sampled(t: Array, highest: float, name: str) -> None:
    """Make sure that times are numbers, close enough for the highest frequency [Hz]."""
    if not np.isfinite(t).all():
        raise DataError(f"the times of {name} hold values that are no numbers")
    interval = float(np.abs(np.diff(np.ravel(t)[:2])).max(initial=0.0))
    if highest * interval > 0.5:
        raise DataError(
            f"{name} has waves up to {highest:.3g} Hz, and samples every {interval:g} s hold none "
            f"above {0.5 / interval:g} Hz (Nyquist): {in_seconds(interval)}sample every "
            f"{sampling_for(highest):g} s or finer, or lower the frequency"
        )


def in_seconds(interval: float) -> str:
    """Beginning of an advice for an interval [s] that is likely in another unit; else empty."""
    for unit, scale in (("ms", 1e-3), ("µs", 1e-6)):
        if interval > LONG_INTERVAL and 1e-5 <= interval * scale <= LONG_INTERVAL:
            return f"is the interval in {unit}? Then write {interval * scale:.6g}; else "
    return ""


def sampling_for(highest: float) -> float:
    """Longest sampling interval [s] for a frequency [Hz], rounded down to three digits."""
    return round_down(0.5 / highest)


def resampled(
    wavelet: Array, interval: float, other: float, samples: int, start: float = 0.0
) -> Array:
    """A wavelet on another time axis, band-limited; zero before its first sample and after its end.

    Frequencies above the Nyquist frequency of the new samples are removed.

    Parameters
    ----------
    wavelet : ndarray of shape (n,)
    interval, other : float
        Sampling interval of the wavelet, and of the result [s].
    samples : int
        Number of samples of the result; its first is at t = 0.
    start : float
        Time of the first sample of the wavelet [s].

    Returns
    -------
    wavelet : ndarray of shape (samples,)
    """
    n = wavelet.size
    # Padding keeps the ringing of an abrupt end from wrapping around to the beginning.
    length = 2 * n + 64
    spectrum = np.fft.rfft(wavelet, length)
    frequencies = np.fft.rfftfreq(length, interval)
    spectrum[1:] *= 2
    if length % 2 == 0:
        spectrum[-1] /= 2
    spectrum[frequencies > 0.5 / other * (1 + 1e-9)] = 0
    begin = max(0, int(np.ceil(start / other - 1e-9)))
    end = min(samples, int(np.floor((start + n * interval) / other + 1e-9)) + 1)
    result = np.zeros(samples)
    if end > begin:
        turn = 2j * np.pi * other / (length * interval)
        shift = np.exp(2j * np.pi * frequencies * (begin * other - start))
        series = scipy.signal.czt(spectrum * shift, end - begin, np.exp(turn))
        result[begin:end] = series.real / length
    return result


@dataclass(frozen=True)
class Spectrum:
    """Amplitude spectrum of a signal.

    Attributes
    ----------
    frequencies : ndarray of shape (n,)
        [Hz].
    amplitude : ndarray of shape (..., n)
        In the unit of the signal.
    """

    frequencies: Array
    amplitude: Array

    @classmethod
    def of(cls, wavelet: Array, interval: float) -> Spectrum:
        """Spectrum of a signal.

        Parameters
        ----------
        wavelet : ndarray of shape (..., samples)
        interval : float
            Sampling interval [s].

        Returns
        -------
        spectrum : Spectrum
            At a quarter of the usual distance of frequencies.
        """
        n = 4 * wavelet.shape[-1]
        return cls(np.fft.rfftfreq(n, interval), np.abs(np.fft.rfft(wavelet, n)))

    def joint(self) -> Spectrum:
        """The largest amplitude of several signals at each frequency, shape (n,)."""
        if self.amplitude.ndim == 1:
            return self
        return Spectrum(self.frequencies, self.amplitude.reshape(-1, self.frequencies.size).max(0))

    def shaped(self, response: Array) -> Spectrum:
        """The spectrum after a filter with this amplitude response."""
        return Spectrum(self.frequencies, self.amplitude * response)

    @property
    def highest(self) -> float:
        """Upper edge of the band [Hz]: the last frequency above `BAND_EDGE` of the largest."""
        loud = self.amplitude >= BAND_EDGE * self.amplitude.max()
        return float(self.frequencies[np.flatnonzero(loud)[-1]])

    @property
    def at_nyquist(self) -> float:
        """Amplitude near the Nyquist frequency, relative to the largest.

        Above `BAND_EDGE` the signal has no upper edge: it is aliased, or cut off.
        """
        last = self.amplitude[-max(1, self.amplitude.size // 100) :]
        return float(last.max() / self.amplitude.max())

    @property
    def centre(self) -> float:
        """Mean frequency [Hz], weighted with the power."""
        power = self.amplitude**2
        return float((self.frequencies * power).sum() / power.sum())
