"""Regularly sampled format (RSF) of Madagascar: a header in text, and numbers in a second file.

    in="vp.rsf@"  data_format="native_float"  esize=4
    n1=101 d1=10 o1=0 label1="Z" unit1="m"        the fastest axis
    n2=201 d2=10 o2=0 label2="X" unit2="m"

A header is a history: words of the form key=value, of which a later one replaces an earlier one of
the same key; all other words are comments. `in` names the file of the numbers, relative to the
folder of the header. With `in="stdin"` they follow the header, after the bytes 0c 0c 04. Rules
after "Guide to RSF file format" of the Madagascar project (Fomel et al., 2013, J. Open Research
Software 1, e8).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files import flat, numbers
from fwicli.files.rsf.axes import Axis

Array = NDArray[Any]

SUFFIX = ".rsf"
# Keys that name other headers, of the positions and the wavelet of shot records.
BESIDE = GEOMETRY, WAVELET = "geometry", "wavelet"
# End of a header that its numbers follow.
END = b"\x0c\x0c\x04"
LONGEST, AXES = 10**6, 9  # of a header [bytes], and its axes
WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
KEY = re.compile(r"[A-Za-z_][\w.-]*")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Types of `data_format`, behind the form: ascii_, native_ or xdr_.
TYPES = {
    "float": "f4",
    "int": "i4",
    "complex": "c8",
    "double": "f8",
    "short": "i2",
    "long": "i8",
    "uchar": "u1",
    "byte": "u1",
    "char": "i1",
}
FORMS = {"native": "=", "xdr": ">", "ascii": "="}


@dataclass(frozen=True)
class Header:
    """Header of an RSF file, and the place of its numbers.

    Attributes
    ----------
    path : Path
    keys : mapping of str to str
        Last value of each key, without quotes.
    axes : tuple of Axis
        The fastest first; without last axes of one sample.
    dtype : numpy.dtype
    text : bool
        Whether the numbers are text.
    data : Path
        File of the numbers.
    begin : int
        Bytes of that file before the numbers.
    """

    path: Path
    keys: Mapping[str, str]
    axes: tuple[Axis, ...]
    dtype: np.dtype[Any]
    text: bool
    data: Path
    begin: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array in C order: the slowest axis first."""
        return tuple(axis.count for axis in reversed(self.axes))

    def number(self, key: str) -> float | None:
        """A key that is a number; None if it is missing.

        Raises
        ------
        DataError
            If it is another thing.
        """
        return number(self.path, self.keys, key)

    @cached_property
    def _numbers(self) -> Array:
        """All numbers of a file of text."""
        content = self.data.read_bytes()[self.begin :].decode("latin-1")
        try:
            values = np.array([float(word) for word in re.split(r"[\s,]+", content) if word])
        except ValueError as error:
            raise DataError(
                f"{self.data} holds no numbers, but its header says ascii ({error})"
            ) from error
        if values.size != math.prod(self.shape):
            raise DataError(_amount(self, f"{values.size} numbers", f"{math.prod(self.shape)}"))
        return values.astype(self.dtype)

    def block(self, rows: slice = slice(None)) -> Array:
        """Numbers of some samples of the slowest axis.

        Parameters
        ----------
        rows : slice
            With a step of 1.

        Returns
        -------
        values : ndarray of shape (n_rows, ...)
            float32 or float64; of all axes, the slowest first.

        Raises
        ------
        DataError
            If they cannot be read, or are complex numbers.
        """
        first, last, _ = rows.indices(self.shape[0])
        row = math.prod(self.shape[1:])
        values = self._part(first * row, max(0, last - first) * row)
        return values.reshape(-1, *self.shape[1:])

    def rows(self, rows: slice) -> Array:
        """Some rows of the fastest axis, counted over all others, shape (n_rows, n1).

        Parameters
        ----------
        rows : slice
            With a step of 1.

        Returns
        -------
        values : ndarray of shape (n_rows, n1)
            float32 or float64.

        Raises
        ------
        DataError
            If they cannot be read, or are complex numbers.
        """
        count = self.axes[0].count
        first, last, _ = rows.indices(math.prod(self.shape) // count)
        return self._part(first * count, max(0, last - first) * count).reshape(-1, count)

    def _part(self, first: int, count: int) -> Array:
        """Numbers one after the other."""
        where = f"{self.path} (numbers in {self.data.name})"
        numbers.check_real(self.dtype, where)
        numbers.check_size((count,), self.dtype.itemsize, where)
        if self.text:
            return numbers.plain(self._numbers[first : first + count], where)
        begin = self.begin + first * self.dtype.itemsize
        try:
            values = np.fromfile(self.data, self.dtype, count, offset=begin)
        except numbers.FAILURES as error:
            raise DataError(f"{where} cannot be read ({error})") from error
        if values.size < count:
            raise DataError(f"{where} ends before its last number; it was cut meanwhile")
        return numbers.plain(values, where)


def number(path: Path, keys: Mapping[str, str], key: str) -> float | None:
    """A key of a header that is a number; None if it is missing.

    Parameters
    ----------
    path : Path
        Of the header, for messages.
    keys : mapping of str to str
    key : str

    Returns
    -------
    number : float or None

    Raises
    ------
    DataError
        If it is another thing.
    """
    text = keys.get(key)
    if text is None:
        return None
    if not NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise DataError(f"{path}: `{key}` is `{text[:40]}`; write a number")
    return float(text)


# --- reading --------------------------------------------------------------------------------------


def read_header(path: Path) -> Header:
    """Read a header and make sure that its numbers are there.

    Parameters
    ----------
    path : Path

    Returns
    -------
    header : Header

    Raises
    ------
    DataError
        If there is no such file, it is no header, a key is wrong or missing, or the file of the
        numbers is missing or has another size.
    """
    keys, end = _keys(path)
    dtype, text = _format(path, keys)
    axes = _axes(path, keys)
    place = keys.get("in")
    if not place:
        raise DataError(f'{path} has no key `in`; write the file of its numbers, as in="vp.rsf@"')
    if place in ("stdin", "stdout"):
        if end is None:
            raise DataError(
                f'{path} has in="{place}", but no numbers: they begin after the bytes 0c 0c 04, '
                f"which are missing; was the file copied as text?"
            )
        header = Header(path, keys, axes, dtype, text, path, end)
    else:
        header = Header(path, keys, axes, dtype, text, path.parent / place, 0)
        _check_place(header, place)
    if not text:
        check_size(header)
    return header


def _keys(path: Path) -> tuple[dict[str, str], int | None]:
    """Last value of each key, and where numbers begin in the same file, if they do."""
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise DataError(f"{path} is no ordinary file; name the header, as vp.rsf")
        with path.open("rb") as file:
            content = file.read(LONGEST)
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error})") from error
    at = content.find(END)
    head = content if at < 0 else content[:at]
    if flat.CONTROL.search(head.decode("latin-1").replace("\x0c", " ")) or (
        at < 0 and len(content) == LONGEST
    ):
        raise DataError(
            f"{path} is no RSF header, which is text of at most {LONGEST / 1e6:g} MB; the numbers "
            f"lie in a second file, or after the bytes 0c 0c 04"
        )
    keys: dict[str, str] = {}
    for line, words in enumerate(head.decode("utf-8", errors="replace").split("\n"), 1):
        if words.count('"') % 2:
            raise DataError(f"{path}:{line}: a quotation mark is missing: {words.strip()[:60]}")
        for word in WORD.findall(words):
            key, equals, value = word.partition("=")
            if equals and KEY.fullmatch(key):
                keys[key] = value[value.find('"') + 1 : value.rfind('"')] if '"' in value else value
    return keys, None if at < 0 else at + len(END)


def _format(path: Path, keys: Mapping[str, str]) -> tuple[np.dtype[Any], bool]:
    """Type of the numbers, and whether they are text."""
    stated = keys.get("data_format", "ascii_float" if keys.get("esize") == "0" else "")
    form, _, kind = stated.partition("_")
    if form not in FORMS or kind not in TYPES:
        state = f'data_format="{stated}"' if stated else "no key `data_format`"
        raise DataError(
            f"{path} has {state}; write a form ({', '.join(FORMS)}) and a type "
            f'({", ".join(TYPES)}), as data_format="native_float"'
        )
    dtype = np.dtype(f"{FORMS[form]}{TYPES[kind]}")
    size = _count(path, keys, "esize", 0)
    if form != "ascii" and size not in (None, dtype.itemsize):
        raise DataError(
            f'{path}: esize={size} contradicts data_format="{stated}", whose numbers have '
            f"{dtype.itemsize} bytes; write esize={dtype.itemsize}, or the right format"
        )
    return dtype, form == "ascii"


def _axes(path: Path, keys: Mapping[str, str]) -> tuple[Axis, ...]:
    counts = [_count(path, keys, f"n{i}", 1) for i in range(1, AXES + 1)]
    last = max((i for i, n in enumerate(counts, 1) if n is not None), default=0)
    for i, count in enumerate(counts[:last] or [None], 1):
        if count is None:
            beside = f", though it has n{last}" if last else ""
            raise DataError(f"{path} has no key `n{i}`{beside}; write the samples of each axis")
    axes = [
        Axis(
            count or 1,
            number(path, keys, f"d{i}"),
            number(path, keys, f"o{i}"),
            keys.get(f"label{i}", ""),
            keys.get(f"unit{i}", ""),
        )
        for i, count in enumerate(counts[:last], 1)
    ]
    while len(axes) > 1 and axes[-1].count == 1:
        axes.pop()
    return tuple(axes)


def _count(path: Path, keys: Mapping[str, str], key: str, least: int) -> int | None:
    text = keys.get(key)
    if text is None:
        return None
    if not re.fullmatch(r"\d{1,15}", text) or int(text) < least:
        raise DataError(f"{path}: `{key}` is `{text[:40]}`; write a whole number from {least}")
    return int(text)


def _check_place(header: Header, place: str) -> None:
    """Make sure that the file of the numbers is there."""
    beside = header.path.parent / Path(place).name
    with suppress(OSError, ValueError):
        if header.data.is_file():
            if header.data.samefile(header.path):
                raise DataError(
                    f'{header.path} names itself as the file of its numbers; write in="stdin" if '
                    f"they follow the header"
                )
            return
    advice = f'; {beside} is there: write in="{beside.name}"' if beside.is_file() else ""
    raise DataError(
        f'{header.path} has in="{place}", but there is no ordinary file {header.data}'
        f"{advice or '; copy it there, or write where it is'}"
    )


def check_size(header: Header) -> None:
    """Make sure that the file has the bytes of all numbers, no less and no more.

    Parameters
    ----------
    header : Header

    Raises
    ------
    DataError
        If it has not.
    """
    present = header.data.stat().st_size - header.begin
    stated = math.prod(header.shape) * header.dtype.itemsize
    if present != stated:
        raise DataError(_amount(header, f"{present} bytes", f"{stated} bytes"))


def _amount(header: Header, present: str, stated: str) -> str:
    counts = " ".join(f"n{i}={axis.count}" for i, axis in enumerate(header.axes, 1))
    return (
        f"{header.data} holds {present} of numbers, and its header {header.path} states {stated} "
        f"({counts}); correct `n1`, ... and `data_format`, or copy the file again"
    )
