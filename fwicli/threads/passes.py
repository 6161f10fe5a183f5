"""Passes over large arrays, shared among threads: setting to zero, comparing, looking for faults.

NumPy lets other threads run while it works on numbers. Threads end with the pass, so that a fork of
the process loses none.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Bytes of a block, which stays in the cache of a core.
BLOCK = 1 << 20
# Bytes of an array that threads share: a pass takes ten times as long as they take to start.
SHARED = 16 << 20
# Most threads of a pass; some of them use the whole bandwidth of the memory.
MOST = 8


def clear(values: Array, threads: int = 1) -> None:
    """Set all values to zero.

    Parameters
    ----------
    values : ndarray
    threads : int
        Most that share the pass.
    """
    _all(_cleared, (values,), threads)


def are_finite(values: Array, threads: int = 1) -> bool:
    """Whether all values are finite.

    Parameters
    ----------
    values : ndarray
    threads : int
        Most that share the pass.

    Returns
    -------
    bool
    """
    return _all(_finite, (values,), threads)


def are_same(one: Array, other: Array, threads: int = 1) -> bool:
    """Whether two arrays are of one kind, and equal bit by bit.

    Parameters
    ----------
    one, other : ndarray
    threads : int
        Most that share the pass.

    Returns
    -------
    bool
    """
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    bits = np.dtype(f"u{one.itemsize}")
    return _all(_equal, (one.view(bits), other.view(bits)), threads)


def _cleared(values: Array) -> bool:
    if values.flags.c_contiguous:
        # Without reading its lines into the cache, as NumPy does.
        ctypes.memset(values.ctypes.data, 0, values.nbytes)
    else:
        values[...] = 0
    return True


def _finite(values: Array) -> bool:
    # With a NaN among the values, both extremes are NaN.
    return bool(np.isfinite(values.min(initial=0)) and np.isfinite(values.max(initial=0)))


def _equal(one: Array, other: Array) -> bool:
    return bool((one == other).all())


def _all(judge: Callable[..., bool], arrays: Sequence[Array], threads: int) -> bool:
    """Whether something is true of all blocks of arrays of the same shape."""
    first, *_ = arrays
    tasks = list(zip(*map(_blocks, arrays), strict=True))
    count = min(threads, MOST, len(tasks)) if first.nbytes >= SHARED else 1
    if count < 2:
        return all(judge(*task) for task in tasks)
    bounds = [number * len(tasks) // count for number in range(count + 1)]
    shares = [tasks[i:j] for i, j in itertools.pairwise(bounds)]
    with ThreadPoolExecutor(count) as pool:
        return all(list(pool.map(lambda share: all(judge(*task) for task in share), shares)))


def _blocks(values: Array) -> list[Array]:
    """Views that together are a whole array, each of some rows of one of its axes."""
    if values.nbytes <= BLOCK:
        return [values]
    rows = BLOCK * len(values) // values.nbytes
    if not rows:
        return [block for part in values for block in _blocks(part)]
    return [values[i : i + rows] for i in range(0, len(values), rows)]
