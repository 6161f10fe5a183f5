"""Mutes and tapers: weights between 0 and 1 of the samples of a record, and damping in time.

Between two edges the weight is 1, with a raised cosine of length l inside each edge,

    w(x) = 1/2 - 1/2 cos(pi (x - a) / l)        for a <= x <= a + l

and outside it is 0. A mute between the edges has weights 1 - w. The axis x is the offset [m], the
time [s], or the time since a moveout t0(r), such as picked first arrivals or

    t0 = offset / velocity.

Damping multiplies with exp(-(t - t0) / tau) for t > t0, which emphasises early arrivals.

Reference: Brenders and Pratt (2007), Geophys. J. Int. 168, 133-151, for the damping.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.conditioning.operators import Record, Weights

Array = NDArray[Any]


def weights(
    x: Array, low: float | None, high: float | None, taper: float, muted: bool = False
) -> Array:
    """Weights along an axis.

    Parameters
    ----------
    x : ndarray
        Positions on the axis.
    low, high : float or None
        Edges of the weights of 1, in units of x; None for no edge on that side.
    taper : float
        Length of the taper inside each edge, in units of x.
    muted : bool
        Mute between the edges instead of outside.

    Returns
    -------
    weights : ndarray of the shape of x
    """
    weights = np.ones(np.shape(x))
    if low is not None:
        weights = weights * _ramp(x - low, taper)
    if high is not None:
        weights = weights * _ramp(high - x, taper)
    return 1 - weights if muted else weights


def _ramp(inside: Array, taper: float) -> Array:
    """0 outside an edge, 1 further inside than the taper, a raised cosine between."""
    if taper <= 0:
        return np.asarray((inside >= 0).astype(np.float64))
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(inside / taper, 0, 1)))


def by_offset(
    record: Record, low: float | None, high: float | None, taper: float, muted: bool = False
) -> Weights:
    """Weights of traces by their offset.

    Parameters
    ----------
    record : Record
        Traces of a shot.
    low, high : float or None
        Edges of the weights of 1 [m]; None for no edge on that side.
    taper : float
        Length of the taper inside each edge [m].
    muted : bool
        Mute between the edges instead of outside.

    Returns
    -------
    weights : Weights
        Of shape (n_receivers, 1).
    """
    return Weights(weights(record.offsets, low, high, taper, muted)[:, None])


def by_time(
    record: Record,
    low: float | None,
    high: float | None,
    taper: float,
    muted: bool = False,
    origin: Array | None = None,
) -> Weights:
    """Weights of samples by their time.

    Parameters
    ----------
    record : Record
        Traces of a shot.
    low, high : float or None
        Edges of the weights of 1 [s]; None for no edge on that side.
    taper : float
        Length of the taper inside each edge [s].
    muted : bool
        Mute between the edges instead of outside.
    origin : ndarray of shape (n_receivers,), optional
        Time of each trace from which the edges count [s]; t = 0 by default.

    Returns
    -------
    weights : Weights
        Of shape (1, samples), or (n_receivers, samples) with an origin.
    """
    if origin is None:
        return Weights(weights(record.times, low, high, taper, muted)[None])
    return Weights(weights(record.times - origin[:, None], low, high, taper, muted))


def damping(record: Record, constant: float, origin: Array | None = None) -> Weights:
    """Exponential decay in time.

    Parameters
    ----------
    record : Record
        Traces of a shot.
    constant : float
        Time in which amplitudes decay by a factor e [s].
    origin : ndarray of shape (n_receivers,), optional
        Time of each trace at which the decay begins [s]; t = 0 by default.

    Returns
    -------
    weights : Weights
        Of shape (1, samples), or (n_receivers, samples) with an origin.
    """
    since = record.times[None] if origin is None else record.times - origin[:, None]
    return Weights(np.exp(-np.maximum(since, 0.0) / constant))
