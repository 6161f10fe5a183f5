"""Damaged HDF5 files on which the library itself crashes or hangs, told by a child process.

Wrong references to values of variable length, such as text of attributes, make libhdf5 read beyond
its memory. A child reads all attributes first, once for each state of a file. Where it ends by a
signal, or does not end, the file is refused.
"""

from __future__ import annotations

import os
import signal
import time
from functools import lru_cache
from pathlib import Path

import h5py

from fwicli.errors import DataError

# Longest time for the attributes of a file [s]; those of good ones take milliseconds.
LONGEST = 10.0
# Objects of a file whose attributes are tried.
OBJECTS = 1000


def checked(path: Path) -> Path:
    """A file on which the library neither crashes nor hangs.

    Parameters
    ----------
    path : Path
        An HDF5 file. Folders and missing files pass.

    Returns
    -------
    path : Path
        The same.

    Raises
    ------
    DataError
        If it does.
    """
    try:
        if not path.is_file():
            return path
        status = path.stat()
    except (OSError, ValueError):
        return path
    if reason := _fault(str(path), status.st_size, status.st_mtime_ns, status.st_ino):
        raise DataError(
            f"{path} is damaged: {reason} while it reads the attributes of the file; write the "
            f"file anew, or use a copy of it"
        )
    return path


@lru_cache(maxsize=256)
def _fault(path: str, *state: int) -> str:
    """How a child ends that reads the attributes of a file in this state; empty if well."""
    del state
    with h5py._hl.base.phil:  # no other thread may hold it when the child begins
        child = os.fork()
        if child == 0:
            _read_attributes(path)
    code = _ended(child)
    if code is None:
        return f"the HDF5 library does not end within {LONGEST:g} s"
    return f"the HDF5 library crashes ({signal.Signals(-code).name})" if code < 0 else ""


def _ended(child: int) -> int | None:
    """Exit code of a child, or its signal as a negative number; None if it had to be killed."""
    end, pause = time.monotonic() + LONGEST, 1e-4
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(pause)
        pause = min(2 * pause, 0.05)


def _read_attributes(path: str) -> None:
    """Read all attributes of a file, and end the process."""
    try:
        # A crash here is no fault of the program: neither its report nor a core file is of use.
        for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with h5py.File(path, "r") as file:
            _attributes(file)
            remaining = OBJECTS

            def visit(_: str, node: h5py.HLObject) -> bool | None:
                nonlocal remaining
                remaining -= 1
                _attributes(node)
                return True if remaining == 0 else None

            file.visititems(visit)
    finally:
        os._exit(0)  # errors of the library are explained where the file is read


def _attributes(node: h5py.HLObject) -> None:
    """Read the attributes of a node as far as the library can."""
    for name in list(node.attrs):
        try:
            node.attrs[name]
        except Exception:
            continue
