"""Which arrays count as real numbers, whichever program wrote them, and how large they may be."""

from __future__ import annotations

import math
import tokenize
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.execution import available

Array = NDArray[Any]

KINDS = {
    "c": "complex numbers",
    "S": "text",
    "U": "text",
    "O": "objects",
    "V": "bytes of no type",
    "M": "dates",
    "m": "spans of time",
}
# Arrays of this size fit on any machine [bytes].
SMALL = 1 << 22
# Truth values, which NumPy converts to numbers without a warning.
TRUTH = "b"
# Exceptions of NumPy and of the standard library for damaged files.
FAILURES = (
    OSError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    tokenize.TokenError,
    zipfile.BadZipFile,
)


def describe(dtype: np.dtype[Any]) -> str:
    """The elements of an array of a type, in words."""
    if dtype.names:
        return f"a compound of {', '.join(dtype.names)}"
    if dtype.subdtype is not None:
        return f"arrays of shape {dtype.subdtype[1]} as elements"
    return KINDS.get(dtype.kind, f"{dtype}")


def check_real(dtype: np.dtype[Any], name: str, masks: bool = False) -> None:
    """Make sure that a type is one of real numbers.

    Parameters
    ----------
    dtype : numpy.dtype
    name : str
        Of file and array, for messages.
    masks : bool
        Whether truth values count as numbers.

    Raises
    ------
    DataError
        If it is another type.
    """
    if (dtype.kind in "fiu" and dtype.subdtype is None) or (masks and dtype.kind == TRUTH):
        return
    kind = "truth values" if dtype.kind == TRUTH else describe(dtype)
    raise DataError(f"{name} holds {kind} in place of real numbers; write it as float32 or float64")


def check_size(shape: Sequence[int], itemsize: int, name: str) -> int:
    """Size of an array, which must fit into the memory of this machine.

    Parameters
    ----------
    shape : sequence of int
    itemsize : int
        Of an element [bytes].
    name : str
        Of file and array, for messages.

    Returns
    -------
    size : int
        [bytes].

    Raises
    ------
    DataError
        If it does not fit.
    """
    size = math.prod(int(n) for n in shape) * itemsize
    # Of shots that are read one by one, the size is checked quickly.
    memory = available() if size > SMALL else SMALL
    if size > memory:
        raise DataError(
            f"{name} has shape {tuple(int(n) for n in shape)}, {size / 1e9:.3g} GB, and this "
            f"machine has {memory / 1e9:.3g} GB; is its shape right?"
        )
    return size


def plain(values: Array, name: str, masks: bool = False) -> Array:
    """Real numbers in single or double precision and the byte order of this machine.

    Parameters
    ----------
    values : ndarray
    name : str
        Of file and array, for messages.
    masks : bool
        Whether truth values count as numbers.

    Returns
    -------
    values : ndarray of float32 or float64
        float32 if this holds all values of the type exactly.

    Raises
    ------
    DataError
        If the values are no real numbers.
    """
    check_real(values.dtype, name, masks)
    # Types whose values are exact in single precision.
    single = values.dtype.itemsize <= (4 if values.dtype.kind == "f" else 2)
    with np.errstate(over="ignore"):  # larger values become infinite, and are rejected later
        return np.ascontiguousarray(values, dtype=np.float32 if single else np.float64)


def squeezed(values: Array, axes: int) -> Array:
    """Remove axes of one element, the last first, until `axes` are left.

    Parameters
    ----------
    values : ndarray
    axes : int
        Number of axes that are kept in any case.

    Returns
    -------
    values : ndarray
        With at least `axes` axes, if it had as many.
    """
    while values.ndim > axes and 1 in values.shape:
        values = np.squeeze(values, axis=values.ndim - 1 - values.shape[::-1].index(1))
    return values
