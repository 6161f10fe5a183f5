"""Flat files: text and raw binary, which do not describe their arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import numbers

Array = NDArray[Any]

# Control characters, which occur in nearly all raw numbers, but in no text.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
# Largest file that is read as text [bytes].
LONGEST = 10**9


@dataclass(frozen=True)
class RawFormat:
    """Layout of raw binary numbers.

    Parameters
    ----------
    shape : sequence of int, optional
        Of the array; without it, the numbers are one axis.
    dtype : str
        Type of the numbers.
    byte_order : str
        "little" or "big".
    """

    shape: Sequence[int] | None = None
    dtype: str = "float32"
    byte_order: str = "little"

    def fits(self, path: Path) -> bool:
        """Whether a file has exactly the bytes of the shape; not without a shape."""
        size = path.stat().st_size
        return self.shape is not None and size == math.prod(self.shape) * self.type.itemsize

    @property
    def type(self) -> np.dtype[Any]:
        """Of the numbers, with their byte order."""
        return np.dtype(self.dtype).newbyteorder("<" if self.byte_order == "little" else ">")

    def read(self, path: Path) -> Array:
        """The numbers of a file.

        Raises
        ------
        DataError
            If the file does not have the bytes of the shape, or cannot be read.
        """
        size, itemsize = path.stat().st_size, self.type.itemsize
        if self.shape is None and size % itemsize:
            raise DataError(
                f"{path} has {size} bytes, not a multiple of the {itemsize} that a {self.dtype} "
                f"takes; check its `dtype`, or write it as text, .npy or HDF5"
            )
        if self.shape is not None and not self.fits(path):
            raise DataError(
                f"{path} has {size} bytes, but shape {list(self.shape)} of {self.dtype} takes "
                f"{math.prod(self.shape) * itemsize}; check `shape` and `dtype`"
            )
        numbers.check_size((size,), 1, str(path))
        try:
            values = np.fromfile(path, self.type)
        except numbers.FAILURES as error:
            raise DataError(f"{path} cannot be read ({error})") from error
        return numbers.plain(values.reshape(self.shape or values.shape), str(path))


def read_text(path: Path) -> str | None:
    """The content of a text file; None if the file is binary.

    Raises
    ------
    DataError
        If it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            head = file.read(4096)
            if CONTROL.search(head.decode("latin-1")):
                return None
            if path.stat().st_size > LONGEST:
                raise DataError(f"{path} is text of more than {LONGEST / 1e9:g} GB; write .npy")
            text = (head + file.read()).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    return None if CONTROL.search(text) else text


def rows(path: Path, text: str) -> Array:
    """Rows of numbers, separated by blanks, commas or semicolons, below an optional header.

    Parameters
    ----------
    path : Path
        Of the file, for messages.
    text : str
        Its content.

    Returns
    -------
    values : ndarray of shape (n_lines, n_columns)
        float64.

    Raises
    ------
    DataError
        If a line has no numbers, or another number of them than the first.
    """
    lines: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = [w for w in re.split(r"[\s,;]+", re.split("[#%]", line)[0]) if w]
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            if not lines:
                continue  # names of columns
            raise DataError(
                f"{path}:{number}: `{line.strip()[:40]}` are no numbers; give one sample a line"
            ) from None
        if lines and len(row) != len(lines[0]):
            raise DataError(
                f"{path}:{number} has {len(row)} numbers, and the lines above have "
                f"{len(lines[0])}; give as many in every line, with a point for decimals"
            )
        lines.append(row)
    if not lines:
        raise DataError(f"{path} is text without numbers; give one sample a line")
    return np.array(lines)
