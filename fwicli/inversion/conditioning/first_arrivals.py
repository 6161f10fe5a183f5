"""First arrivals of a gather: where the energy of one period rises above silence and noise.

    E(t) = int_{t-T}^t u(t')**2 dt',        pick = min {t: E(t) > max(a**2 max E, 5 E_20)}

with T the period of the strongest frequency, a the amplitude of the weakest first arrival relative
to the largest of the trace, and E_20 the value that E is below of in a fifth of the record, which
is taken for noise. Picks that lie off the median of their neighbours by more than a period take
the median, and so do traces without a pick.

The picks place mutes, about half a period behind the onset: they are no travel times for
tomography. Where noise hides first arrivals, a mute along a velocity does better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.inversion.conditioning import neighbours
from fwicli.survey.wavelets import Spectrum

Array = NDArray[Any]

# Share of a record that is taken for noise, and the energy of an arrival relative to noise.
QUIET, LOUD = 0.2, 5.0
# Neighbours on both sides whose median a pick is held against.
NEIGHBOURS = 4


def first_arrivals(gather: Array, interval: float, weakest: float = 0.1) -> Array:
    """Times at which the first arrivals begin.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
        Traces of neighbouring receivers beside each other.
    interval : float
        Sampling interval [s].
    weakest : float
        Amplitude of the weakest first arrival, relative to the largest of its trace.

    Returns
    -------
    times : ndarray of shape (n_receivers,)
        [s]; the end of the record where the gather is all zero.

    Raises
    ------
    DataError
        If no arrival stands out in any trace.
    """
    loud = np.abs(gather).max(axis=1) > 0
    end = interval * (gather.shape[1] - 1)
    if not loud.any():
        return np.full(len(gather), end)
    period = 1 / max(_frequency(gather[loud], interval), 1 / (end or interval))
    picks = np.full(len(gather), np.nan)
    picks[loud] = _picks(gather[loud], interval, period, weakest)
    if np.isnan(picks).all():
        raise DataError(
            "no first arrivals stand out from the noise of a shot; mute along a velocity instead "
            "(`kind: moveout`)"
        )
    return _consistent(picks, period)


def _frequency(gather: Array, interval: float) -> float:
    """Frequency with the most power in all traces together [Hz]."""
    spectra = Spectrum.of(gather / np.abs(gather).max(axis=1, keepdims=True), interval)
    return float(spectra.frequencies[(spectra.amplitude**2).sum(axis=0).argmax()])


def _picks(gather: Array, interval: float, period: float, weakest: float) -> Array:
    """Where the energy of the last period first exceeds its threshold [s]; NaN for nowhere."""
    length = max(1, min(round(period / interval), gather.shape[1] - 1))
    scaled = gather.astype(np.float64) / np.abs(gather).max(axis=1, keepdims=True)
    before = np.cumsum(scaled**2, axis=1)
    late = np.pad(before, ((0, 0), (length, 0)))[:, : gather.shape[1]]
    energy = before - late
    noise = np.quantile(energy[:, length:], QUIET, axis=1, keepdims=True)
    threshold = np.maximum(weakest**2 * energy.max(axis=1, keepdims=True), LOUD * noise)
    over = energy > threshold
    return np.where(over.any(axis=1), interval * np.argmax(over, axis=1), np.nan)


def _consistent(picks: Array, period: float) -> Array:
    """Picks, with the median of their neighbours in place of those that lie off it."""
    medians = neighbours.median(picks, NEIGHBOURS)
    medians = np.where(np.isnan(medians), np.nanmedian(picks), medians)
    # The median is one of the picks, not the mean of two of different waves.
    off = np.isnan(picks) | (np.abs(picks - medians) > period)
    return np.where(off, medians, picks)
