"""Parts of a time axis: traces that are cut, moved along it, or zero outside a span of samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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


def placed(gather: Array, first: int, samples: int) -> Array:
    """A gather whose first sample comes to lie at another; zeros elsewhere.

    Parameters
    ----------
    gather : ndarray of shape (..., samples)
    first : int
        Number of the sample; those that come to lie before 0 are cut.
    samples : int
        Number of samples afterwards.

    Returns
    -------
    placed : ndarray of shape (..., samples)
    """
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
