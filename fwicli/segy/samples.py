"""Samples of traces, from files that stay open while they are read.

segyio has judged the files, and reads the same values in the tests. It reads trace by trace; traces
that lie side by side are read here at once, which is several times as fast. All formats but IBM
floats are types of NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from io import FileIO
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy.encoding import decode_ibm
from fwicli.segy.fields import HEADER
from fwicli.segy.headers import fill
from fwicli.segy.layout import Layout

Array = NDArray[Any]

# Files that are open at once.
OPEN = 64
# Types whose values are exact in single precision.
SINGLE = ("float32", "int16", "int8", "uint16", "uint8")


def precision(layouts: Sequence[Layout]) -> np.dtype[Any]:
    """Type that holds the samples of files exactly: float32, or float64 for longer ones."""
    return np.dtype(np.float32 if all(f.dtype in SINGLE for f in layouts) else np.float64)


class SampleReader:
    """Samples of some files, counted as one.

    It can be sent to another process, which opens the files anew.

    Parameters
    ----------
    layouts : sequence of Layout
    """

    def __init__(self, layouts: Sequence[Layout]) -> None:
        self.layouts = tuple(layouts)
        self.ends = np.cumsum([layout.traces for layout in self.layouts])
        self.dtype = precision(self.layouts)
        self._files: dict[int, FileIO] = {}
        self._stack = ExitStack()
        self._memory, self._lock = np.empty(0, np.uint8), Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"layouts": self.layouts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["layouts"])  # type: ignore[misc]

    def close(self) -> None:
        """Close all files; they are opened again when they are read."""
        self._files.clear()
        self._stack.close()

    def read(self, numbers: NDArray[np.int64]) -> Array:
        """Samples of traces by number over all files, shape (n, samples).

        Raises
        ------
        DataError
            If a file has changed since it was indexed, or cannot be read.
        """
        traces = np.empty((len(numbers), self.layouts[0].samples), self.dtype)
        with self._lock:
            self._fill(traces, numbers)
        return traces

    def _fill(self, traces: Array, numbers: NDArray[np.int64]) -> None:
        """Read traces by number over all files."""
        files = np.searchsorted(self.ends, numbers, side="right")
        # Runs of traces that lie side by side in one file are read at once.
        breaks = np.flatnonzero((np.diff(numbers) != 1) | (np.diff(files) != 0)) + 1
        for begin, end in zip([0, *breaks], [*breaks, len(numbers)], strict=True):
            if end > begin:
                file = int(files[begin])
                first = int(numbers[begin] - self.ends[file]) + self.layouts[file].traces
                self._read(file, first, traces[begin:end])
        for file in np.unique(files):
            self._check(int(file))

    def _read(self, file: int, first: int, traces: Array) -> None:
        """Read neighbouring traces of a file."""
        layout, count = self.layouts[file], len(traces)
        if self._memory.size < count * layout.stride:
            self._memory = np.empty(count * layout.stride, np.uint8)
        block = self._memory[: count * layout.stride].reshape(count, layout.stride)
        try:
            if file not in self._files:
                self._open(file)
            offset = layout.first + first * layout.stride
            fill(layout, self._files[file].fileno(), block, offset)
        except OSError as error:
            raise DataError(f"{layout.path} cannot be read ({error})") from error
        except DataError:
            self._check(file)  # a file that was cut says so
            raise
        kind = np.dtype(np.uint32 if layout.is_ibm else layout.dtype)
        stored: Array = block[:, HEADER:].view(
            kind.newbyteorder("<" if layout.endian == "little" else ">")
        )
        if layout.is_ibm:
            decode_ibm(stored, traces)
            return
        if kind.itemsize == 8 and kind.kind != "f":
            self._check_exact(layout, stored.astype(kind), first)
        traces[...] = stored

    def _open(self, file: int) -> None:
        """Open a file for reading."""
        self._check(file)
        if len(self._files) >= OPEN:
            self.close()
        opening = self.layouts[file].path.open("rb", buffering=0)
        self._files[file] = self._stack.enter_context(opening)

    def _check(self, file: int) -> None:
        layout = self.layouts[file]
        try:
            layout.check_unchanged(layout.path.stat())
        except OSError as error:
            raise DataError(f"{layout.path} cannot be read any more ({error})") from error

    def _check_exact(self, layout: Layout, values: Array, first: int) -> None:
        """Integers of 8 bytes must be exact in double precision."""
        inexact = values.astype(np.float64).astype(values.dtype) != values
        if inexact.any():
            trace = first + int(np.argwhere(inexact)[0][0]) + 1
            raise DataError(
                f"{layout.path}, trace {trace}: an integer of 8 bytes is beyond 2**53, which "
                f"double precision does not hold; write the samples as floats"
            )
