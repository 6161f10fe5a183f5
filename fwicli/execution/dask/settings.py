"""Settings of Dask that shots need: they run for long, one at a time, and hold much memory."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fwicli.execution.processes import ATTEMPTS

# Modules that Dask imports in workers and in the processes that start them; and in what is to end
# with the run: the process that starts workers here, and the scheduler of an allocation.
PREPARATION = "fwicli.execution.dask.preparation"
ORPHANS = "fwicli.execution.dask.orphans"
PREPARED = ("--preload", PREPARATION, "--preload-nanny", PREPARATION)
# Settings of schedulers that a run starts, and of their workers.
SETTINGS: dict[str, Any] = {
    # A shot that was lost with this number of workers and one more fails.
    "distributed.scheduler.allowed-failures": ATTEMPTS - 1,
    # A worker has no shot but the one that it runs; the others wait for whoever is free.
    "distributed.scheduler.worker-saturation": 1.0,
    # The model stays on all workers.
    "distributed.scheduler.active-memory-manager.start": False,
    # The memory of a shot is no reason to stop its worker; the system does if it runs out.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.worker.profile.enabled": False,
    # Nobody is served pages.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}
# Of the client, whatever scheduler it has.
CLIENT: dict[str, Any] = {
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
    "distributed.diagnostics.computations.max-history": 1,
}


def environment() -> dict[str, str]:
    """Settings of workers as environment variables."""
    values = SETTINGS | {"logging.distributed": "warning"}
    names = {key: key.replace(".", "__").replace("-", "_").upper() for key in values}
    return {f"DASK_{names[key]}": str(value) for key, value in values.items()}


@contextmanager
def applied(own: bool) -> Iterator[None]:
    """Settings of this process in a context.

    Parameters
    ----------
    own : bool
        Whether the run starts the scheduler.
    """
    import dask  # late: it is an optional extra
    import distributed  # noqa: F401 - it has the defaults, and sets its loggers up

    # Losses are told in words of shots; a stack of Dask's tells the reader nothing more.
    logger = logging.getLogger("distributed")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with dask.config.set(SETTINGS | CLIENT if own else CLIENT):
            yield
    finally:
        logger.setLevel(level)
