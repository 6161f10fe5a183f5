"""Parts of a time axis: traces that are cut, moved along it, or zero outside a span of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Share of a sampling interval by which a time may differ from that of a sample.
ROUND = 1e-3


def first_samples(gather: Array, samples: int) -> Array:
    """The first samples of a gather.

    Parameters
    ----------
    gather : ndarray of shape (..., time)
    samples : int

    Returns
    -------
    gather : ndarray of shape (..., samples)
    """
    return gather[..., :samples]


def delayed(gather: Array, steps: float) -> Array:
    """A gather that is moved to later times by its Fourier series, by any number of samples.

    Parameters
    ----------
    gather : ndarray of shape (..., samples)
        Zero before its first sample and after its last.
    steps : float
        In samples; to earlier times if negative.

    Returns
    -------
    gather : ndarray of shape (..., samples)
        At the same times.
    """
    count = gather.shape[-1]
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(2 * count) * steps)
    later = np.fft.irfft(np.fft.rfft(gather, 2 * count) * turn, 2 * count)
    return np.asarray(later[..., :count], dtype=gather.dtype)


def first_whole(position: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the first sample of a time axis that records hold, from where they begin on it.

    Parameters
    ----------
    position : ndarray of float
        Where the first samples of records are [samples].
    """
    return np.asarray(np.ceil(position - ROUND), dtype=np.int64)


def placed(gather: Array, first: float, samples: int) -> Array:
    """A gather whose first sample comes to lie at another; zeros elsewhere.

    Parameters
    ----------
    gather : ndarray of shape (..., samples)
    first : float
        Number of the sample; those that come to lie before 0 are cut. Between two samples, the
        gather is resampled by its Fourier series and begins at the later one.
    samples : int
        Number of samples afterwards.

    Returns
    -------
    placed : ndarray of shape (..., samples)
    """
    whole = int(first_whole(np.asarray(first)))
    if (early := whole - first) > ROUND:
        gather = delayed(gather, -early)[..., :-1]
    first = whole
    shifted = np.zeros((*gather.shape[:-1], samples), gather.dtype)
    part = gather[..., max(-first, 0) : samples - first]
    shifted[..., max(first, 0) : max(first, 0) + part.shape[-1]] = part
    return shifted


def within(gather: Array, span: slice | None) -> Array:
    """A gather with zeros outside a span of samples, which is a symmetric operator.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    span : slice or None
        None for all samples.

    Returns
    -------
    gather : ndarray of shape (n_receivers, samples)
    """
    if span is None:
        return gather
    part = np.zeros_like(gather)
    part[:, span] = gather[:, span]
    return part
