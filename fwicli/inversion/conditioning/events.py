"""Whether the first arrivals of two traces are the same event, so that their delay is meaningful.

Two picks may belong to different waves: one may be too faint to be picked in one of the gathers, or
be noise, or an artefact of a filter at the end of a record. They are the same event if

1. each of the two correlates with the whole of the other trace nowhere better than at its pick:

       C(l) = sum_t w**2 u(t) v(t + l) / (|w u| |w v(. + l)|),    |C(delay)| > |C(l)|  otherwise

   with w a taper about the arrival, for lags l that differ by more than part of a cycle and where
   amplitudes are comparable;
2. if they are of opposite polarity, neither correlates nearly as well, with the same polarity, at
   a smaller delay;
3. each holds about the same share of the energy of its trace;
4. each stands out from the noise of its trace, and of the traces beside it.

The first condition alone is not enough: in a narrow band all waves look alike, and so does noise.
In the model that generated the data every delay is zero, and no other lag correlates as well.
Surface waves are an example for the second: they begin slowly, so that noise hides their first half
cycle. The second one is picked then, and looks like the first with the opposite polarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

# Cycles about the delay in which other lags do not count.
OTHER = 0.3
# Correlation coefficient C at a smaller delay that leaves an opposite polarity in doubt, and the
# largest ratio of 1 - C to that of the opposite polarity: without noise, the true one has C = 1.
ALIKE, RATIO = 0.7, 10.0
# Largest ratio of the two arrivals' shares of their traces, in amplitude.
UNEQUAL = 2.5
# Amplitude of an arrival over the quiet level of its trace: 14 dB. The quiet level is the lowest
# decile of the amplitudes of windows.
LOUD, QUIET = 5.0, 0.1
# Shortest record in which windows as long as the arrival can be quiet [windows], and the number of
# pieces that a shorter record is divided into instead.
FREE, PIECES = 2.5, 16


@dataclass(frozen=True)
class Arrivals:
    """An arrival in each trace of a gather.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    begin : ndarray of int, of shape (n_receivers,)
        First sample of the window about each arrival.
    length : int
        Length of all windows [samples].
    """

    gather: Array
    begin: Array
    length: int

    def windows(self) -> Array:
        """The windows, of shape (n_receivers, length), padded with zeros outside of the record."""
        return np.asarray(window(self.gather, self.begin, self.length))

    def alike(self, other: Array) -> tuple[Array, Array]:
        """Correlate the windows with all of another gather.

        Parameters
        ----------
        other : ndarray of shape (n_receivers, samples)

        Returns
        -------
        lags : ndarray of shape (n_receivers, n_lags)
            [samples].
        correlation : ndarray of shape (n_receivers, n_lags)
            C; 0 where a window holds a much smaller or larger share of the other trace.
        """
        length = self.length
        taper = np.hanning(length + 2)[1:-1] ** 2
        pieces = self.windows()
        padded = np.pad(other, ((0, 0), (length, length)))
        backwards = {"mode": "valid", "axes": 1}
        product = scipy.signal.fftconvolve(padded, (pieces * taper)[:, ::-1], **backwards)
        weights = np.broadcast_to(taper[::-1], pieces.shape)
        energy = np.clip(scipy.signal.fftconvolve(padded**2, weights, **backwards), 0, None)
        window_energy = (pieces**2 * taper).sum(axis=1, keepdims=True)
        shares = window_energy / _energy(self.gather), energy / _energy(other)
        equal = np.maximum(*shares) <= UNEQUAL**2 * np.minimum(*shares)
        norm = np.sqrt(window_energy * energy)
        correlation = np.divide(product, norm, out=np.zeros_like(norm), where=equal & (norm > 0))
        return np.arange(correlation.shape[1]) - length - self.begin[:, None], correlation

    def rms(self) -> Array:
        """Amplitude of the windows, of shape (n_receivers,)."""
        return np.asarray(np.sqrt((self.windows() ** 2).mean(axis=1)))

    def loudness(self) -> Array:
        """Amplitude over the quiet level of the trace, or that of the gather if it is higher."""
        samples = self.gather.shape[1]
        # In a record of two or three windows, all may contain the arrival.
        length = self.length if samples >= FREE * self.length else samples // PIECES
        quiet = np.sqrt(quietest(self.gather, max(1, length)))
        level = np.maximum(quiet, np.median(quiet))
        loudness = np.full(len(level), np.inf)
        np.divide(self.rms(), level, out=loudness, where=level > 0)
        return loudness


def same(
    first: Arrivals, second: Arrivals, delay: Array, correlation: Array, cycle: float
) -> Array:
    """Decide trace by trace whether arrivals are the same event in both gathers.

    Parameters
    ----------
    first, second : Arrivals
        Arrivals of the two gathers, with windows of one length.
    delay : ndarray of shape (n_receivers,)
        By which those of the second gather are later [samples].
    correlation : ndarray of shape (n_receivers,)
        Correlation coefficient of the two.
    cycle : float
        Period of the centre of the band [samples].

    Returns
    -------
    same : ndarray of bool, of shape (n_receivers,)
    """
    is_same = np.minimum(first.loudness(), second.loudness()) >= LOUD
    shares = [a.rms() / np.sqrt(_energy(a.gather)[:, 0]) for a in (first, second)]
    is_same &= np.maximum(*shares) <= UNEQUAL * np.minimum(*shares)
    for arrivals, other, lag in ((first, second.gather, delay), (second, first.gather, -delay)):
        lags, correlations = arrivals.alike(other)
        elsewhere = np.abs(lags - lag[:, None]) > OTHER * cycle
        alike = np.where(elsewhere, summits(np.abs(correlations)), 0.0)
        is_same &= alike.max(axis=1) < np.abs(correlation)
        nearer = np.where(np.abs(lags) < np.abs(lag[:, None]), correlations, 0.0)
        is_same &= (correlation > 0) | ~_doubtful(np.abs(correlation), nearer.max(axis=1))
    return is_same


def _doubtful(opposite: Array, equal: Array) -> NDArray[np.bool_]:
    """Whether equal polarity explains arrivals nearly as well as opposite polarity does.

    Both are correlation coefficients, of shape (n_receivers,).
    """
    return np.asarray((equal >= ALIKE) & (1 - equal <= RATIO * (1 - opposite)))


def summits(values: Array) -> Array:
    """Values along the last axis, with maxima replaced by those of the parabolas through them."""
    left, middle, right = values[..., :-2], values[..., 1:-1], values[..., 2:]
    bend = left - 2 * middle + right
    highest = (middle >= left) & (middle >= right) & (bend < 0)
    rise = np.divide((left - right) ** 2, -8 * bend, out=np.zeros_like(bend), where=highest)
    return np.concatenate([values[..., :1], middle + rise, values[..., -1:]], axis=-1)


def window(gather: Array, begin: Array, length: int) -> Array:
    """Cut a piece out of each trace.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    begin : ndarray of int, of shape (n_receivers,)
        First sample of each piece; it may lie outside of the record.
    length : int
        Length of the pieces [samples].

    Returns
    -------
    pieces : ndarray of shape (n_receivers, length)
        Zero outside of the record.
    """
    index = begin[:, None] + np.arange(length)
    inside = (index >= 0) & (index < gather.shape[1])
    index = np.clip(index, 0, gather.shape[1] - 1)
    return np.where(inside, np.take_along_axis(gather, index, axis=1), 0.0)


def quietest(gather: Array, length: int) -> Array:
    """Lowest decile of the mean squares of all windows of a length, trace by trace.

    Parameters
    ----------
    gather : ndarray of shape (n_receivers, samples)
    length : int
        Length of the windows [samples].

    Returns
    -------
    squares : ndarray of shape (n_receivers,)
        In the squared unit of the gather; zero if the record is no longer than a window.
    """
    if gather.shape[1] <= length:
        return np.zeros(len(gather))
    before = np.cumsum(np.pad(gather**2, ((0, 0), (1, 0))), axis=1)
    energy = (before[:, length:] - before[:, :-length]) / length
    return np.asarray(np.quantile(np.clip(energy, 0, None), QUIET, axis=1))


def _energy(gather: Array) -> Array:
    """Energy of each trace, of shape (n_receivers, 1); never 0."""
    energy = (gather**2).sum(axis=1, keepdims=True)
    return np.asarray(np.maximum(energy, np.finfo(np.float64).tiny))
