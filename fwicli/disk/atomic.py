"""Files written under a temporary name and renamed: under its own name, a file is always complete.

The temporary name is new, so that no other file is overwritten. If the name of the file is a link,
the link is replaced; its target is neither written nor removed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# New files, which others cannot write: a run does not read those that others could have written.
FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def name(path: Path) -> Path:
    """Temporary name of a file, unless it exists already."""
    return path.with_name(f".{path.name}.new")


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A new, empty file that replaces `path` when the block ends without an error.

    Raises
    ------
    OSError
        If the folder cannot be written to, or `path` is a folder.
    """
    path = Path(path)
    new = _empty(path)
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _empty(path: Path) -> Path:
    new = name(path)
    while True:
        try:
            os.close(os.open(new, FLAGS, 0o644))
        except FileExistsError:
            new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
        else:
            return new
