"""One value for each trace of a survey whose shots have different numbers of traces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Ragged:
    """One value for each trace of shots that differ in their number of traces.

    Parameters
    ----------
    values : ndarray of shape (n_traces,)
        Of all traces, shot after shot.
    counts : ndarray of int, of shape (n_shots,)
        Number of traces of each shot.
    """

    values: Array
    counts: NDArray[np.int64]

    # Operators between arrays and this class are those of this class.
    __array_ufunc__ = None

    @classmethod
    def of(cls, rows: Iterable[Array]) -> Ragged:
        """From the values of each shot, shape (n_receivers,)."""
        arrays = list(rows)
        counts = np.array([len(row) for row in arrays], dtype=np.int64)
        return cls(np.concatenate(arrays), counts)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.counts)])

    @property
    def size(self) -> int:
        """Number of traces."""
        return int(self.values.size)

    def __len__(self) -> int:
        """Number of shots."""
        return len(self.counts)

    def __getitem__(self, shot: int) -> Array:
        """Values of the traces of a shot."""
        number = range(len(self))[shot]
        return self.values[self._starts[number] : self._starts[number + 1]]

    def __iter__(self) -> Iterator[Array]:
        """Values of each shot."""
        return (self[shot] for shot in range(len(self)))

    def select(self, shots: Array | Sequence[int] | slice) -> Ragged:
        """Values of some of the shots, by number."""
        return Ragged.of(self[int(n)] for n in np.arange(len(self))[shots])

    def any(self) -> bool:
        """Whether any value is true."""
        return bool(self.values.any())

    def all(self) -> bool:
        """Whether all values are true."""
        return bool(self.values.all())

    def sum(self) -> Any:
        """Sum of all values."""
        return self.values.sum()

    def __invert__(self) -> Ragged:
        return Ragged(~self.values, self.counts)

    def __and__(self, other: Ragged) -> Ragged:
        return Ragged(self.values & other.values, self.counts)

    def __or__(self, other: Ragged) -> Ragged:
        return Ragged(self.values | other.values, self.counts)


def by_trace(rows: Iterable[Array]) -> Any:
    """One value for each trace: an array (shot, receiver), or `Ragged` where counts differ.

    Parameters
    ----------
    rows : iterable of ndarray of shape (n_receivers,)
        One for each shot.

    Returns
    -------
    values : ndarray or Ragged
    """
    arrays = list(rows)
    equal = len({len(row) for row in arrays}) == 1
    return np.stack(arrays) if equal else Ragged.of(arrays)


def differ(arrays: Any) -> bool:
    """Whether something is a sequence of arrays (n, k) that differ in n."""
    if not isinstance(arrays, list | tuple):
        return False
    return len({np.shape(a)[:1] for a in arrays}) > 1 and all(np.ndim(a) == 2 for a in arrays)


def padded(
    arrays: Sequence[Array], padding: float = 0.0, least: int = 0
) -> tuple[Array, NDArray[np.int64]]:
    """Arrays of different length as one, with padding behind the shorter ones.

    Parameters
    ----------
    arrays : sequence of ndarray of shape (n, ...)
        They differ in n alone.
    padding : float
        Value behind the shorter ones.
    least : int
        Least length of the result.

    Returns
    -------
    padded : ndarray of shape (len(arrays), largest n or `least`, ...)
    counts : ndarray of int, of shape (len(arrays),)
        n of each.
    """
    counts = np.array([len(a) for a in arrays], dtype=np.int64)
    shape = (len(arrays), max(least, counts.max()), *arrays[0].shape[1:])
    whole = np.full(shape, padding, np.result_type(*arrays))
    for row, values in zip(whole, arrays, strict=True):
        row[: len(values)] = values
    return whole, counts
