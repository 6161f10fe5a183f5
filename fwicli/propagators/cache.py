"""Files that processes share: complete or absent, and made by one process at a time.

A file is written aside and renamed, and begins with a digest of what follows: half a file, or a
damaged one, is as good as none. Who wants to make a file locks the byte of a common lock file that
its name stands for; others that want the same wait, and find it. The system lifts a lock when its
process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

DIGEST = hashlib.sha256
LOCKS = "locks"
# Names that share a byte wait for each other, which costs time only.
BYTES = 2**20


def folder() -> Path:
    """Where compiled kernels are kept; `FWI_CACHE` overrides the user's cache folder."""
    chosen = os.environ.get("FWI_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("fwicli")) / "kernels"


def read(path: Path) -> bytes | None:
    """What a file holds; None if it is missing or damaged."""
    with suppress(OSError):
        whole = path.read_bytes()
        size = DIGEST().digest_size
        if DIGEST(whole[size:]).digest() == whole[:size]:
            return whole[size:]
    return None


def write(path: Path, data: bytes) -> None:
    """Keep data in a file. A folder that cannot be written costs time only."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(DIGEST(data).digest() + data)
        Path(file.name).replace(path)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes from making the same file; without locks if there can be none."""
    place = int.from_bytes(DIGEST(path.name.encode()).digest()[:4]) % BYTES
    locks = None
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        locks = (path.parent / LOCKS).open("ab")
        fcntl.lockf(locks, fcntl.LOCK_EX, 1, place)
    try:
        yield
    finally:
        if locks is not None:
            locks.close()
