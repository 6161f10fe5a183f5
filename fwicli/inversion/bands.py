"""Frequency bands: one causal filter for the data and for the wavelet.

A linear filter h that is causal and starts from rest commutes with modelling,

    h * F(m) q = F(m) (h * q),

so observed data filtered with h are compared with data modelled from the filtered wavelet, and
no filter enters the gradient. A zero-phase filter does not do: applied to a wavelet that starts
at t = 0 it is cut off there, and leaves energy that no model explains.

The filter is a Butterworth low-pass or band-pass, -3 dB at the edges of the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray

Array = NDArray[Any]

ORDER = 6


@dataclass(frozen=True)
class Band:
    """Frequencies from `low` to `high` [Hz]; a `low` of 0 makes a low-pass."""

    low: float
    high: float

    def apply(self, traces: Array, interval: float) -> Array:
        """Filter traces along their last axis, sampled at `interval` [s]."""
        nyquist = 0.5 / interval
        if self.high >= nyquist and self.low <= 0:
            return traces
        if self.low <= 0:
            corners: float | tuple[float, float] = self.high
            kind = "lowpass"
        elif self.high >= nyquist:
            corners, kind = self.low, "highpass"
        else:
            corners, kind = (self.low, self.high), "bandpass"
        sections = scipy.signal.butter(ORDER, corners, kind, output="sos", fs=1 / interval)
        filtered = scipy.signal.sosfilt(sections, traces.astype(np.float64), axis=-1)
        return np.asarray(filtered.astype(traces.dtype))
