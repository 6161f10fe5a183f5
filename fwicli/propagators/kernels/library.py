"""Shared libraries that are loaded from memory: what runs is what was checked.

A library that is loaded from a file is whatever lies there at that moment, and a page of it that is
gone when it is needed, as on a disk that was full, ends the process. Here its bytes are put into a
file without a name that this process alone has; where the system has no such files, into a file in
a folder of its own.
"""

from __future__ import annotations

import ctypes
import itertools
import multiprocessing
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from fwicli.errors import CompilerError
from fwicli.propagators.kernels import workplace

# Variables by which OpenMP binds the threads of a process to cores: of several workers, all to the
# same ones.
BINDING = ("OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY", "KMP_HW_SUBSET")
# With these a kernel may get fewer threads than it was given.
FEWER = ("OMP_THREAD_LIMIT", "OMP_DYNAMIC")

# The loader takes a library of the same name for the same library.
_numbers = itertools.count()


def load(data: bytes) -> ctypes.CDLL:
    """Load a shared library.

    Raises
    ------
    CompilerError
        If it cannot be loaded here.
    """
    _settle_threads()
    with suppress(OSError):
        return _from_memory(data)
    return _from_file(data)


def _from_memory(data: bytes) -> ctypes.CDLL:
    if not hasattr(os, "memfd_create"):
        raise OSError("no files in memory")
    descriptor = os.memfd_create("fwi-kernel")
    try:
        _write(descriptor, data)
        # Descriptors are used again; a name is not.
        return ctypes.CDLL(f"/proc/self/fd/{'./' * next(_numbers)}{descriptor}")
    finally:
        os.close(descriptor)


def _from_file(data: bytes) -> ctypes.CDLL:
    try:
        with workplace.within(Path(tempfile.gettempdir())) as folder:
            path = folder / "kernel.so"
            path.write_bytes(data)
            return ctypes.CDLL(str(path))
    except OSError as error:
        raise CompilerError(
            f"cannot load a compiled kernel in the temporary folder: {error}; set TMPDIR to a "
            f"folder with room from which programs may be run"
        ) from error


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def is_worker() -> bool:
    """Whether this process is one of several that work for another."""
    return multiprocessing.current_process().name != "MainProcess"


def _settle_threads() -> None:
    """Remove variables that would mislead OpenMP, which reads them when it is loaded."""
    for name in FEWER:
        os.environ.pop(name, None)
    if is_worker():
        for name in BINDING:
            os.environ.pop(name, None)
    # Kernels are told how many threads to take; what is no number is for Devito, too.
    if not re.fullmatch(r"\s*[1-9][0-9]{0,4}\s*", os.environ.get("OMP_NUM_THREADS", "1")):
        os.environ["OMP_NUM_THREADS"] = "1"
