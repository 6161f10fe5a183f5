"""Files that the processes of a user share: complete or absent, made by one process at a time.

A file is written aside and renamed, and begins with a digest of its content: half a file, or a
damaged one, is as good as none. It is code, so only those are read that nobody but this user or
root could have written (see `ownership`). Where a folder belongs to several users, each has a
folder of their own in it; where none can be written, files are kept in the temporary folder.

Writers lock one byte of a shared lock file; the hash of the file's name selects the byte. Others
that want the same file wait for it. The system lifts a lock when its process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from fwicli.disk.ownership import Folder
from fwicli.errors import TrustError

DIGEST = hashlib.sha256
LOCKS = "locks"
# Names that share a byte wait for each other, which costs time only.
BYTES = 2**20
# A process that was stopped keeps its locks: after so long others go on without [s].
PATIENCE = 600.0

log = logging.getLogger("fwicli")


@dataclass
class Places:
    """Folders in which files may be, in the order in which they are looked at.

    Attributes
    ----------
    readable, writable : list of Path
    refused : list of str
        Why a folder that was asked for is not used, in words.
    """

    readable: list[Path] = field(default_factory=list)
    writable: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def consider(self, path: Path, shared: bool = False) -> None:
        """Add a folder, or this user's own within it; nothing if neither will do.

        Parameters
        ----------
        path : Path
        shared : bool
            Whether several users may share the folder.
        """
        try:
            if not path.exists():
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            with Folder.open(path) as folder:
                reason = folder.objection
            # Files of others are refused when they are read.
            self.readable.append(path)
            if reason is None and os.access(path, os.W_OK | os.X_OK):
                self.writable.append(path)
            elif shared:
                self._own(path / own_name(), reason or "it cannot be written")
            elif reason is not None:
                self.refused.append(f"{path} is not used: {reason}")
        except TrustError as error:
            self.refused.append(str(error))
        except OSError as error:
            self.refused.append(f"{path} is not used: {error.strerror} ({error.filename})")

    def _own(self, path: Path, reason: str) -> None:
        """Add the folder of this user within one that is not."""
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        with _open(path) as folder:
            if folder.objection is not None:
                raise TrustError(f"{path} is not used: {folder.objection}")
        self.readable.append(path)
        self.writable.append(path)
        log.debug("kernels are in %s: of %s, %s", path, path.parent, reason)


def _open(path: Path) -> Folder:
    # A folder that others put in the place of this user's own would belong to them.
    return Folder.open(path, exposed=path.name == own_name())


def own_name() -> str:
    """Name of this user's folder in one that others use, too."""
    return f"user-{os.geteuid()}"


def chosen() -> Path | None:
    """The folder that the user has chosen with `FWI_CACHE`."""
    name = os.environ.get("FWI_CACHE")
    return Path(os.path.expanduser(name)).absolute() if name else None  # noqa: PTH111  no user


def places() -> Places:
    """Where files may be: as `FWI_CACHE` says, in the user's cache, or in the temporary folder."""
    result = Places()
    if (path := chosen()) is not None:
        result.consider(path, shared=True)
    if not result.writable:
        path = Path(platformdirs.user_cache_dir("fwicli")) / "kernels"
        if path.is_absolute():  # it is not, of a user without a home
            result.consider(path)
    if not result.writable:
        with suppress(OSError):
            result.consider(Path(tempfile.gettempdir()) / f"fwicli-{own_name()}")
    return result


def folder() -> Path | None:
    """Where compiled kernels are written; None if no folder will do."""
    return next(iter(places().writable), None)


def read(name: str) -> bytes | None:
    """Content of a file; None if it is missing, damaged or not to be trusted."""
    for path in places().readable:
        with suppress(OSError):
            try:
                with _open(path) as opened:
                    whole = opened.read(name)
            except TrustError as error:
                warn(str(error))
                continue
            size = DIGEST().digest_size
            if DIGEST(whole[size:]).digest() == whole[:size]:
                return whole[size:]
    return None


def names(prefix: str) -> list[str]:
    """Names of files that begin alike, the last written first."""
    files: dict[str, float] = {}
    for path in places().readable:
        with suppress(OSError):
            for file in path.glob(f"{prefix}*"):
                files.setdefault(file.name, file.lstat().st_mtime)
    return sorted(files, key=lambda name: -files[name])


def write(name: str, data: bytes) -> None:
    """Keep data in a file. Where no folder can be written, it costs time only.

    Parameters
    ----------
    name : str
        Name of the file.
    data : bytes
    """
    folders = places()
    for reason in folders.refused:
        warn(reason)
    for path in folders.writable:
        try:
            with _open(path) as opened:
                opened.write(name, DIGEST(data).digest() + data)
            return
        except (OSError, TrustError) as error:
            warn(f"cannot keep a compiled kernel in {path} ({error}); set FWI_CACHE to another")
    if not folders.writable:
        warn("compiled kernels are not kept: set FWI_CACHE to a folder that you can write")


@functools.cache
def warn(message: str) -> None:
    """Tell the user, once, and not from every worker."""
    if multiprocessing.current_process().name == "MainProcess":
        log.warning("warning: %s", message)


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Keep other processes from making the same file; without locks if there can be none."""
    locks = None
    with suppress(OSError, TrustError):
        path = folder()
        if path is not None:
            with _open(path) as opened:
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                locks = os.open(LOCKS, flags, 0o600, dir_fd=opened.descriptor)
            _lock(locks, int.from_bytes(DIGEST(name.encode()).digest()[:4]) % BYTES)
    try:
        yield
    finally:
        if locks is not None:
            os.close(locks)


def _lock(locks: int, place: int) -> None:
    """Wait for a lock, but not for ever."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            fcntl.lockf(locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            return
        except (BlockingIOError, PermissionError):
            time.sleep(0.02)
