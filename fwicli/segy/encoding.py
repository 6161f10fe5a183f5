"""Samples as bytes of a SEG-Y or SU file: IEEE floats of 4 or 8 bytes, and IBM floats of 4 bytes.

An IBM float is (-1)**s 16**(e - 64) f / 2**24, with a sign s of 1 bit, an exponent e of 7 bits and
a fraction f of 24 bits. It holds 21 to 24 binary digits, all values of IBM files exactly. Numbers
below the normal ones of single precision (1.2e-38) become 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError

Array = NDArray[Any]

# Code of the sample format, and type of the stored bytes.
ENCODINGS: dict[str, tuple[int, str]] = {
    "ieee": (5, ">f4"),
    "ibm": (1, ">u4"),
    "ieee8": (6, ">f8"),
}


# Values of the first byte of an IBM float, by which its fraction is multiplied.
_SIZES = 16.0 ** (np.arange(128) - 64.0) / 2.0**24
SCALES = np.concatenate([_SIZES, -_SIZES])
# Samples that are encoded or decoded at once. Larger arrays are new memory of the system each time,
# which takes longer than the arithmetic.
PIECE = 1 << 14


def decode_ibm(stored: Array, numbers: Array) -> None:
    """Numbers of IBM floats, rounded where single precision is shorter; infinite beyond it.

    segyio decodes trace by trace, and takes fractions that begin with zeros for others.

    Parameters
    ----------
    stored : ndarray of shape (n, samples)
        Bits, of type uint32 in the byte order of the file.
    numbers : ndarray of the same shape
        They are written here.
    """
    step = max(1, PIECE // max(1, stored.shape[1]))
    with np.errstate(over="ignore", under="ignore"):
        for begin in range(0, len(stored), step):
            bits = stored[begin : begin + step].astype(np.uint32)
            fraction = (bits & 0xFFFFFF).astype(np.float64)
            single = (fraction * SCALES.take(bits >> 24)).astype(np.float32)
            numbers[begin : begin + step] = single


def encode(samples: Array, encoding: str, name: str) -> Array:
    """Numbers as a file stores them.

    Parameters
    ----------
    samples : ndarray
    encoding : {"ieee", "ibm", "ieee8"}
    name : str
        Of the traces, for messages.

    Returns
    -------
    stored : ndarray of the same shape
        In the byte order of SEG-Y.

    Raises
    ------
    DataError
        If values are beyond single precision, or no numbers where IBM floats have none.
    """
    if encoding == "ieee8":
        return samples.astype(">f8", copy=False)
    with np.errstate(over="ignore"):
        single = samples.astype(np.float32, copy=False)
    beyond = np.isinf(single) & np.isfinite(samples)
    if beyond.any():
        raise DataError(
            f"{name}: a sample is {samples[beyond][0]:g}, beyond single precision; scale the "
            f"records, or write 8-byte floats"
        )
    if encoding == "ieee":
        return single.astype(">f4", copy=False)
    if not np.isfinite(single).all():
        raise DataError(
            f"{name}: a sample is {single[~np.isfinite(single)][0]}, which IBM floats do not have; "
            f"write IEEE floats, or zeros"
        )
    return _ibm(np.ascontiguousarray(single)).astype(">u4")


def _ibm(values: Array) -> Array:
    """Bits of IBM floats, rounded to the nearest."""
    bits = values.view(np.uint32)
    exponent = ((bits >> 23) & 0xFF).astype(np.int32)
    # An exponent of 16 is one of 2 that is a multiple of 4.
    shift: Array = ((2 - exponent) & 3).view(np.uint32)
    fraction: Array = (bits & 0x7FFFFF) | 0x800000
    half: Array = np.left_shift(np.uint32(1), shift) >> np.uint32(1)
    fraction = (fraction + half) >> shift
    power = (exponent.view(np.uint32) + 130 + shift) >> 2
    stored: Array = (bits & 0x80000000) | (power << 24) | fraction
    stored[exponent == 0] = 0
    return stored
