"""Objects in files that other nodes read: whole, or not there yet.

    mark, checksum, number of parts, length of each part, parts (see `execution.messages`)

A file is written aside and renamed. A reader that is shown only its beginning, as a network file
system may do, sees that from the lengths and the checksum.
"""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

from fwicli.disk import atomic, ownership
from fwicli.execution import messages

_HEAD = struct.Struct("<8sIQ")
_MARK = b"fwicli01"


def write(path: Path, content: Any) -> None:
    """Write an object.

    Parameters
    ----------
    path : Path
    content : object
        Picklable.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    parts = messages.pack(content)
    lengths = struct.pack(f"<{len(parts)}Q", *(memoryview(p).nbytes for p in parts))
    checksum = zlib.crc32(lengths)
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    with atomic.replacing(path) as new, new.open("wb") as file:
        file.write(_HEAD.pack(_MARK, checksum, len(parts)))
        file.write(lengths)
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> tuple[Any] | None:
    """The object in a file, as a tuple of one; None if it is not there whole.

    Raises
    ------
    TrustError
        If another user could have written it.
    """
    try:
        with ownership.open_run_file(path) as file:
            data = memoryview(bytearray(file.read()))
    except OSError:
        return None
    parts = _parts(data)
    return None if parts is None else (pickle.loads(parts[0], buffers=parts[1:]),)


def _parts(data: memoryview) -> list[memoryview] | None:
    """Parts of a file; None if something is missing."""
    if len(data) < _HEAD.size:
        return None
    mark, checksum, count = _HEAD.unpack(data[: _HEAD.size])
    begin = _HEAD.size + 8 * count
    if mark != _MARK or not count or len(data) < begin:
        return None
    if zlib.crc32(data[_HEAD.size :]) != checksum:
        return None
    parts = []
    for length in struct.unpack(f"<{count}Q", data[_HEAD.size : begin]):
        parts.append(data[begin : begin + length])
        begin += length
    return parts
