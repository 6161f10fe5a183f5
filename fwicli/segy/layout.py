"""Layout of a SEG-Y or SU file: byte order, sample format, lengths; segyio opens and judges it.

Files that segyio does not read are refused by name: fixed point with gain, integers of 3 bytes,
additional trace headers of revision 2, traces of different lengths.
"""

from __future__ import annotations

import hashlib
import os
import struct
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import segyio

from fwicli.errors import DataError
from fwicli.segy import sensors
from fwicli.segy.fields import HEADER
from fwicli.survey.components import Component

TEXT, BINARY = 3200, 400
# Sample formats that are read, by code, and bytes of a sample.
FORMATS = {
    1: ("4-byte IBM float", 4),
    2: ("4-byte integer", 4),
    3: ("2-byte integer", 2),
    5: ("4-byte IEEE float", 4),
    6: ("8-byte IEEE float", 8),
    8: ("1-byte integer", 1),
    9: ("8-byte integer", 8),
    10: ("4-byte unsigned integer", 4),
    11: ("2-byte unsigned integer", 2),
    12: ("8-byte unsigned integer", 8),
    16: ("1-byte unsigned integer", 1),
}
REFUSED = {4: "fixed point with gain", 7: "3-byte integer", 15: "3-byte unsigned integer"}
# Exceptions of segyio for files that it does not read.
FAILURES = (RuntimeError, OSError, ValueError, KeyError, IndexError, TypeError, MemoryError)
SUFFIXES = {".sgy": "segy", ".segy": "segy", ".seg": "segy", ".su": "su"}
FEET = 0.3048
# Traces that are looked through for one of another length.
MOST_WALKED = 1_000_000


@dataclass(frozen=True)
class Layout:
    """Contents of a file, and where they are.

    Attributes
    ----------
    path : Path
    kind : str
        "segy" or "su".
    endian : str
        "big" or "little".
    traces, samples : int
        Number of traces, and of samples of each.
    interval : float
        Sampling interval of the binary header [s]; 0 if it states none.
    first, stride : int
        Byte of the first trace header from 0, and bytes from one to the next.
    dtype : str
        Type of the samples, as NumPy names it.
    form : str
        Sample format in words.
    length : float
        Unit of lengths [m].
    states_length : bool
        Whether the binary header states the unit.
    revision : int
        Of the standard; 0 for SU.
    polarity : int
        Code of the binary header; 2 if upward motion and pressure give positive numbers.
    sensors : dict of int to Component
        Components of trace identification codes that the text header states.
    emitted : Component
        Of the sources, as the text header states.
    stamp : tuple of int
        Size [bytes] and time of the last change [ns].
    digest : str
        Of the first bytes of the file.
    """

    path: Path
    kind: str
    endian: str
    traces: int
    samples: int
    interval: float
    first: int
    stride: int
    dtype: str
    form: str
    length: float
    states_length: bool
    revision: int
    polarity: int
    sensors: Mapping[int, Component]
    emitted: Component
    stamp: tuple[int, int]
    digest: str

    @property
    def is_ibm(self) -> bool:
        """Whether samples are IBM floats."""
        return self.form == FORMATS[1][0]

    def check_unchanged(self, status: os.stat_result) -> None:
        """Make sure that the file is still the one that was judged.

        Raises
        ------
        DataError
        """
        if stamp(status) != self.stamp:
            raise DataError(
                f"{self.path} has changed since it was opened (it has {status.st_size} bytes, and "
                f"had {self.stamp[0]}); wait until it is written, and start again"
            )


def stamp(status: os.stat_result) -> tuple[int, int]:
    """Size and time of the last change of a file."""
    return status.st_size, status.st_mtime_ns


def is_segy(path: Path) -> bool:
    """Whether a file is named as SEG-Y or SU files are."""
    return path.suffix.lower() in SUFFIXES


def read_layout(path: Path, kind: str = "") -> Layout:
    """Judge a file by its size and its first headers.

    Parameters
    ----------
    path : Path
    kind : str
        "segy" or "su"; by default as its name ends, and SEG-Y otherwise.

    Returns
    -------
    layout : Layout

    Raises
    ------
    DataError
        If there is no such file, or it is not read, with the reason.
    """
    kind = kind or SUFFIXES.get(path.suffix.lower(), "segy")
    least = HEADER + (TEXT + BINARY if kind == "segy" else 0)
    try:
        if not path.is_file():
            raise DataError(f"{path} is a folder or no file" if path.exists() else _missing(path))
        status = path.stat()
        with path.open("rb") as file:
            head = file.read(TEXT + BINARY + HEADER)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    if status.st_size <= least:
        raise DataError(
            f"{path} has {status.st_size} bytes; a {_name(kind)} file with one trace has more than "
            f"{least}: it is empty, or was cut"
        )
    endian = _byte_order(path, head) if kind == "segy" else _su_byte_order(path, head, status)
    layout = _described(path, kind, endian, head, status)
    layout.check_unchanged(path.stat())
    return layout


@contextmanager
def opened(path: Path, kind: str, endian: str) -> Iterator[Any]:
    """A file, open for reading by segyio.

    Parameters
    ----------
    path : Path
    kind, endian : str
        As in `Layout`.

    Returns
    -------
    file : segyio.SegyFile

    Raises
    ------
    DataError
        If segyio does not read it.
    """
    with explained(path):
        opening = segyio.su.open if kind == "su" else segyio.open
        file = opening(str(path), ignore_geometry=True, endian=endian)
    with file:
        yield file


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn exceptions of segyio into a DataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except FAILURES as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} is not read: {text}") from error


def _missing(path: Path) -> str:
    return f"there is no file {path}"


def _name(kind: str) -> str:
    return "SU" if kind == "su" else "SEG-Y"


def _byte_order(path: Path, head: bytes) -> str:
    """Byte order of a SEG-Y file by the code of its sample format."""
    codes = {
        "big": int.from_bytes(head[3224:3226], "big"),
        "little": int.from_bytes(head[3224:3226], "little"),
    }
    for endian, code in codes.items():
        if code in FORMATS:
            return endian
        if code in REFUSED:
            raise DataError(
                f"{path}: samples are {REFUSED[code]} (format {code}, byte 3225), which is not "
                f"read; write them as 4-byte IEEE float (format 5)"
            )
    raise DataError(
        f"{path} is no SEG-Y file, or a damaged one: byte 3225 holds the sample format "
        f"{codes['big']} ({codes['little']} in little-endian order), and formats are "
        f"{', '.join(str(code) for code in FORMATS)}; an SU file needs `format: su`"
    )


def _su_byte_order(path: Path, head: bytes, status: os.stat_result) -> str:
    """Byte order of an SU file by the number of samples of its first trace and its size."""
    counts = {}
    for endian, code in (("big", ">"), ("little", "<")):
        (samples,) = struct.unpack_from(f"{code}H", head, 114)
        counts[endian] = samples
        if samples and status.st_size % (HEADER + 4 * samples) == 0:
            return endian
    raise DataError(
        f"{path} is no SU file, or a damaged one: byte 115 states {counts['big']} samples "
        f"({counts['little']} in little-endian order), and its {status.st_size} bytes are no whole "
        f"number of such traces; a SEG-Y file needs `format: segy`"
    )


def _described(path: Path, kind: str, endian: str, head: bytes, status: os.stat_result) -> Layout:
    """Layout of a file whose byte order is known."""
    binary = _Binary(head[TEXT : TEXT + BINARY], endian) if kind == "segy" else None
    if binary is not None:
        binary.check(path, status.st_size)
    with opened(path, kind, endian) as file:
        metrics = file.xfd.metrics()
        dtype = np.dtype(file.dtype).name
    samples, traces = int(metrics["samplecount"]), int(metrics["tracecount"])
    if traces < 1 or samples < 1:
        raise DataError(f"{path} holds {traces} traces of {samples} samples: there is nothing")
    unit = binary.unit if binary is not None else 0
    return Layout(
        path,
        kind,
        endian,
        traces,
        samples,
        binary.interval if binary is not None else 0.0,
        int(metrics["trace0"]),
        HEADER + int(metrics["trace_bsize"]),
        dtype,
        FORMATS[binary.format][0] if binary is not None else FORMATS[5][0],
        FEET if unit == 2 else 1.0,
        unit in (1, 2),
        binary.revision if binary is not None else 0,
        int(binary.number(3257, "h")) if binary is not None else 0,
        *sensors.stated(head[:TEXT] if binary is not None else b"", path),
        stamp(status),
        hashlib.sha256(head).hexdigest()[:16],
    )


class _Binary:
    """Values of the binary header that say how long traces are.

    Parameters
    ----------
    data : bytes
        The 400 bytes of the header.
    endian : str
        "big" or "little".
    """

    def __init__(self, data: bytes, endian: str) -> None:
        self.data, self.code = data, ">" if endian == "big" else "<"
        # Two bytes of revision 2; programs also write them as one number of either byte order.
        major = data[300]
        self.revision = major if major in (1, 2) else int(data[301] == 1)
        self.format = int(self.number(3225, "h"))
        self.unit = int(self.number(3255, "h"))

    def number(self, byte: int, kind: str) -> float:
        """A number at a byte of the file, counted from 1."""
        value: float = struct.unpack_from(self.code + kind, self.data, byte - TEXT - 1)[0]
        return value

    @property
    def interval(self) -> float:
        """Sampling interval [s]; 0 if none is stated."""
        exact = self.number(3273, "d") if self.revision >= 2 else 0.0
        return (exact if 0 < exact < np.inf else self.number(3217, "H")) / 1e6

    @property
    def samples(self) -> int:
        """Number of samples of a trace, as segyio takes it."""
        stated = int(self.number(3269, "i")) if self.revision >= 2 else 0
        return stated if stated > 0 else int(self.number(3221, "H"))

    def check(self, path: Path, size: int) -> None:
        """Refuse what segyio does not read.

        Raises
        ------
        DataError
        """
        texts, trailers = int(self.number(3505, "h")), 0
        if texts < 0:
            raise DataError(
                f"{path}: the number of additional text headers is {texts} (byte 3505), unknown; "
                f"write it, or a file without them"
            )
        first = TEXT + BINARY + TEXT * texts
        if self.revision >= 2:
            headers = int(self.number(3507, "h"))
            offset, trailers = int(self.number(3521, "Q")), int(self.number(3529, "i"))
            if headers:
                raise DataError(
                    f"{path}: traces have up to {headers} additional headers (byte 3507, revision "
                    f"2), which are not read; write a file without them"
                )
            if offset not in (0, first):
                raise DataError(
                    f"{path}: the first trace is at byte {offset} (byte 3521), which is not read; "
                    f"it must follow the {texts} additional text headers at {first}"
                )
        if trailers:
            raise DataError(
                f"{path}: {trailers} blocks of text follow the traces (byte 3529), which are not "
                f"read; write a file without them"
            )
        self._check_size(path, size, first)

    def _check_size(self, path: Path, size: int, first: int) -> None:
        """Make sure that a file holds whole traces of one length."""
        samples, bytes_each = self.samples, FORMATS[self.format][1]
        if samples == 0:
            raise DataError(f"{path}: the binary header states 0 samples (byte 3221); write them")
        stride = HEADER + samples * bytes_each
        count, rest = divmod(size - first, stride)
        if size <= first or rest:
            raise DataError(
                f"{path} holds no whole number of traces: its {size} bytes are {max(0, count)} "
                f"traces of {samples} samples (byte 3221, {FORMATS[self.format][0]}) behind "
                f"{first} bytes of headers, and {max(0, rest)} bytes more; it was cut, its traces "
                f"have different lengths, or byte 3505 states the wrong number of text headers"
                f"{self._first_of_other_length(path, first)}"
            )

    def _first_of_other_length(self, path: Path, first: int) -> str:
        """The first trace whose header states another length, in words; empty without one."""
        width, offset = FORMATS[self.format][1], first
        with path.open("rb") as file:
            for number in range(1, MOST_WALKED):
                file.seek(offset + 114)
                stated = file.read(2)
                if len(stated) < 2:
                    break
                count = struct.unpack(f"{self.code}H", stated)[0]
                if count not in (0, self.samples):
                    return f": trace {number} states {count} samples (byte 115)"
                offset += HEADER + self.samples * width
        return ""
