"""Files that belong to an RSF header: its numbers, and headers that it names."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from fwicli.errors import DataError
from fwicli.files.rsf import header as rsf


def parts(path: Path) -> tuple[Path, ...]:
    """Other files that hold the numbers of a file, as those of an RSF header.

    Parameters
    ----------
    path : Path

    Returns
    -------
    parts : tuple of Path
        Empty if the file holds its numbers, or cannot be read.
    """
    if path.suffix.lower() != rsf.SUFFIX:
        return ()
    with suppress(DataError):
        header = rsf.read_header(path)
        own = () if header.data == path else (header.data,)
        beside = [path.parent / header.keys[key] for key in rsf.BESIDE if key in header.keys]
        return (*own, *beside, *(part for other in beside for part in parts(other)))
    return ()
