"""HDF5 files to write: complete under their name, on full disks, and when signals arrive."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import h5py

from fwicli.disk import atomic


@contextmanager
def replacing(path: str | Path) -> Iterator[h5py.File]:
    """A new file that replaces `path` when it is complete."""
    with atomic.replacing(path) as new, _writing(new, "w", Path(path)) as file:
        yield file


@contextmanager
def extending(path: Path) -> Iterator[h5py.File]:
    """A copy of a file, to be extended, that replaces it when it is complete."""
    with atomic.replacing(path) as new:
        shutil.copyfile(path, new)
        with _writing(new, "r+", path) as file:
            yield file


class _ErrorRecordingFile(io.FileIO):
    """File object that records a write error; `_writing` raises it after HDF5 has closed the file.

    HDF5 cannot abandon a file that it cannot write, as on a full disk: closing it fails as well,
    and the process crashes at its end. This object therefore reports success to HDF5.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all bytes, or record the error."""
        rest = memoryview(data).cast("B")
        count = len(rest)
        try:
            while rest and self.failure is None:
                rest = rest[super().write(rest) or 0 :]
        except OSError as error:
            self.failure = error
        return count

    def truncate(self, size: int | None = None) -> int:
        """Set the size, or record the error."""
        if self.failure is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.failure = error
        return self.tell() if size is None else size


# Signals that have arrived in each block that defers them.
deferred: list[list[int]] = []


def stop_if_signalled() -> None:
    """Leave a long block that defers signals, between two calls of HDF5.

    Raises
    ------
    KeyboardInterrupt
        If a signal has arrived; its handler is called when the block has ended.
    """
    if any(deferred):
        raise KeyboardInterrupt


@contextmanager
def deferring_signals() -> Iterator[None]:
    """Defer signal handlers until the block ends.

    HDF5 calls back for every write, and its objects act when they are deleted. An exception that a
    signal handler raises there is lost: the run would continue as if Ctrl-C had not been pressed.
    As a decorator it lasts until the local objects of the function are deleted.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread handles signals
        return
    handlers = {int(n): signal.getsignal(n) for n in signal.valid_signals()}
    actions = {n: act for n, act in handlers.items() if callable(act)}
    received: list[int] = []
    deferred.append(received)
    try:
        for number in actions:
            signal.signal(number, lambda n, _: received.append(n))
        yield
    finally:
        deferred[:] = [others for others in deferred if others is not received]
        _restore(actions)
        for first in received[:1]:
            actions[first](first, None)


def _restore(actions: Mapping[int, Callable[[int, FrameType | None], Any]]) -> None:
    """Restore all signal handlers, even if a signal arrives meanwhile and its handler raises."""
    remaining, raised = dict(actions), None
    while remaining:
        try:
            for number in list(remaining):
                signal.signal(number, remaining[number])
                del remaining[number]
        except BaseException as error:  # raised again
            raised = error
    if raised is not None:
        raise raised


@contextmanager
def _writing(name: Path, mode: str, path: Path) -> Iterator[h5py.File]:
    """An open file that is to become `path`.

    Raises
    ------
    OSError
        If writing failed, as on a full disk.
    """
    with deferring_signals(), _ErrorRecordingFile(name, "w+" if mode == "w" else mode) as raw:
        try:
            with h5py.File(raw, mode) as file:
                yield file
        finally:
            if raw.failure is not None:
                number = raw.failure.errno or errno.EIO
                raise OSError(number, os.strerror(number), str(path)) from raw.failure
