"""Integrals of wavelets over time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def twice_integrated(wavelet: Array, interval: float) -> Array:
    """The function of zero value and slope before t = 0 whose second derivative is a wavelet.

    Double sums are the integral but for (sin x / x)**2, x = w dt / 2, which a filter takes out
    first. A wavelet with a mean grows linearly with time.

    Parameters
    ----------
    wavelet : ndarray of shape (..., samples)
    interval : float
        Sampling interval [s].

    Returns
    -------
    ndarray of shape (..., samples)
        In the unit of the wavelet times s2.
    """
    samples = wavelet.shape[-1]
    spectrum = np.fft.rfft(np.asarray(wavelet, dtype=float), 2 * samples)
    # numpy.sinc has the factor pi.
    spectrum *= np.sinc(np.fft.rfftfreq(2 * samples, interval) * interval) ** 2
    even = np.fft.irfft(spectrum, 2 * samples)[..., :samples]
    sums = np.zeros(wavelet.shape)
    sums[..., 1:] = np.cumsum(np.cumsum(even, axis=-1), axis=-1)[..., :-1]
    return np.asarray(interval**2 * sums, dtype=wavelet.dtype)
