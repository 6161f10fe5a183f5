"""Products of dense matrices on one thread.

The BLAS libraries of NumPy and SciPy start a thread for every core of the machine in every process,
and idle BLAS threads spin. Where shots run side by side, they take each other's time: a third of it
for a shot on each of two cores. On one thread, products also have the same bits for any number of
workers.

One limit holds for all threads of a process. The first block that sets it saves the previous limit,
and the last one restores it.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import ThreadpoolController

from fwicli.threads import locks


@functools.cache
def _controller() -> ThreadpoolController:
    # The controller limits libraries that are loaded already; they load late, as they load slowly.
    import numpy as np  # noqa: F401
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()


class _Limit:
    """The limit of this process, and the number of blocks that need it."""

    def __init__(self) -> None:
        self._users = 0
        self._before = ExitStack()
        self._own = threading.local()

    def take(self) -> None:
        """Begin a block."""
        with locks.PRODUCTS:
            if not self._users:
                self._before.enter_context(_controller().limit(limits=1, user_api="blas"))
            self._users += 1
            self._own.users = getattr(self._own, "users", 0) + 1

    def give_back(self) -> None:
        """End a block; the last one restores the previous limit."""
        with locks.PRODUCTS:
            self._users -= 1
            self._own.users -= 1
            if not self._users:
                self._before.close()

    def forget_others(self) -> None:
        """After a fork, count the blocks of this thread alone; the child keeps the limit."""
        self._users = getattr(self._own, "users", 0)
        if not self._users:
            self._before.pop_all()


_limit = _Limit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limit.forget_others)


@contextmanager
def alone() -> Iterator[None]:
    """One thread for matrix products of this process in a block; also a decorator."""
    _limit.take()
    try:
        yield
    finally:
        _limit.give_back()
