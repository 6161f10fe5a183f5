"""Files written aside and renamed: under its name a file is whole, or the one of before.

What is written aside has a name of its own that no file had. A link that bears the name of the
file is replaced; what it points to is neither written nor removed.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A run reads its files again, and believes none that others can write.
FLAGS = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def name(path: Path) -> Path:
    """Where a file is written before it takes its place, if nothing is there."""
    return path.with_name(f".{path.name}.new")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new, empty file that takes the place of `path` when the block ends well.

    Raises
    ------
    OSError
        If the folder cannot be written to, or `path` is a folder.
    """
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
