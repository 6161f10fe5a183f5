"""Products of dense matrices on one thread.

The libraries of NumPy and SciPy start a thread for every core of the machine in every process, and
these wait for more work by turning round. Where shots run side by side they take each other's time:
with a shot on each of two cores, a third of it. On one thread, products have the same bits for
any number of workers, too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController


@functools.cache
def _controller() -> ThreadpoolController:
    # What is to be limited has to be there when it is looked for; late, as it takes long to load.
    import numpy as np  # noqa: F401
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()


@contextmanager
def alone() -> Iterator[None]:
    """One thread for products meanwhile, in this process; a decorator as well."""
    with _controller().limit(limits=1, user_api="blas"):
        yield
