"""Sums in a binary tree whose shape depends on the number of summands alone.

    S(1) = the summand,        S(n) = S(first 2**k) + S(the others),        2**k < n <= 2**(k + 1)

Every block of 2**j summands that begins at a multiple of 2**j is a subtree; the last one may be
shorter. An engine may therefore sum such blocks wherever it likes: sums of floats keep their last
bit. A sum of n summands holds at most 1 + log2(n) partial sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, Protocol, Self


class Summand(Protocol):
    """A result that is summed over shots."""

    def plus(self, other: Self) -> Self:
        """The sum, in double precision; it may take the memory of this summand."""
        ...


class Counter:
    """A sum of summands that come one after the other, as a binary counter.

    It holds one partial sum for each bit that is set in the number of summands.
    """

    def __init__(self) -> None:
        self._count = 0
        self._sums: list[Any] = []

    def add(self, summand: Summand) -> None:
        """Add the next summand."""
        self._count += 1
        total: Any = summand
        bits = self._count
        while not bits & 1:
            total = self._sums.pop().plus(total)
            bits >>= 1
        self._sums.append(total)

    def total(self) -> Any:
        """The sum of all summands, after which there are none.

        Raises
        ------
        ValueError
            If there are no summands.
        """
        if not self._sums:
            raise ValueError("a sum needs at least one summand")
        total = self._sums.pop()
        while self._sums:
            total = self._sums.pop().plus(total)
        self._count = 0
        return total


def total(summands: Iterable[Any]) -> Any:
    """The sum of all summands, or of the sums of consecutive blocks of them.

    Parameters
    ----------
    summands : iterable of Summand
        Single ones, or sums of blocks of a power of two, of which the last may be shorter.

    Returns
    -------
    total : Summand

    Raises
    ------
    ValueError
        If there are no summands.
    """
    counter = Counter()
    for summand in summands:
        counter.add(summand)
    return counter.total()


def blocks(summands: Iterable[Any], size: int) -> Iterator[Any]:
    """Sums of consecutive blocks; each is there as soon as its last summand is.

    Parameters
    ----------
    summands : iterable of Summand
    size : int
        Summands of a block, a power of two; the last block may be shorter.

    Returns
    -------
    sums : iterator of Summand

    Raises
    ------
    ValueError
        If the size is no power of two.
    """
    check_size(size)
    return _blocks(iter(summands), size)


def _blocks(summands: Iterator[Any], size: int) -> Iterator[Any]:
    for first in summands:
        yield total(chain([first], islice(summands, size - 1)))


def check_size(size: int) -> None:
    """Check that a size of blocks is a power of two.

    Raises
    ------
    ValueError
    """
    if size < 1 or size & (size - 1):
        raise ValueError(f"blocks of a sum need a power of two as their size, not {size}")


def power_of_two(count: int) -> int:
    """The smallest power of two that is not less than a number: one block for all summands."""
    return 1 << max(0, count - 1).bit_length()
