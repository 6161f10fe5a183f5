"""Products of dense matrices on one thread.

The libraries of NumPy and SciPy start a thread for every core of the machine in every process, and
these wait for more work by turning round. Where shots run side by side they take each other's time:
with a shot on each of two cores, a third of it. On one thread, products have the same bits for
any number of workers, too.

The limit is one for all threads of a process: the first that sets it takes note of what was
before, and the last that has no more use for it puts that back.
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
    # What is to be limited has to be there when it is looked for; late, as it takes long to load.
    import numpy as np  # noqa: F401
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()


class _Limit:
    """The limit of this process, and how many blocks of code need it."""

    def __init__(self) -> None:
        self._users = 0
        self._before = ExitStack()
        self._own = threading.local()

    def take(self) -> None:
        """One block more."""
        with locks.PRODUCTS:
            if not self._users:
                self._before.enter_context(_controller().limit(limits=1, user_api="blas"))
            self._users += 1
            self._own.users = getattr(self._own, "users", 0) + 1

    def give_back(self) -> None:
        """One block less; without any, all is as it was before."""
        with locks.PRODUCTS:
            self._users -= 1
            self._own.users -= 1
            if not self._users:
                self._before.close()

    def forget_others(self) -> None:
        """Only this thread is left, after a fork; the limit stays, as it suits a child, too."""
        self._users = getattr(self._own, "users", 0)
        if not self._users:
            self._before.pop_all()


_limit = _Limit()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_limit.forget_others)


@contextmanager
def alone() -> Iterator[None]:
    """One thread for products meanwhile, in this process; a decorator as well."""
    _limit.take()
    try:
        yield
    finally:
        _limit.give_back()
