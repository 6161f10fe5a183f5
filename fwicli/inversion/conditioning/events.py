"""Whether the first arrivals of two traces are the same event, so that their delay means something.

Two picks may be of different waves: one too faint to be picked in one of the gathers, noise, or
what a filter leaves where a record ends. Their delay is no misfit. They are the same event if

1. each of the two, looked for in the whole of the other trace, is nowhere else as alike:

       C(l) = sum_t w**2 u(t) v(t + l) / (|w u| |w v(. + l)|),    |C(delay)| > |C(l)|  otherwise

   with w a taper about the arrival, for lags l that differ by more than part of a cycle and where
   there is about as much amplitude;
2. each holds about the same share of its trace;
3. each stands out from the quiet of its trace, and from that of the traces beside it.

The first would not do alone: waves of a narrow band are all alike, and so is noise. In the model
that made the data every event lies at no delay, and no other is as much alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

# Cycles about the delay in which no other lag is looked for.
OTHER = 0.3
# Largest ratio of the shares of the trace that the two hold, in amplitude.
UNEQUAL = 2.5
# Amplitude of an arrival over the quiet of its trace: 14 dB. The quiet is the level that the
# record is below of in a tenth of its windows.
LOUD, QUIET = 5.0, 0.1
# Shortest record in which windows as long as the arrival can be quiet [windows]; the quiet of a
# shorter one is that of so many pieces of it.
FREE, PIECES = 2.5, 16


@dataclass(frozen=True)
class Arrivals:
    """An arrival in each trace of a gather.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    begin, length : ndarray of shape (n_receivers,), int
        First sample of the windows about the arrivals, and their length, of all alike [samples].
    """

    gather: Array
    begin: Array
    length: int

    def windows(self) -> Array:
        """The windows, of shape (n_receivers, length); zero outside of the record."""
        return np.asarray(window(self.gather, self.begin, self.length))

    def alike(self, other: Array) -> tuple[Array, Array]:
        """Lags [samples] and |C| at them, of shape (n_receivers, lags) both, in another gather.

        Where that holds far less of its trace, or far more, |C| is 0.
        """
        length = self.length
        taper = np.hanning(length + 2)[1:-1] ** 2
        pieces = self.windows()
        padded = np.pad(other, ((0, 0), (length, length)))
        backwards = {"mode": "valid", "axes": 1}
        product = scipy.signal.fftconvolve(padded, (pieces * taper)[:, ::-1], **backwards)
        weights = np.broadcast_to(taper[::-1], pieces.shape)
        energy = np.clip(scipy.signal.fftconvolve(padded**2, weights, **backwards), 0, None)
        own = (pieces**2 * taper).sum(axis=1, keepdims=True)
        shares = own / _energy(self.gather), energy / _energy(other)
        equal = np.maximum(*shares) <= UNEQUAL**2 * np.minimum(*shares)
        norm = np.sqrt(own * energy)
        alike = np.divide(np.abs(product), norm, out=np.zeros_like(norm), where=equal & (norm > 0))
        return np.arange(alike.shape[1]) - length - self.begin[:, None], alike

    def rms(self) -> Array:
        """Amplitude of the windows, of shape (n_receivers,)."""
        return np.asarray(np.sqrt((self.windows() ** 2).mean(axis=1)))

    def loudness(self) -> Array:
        """Amplitude over the quiet of the trace and that of the gather, the lesser of the two."""
        samples = self.gather.shape[1]
        # In a record of two or three windows none may be free of the arrival.
        length = self.length if samples >= FREE * self.length else samples // PIECES
        quiet = np.sqrt(quietest(self.gather, max(1, length)))
        level = np.maximum(quiet, np.median(quiet))
        loudness = np.full(len(level), np.inf)
        np.divide(self.rms(), level, out=loudness, where=level > 0)
        return loudness


def same(
    first: Arrivals, second: Arrivals, delay: Array, correlation: Array, cycle: float
) -> Array:
    """Whether arrivals are the same event in both gathers, trace by trace.

    Parameters
    ----------
    delay : ndarray of shape (n_receivers,)
        By which those of the second gather are later [samples].
    correlation : ndarray of that shape
        Correlation coefficient of the two.
    cycle : float
        Period of the centre of the band [samples].
    """
    result = np.minimum(first.loudness(), second.loudness()) >= LOUD
    shares = [a.rms() / np.sqrt(_energy(a.gather)[:, 0]) for a in (first, second)]
    result &= np.maximum(*shares) <= UNEQUAL * np.minimum(*shares)
    for arrivals, other, lag in ((first, second.gather, delay), (second, first.gather, -delay)):
        lags, alike = arrivals.alike(other)
        elsewhere = np.abs(lags - lag[:, None]) > OTHER * cycle
        result &= np.where(elsewhere, summits(alike), 0.0).max(axis=1) < np.abs(correlation)
    return result


def summits(values: Array) -> Array:
    """Values along the last axis, with those of parabolas where there is a maximum between them."""
    left, middle, right = values[..., :-2], values[..., 1:-1], values[..., 2:]
    bend = left - 2 * middle + right
    highest = (middle >= left) & (middle >= right) & (bend < 0)
    rise = np.divide((left - right) ** 2, -8 * bend, out=np.zeros_like(bend), where=highest)
    return np.concatenate([values[..., :1], middle + rise, values[..., -1:]], axis=-1)


def window(gather: Array, begin: Array, length: int) -> Array:
    """A piece of each trace, from its own sample on; zero outside of the record."""
    index = begin[:, None] + np.arange(length)
    inside = (index >= 0) & (index < gather.shape[1])
    index = np.clip(index, 0, gather.shape[1] - 1)
    return np.where(inside, np.take_along_axis(gather, index, axis=1), 0.0)


def quietest(gather: Array, length: int) -> Array:
    """Mean square that a trace is below of in a tenth of the windows of a length [samples]."""
    if gather.shape[1] <= length:
        return np.zeros(len(gather))
    before = np.cumsum(np.pad(gather**2, ((0, 0), (1, 0))), axis=1)
    energy = (before[:, length:] - before[:, :-length]) / length
    return np.asarray(np.quantile(np.clip(energy, 0, None), QUIET, axis=1))


def _energy(gather: Array) -> Array:
    """Of each trace, of shape (n_receivers, 1); never 0."""
    energy = (gather**2).sum(axis=1, keepdims=True)
    return np.asarray(np.maximum(energy, np.finfo(np.float64).tiny))
