"""Signs of life in files, for processes that share a folder and neither locks nor a clock.

A process writes a counter into its beacon every few seconds. Another one watches whether the
counter changes, by its own monotonic clock: the clocks of nodes may be apart. The counter is
written in place, since network file systems revalidate a file that is opened, and may go on showing
one that was replaced.

A claim is a beacon with a number. The file of a number is made once, by a hard link, which is
atomic on network file systems, too. The highest number is the claim that holds.
"""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

# Interval between two counts [s], and time after which a counter that rests is that of a dead
# process [s].
INTERVAL, PATIENCE = 5.0, 60.0
_WIDTH = 20
_GONE = "left".ljust(_WIDTH)


def create(path: Path, content: bytes) -> bool:
    """Make a file with its content, unless there is one; atomic on network file systems, too.

    Parameters
    ----------
    path : Path
    content : bytes

    Returns
    -------
    created : bool
        False if there is such a file.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.new")
    try:
        with open(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644), "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            # The answer to a first request may have been lost on the network.
            return aside.stat().st_nlink == 2
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            return _exclusively(path, content)
        return True
    finally:
        aside.unlink(missing_ok=True)


def _exclusively(path: Path, content: bytes) -> bool:
    """Make a file on a file system without hard links."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return False
    with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
        file.write(content)
    return True


class Beacon:
    """The sign of life of this process in a file that it has made.

    Parameters
    ----------
    path : Path
        File with a counter and a description.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    @classmethod
    def light(cls, path: Path, description: Mapping[str, Any]) -> Self | None:
        """Make the file and begin to count; None if there is such a file.

        Parameters
        ----------
        path : Path
        description : mapping
            Of this process, as JSON.

        Returns
        -------
        beacon : Beacon or None
        """
        content = f"{0:<{_WIDTH}}\n{json.dumps(description)}\n".encode()
        return cls(path) if create(path, content) else None

    def holds(self) -> bool:
        """Whether the file is still the one of this process."""
        try:
            mine, there = os.fstat(self._descriptor), self.path.stat()
        except OSError:
            return False
        return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def leave(self, remove: bool = False) -> None:
        """End the counter; others see that this process has left.

        Parameters
        ----------
        remove : bool
            Remove the file as well.
        """
        if self._end.is_set():
            return
        self._end.set()
        self._thread.join()
        self._write(_GONE)
        if remove and self.holds():
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _count(self) -> None:
        count = 0
        while not self._end.wait(INTERVAL):
            count += 1
            self._write(f"{count:<{_WIDTH}}")

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a full disk, or a server that is away: the next count may do
            os.pwrite(self._descriptor, text.encode(), 0)
            os.fsync(self._descriptor)


@dataclass(frozen=True)
class Sign:
    """Content of a beacon.

    Attributes
    ----------
    count : str
        The counter, as it is written.
    description : dict
        Of the process; empty if it could not be read whole.
    """

    count: str
    description: dict[str, Any]

    @property
    def has_left(self) -> bool:
        """Whether the process has ended in order."""
        return self.count == _GONE


def read(path: Path) -> Sign | None:
    """The content of a beacon; None if there is none, or it cannot be read."""
    try:
        count, _, rest = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    except OSError:
        return None
    description: Any = {}
    with suppress(ValueError):
        description = json.loads(rest)
    return Sign(count, description if isinstance(description, dict) else {})


class BeaconWatch:
    """Whether another process is alive, by the change of its beacon.

    Parameters
    ----------
    path : Path
        Of the beacon.
    clock : callable, optional
        Monotonic time of this process [s].
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._last: str | None = None
        self._since = clock()

    def is_silent(self) -> bool:
        """Whether the process has left, or its counter has not changed for `PATIENCE`."""
        sign = read(self.path)
        if sign is not None and sign.has_left:
            return True
        # The file system may show a file late: one that is not there says nothing.
        if sign is not None and sign.count != self._last:
            if self._last is not None:
                self._since = self._clock()
            self._last = sign.count
        return self._clock() - self._since > PATIENCE


# --- claims --------------------------------------------------------------------------------------

CLAIM = re.compile(r"\.claim-(\d{6})")


def claim_path(folder: Path, number: int) -> Path:
    """File of a claim to a folder.

    Parameters
    ----------
    folder : Path
    number : int
        From 1.

    Returns
    -------
    path : Path
    """
    return folder / f".claim-{number:06d}"


def number_of(path: Path) -> int:
    """Number of the claim in the name of a file; 0 for other files."""
    match = CLAIM.fullmatch(path.name)
    return 0 if match is None else int(match[1])


def latest_claim(folder: Path) -> int:
    """The highest number of a claim to a folder; 0 if there is none."""
    try:
        number = max((number_of(path) for path in folder.iterdir()), default=0)
    except OSError:
        return 0
    # A listing may be older than the file that follows.
    while claim_path(folder, number + 1).exists():
        number += 1
    return number


def remove_claims(folder: Path, last: int) -> None:
    """Remove the claims to a folder up to one, the oldest first.

    Parameters
    ----------
    folder : Path
    last : int
        Number of the claim of this process; a later one is of a process that took it for dead.
    """
    for number in range(1, last + 1):
        with suppress(OSError):
            claim_path(folder, number).unlink(missing_ok=True)


def here() -> dict[str, Any]:
    """Description of this process."""
    return {"host": socket.gethostname(), "process": os.getpid()}
