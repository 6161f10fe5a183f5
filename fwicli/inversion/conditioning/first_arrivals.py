"""First arrivals of a gather: where mutes are placed, and how late one gather is against another.

There are two pickers, because they must fail in different ways:

    pick_for_mutes      a time for every trace, from its neighbours where its own pick is doubtful
    pick_onsets         the time of the wave's beginning, or none where this is uncertain

A mute is placed about half a period away from its time, so that a rough time does, but no trace
may stay without one. A diagnosis compares times of two gathers to a fraction of a period: it can do
without a trace, but a wrong time would look like a cycle skip. Neither serves for tomography.

For mutes, the pick is where the energy E of one period rises above silence and noise,

    E(t) = int_{t-T}^t u(t')**2 dt',        pick = min {t: E(t) > max(a**2 max E, 5 E_20)}

with T the period of the strongest frequency and a the amplitude of the weakest first arrival,
relative to the largest of the trace. E_20 is the lower quintile of E over the record, which is
taken for noise. A pick that differs from the median of its neighbours by more than a period is
replaced by this median; so is a missing one. Where noise hides first arrivals, a mute along a
velocity does better.

An onset is where the energy of one period exceeds that of every period before,

    E(t) > R (max_{t' < t-T} E(t') + q + b max E),    E(t) > N n

with T the period of the centre of the band, q the energy of the quietest period of the trace, and
b max E an energy too small to matter. The noise n is the lowest decile of the energy of a period,
but at most the median of these deciles over the gather. Scale and polarity do not count; after
Coppens (1985), Geophys. Prospect. 33, 1212-1231, with the largest energy before in place of their
sum.

Onsets in two gathers mark the same point of a wavelet only if amplitudes grow alike. The shift
between two gathers is therefore the difference of their onsets, refined by correlating the two
cycles that follow. The correlation searches less than half a cycle on either side, so that it
cannot skip a cycle. `events` decides whether both onsets belong to one event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.inversion.conditioning.events import Arrivals, quietest, same, summits, window
from fwicli.inversion.conditioning.trace_weights import neighbour_median
from fwicli.survey.signals.wavelets import Spectrum

Array = NDArray[Any]

# For mutes: quantile of the energy that is taken for noise, and the energy of an arrival relative
# to it.
QUIET, LOUD = 0.2, 5.0
# Neighbours on both sides whose median a pick is compared with.
NEIGHBOURS = 4
# For onsets, R and b: 10 dB above the energy before, and 1 % of the largest amplitude.
JUMP, FAINT = 10.0, 1e-5
# N: 14 dB. Many periods of noise reach less than that above the lowest decile of their energies.
NOISE = 25.0
# Cycles behind the onsets that are correlated, and the largest lag of the correlation [cycles].
LENGTH, LAG = 2.0, 0.3


def pick_for_mutes(gather: Array, interval: float, weakest: float = 0.1) -> Array:
    """Pick the beginning of the first arrival in every trace, for mutes.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
        Traces in the order of the receivers.
    interval : float
        Sampling interval [s].
    weakest : float
        Amplitude of the weakest first arrival, relative to the largest of its trace.

    Returns
    -------
    times : ndarray of shape (n_receivers,)
        [s]; the end of the record if the gather is all zero.

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
    """First times at which the energy of a period exceeds its threshold [s]; NaN if none."""
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
    """Picks, with those far from the median of their neighbours replaced by the median."""
    medians = neighbour_median(picks, NEIGHBOURS)
    medians = np.where(np.isnan(medians), np.nanmedian(picks), medians)
    # The median is one of the picks; a mean of two could lie between two waves.
    off = np.isnan(picks) | (np.abs(picks - medians) > period)
    return np.where(off, medians, picks)


def pick_onsets(gather: Array, interval: float, frequency: float) -> Array:
    """Pick the onset of the first arrival of each trace, where it is certain.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    interval : float
        Sampling interval [s].
    frequency : float
        Centre of the band [Hz].

    Returns
    -------
    times : ndarray of shape (n_receivers,)
        [s]; NaN for traces without an onset.
    """
    period = max(2, round(1 / frequency / interval))
    # The zeros before the record let arrivals in its first period have a period before them.
    traces = np.pad(gather.astype(np.float64), ((0, 0), (2 * period, 0)))
    energy = np.cumsum(traces**2, axis=1)
    energy[:, period:] -= energy[:, :-period].copy()
    recorded = energy[:, 3 * period :]
    if recorded.size == 0:
        return np.full(len(gather), np.nan)
    largest = energy.max(axis=1, keepdims=True)
    quiet = np.minimum(recorded.min(axis=1, keepdims=True), largest)
    before = np.maximum.accumulate(energy, axis=1)[:, period:-period]
    noise = quietest(gather.astype(np.float64), period)[:, None] * period
    noise = np.minimum(noise, np.median(noise))
    after = energy[:, 2 * period :]
    over = (after > JUMP * (before + quiet + FAINT * largest)) & (after > NOISE * noise)
    times = interval * over.argmax(axis=1).astype(float)
    return np.where(over.any(axis=1), times, np.nan)


@dataclass(frozen=True)
class ArrivalShifts:
    """Shifts between the first arrivals of two gathers, trace by trace.

    Attributes
    ----------
    time : ndarray of shape (n_receivers,)
        By which those of the second are later [s]; NaN where either has none.
    correlation : ndarray of shape (n_receivers,)
        Correlation coefficient of the arrivals at that lag, negative for opposite polarity.
    same : ndarray of bool, of shape (n_receivers,)
        Whether they are the same event, as far as `events` can decide.
    """

    time: Array
    correlation: Array
    same: NDArray[np.bool_]


def arrival_shifts(first: Array, second: Array, interval: float, frequency: float) -> ArrivalShifts:
    """Shifts between the first arrivals of two gathers, trace by trace.

    Parameters
    ----------
    first, second : ndarray of shape (n_receivers, samples)
        Gathers of the same receivers, in the same band.
    interval : float
        Sampling interval [s].
    frequency : float
        Centre of the band [Hz].

    Returns
    -------
    shifts : ArrivalShifts
    """
    begin = [pick_onsets(gather, interval, frequency) for gather in (first, second)]
    picked = np.isfinite(begin[0]) & np.isfinite(begin[1])
    time, correlation = np.full(len(first), np.nan), np.full(len(first), np.nan)
    is_same = np.zeros(len(first), dtype=bool)
    if picked.any():
        samples = [np.rint(b[picked] / interval).astype(int) for b in begin]
        lag = max(1, int(LAG / frequency / interval))
        length = max(4, round(LENGTH / frequency / interval))
        traces = [g[picked].astype(np.float64) for g in (first, second)]
        begin = [s - length // 4 for s in samples]
        piece = window(traces[0], begin[0], length)
        searched = window(traces[1], begin[1] - lag, length + 2 * lag)
        offset, coefficient = _correlate(piece, searched, lag)
        delay = samples[1] - samples[0] + offset
        events = [Arrivals(g, b, length) for g, b in zip(traces, begin, strict=True)]
        time[picked], correlation[picked] = interval * delay, coefficient
        is_same[picked] = same(events[0], events[1], delay, coefficient, 1 / frequency / interval)
    return ArrivalShifts(time, correlation, is_same)


def _correlate(piece: Array, searched: Array, lag: int) -> tuple[Array, Array]:
    """Lag [samples] of the largest |correlation| of tapered pieces, and the correlation."""
    length = piece.shape[1]
    taper = np.hanning(length + 2)[1:-1]
    size = np.linalg.norm(piece * taper, axis=1)
    values = np.zeros((len(piece), 2 * lag + 1))
    for number in range(2 * lag + 1):
        other = searched[:, number : number + length] * taper
        norm = size * np.linalg.norm(other, axis=1)
        product = (piece * taper * other).sum(axis=1)
        values[:, number] = np.divide(product, norm, out=np.zeros_like(norm), where=norm > 0)
    best = np.abs(values).argmax(axis=1)
    rows, inner = np.arange(len(values)), np.clip(best, 1, 2 * lag - 1)
    left, middle, right = (np.abs(values[rows, inner + step]) for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    vertex = np.divide(0.5 * (left - right), bend, out=np.zeros_like(bend), where=bend < 0)
    offset = np.where(best == inner, np.clip(vertex, -0.5, 0.5), 0.0)
    correlation = np.copysign(summits(np.abs(values))[rows, best], values[rows, best])
    return best - lag + offset, np.clip(correlation, -1.0, 1.0)
