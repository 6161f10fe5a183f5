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
around. The derivative is that of phi including the filter's.

Reference: Warner and Guasch (2016), Geophysics 81, R429-R445.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.traces import SILENT, padded, period, weights

Array = NDArray[Any]


@dataclass(frozen=True)
class Adaptive:
    """Lags of the Wiener filter between the traces.

    damping: e, relative to the strongest frequency of each observed trace.  max_lag: beyond which
    lags count no more than it does [s]; none by default.  silent: relative strength at which a
    trace counts half.
    """

    damping: float = 0.01
    max_lag: float | None = None
    silent: float = SILENT

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        samples = synthetic.shape[-1]
        size = padded(samples)
        lags = self._lags(size, interval)

        def spectrum(traces: Array) -> Array:
            return np.asarray(scipy.fft.rfft(traces.astype(np.float64), size, axis=-1))

        def back(spectra: Array) -> Array:
            return np.asarray(scipy.fft.irfft(spectra, size, axis=-1))

        data = spectrum(observed)
        power = np.abs(data) ** 2
        damped = power + self.damping * power.max(axis=-1, keepdims=True)
        inverse = np.divide(1.0, damped, out=np.zeros_like(damped), where=damped > 0)
        filters = np.conj(data) * spectrum(synthetic) * inverse
        none = power * inverse
        moved = spectrum(lags * back(none))
        apart = none * spectrum(lags * back(filters)) - moved * filters
        energy = (back(none * filters) ** 2).sum(axis=-1, keepdims=True)
        live = energy > 0
        energy = np.where(live, energy, 1.0)
        # A trace of which nothing is modelled is as wrong as can be, and no change is better.
        found = 0.5 * (back(apart) ** 2).sum(axis=-1, keepdims=True) / energy
        found = np.where(live, found, 0.5 * (lags**2).max())
        weight = weights(observed, self.silent)
        by_filter = lags * back(none * apart)
        by_filter -= back(np.conj(moved) * apart + 2 * found * none**2 * filters)
        by_filter *= np.where(live, weight / energy, 0.0)
        derivative = back(data * spectrum(by_filter) * inverse)
        return float((weight * found).sum()), derivative[:, :samples]

    def scale(self, observed: Array, interval: float) -> float:
        """The value if each trace were late by the dominant period."""
        return float(0.5 * weights(observed, self.silent).sum() * period(observed, interval) ** 2)

    def _lags(self, size: int, interval: float) -> Array:
        """Lags [s], in the order of the Fourier transform."""
        lags = scipy.fft.fftfreq(size, 1 / (size * interval))
        largest = self.max_lag or np.inf
        return np.asarray(np.clip(lags, -largest, largest))
