"""First arrivals: when they begin, and by how much those of two gathers differ.

A trace begins where the energy of one period T exceeds that of every period before,

    E(t) = int_{t-T}^t u(t')**2 dt',    E(t) > R (max_{t' < t-T} E(t') + q + b max E),    E(t) > N n

with q the quietest period of the trace, b max E what is too faint to matter, and n the noise: what
a tenth of the periods is below of, in this trace and in half of those beside it. Scale and polarity
do not count; after Coppens (1985), Geophys. Prospect. 33, 1212-1231, with the largest energy before
in place of all of it.

Times so found are those of the same point of a wavelet only as far as amplitudes grow alike. The
difference between two gathers is therefore that of their times, refined by the correlation of what
follows them, over fewer than half a cycle on either side: it cannot skip a cycle. Whether both
are of one event is found out in `events`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.conditioning.events import Arrivals, quietest, same, summits, window

Array = NDArray[Any]

# R and b: 10 dB above what came before, and 1 % of the largest amplitude.
JUMP, FAINT = 10.0, 1e-5
# N: 14 dB, more than the largest of many periods of noise is above the quietest tenth of them.
NOISE = 25.0
# Cycles that are correlated after the times, and the longest lag between them.
LENGTH, LAG = 2.0, 0.3


def onsets(gather: Array, interval: float, frequency: float) -> Array:
    """Time of the first arrival of each trace [s]; NaN where there is none.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    interval : float
        Sampling interval [s].
    frequency : float
        Centre of the band [Hz].
    """
    period = max(2, round(1 / frequency / interval))
    # The record began in silence: what arrives in the first period has a period before it.
    traces = np.pad(gather.astype(np.float64), ((0, 0), (2 * period, 0)))
    energy = np.cumsum(traces**2, axis=1)
    energy[:, period:] -= energy[:, :-period].copy()
    recorded = energy[:, 3 * period :]
    if recorded.shape[1] == 0:
        return np.full(len(gather), np.nan)
    largest = energy.max(axis=1, keepdims=True)
    quiet = np.minimum(recorded.min(axis=1, keepdims=True), largest)
    before = np.maximum.accumulate(energy, axis=1)[:, period:-period]
    noise = quietest(gather.astype(np.float64), period)[:, None] * period
    noise = np.minimum(noise, np.median(noise))
    after = energy[:, 2 * period :]
    over = (after > JUMP * (before + quiet + FAINT * largest)) & (after > NOISE * noise)
    found = interval * over.argmax(axis=1).astype(float)
    return np.where(over.any(axis=1), found, np.nan)


@dataclass(frozen=True)
class Shifts:
    """How first arrivals of two gathers differ, trace by trace.

    Attributes
    ----------
    time : ndarray of shape (n_receivers,)
        By which those of the second are later [s]; NaN where either has none.
    likeness : ndarray of shape (n_receivers,)
        Correlation coefficient of the arrivals at that lag, negative for opposite polarity.
    same : ndarray of bool, of shape (n_receivers,)
        Whether they are of the same event, as far as can be told.
    """

    time: Array
    likeness: Array
    same: NDArray[np.bool_]


def shifts(first: Array, second: Array, interval: float, frequency: float) -> Shifts:
    """Differences of the first arrivals of two gathers of shape (n_receivers, samples)."""
    begin = [onsets(gather, interval, frequency) for gather in (first, second)]
    there = np.isfinite(begin[0]) & np.isfinite(begin[1])
    time, likeness = np.full(len(first), np.nan), np.full(len(first), np.nan)
    alike = np.zeros(len(first), dtype=bool)
    if there.any():
        samples = [np.rint(b[there] / interval).astype(int) for b in begin]
        lag = max(1, int(LAG / frequency / interval))
        length = max(4, round(LENGTH / frequency / interval))
        traces = [g[there].astype(np.float64) for g in (first, second)]
        begin = [s - length // 4 for s in samples]
        start = window(traces[0], begin[0], length)
        moving = window(traces[1], begin[1] - lag, length + 2 * lag)
        offset, best = _correlate(start, moving, lag)
        delay = samples[1] - samples[0] + offset
        events = [Arrivals(g, b, length) for g, b in zip(traces, begin, strict=True)]
        time[there], likeness[there] = interval * delay, best
        alike[there] = same(events[0], events[1], delay, best, 1 / frequency / interval)
    return Shifts(time, likeness, alike)


def _correlate(piece: Array, moving: Array, lag: int) -> tuple[Array, Array]:
    """Lag [samples] at which the tapered pieces are most alike or most unlike, and how much."""
    length = piece.shape[1]
    taper = np.hanning(length + 2)[1:-1]
    size = np.linalg.norm(piece * taper, axis=1)
    values = np.zeros((len(piece), 2 * lag + 1))
    for number in range(2 * lag + 1):
        other = moving[:, number : number + length] * taper
        norm = size * np.linalg.norm(other, axis=1)
        product = (piece * taper * other).sum(axis=1)
        values[:, number] = np.divide(product, norm, out=np.zeros_like(norm), where=norm > 0)
    best = np.abs(values).argmax(axis=1)
    rows, inner = np.arange(len(values)), np.clip(best, 1, 2 * lag - 1)
    left, middle, right = (np.abs(values[rows, inner + step]) for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    vertex = np.divide(0.5 * (left - right), bend, out=np.zeros_like(bend), where=bend < 0)
    offset = np.where(best == inner, np.clip(vertex, -0.5, 0.5), 0.0)
    likeness = np.copysign(summits(np.abs(values))[rows, best], values[rows, best])
    return best - lag + offset, np.clip(likeness, -1.0, 1.0)
