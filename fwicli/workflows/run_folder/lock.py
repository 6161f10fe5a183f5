"""A folder is worked in by one run at a time, of whatever process or thread."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from pathlib import Path

from fwicli.errors import ConfigError

# Folders that this process is at work in: what it holds them with, and the thread that does.
_held: dict[Path, tuple[int, int]] = {}

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
    place = folder.resolve()
    descriptor, holder = _held.get(place, (-1, 0))
    if holder == threading.get_ident():
        return
    if holder in {thread.ident for thread in threading.enumerate()}:
        raise _busy("thread", folder)
    if descriptor < 0:
        descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise _busy("process", folder) from None
    except OSError:
        log.debug("no lock on %s: this file system has none", folder)
    _held[place] = descriptor, threading.get_ident()


def release(folder: Path) -> None:
    """Leave a folder to others."""
    descriptor, _ = _held.pop(folder.resolve(), (-1, 0))
    if descriptor >= 0:
        os.close(descriptor)


def _busy(other: str, folder: Path) -> BusyError:
    return BusyError(
        f"another {other} is at work in {folder}; wait until it has ended, or choose another "
        f"folder with -o"
    )
