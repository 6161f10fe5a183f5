"""A folder is worked in by one run at a time, of whatever process, thread or node.

The lock of the file system is tried first. Some file systems have none, and others know only the
locks of their own node. A run therefore shows a sign of life in the folder as well (see
`disk.beacons`). One that a killed run of this node has left is removed at once if there are locks;
otherwise a run waits until it is sure that nobody is there.

The sign of life and what the jobs of an array exchange are on no list of files: they are known by
their names, and end with the run.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from fwicli.disk import beacons
from fwicli.disk.beacons import Beacon
from fwicli.errors import ConfigError
from fwicli.execution.exchange import place

# Time between two looks at the sign of life of another run [s].
POLL = 0.5


@dataclass(frozen=True)
class _Hold:
    """Descriptor of the locked folder or -1, sign of life, and thread of a run."""

    descriptor: int
    beacon: Beacon | None
    thread: int

    def end(self) -> None:
        """Remove the sign of life and unlock the folder."""
        if self.beacon is not None:
            last = beacons.number_of(self.beacon.path)
            beacons.remove_claims(self.beacon.path.parent, last - 1)
            self.beacon.leave(remove=True)
        if self.descriptor >= 0:
            os.close(self.descriptor)


# Folders that this process is at work in.
_held: dict[Path, _Hold] = {}

log = logging.getLogger("fwicli")


class BusyError(ConfigError):
    """Another run is at work in a folder."""


def hold(folder: Path) -> None:
    """Keep others from a folder until it is released or the process ends, however it does.

    A thread that holds the folder already goes on holding it: its earlier run has failed.

    Raises
    ------
    BusyError
        If another process or thread is at work there.
    """
    resolved = folder.resolve()
    earlier = _held.get(resolved)
    if earlier is not None:
        if earlier.thread == threading.get_ident():
            return
        if earlier.thread in {thread.ident for thread in threading.enumerate()}:
            raise _busy("another thread", folder)
        _held.pop(resolved).end()
    descriptor = os.open(resolved, os.O_RDONLY)
    try:
        locked = _lock(descriptor, folder)
        _held[resolved] = _Hold(descriptor, _show(folder, locked), threading.get_ident())
        place.clear(folder / place.EXCHANGE)  # of an array whose jobs were killed
    except BaseException:
        os.close(descriptor)
        raise


def hold_as_member(folder: Path) -> None:
    """Work in a folder as the member of a group that has claimed it (see `execution.exchange`)."""
    _held[folder.resolve()] = _Hold(-1, None, threading.get_ident())


def other_names(folder: Path) -> set[str]:
    """Names in a folder, without signs of life and what the jobs of an array exchange."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return {path.name for path in paths if not _is_sign(path)}


def _is_sign(path: Path) -> bool:
    if path.name == place.EXCHANGE:
        return place.is_own(path)
    return bool(beacons.CLAIM.fullmatch(path.name))


def check_free(folder: Path) -> None:
    """Wait until it is sure that no run shows a sign of life in a folder.

    Raises
    ------
    BusyError
        If one does.
    """
    number = beacons.latest_claim(folder)
    if number and not _is_over(folder, number, locked=False):
        _wait(folder, number)


def release(folder: Path) -> None:
    """Leave a folder to others."""
    hold = _held.pop(folder.resolve(), None)
    if hold is not None:
        hold.end()


def _lock(descriptor: int, folder: Path) -> bool:
    """Lock the folder; False if the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _busy("another process", folder) from None
    except OSError:
        log.info("the file system of %s has no locks; runs there watch each other", folder)
        return False
    return True


def _show(folder: Path, locked: bool) -> Beacon:
    """Show the sign of life of this run, once there is no other."""
    while True:
        number = beacons.latest_claim(folder)
        if number and not _is_over(folder, number, locked):
            _wait(folder, number)
        path = beacons.claim_path(folder, number + 1)
        beacon = Beacon.light(path, beacons.here())
        if beacon is not None:
            return beacon
        # Another run was faster.


def _is_over(folder: Path, number: int, locked: bool) -> bool:
    """Whether the run of a sign of life has ended, as far as that can be told at once."""
    sign = beacons.read(beacons.claim_path(folder, number))
    if sign is None or sign.has_left:
        return True
    here = sign.description.get("host") == beacons.here()["host"]
    return locked and here and "group" not in sign.description


def _wait(folder: Path, number: int) -> None:
    """Wait until the sign of life of another run is that of a dead one."""
    watch = beacons.BeaconWatch(beacons.claim_path(folder, number))
    sign = beacons.read(watch.path)
    if sign is None:
        return
    process = "process {process} on {host}".format(
        **{"process": "of unknown number", "host": "an unknown host", **sign.description}
    )
    log.info(
        "%s may be at work in %s: waiting %g s for a sign of life",
        process,
        folder,
        beacons.PATIENCE,
    )
    while not watch.is_silent():
        time.sleep(POLL)
        following = beacons.read(watch.path)
        if following is None:
            return  # it has ended meanwhile
        if following.count != sign.count and not following.has_left:
            raise _busy(process, folder)


def _busy(other: str, folder: Path) -> BusyError:
    return BusyError(
        f"{other} is at work in {folder}; wait until it has ended, or choose another folder with -o"
    )
