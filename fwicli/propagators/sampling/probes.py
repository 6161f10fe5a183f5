"""Random frequencies that stand for all: an orthogonal probing of the time axis.

The product of two fields summed over N samples is a sum over N / 2 + 1 frequencies, the trace of a
matrix in a basis of cosines and sines. It is estimated from m of them,

    sum_k c_k  ~  sum_(k drawn) c_k / p_k,        p_k = min(1, c a_k),        sum_k p_k = m,

with a_k the amplitude of the source at frequency k. A frequency is drawn with the chance p_k: the
estimate is right on average, and exact if m is the number of frequencies. One random number u draws
all: those at which the sum of the chances passes u, u + 1, u + 2, ... They are as far apart as
their chances allow, and the error is much smaller than that of random signs.

References: Horvitz and Thompson (1952), Journal of the American Statistical Association 47,
663-685; Louboutin and Herrmann (2022), SEG/AAPG International Meeting for Applied Geoscience and
Energy, Expanded Abstracts, for random traces of wave fields; Witte, Louboutin, Luporini, Gorman and
Herrmann (2019), Geophysics 84, R655-R672, for random frequencies in proportion to the spectrum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Least amplitude of a frequency, as a share of the largest: none is left out of all draws.
FLOOR = 1e-6


def chances(amplitudes: Array, count: int) -> Array:
    """Chances of frequencies to be drawn, in proportion to their amplitudes up to one.

    Parameters
    ----------
    amplitudes : ndarray of shape (n,)
        Not negative; if all are zero, all frequencies have the same chance.
    count : int
        Number of frequencies that are drawn; all if there are fewer.

    Returns
    -------
    ndarray of shape (n,)
        Their sum is `count`.
    """
    size = len(amplitudes)
    if count >= size:
        return np.ones(size)
    largest = float(amplitudes.max())
    shares = np.maximum(amplitudes / largest, FLOOR) if largest > 0 else np.ones(size)
    order = np.argsort(-shares, kind="stable")
    certain = 0
    while True:
        rest = order[certain:]
        scale = (count - certain) / shares[rest].sum()
        if scale * shares[rest[0]] <= 1:
            break
        certain += 1
    result = np.ones(size)
    result[rest] = scale * shares[rest]
    return result


def drawn(chance: Array, seed: int) -> NDArray[np.int64]:
    """Numbers of the frequencies that a random number draws.

    Parameters
    ----------
    chance : ndarray of shape (n,)
        Of each one (see `chances`).
    seed : int
        Not negative; the same one draws the same frequencies.

    Returns
    -------
    ndarray of int, shape (count,)
        In rising order.
    """
    count = round(float(chance.sum()))
    passed = np.arange(count) + np.random.default_rng(seed).random()
    numbers = np.searchsorted(np.cumsum(chance), passed, side="right")
    # Round-off of the sum may make the last one miss, or two meet.
    return np.unique(np.minimum(numbers, len(chance) - 1)).astype(np.int64)
