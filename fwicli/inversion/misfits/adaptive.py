"""Adaptive waveform inversion: the lags of the filter that makes one trace of the other.

    w = argmin_w |d * w - s|**2 + e |w|**2,       W = D^* S / (|D|**2 + e)
    phi = sum_r v_r 1/2 sum_t u**2 / sum_t (w0 * w)**2,      u = w0 * (t w) - (t w0) * w

with synthetic traces s, observed ones d, their spectra S and D, lags t [s], weights v of the traces
and * the convolution. w0 is the filter that makes d of d. It is a spike where there is no damping
e, and phi is then 1/2 sum (t w)**2 / sum w**2, as in the reference. With damping, filters are as
wide as the notches of the spectrum are narrow, w0 as well, and phi as in the reference has a slope
at s = d. Measured from w0, phi is zero and flat where s is d, of any strength; and where s is d too
late by T,

    W = W0 exp(-i omega T),      U = i (W0 W' - W0' W) = T W0 W,      phi = T**2 / 2,

however many periods that is. Traces are padded to twice their length, so that lags do not wrap
around. The derivative is that of phi including the filter's; the curvature is that where s is d, of
any strength.

Reference: Warner and Guasch (2016), Geophysics 81, R429-R445.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.misfits.traces import SILENT, padded, period, weights

Array = NDArray[Any]


@dataclass(frozen=True)
class Adaptive:
    """Lags of the Wiener filter between the traces.

    damping: e, relative to the strongest frequency of each observed trace.  max_lag: beyond which
    lags count no more than it does [s]; none by default.  silent: relative strength at which a
    trace counts half.
    """

    damping: float = 1e-4
    max_lag: float | None = None
    silent: float = SILENT

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        filters = _Filters(self, observed, interval)
        apart, together = filters.of(synthetic)
        energy = (together**2).sum(axis=-1, keepdims=True)
        live = energy > 0
        energy = np.where(live, energy, 1.0)
        # A trace of which nothing is modelled is as wrong as can be, and no change is better.
        found = 0.5 * (apart**2).sum(axis=-1, keepdims=True) / energy
        found = np.where(live, found, 0.5 * (filters.lags**2).max())
        weight = weights(observed, self.silent)
        share = np.where(live, weight / energy, 0.0)
        derivative = filters.transpose(share * apart, -2 * share * found * together)
        return float((weight * found).sum()), derivative

    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """Second derivative where the filters are those of the identity, applied to a change."""
        filters = _Filters(self, observed, interval)
        energy = (filters.of(synthetic)[1] ** 2).sum(axis=-1, keepdims=True)
        weight = weights(observed, self.silent)
        share = np.divide(weight, energy, out=np.zeros_like(energy), where=energy > 0)
        apart = filters.of(change)[0]
        return filters.transpose(share * apart, np.zeros_like(apart))

    def scale(self, observed: Array, interval: float) -> float:
        """The value if each trace were late by the dominant period."""
        return float(0.5 * weights(observed, self.silent).sum() * period(observed, interval) ** 2)


class _Filters:
    """The linear way from synthetic traces to u and w0 * w, and its transpose.

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
        self.moved = self._spectrum(self.lags * self._traces(self.none))

    def of(self, synthetic: Array) -> tuple[Array, Array]:
        """u and w0 * w of synthetic traces."""
        filters = self.match * self._spectrum(synthetic)
        apart = self.none * self._spectrum(self.lags * self._traces(filters))
        return self._traces(apart - self.moved * filters), self._traces(self.none * filters)

    def transpose(self, apart: Array, together: Array) -> Array:
        """From derivatives by u and w0 * w to that by the synthetic traces."""
        by_apart, by_together = self._spectrum(apart), self._spectrum(together)
        lagged = self._spectrum(self.lags * self._traces(self.none * by_apart))
        by_filter = lagged - np.conj(self.moved) * by_apart + self.none * by_together
        return self._traces(np.conj(self.match) * by_filter)[:, : self.samples]

    def _spectrum(self, traces: Array) -> Array:
        return np.asarray(scipy.fft.rfft(traces.astype(np.float64), self.size, axis=-1))

    def _traces(self, spectra: Array) -> Array:
        return np.asarray(scipy.fft.irfft(spectra, self.size, axis=-1))
