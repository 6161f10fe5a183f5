"""Locks that threads share, and what a fork of the process must respect.

Devito and the BLAS libraries have one state for all threads; only the thread that holds its lock
changes it. A fork copies one thread and the state of all. It therefore waits until all locks are
free, so that no child inherits a locked lock, or a state that is half changed.

OpenMP threads are not copied, and a parallel loop in the child would wait for them forever.
"""

from __future__ import annotations

import os
import threading

from fwicli.errors import ExecutionError

# Symbols and kernels of Devito, and the filters of warnings while it works.
DEVITO = threading.RLock()
# The number of threads of matrix products.
PRODUCTS = threading.RLock()
# The memory of histories between a forward and an adjoint run.
HISTORIES = threading.RLock()
# Order in which a thread may take several of them.
_ORDER = (DEVITO, PRODUCTS, HISTORIES)

_process = os.getpid()
_is_threaded = _parent_was_threaded = False


def check_threads(threads: int) -> None:
    """Make sure that a loop of a number of OpenMP threads can run in this process.

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
