"""Travel time: the lag at which synthetic and observed traces correlate best.

    C(T) = sum_t s(t + T) d(t),      C'(T_r) = 0,      phi = 1/2 sum_r w_r T_r**2
    dT_r/ds_r = d'(t - T_r) / C''(T_r),    dphi/ds_r = w_r T_r dT_r/ds_r

with synthetic s, observed d, their lag T_r [s] (positive where s is late) and weights w_r that
leave out silent traces. Traces are treated as the trigonometric polynomials through their samples.
The maximum of C and its derivatives are therefore exact also between samples. The curvature is
w_r dT_r/ds_r dT_r/ds_r^T.

Reference: Luo and Schuster (1991), Geophysics 56, 645-653.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.misfits.misfit import CurvedMisfit
from fwicli.inversion.misfits.traces import SILENT, padded, period, weights

Array = NDArray[Any]

# Points of the correlation per sample, of which the largest starts Newton's method, and the steps
# of that; the last ones no longer change the lag.
FINER, STEPS = 4, 12


@dataclass(frozen=True)
class TravelTime(CurvedMisfit):
    """Squared lags of the cross-correlation.

    Parameters
    ----------
    max_shift : float, optional
        Largest lag that is searched [s]; the length of the records by default.
    silent : float
        Relative strength at which a trace counts half.
    """

    max_shift: float | None = None
    silent: float = SILENT

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        lags, slopes, correlated = self._lags(synthetic, observed, interval)
        weight = weights(observed, self.silent)
        derivative = weight * lags * slopes
        # A trace without a maximum counts like the largest lag, and its derivative is zero.
        lags = np.where(correlated, lags, self._largest(observed, interval))
        return float(0.5 * (weight * lags**2).sum()), derivative

    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """Second derivative where all lags are zero, applied to a change of the gather."""
        slopes = self._lags(synthetic, observed, interval)[1]
        shift = (slopes * change).sum(axis=-1, keepdims=True)
        return np.asarray(weights(observed, self.silent) * shift * slopes)

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather in which each trace is late by the dominant period."""
        each = weights(observed.astype(np.float64), self.silent).sum()
        return float(0.5 * each * period(observed, interval) ** 2)

    def _largest(self, observed: Array, interval: float) -> float:
        return observed.shape[-1] * interval if self.max_shift is None else self.max_shift

    def _lags(
        self, synthetic: Array, observed: Array, interval: float
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Lag of each trace [s], its derivative by the trace, and whether the trace has a lag."""
        samples = synthetic.shape[-1]
        size = padded(samples)
        angular = 2 * np.pi * scipy.fft.rfftfreq(size, interval)
        if size % 2 == 0:
            angular[-1] = 0.0  # the Nyquist frequency has no direction in time
        spectrum = scipy.fft.rfft(observed.astype(np.float64), size, axis=-1)
        cross = scipy.fft.rfft(synthetic.astype(np.float64), size, axis=-1) * np.conj(spectrum)
        largest = self._largest(observed, interval)
        lags, correlated = _maximum(cross, angular, size, interval, largest)
        turned = np.exp(1j * angular * lags)
        bend = np.where(correlated, _sum(-(angular**2) * cross * turned, size), 1.0)
        drift = scipy.fft.irfft(1j * angular * spectrum / turned, size, axis=-1)[:, :samples]
        return lags, np.where(correlated, drift / bend, 0.0), correlated


def _maximum(
    cross: Array, angular: Array, size: int, interval: float, largest: float
) -> tuple[Array, NDArray[np.bool_]]:
    """Lag of the largest maximum of each correlation [s], and whether there is one."""
    points = FINER * size
    values = scipy.fft.irfft(cross, points, axis=-1)
    lags = scipy.fft.fftfreq(points, FINER / (points * interval))
    peaks = (values > np.roll(values, 1, axis=-1)) & (values >= np.roll(values, -1, axis=-1))
    peaks &= (np.abs(lags) <= largest) & (values > 0)
    best = np.where(peaks, values, -np.inf).argmax(axis=-1)
    coarse = lags[best][:, None]
    correlated = peaks.any(axis=-1, keepdims=True)
    lag, reach = coarse.copy(), interval / FINER
    for _ in range(STEPS):
        turned = cross * np.exp(1j * angular * lag)
        slope, bend = _sum(1j * angular * turned, size), _sum(-(angular**2) * turned, size)
        step = np.divide(-slope, bend, out=np.zeros_like(slope), where=bend < 0)
        lag = np.clip(lag + step, coarse - reach, coarse + reach)
    return lag, correlated


def _sum(half: Array, size: int) -> Array:
    """Mean over all frequencies of a spectrum, from its half of positive frequencies."""
    inner = half[..., 1:-1] if size % 2 == 0 else half[..., 1:]
    total = half[..., :1].real + 2 * inner.real.sum(axis=-1, keepdims=True)
    if size % 2 == 0:
        total = total + half[..., -1:].real
    return np.asarray(total / size)
