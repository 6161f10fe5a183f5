"""RSF files to write: the numbers appear under their name first, and the header last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic
from fwicli.files.rsf.axes import Axis
from fwicli.files.rsf.header import NUMBER, Header, check_size

Array = NDArray[Any]

# Types of `data_format`, by those of NumPy.
WRITTEN = {"f4": "float", "f8": "double", "i4": "int", "i2": "short"}


def data_path(path: Path) -> Path:
    """File of the numbers beside a header."""
    return path.with_name(f"{path.name}@")


@contextmanager
def writing(
    path: Path, axes: Sequence[Axis], dtype: Any, keys: Mapping[str, str] | None = None
) -> Iterator[BinaryIO]:
    """A file that takes the numbers in C order, and appears with its header when all are there.

    Parameters
    ----------
    path : Path
        Of the header; files that exist are replaced.
    axes : sequence of Axis
        The fastest first.
    dtype : dtype
        Of the numbers, in the byte order of this machine.
    keys : mapping of str to str
        More keys of the header.

    Yields
    ------
    file : file object

    Raises
    ------
    DataError
        If another amount was written.
    """
    kind = np.dtype(dtype).newbyteorder("=")
    data = data_path(path)
    with atomic.replacing(path) as head, atomic.replacing(data) as new:
        with new.open("wb") as file:
            yield file
        header = Header(path, {}, tuple(axes), kind, False, new, 0)
        check_size(header)
        head.write_text(_header(axes, kind, {**(keys or {}), "in": data.name}), encoding="utf-8")
        # A header of earlier numbers must not describe these.
        path.unlink(missing_ok=True)


def write(
    path: Path, values: Array, axes: Sequence[Axis], keys: Mapping[str, str] | None = None
) -> None:
    """Write an array.

    Parameters
    ----------
    path : Path
        Of the header; files that exist are replaced.
    values : ndarray
        In C order, so that the last axis is the fastest.
    axes : sequence of Axis
        The fastest first.
    keys : mapping of str to str
        More keys of the header.
    """
    with writing(path, axes, values.dtype, keys) as file:
        file.write(np.ascontiguousarray(values).tobytes())


def _header(axes: Sequence[Axis], dtype: np.dtype[Any], keys: Mapping[str, str]) -> str:
    lines = [f"fwi {metadata.version('fwicli')}"]
    for i, axis in enumerate(axes, 1):
        words = [f"n{i}={axis.count}"]
        for key, value in (("d", axis.interval), ("o", axis.origin)):
            words += [] if value is None else [f"{key}{i}={float(value)!r}"]
        for key, text in (("label", axis.label), ("unit", axis.unit)):
            words += [f'{key}{i}="{text}"'] if text else []
        lines.append("\t".join(["", *words]))
    kind = WRITTEN[dtype.str[1:]]
    lines.append(f'\tdata_format="native_{kind}"\tesize={dtype.itemsize}')
    for key, word in keys.items():
        # Programs of Madagascar read no number within quotation marks.
        lines.append(f"\t{key}={word}" if NUMBER.fullmatch(word) else f'\t{key}="{word}"')
    return "\n".join(lines) + "\n"
