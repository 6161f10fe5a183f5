"""Travel time: the lag at which synthetic and observed traces correlate best.

    C(T) = sum_t s(t + T) d(t),      C'(T_r) = 0,      phi = 1/2 sum_r w_r T_r**2
    dT_r/ds_r = d'(t - T_r) / C''(T_r),    dphi/ds_r = w_r T_r dT_r/ds_r

with synthetic s, observed d, their lag T_r [s] (positive where s is late) and weights w_r that
leave out silent traces. Traces are taken for the trigonometric polynomials that pass through their
samples, so the maximum of C and its derivatives are exact, between the samples as well. The
curvature is w_r dT_r/ds_r dT_r/ds_r^T.

Reference: Luo and Schuster (1991), Geophysics 56, 645-653.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.misfits.traces import SILENT, padded, period, weights

Array = NDArray[Any]

# Points of the correlation to a sample, among which its maximum is looked for, and Newton's steps
# from there, the last of which change nothing.
FINER, STEPS = 4, 12


@dataclass(frozen=True)
class TravelTime:
    """Squared lags of the cross-correlation.

    max_shift: largest lag that is looked for [s]; the length of the records by default.  silent:
    relative strength at which a trace counts half.
    """

    max_shift: float | None = None
    silent: float = SILENT

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        lags, slopes, found = self._lags(synthetic, observed, interval)
        weight = weights(observed, self.silent)
        derivative = weight * lags * slopes
        # A trace that correlates nowhere is as wrong as can be, and no change is better.
        lags = np.where(found, lags, self._largest(observed, interval))
        return float(0.5 * (weight * lags**2).sum()), derivative

    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """Second derivative where nothing is late, applied to a change of the synthetic gather."""
        slopes = self._lags(synthetic, observed, interval)[1]
        moved = (slopes * change).sum(axis=-1, keepdims=True)
        return np.asarray(weights(observed, self.silent) * moved * slopes)

    def scale(self, observed: Array, interval: float) -> float:
        """The value if each trace were late by the dominant period."""
        each = weights(observed.astype(np.float64), self.silent).sum()
        return float(0.5 * each * period(observed, interval) ** 2)

    def _largest(self, observed: Array, interval: float) -> float:
        return observed.shape[-1] * interval if self.max_shift is None else self.max_shift

    def _lags(
        self, synthetic: Array, observed: Array, interval: float
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Lag of each trace [s], its derivative by the trace, and whether it has one."""
        samples = synthetic.shape[-1]
        size = padded(samples)
        angular = 2 * np.pi * scipy.fft.rfftfreq(size, interval)
        if size % 2 == 0:
            angular[-1] = 0.0  # the Nyquist frequency has no direction in time
        spectrum = scipy.fft.rfft(observed.astype(np.float64), size, axis=-1)
        cross = scipy.fft.rfft(synthetic.astype(np.float64), size, axis=-1) * np.conj(spectrum)
        largest = self._largest(observed, interval)
        lags, found = _maximum(cross, angular, size, interval, largest)
        turned = np.exp(1j * angular * lags)
        bend = np.where(found, _sum(-(angular**2) * cross * turned, size), 1.0)
        drift = scipy.fft.irfft(1j * angular * spectrum / turned, size, axis=-1)[:, :samples]
        return lags, np.where(found, drift / bend, 0.0), found


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
    found = peaks.any(axis=-1, keepdims=True)
    lag, reach = coarse.copy(), interval / FINER
    for _ in range(STEPS):
        turned = cross * np.exp(1j * angular * lag)
        slope, bend = _sum(1j * angular * turned, size), _sum(-(angular**2) * turned, size)
        step = np.divide(-slope, bend, out=np.zeros_like(slope), where=bend < 0)
        lag = np.clip(lag + step, coarse - reach, coarse + reach)
    return lag, found


def _sum(half: Array, size: int) -> Array:
    """Sum over all frequencies of a spectrum whose positive half is given, over their number."""
    inner = half[..., 1:-1] if size % 2 == 0 else half[..., 1:]
    total = half[..., :1].real + 2 * inner.real.sum(axis=-1, keepdims=True)
    if size % 2 == 0:
        total = total + half[..., -1:].real
    return np.asarray(total / size)
