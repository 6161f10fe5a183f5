"""Derivatives and integrals of any order in time, from rest, with their transposes.

    D**a = C**n B**(n - a),     n = ceil(a) for a > 0, else 0
    C s(t) = (s(t + dt) - s(t - dt)) / (2 dt)
    B**b = (dt / 2 (1 + z) / (1 - z))**b = (dt / 2)**b sum_k w_k z**k

with z the delay by a sample dt. The phase of both factors is that of (i w)**a at all frequencies;
the amplitude is that up to some percent below a fourth of the sampling frequency. Traces are zero
before and after the record, so that both matrices are Toeplitz, and B**b is causal. Its transpose
is the convolution backwards in time, and that of C is -C.

References: Podlubny (1999), Fractional Differential Equations, Academic Press, ch. 7; Lubich
(1986), SIAM J. Math. Anal. 17, 704-719, for powers of difference formulas.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]


def derivative(traces: Array, order: float, interval: float) -> Array:
    """Derivative of an order, an integral if it is negative.

    Parameters
    ----------
    traces : ndarray of shape (..., samples)
        The first sample is t = 0.
    order : float
        a.
    interval : float
        Sampling interval [s].

    Returns
    -------
    derivative : ndarray of shape (..., samples)
        In double precision.
    """
    whole = max(0, math.ceil(order))
    result = _integral(traces.astype(np.float64), whole - order, interval)
    for _ in range(whole):
        result = _difference(result, interval)
    return result


def transpose(traces: Array, order: float, interval: float) -> Array:
    """Transpose of `derivative`.

    Parameters
    ----------
    traces : ndarray of shape (..., samples)
    order : float
        a.
    interval : float
        Sampling interval [s].

    Returns
    -------
    transposed : ndarray of shape (..., samples)
        In double precision.
    """
    whole = max(0, math.ceil(order))
    result = traces.astype(np.float64)
    for _ in range(whole):
        result = -_difference(result, interval)
    return np.asarray(_integral(result[..., ::-1], whole - order, interval)[..., ::-1])


def _difference(traces: Array, interval: float) -> Array:
    """C."""
    padded = np.pad(traces, [(0, 0)] * (traces.ndim - 1) + [(1, 1)])
    return np.asarray((padded[..., 2:] - padded[..., :-2]) / (2 * interval))


def _integral(traces: Array, order: float, interval: float) -> Array:
    """B**b, for b not negative."""
    if order == 0:
        return traces
    samples = traces.shape[-1]
    k = np.arange(1, samples)
    # Binomial series of (1 - z)**-b and (1 + z)**b.
    poles = np.concatenate([[1.0], np.cumprod((k - 1 + order) / k)])
    zeros = np.concatenate([[1.0], np.cumprod((order - k + 1) / k)])
    length = int(scipy.fft.next_fast_len(2 * samples, real=True))
    weights = scipy.fft.irfft(scipy.fft.rfft(poles, length) * scipy.fft.rfft(zeros, length), length)
    spectrum = scipy.fft.rfft((interval / 2) ** order * weights[:samples], length)
    filtered = scipy.fft.irfft(spectrum * scipy.fft.rfft(traces, length), length)
    return np.asarray(filtered[..., :samples])
