"""Folders to compile in: each of one process alone, and none that outlives it for long.

A process locks its folder, and removes it when it is done. The system lifts the lock of a process
that was killed: who compiles next removes the folders of this user that nobody has locked.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# No folder of a user's has such a name, unless to be removed.
PREFIX = "fwi-compiling-"


@contextmanager
def within(above: Path) -> Iterator[Path]:
    """A new folder that this process alone uses, removed when the block ends.

    Raises
    ------
    OSError
        If there can be none.
    """
    place, lock = _locked(above)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def sweep(above: Path) -> None:
    """Remove the folders of processes of this user that were killed."""
    with suppress(OSError):
        for place in above.glob(f"{PREFIX}*"):
            with suppress(OSError):
                lock = _lock(place)
                try:
                    if os.fstat(lock).st_uid == os.geteuid():
                        shutil.rmtree(place, ignore_errors=True)
                finally:
                    os.close(lock)


def _locked(above: Path) -> tuple[Path, int | None]:
    """A new folder and its lock; None where the file system has no locks of folders."""
    while True:
        place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above))
        lock = None
        try:
            lock = _lock(place)
            if os.path.samestat(os.fstat(lock), place.stat()):
                return place, lock
        except (BlockingIOError, FileNotFoundError):
            pass  # it was swept away before it was locked
        except OSError:
            return place, None  # then nobody else can lock it either
        if lock is not None:
            os.close(lock)


def _lock(place: Path) -> int:
    """Open and lock a folder, without waiting and without following a link."""
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
