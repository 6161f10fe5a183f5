"""Adaptive waveform inversion: the lags of the filter that turns one trace into the other.

    w = argmin_w |d * w - s|**2 + e |w|**2,       W = D^* S / (|D|**2 + e)
    phi = sum_r v_r 1/2 sum_t u**2 / sum_t (w0 * w)**2,      u = w0 * (t w) - (t w0) * w

with synthetic traces s, observed ones d, their spectra S and D, lags t [s], weights v of the traces
and * the convolution. The filter w0 turns d into itself. Without damping e it is a spike, and phi
is 1/2 sum (t w)**2 / sum w**2, as in the reference. With damping, notches of the spectrum widen
both w and w0, and the functional of the reference has a slope at s = d. Measured from w0, phi is
zero and flat where s is proportional to d. Where s is d delayed by T,

    W = W0 exp(-i omega T),      U = i (W0 W' - W0' W) = T W0 W,      phi = T**2 / 2,

for any number of periods. Traces are padded to twice their length, so that lags do not wrap around.
The derivative is that of phi, including the filter's. The curvature is exact where s is
proportional to d.

Reference: Warner and Guasch (2016), Geophysics 81, R429-R445.
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


@dataclass(frozen=True)
class Adaptive(CurvedMisfit):
    """Lags of the Wiener filter between the traces.

    Parameters
    ----------
    damping : float
        e, relative to the strongest frequency of each observed trace.
    max_lag : float, optional
        Larger lags count like this one [s]; unlimited by default.
    silent : float
        Relative strength at which a trace counts half.
    """

    damping: float = 1e-4
    max_lag: float | None = None
    silent: float = SILENT

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        filters = _Filters(self, observed, interval)
        lagged, matched = filters.of(synthetic)
        energy = (matched**2).sum(axis=-1, keepdims=True)
        live = energy > 0
        energy = np.where(live, energy, 1.0)
        # A synthetic trace of zeros counts like the largest lag, and its derivative is zero.
        distance = 0.5 * (lagged**2).sum(axis=-1, keepdims=True) / energy
        distance = np.where(live, distance, 0.5 * (filters.lags**2).max())
        weight = weights(observed, self.silent)
        share = np.where(live, weight / energy, 0.0)
        derivative = filters.transpose(share * lagged, -2 * share * distance * matched)
        return float((weight * distance).sum()), derivative

    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """Second derivative where the filters are those of the identity, applied to a change."""
        filters = _Filters(self, observed, interval)
        energy = (filters.of(synthetic)[1] ** 2).sum(axis=-1, keepdims=True)
        weight = weights(observed, self.silent)
        share = np.divide(weight, energy, out=np.zeros_like(energy), where=energy > 0)
        lagged = filters.of(change)[0]
        return filters.transpose(share * lagged, np.zeros_like(lagged))

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather in which each trace is late by the dominant period."""
        return float(0.5 * weights(observed, self.silent).sum() * period(observed, interval) ** 2)


class _Filters:
    """Linear map from synthetic traces to u and w0 * w, and its transpose.

    Attributes
    ----------
    lags : ndarray of shape (size,)
        In the order of the Fourier transform [s].
    """

    def __init__(self, settings: Adaptive, observed: Array, interval: float) -> None:
        self.samples = observed.shape[-1]
        self.size = padded(self.samples)
        lags = scipy.fft.fftfreq(self.size, 1 / (self.size * interval))
        largest = settings.max_lag or np.inf
        self.lags = np.clip(lags, -largest, largest)
        data = self._spectrum(observed)
        power = np.abs(data) ** 2
        damped = power + settings.damping * power.max(axis=-1, keepdims=True)
        self.match = np.divide(np.conj(data), damped, out=np.zeros_like(data), where=damped > 0)
        self.none = (self.match * data).real
        self.lagged_none = self._spectrum(self.lags * self._traces(self.none))

    def of(self, synthetic: Array) -> tuple[Array, Array]:
        """u and w0 * w of synthetic traces."""
        filters = self.match * self._spectrum(synthetic)
        lagged = self.none * self._spectrum(self.lags * self._traces(filters))
        return self._traces(lagged - self.lagged_none * filters), self._traces(self.none * filters)

    def transpose(self, by_lagged_traces: Array, by_matched_traces: Array) -> Array:
        """Derivative by the synthetic traces from those by u and w0 * w."""
        by_lagged, by_matched = self._spectrum(by_lagged_traces), self._spectrum(by_matched_traces)
        through_lags = self._spectrum(self.lags * self._traces(self.none * by_lagged))
        by_filter = through_lags - np.conj(self.lagged_none) * by_lagged + self.none * by_matched
        return self._traces(np.conj(self.match) * by_filter)[:, : self.samples]

    def _spectrum(self, traces: Array) -> Array:
        return np.asarray(scipy.fft.rfft(traces.astype(np.float64), self.size, axis=-1))

    def _traces(self, spectra: Array) -> Array:
        return np.asarray(scipy.fft.irfft(spectra, self.size, axis=-1))
