"""Removal of the dispersion that second-order time stepping causes.

Leap-frog stepping replaces the frequency w by that of its second difference,

    s(w) = (2 / dt) sin(w dt / 2),

so a source q gives the field of frequency s(w) where the exact one has frequency w. Two changes
of variable undo that exactly, for any medium and at any step up to the stability limit:

    before    q'(w) = q(s(w))           the source is dispersed
    after     d(w)  = d'(s^-1(w))       the record is restored

Each is a real matrix on sampled traces, made by Fourier integrals, and its transpose is exact.
Energy beyond 2 / dt, where s has no inverse, is tapered off.

References: Wang and Xu (2015), Geophysics 80, S187-S194; Koene, Robertsson, Broggini and
Andersson (2018), Geophys. J. Int. 213, 2036-2048.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

# The taper runs between these shares of the highest frequency that is kept.
TAPER = (0.85, 1.0)
# Columns of a matrix that are made at a time.
COLUMNS = 32


def making(count: int) -> int:
    """Memory that it takes to make a matrix of `count` samples, beside its own [bytes].

    Three arrays of the complex spectra of some columns, of four times their length.
    """
    return 3 * COLUMNS * (2 * count + 1) * np.dtype(complex).itemsize


@lru_cache(maxsize=8)
def disperse(count: int, interval: float, step: float, precision: str = "float64") -> Array:
    """Matrix that disperses `count` samples of a source, for time stepping with `step` [s].

    Parameters
    ----------
    count : int
        Number of samples.
    interval : float
        Sampling interval [s].
    step : float
        Time step [s].
    precision : {"float32", "float64"}

    Returns
    -------
    ndarray of shape (count, count)
    """

    def effective(w: Array) -> Array:
        return np.asarray(2 / step * np.sin(np.minimum(w * step / 2, np.pi / 2)))

    return _change_of_frequency(count, interval, step, effective, precision)


@lru_cache(maxsize=8)
def restore(count: int, interval: float, step: float, precision: str = "float64") -> Array:
    """Matrix that removes the dispersion of `count` samples of a record.

    Parameters
    ----------
    count : int
        Number of samples.
    interval : float
        Sampling interval [s].
    step : float
        Time step [s].
    precision : {"float32", "float64"}

    Returns
    -------
    ndarray of shape (count, count)
    """

    def source_of(w: Array) -> Array:
        return np.asarray(2 / step * np.arcsin(np.minimum(w * step / 2, 1.0)))

    return _change_of_frequency(count, interval, step, source_of, precision)


def _change_of_frequency(
    count: int, interval: float, step: float, change: Callable[[Array], Array], precision: str
) -> Array:
    """Matrix of a trace with spectrum X(change(w)) from one with spectrum X(w).

    Column j is the inverse Fourier transform of exp(-i change(w) t_j), tapered.
    """
    length = scipy.fft.next_fast_len(4 * count, real=True)
    w = 2 * np.pi * np.fft.rfftfreq(length, interval)
    highest = min(np.pi / interval, 2 / step)
    low, high = (share * highest for share in TAPER)
    taper = np.cos(0.5 * np.pi * np.clip((w - low) / (high - low), 0, 1)) ** 2
    changed = change(w)
    matrix = np.empty((count, count), dtype=precision)
    t = interval * np.arange(count)
    # In blocks of columns, to bound the memory.
    for first in range(0, count, COLUMNS):
        columns = slice(first, first + COLUMNS)
        spectra = taper * np.exp(-1j * changed * t[columns, None])
        matrix[:, columns] = scipy.fft.irfft(spectra, length, axis=1)[:, :count].T
    return matrix
