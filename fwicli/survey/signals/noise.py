"""Random signals in the band of a wavelet."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]


def signals(wavelet: Array, count: int, seed: int) -> Array:
    """Random signals with the spectrum of a wavelet.

    Parameters
    ----------
    wavelet : ndarray of shape (samples,)
    count : int
        Number of signals.
    seed : int
        Another seed gives other signals.

    Returns
    -------
    signals : ndarray of shape (count, samples)
        In the unit of the wavelet.
    """
    noise = np.random.default_rng(seed).standard_normal((count, wavelet.size))
    return np.asarray(scipy.signal.fftconvolve(noise, wavelet[None], axes=1)[:, : wavelet.size])
