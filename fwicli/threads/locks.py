"""What threads of a process share, and what a fork of the process may still do.

Devito and the libraries of matrix products have one state for all threads; only the one that holds
its lock changes it. A fork takes one thread along and the state of all: it waits until nobody holds
a lock, so that no child finds one that is never given back, or what is behind it half changed.

The threads of OpenMP do not come along, and a loop in the child would wait for them forever.
"""

from __future__ import annotations

import os
import threading

from fwicli.errors import ExecutionError

# Symbols and kernels of Devito, and the filters of warnings while it works.
DEVITO = threading.RLock()
# The number of threads of matrix products.
PRODUCTS = threading.RLock()
# The memory of histories that wait.
HISTORIES = threading.RLock()
# Who holds one of them may take those that follow it.
_ORDER = (DEVITO, PRODUCTS, HISTORIES)

_process = os.getpid()
_is_threaded = _parent_was_threaded = False


def check_threads(threads: int) -> None:
    """Make sure that a loop of so many OpenMP threads can run in this process.

    Raises
    ------
    ExecutionError
        If it was forked from one that has run such loops.
    """
    global _is_threaded
    if threads < 2:
        return
    if _parent_was_threaded:
        raise ExecutionError(
            f"process {os.getpid()} was forked from process {_process}, which has propagated with "
            f"several OpenMP threads: these do not survive a fork, and {threads} threads would "
            f"wait for them forever. Start processes by "
            f'multiprocessing.get_context("spawn"), as in DataLoader(..., '
            f'multiprocessing_context="spawn"); or propagate with threads=1, which works here'
        )
    _is_threaded = True


def _before_fork() -> None:
    for lock in _ORDER:
        lock.acquire()


def _after_fork() -> None:
    for lock in reversed(_ORDER):
        lock.release()


def _in_child() -> None:
    global _parent_was_threaded
    _parent_was_threaded |= _is_threaded
    _after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
