"""First and last lines of files that grow: a run of days is read as quickly as one of minutes."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

# Bytes that are read of the end of a file, and of a line.
TAIL, LINE = 1 << 16, 1 << 12


def first_record(path: Path) -> dict[str, Any]:
    """First line of a file of JSON lines; empty where there is none."""
    with suppress(OSError), path.open("rb") as file:
        return _record(file.readline(LINE)) or {}
    return {}


def last_records(path: Path) -> list[dict[str, Any]]:
    """Records at the end of a file of JSON lines; half a line at its end is left out."""
    return [record for line in last_lines(path) if (record := _record(line)) is not None]


def last_lines(path: Path) -> list[bytes]:
    """Whole lines within the last `TAIL` bytes of a file; none where it cannot be read."""
    with suppress(OSError), path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL))
        lines = file.read(TAIL).splitlines()
        return lines[1:] if size > TAIL else lines
    return []


def last_with(path: Path, mark: bytes) -> dict[str, Any]:
    """Last record of a file of JSON lines whose line contains a mark; empty without one.

    The file is read backwards, by blocks, until the mark comes.

    Parameters
    ----------
    path : Path
    mark : bytes

    Returns
    -------
    record : dict
    """
    with suppress(OSError), path.open("rb") as file:
        end, rest = file.seek(0, 2), b""
        while end > 0:
            begin = max(0, end - TAIL)
            file.seek(begin)
            block = file.read(end - begin) + rest
            lines = block.split(b"\n")
            for line in reversed(lines[1:] if begin else lines):
                if mark in line and (record := _record(line)) is not None:
                    return record
            end, rest = begin, lines[0] if begin else b""
    return {}


def _record(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError):
        record = json.loads(line)
        return record if isinstance(record, dict) else None
    return None
