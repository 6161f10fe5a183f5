"""Columns of trace headers: one pass over a file, in blocks, for the fields of a byte map.

A column that is the same for all traces is one number. A block is read as a whole where traces are
short, because the disk reads it in any case, and header by header where they are long.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy.fields import HEADER, TYPES, Field, Fields
from fwicli.segy.layout import Layout

Array = NDArray[Any]

# Bytes that are read at once, and the longest trace that is read whole.
BLOCK, SHORT = 1 << 22, 1 << 15


def columns(layout: Layout, fields: Fields) -> dict[str, Array]:
    """Values of the fields as they are in the file, without signs and scalars.

    Parameters
    ----------
    layout : Layout
    fields : dict of str to Field

    Returns
    -------
    columns : dict of str to ndarray
        Of shape (traces,), or (1,) where all traces have the same; fields that are not read are
        left out.

    Raises
    ------
    DataError
        If the file changes meanwhile, or cannot be read.
    """
    fillers = {name: _Column(layout.traces) for name, field in fields.items() if field.byte}
    try:
        descriptor = os.open(layout.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            layout.check_unchanged(os.fstat(descriptor))
            for begin, block in _blocks(layout, descriptor):
                for name, column in fillers.items():
                    column.add(begin, _values(block, fields[name], layout.endian))
            layout.check_unchanged(os.fstat(descriptor))
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DataError(f"{layout.path} cannot be read ({error})") from error
    return {name: column.values for name, column in fillers.items()}


def _blocks(layout: Layout, descriptor: int) -> Iterator[tuple[int, Array]]:
    """Number of the first trace and headers, shape (n, 240), of every block."""
    whole = layout.stride <= SHORT
    step = max(1, BLOCK // (layout.stride if whole else HEADER))
    for begin in range(0, layout.traces, step):
        count = min(step, layout.traces - begin)
        offset = layout.first + begin * layout.stride
        ahead = offset + count * layout.stride  # the disk goes on while headers are taken apart
        os.posix_fadvise(descriptor, ahead, 2 * step * layout.stride, os.POSIX_FADV_WILLNEED)
        if whole:
            block = np.empty((count, layout.stride), np.uint8)
            fill(layout, descriptor, block, offset)
            yield begin, block[:, :HEADER]
            continue
        block = np.empty((count, HEADER), np.uint8)
        for number in range(count):
            fill(layout, descriptor, block[number], offset + number * layout.stride)
        yield begin, block


def fill(layout: Layout, descriptor: int, target: Array, offset: int) -> None:
    """Fill an array from a file.

    Parameters
    ----------
    layout : Layout
    descriptor : int
        The file, open for reading.
    target : ndarray of uint8
    offset : int
        Byte of the file from 0.

    Raises
    ------
    DataError
        If the file ends before.
    """
    rest = target.data.cast("B")
    while rest:
        count = os.preadv(descriptor, [rest], offset)
        if count == 0:
            layout.check_unchanged(os.fstat(descriptor))
            raise DataError(f"{layout.path} ends at byte {offset}, within a trace; it was cut")
        rest, offset = rest[count:], offset + count


def _values(block: Array, field: Field, endian: str) -> Array:
    """A field of headers, in the byte order of this machine."""
    kind = np.dtype(TYPES[field.kind])
    part = np.ascontiguousarray(block[:, field.byte - 1 : field.byte - 1 + field.size])
    stored = part.view(kind if endian == "big" else kind.newbyteorder("<"))[:, 0]
    return stored.astype(kind.newbyteorder("="))


class _Column:
    """Values of all traces, one number as long as they are the same.

    Parameters
    ----------
    traces : int
        Number of traces.
    """

    def __init__(self, traces: int) -> None:
        self.traces, self.values = traces, np.empty(0)

    def add(self, begin: int, block: Array) -> None:
        """Add the values of a block that begins at a trace."""
        if begin == 0:
            self.values = block[:1].copy()
        if len(self.values) == 1 < self.traces:
            if block.tobytes() == self.values.tobytes() * len(block):
                return
            self.values = np.full(self.traces, self.values[0], block.dtype)
        self.values[begin : begin + len(block)] = block
