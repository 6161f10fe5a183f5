"""Index of a file: the columns of its trace headers, read once and kept for later runs.

It is kept in the user's cache (`FWI_CACHE`), under a name made of the path of the file, its size,
the time of its last change, a digest of its first bytes, and the byte map: a file that has changed
is indexed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import cache
from fwicli.disk.ownership import Folder
from fwicli.errors import TrustError
from fwicli.segy import headers, layout
from fwicli.segy.fields import Fields
from fwicli.segy.layout import Layout

Array = NDArray[Any]

MAGIC = b"fwi-index-1\n"
ALIGNED = 8
# Files of fewer traces are read anew each time.
SMALL = 5000

log = logging.getLogger("fwicli")


@dataclass(frozen=True)
class Index:
    """Trace headers of a file, as they are stored.

    Attributes
    ----------
    layout : Layout
    fields : dict of str to Field
    columns : dict of str to ndarray of shape (traces,) or (1,)
        Of one number where all traces have the same.
    """

    layout: Layout
    fields: Fields
    columns: dict[str, Array]

    def column(self, name: str) -> Array:
        """Values of a field for all traces, shape (traces,), without sign and scalar."""
        return np.broadcast_to(self.stored(name), self.layout.traces)

    def stored(self, name: str) -> Array:
        """Values of a field, shape (1,) where all traces have the same."""
        field = self.fields[name]
        return self.columns[name] if field.byte else np.full(1, field.value)


def read_index(path: Path, fields: Fields, kind: str = "") -> Index:
    """Index a file, or read the index that an earlier run has kept.

    Parameters
    ----------
    path : Path
    fields : dict of str to Field
    kind : str
        "segy" or "su"; by default as the name of the file ends.

    Returns
    -------
    index : Index

    Raises
    ------
    DataError
        If the file is not read, with the reason.
    """
    judged = layout.read_layout(path, kind)
    name = f"index-{_digest(judged, fields)}"
    columns = _kept(name, judged, fields)
    if columns is None:
        columns = headers.columns(judged, fields)
        if judged.traces >= SMALL:
            _keep(name, columns)
    return Index(judged, fields, columns)


def _digest(judged: Layout, fields: Fields) -> str:
    """Name of an index by its file and byte map."""
    where = str(judged.path.resolve())
    what = [where, judged.stamp, judged.digest, judged.kind]
    bytes_read = {name: (f.byte, f.kind) for name, f in sorted(fields.items())}
    return hashlib.sha256(json.dumps([what, bytes_read]).encode()).hexdigest()[:32]


def _keep(name: str, columns: dict[str, Array]) -> None:
    """Keep columns for later runs; without a folder it costs time only."""
    entries = [[key, values.dtype.str, len(values)] for key, values in columns.items()]
    head = json.dumps(entries).encode()
    parts = [MAGIC, len(head).to_bytes(8, "little"), head]
    for values in columns.values():
        data = np.ascontiguousarray(values).tobytes()
        parts += [data, bytes(-len(data) % ALIGNED)]
    parts[2] += b" " * (-sum(len(p) for p in parts[:3]) % ALIGNED)
    parts[1] = len(parts[2]).to_bytes(8, "little")
    for path in cache.places().writable:
        with suppress(OSError, TrustError), Folder.open(path) as folder:
            folder.write(name, b"".join(parts))
            return
    log.info("the index is not kept: set FWI_CACHE to a folder that you can write")


def _kept(name: str, judged: Layout, fields: Fields) -> dict[str, Array] | None:
    """Columns that an earlier run has kept; None without, or if they are damaged."""
    for path in cache.places().readable:
        with suppress(OSError, TrustError, ValueError, TypeError, KeyError):
            with Folder.open(path) as folder:
                data = folder.read(name)
            columns = _unpacked(data, judged.traces)
            if set(columns) == {n for n, f in fields.items() if f.byte}:
                return columns
    return None


def _unpacked(data: bytes, traces: int) -> dict[str, Array]:
    """Columns of a kept index; they share its memory.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    begin = len(MAGIC) + 8
    length = int.from_bytes(data[len(MAGIC) : begin], "little")
    if not data.startswith(MAGIC) or begin + length > len(data):
        raise ValueError("no index")
    columns, offset = {}, begin + length
    for key, kind, count in json.loads(data[begin : begin + length]):
        if count not in (1, traces):
            raise ValueError("an index of another file")
        columns[key] = np.frombuffer(data, kind, count, offset)
        size = columns[key].nbytes
        offset += size + -size % ALIGNED
    if offset != len(data):
        raise ValueError("an index that was cut")
    return columns
