"""What counts as an array of numbers, whatever program wrote it, and how large one may be."""

from __future__ import annotations

import math
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
# What is not a number, and never told apart from one by NumPy's conversions.
TRUTH = "b"


def describe(dtype: np.dtype[Any]) -> str:
    """What an array of a type holds, in words."""
    if dtype.names:
        return f"a compound of {', '.join(dtype.names)}"
    if dtype.subdtype is not None:
        return f"arrays of shape {dtype.subdtype[1]} as elements"
    return KINDS.get(dtype.kind, f"{dtype}")


def check_real(dtype: np.dtype[Any], name: str, masks: bool = False) -> None:
    """Only real numbers are read; truth values as well, where a mask is.

    Parameters
    ----------
    name : str
        Of file and array.

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
    """Bytes of an array, which must fit into the memory of this machine.

    Raises
    ------
    DataError
        If they do not.
    """
    size, memory = math.prod(int(n) for n in shape) * itemsize, available()
    if size > memory:
        raise DataError(
            f"{name} has shape {tuple(int(n) for n in shape)}, {size / 1e9:.3g} GB, and this "
            f"machine has {memory / 1e9:.3g} GB; is its shape right?"
        )
    return size


def plain(values: Array, name: str, masks: bool = False) -> Array:
    """Real numbers in single or double precision and the byte order of this machine.

    Raises
    ------
    DataError
        If the values are no real numbers.
    """
    check_real(values.dtype, name, masks)
    # What single precision holds to the last digit stays that small.
    single = values.dtype.itemsize <= (4 if values.dtype.kind == "f" else 2)
    with np.errstate(over="ignore"):  # what is beyond is infinite, and refused as such
        return np.ascontiguousarray(values, dtype=np.float32 if single else np.float64)


def squeezed(values: Array, axes: int) -> Array:
    """The array without axes of one element, the last first, as far as it has more than `axes`."""
    while values.ndim > axes and 1 in values.shape:
        values = np.squeeze(values, axis=values.ndim - 1 - values.shape[::-1].index(1))
    return values
