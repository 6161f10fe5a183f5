"""Frequency bands: one causal filter for the data and for the wavelet.

A linear filter h that is causal and starts from rest commutes with modelling,

    h * F(m) q = F(m) (h * q),

so observed data filtered with h are compared with data modelled from the filtered wavelet, and
no filter enters the gradient. A zero-phase filter does not commute: it spreads a wavelet that
starts at t = 0 to negative times, where it is cut off, and leaves energy that no model explains.

The filter is a Butterworth low-pass or band-pass, -3 dB at the edges of the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

ORDER = 6


@dataclass(frozen=True)
class Band:
    """Frequencies from `low` to `high` [Hz]; a `low` of 0 makes a low-pass."""

    low: float
    high: float

    def apply(self, traces: Array, interval: float) -> Array:
        """Filter traces along their last axis.

        Parameters
        ----------
        traces : ndarray of shape (..., samples)
        interval : float
            Sampling interval [s].

        Returns
        -------
        filtered : ndarray of shape (..., samples)
            Of the type of `traces`.
        """
        edges = self._edges(interval)
        if not edges:
            return traces
        nyquist = 0.5 / interval
        kind = {1: "lowpass" if self.low <= 0 else "highpass", 2: "bandpass"}[len(edges)]
        corners = [e / nyquist for e in edges]
        sections = scipy.signal.butter(
            ORDER, corners if len(corners) == 2 else corners[0], kind, output="sos"
        )
        filtered = scipy.signal.sosfilt(sections, traces.astype(np.float64), axis=-1)
        return np.asarray(filtered.astype(traces.dtype))

    def response(self, frequencies: Array, interval: float) -> Array:
        """Amplitude response of the filter, from its formula.

        With s = tan(pi f dt), the frequency of the analogue filter that the bilinear transform
        maps to f, the response is (1 + a**(2 ORDER))**(-1/2); a = s / s_high for a low-pass,
        s_low / s for a high-pass and (s**2 - s_low s_high) / (s (s_high - s_low)) for a band-pass.

        Parameters
        ----------
        frequencies : ndarray
            [Hz].
        interval : float
            Sampling interval [s].

        Returns
        -------
        response : ndarray of the shape of `frequencies`
            Between 0 and 1.
        """
        edges = self._edges(interval)
        if not edges:
            return np.ones(frequencies.shape)
        limit = 0.5 / interval * (1 - 1e-9)
        s = np.tan(np.pi * interval * np.clip(frequencies, 1e-9 * limit, limit))
        cut = [np.tan(np.pi * interval * e) for e in edges]
        if len(cut) == 2:
            a = (s**2 - cut[0] * cut[1]) / (s * (cut[1] - cut[0]))
        else:
            a = s / cut[0] if self.low <= 0 else cut[0] / s
        return np.asarray(1 / np.sqrt(1 + np.abs(a) ** (2 * ORDER)))

    def _edges(self, interval: float) -> list[float]:
        """Edges that have an effect: above 0 and below the Nyquist frequency [Hz]."""
        return [f for f in (self.low, self.high) if 0 < f < 0.5 / interval]
