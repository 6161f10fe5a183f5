"""Prepare the process of a worker, and the one that starts it; Dask preloads this module in both.

The process that starts a worker tells why it has ended, as far as its system knows.
"""

from __future__ import annotations

import logging
from typing import Any

from fwicli.execution import machine, worker
from fwicli.execution.dask import versions

# Name of the events that tell the ends of workers, and of those by which Dask tells that it ends a
# worker which has come to its limit of memory.
ENDED, LIMITED = "fwi-worker-ended", "worker-restart-memory"


class _Kills:
    """Processes that were killed for lack of memory, as far as they have been reported."""

    reported = machine.killed_for_memory() or 0

    @classmethod
    def news(cls) -> int:
        """Number of kills that have not been reported; each is that of one worker."""
        killed = (machine.killed_for_memory() or 0) - cls.reported
        cls.reported += min(max(killed, 0), 1)
        return max(killed, 0)


def dask_setup(server: Any) -> None:
    """Prepare a worker, or have a nanny tell the ends of its workers.

    Parameters
    ----------
    server : Worker or Nanny
    """
    from distributed import Nanny  # late: it is an optional extra

    if isinstance(server, Nanny):
        tell_ends(server)
        return
    logging.getLogger("distributed.nanny").addFilter(is_no_usual_end)
    # Signals are for the client.
    worker.leave_signals()
    machine.return_memory()
    versions.here()  # of the sources that are loaded, should somebody edit them later


def is_no_usual_end(record: logging.LogRecord) -> bool:
    """Whether a log record of a worker's process is not of its usual end.

    A process that ends closes a queue while a thread of Dask still reads it. The thread takes the
    TypeError for a death, and logs its traceback.

    Parameters
    ----------
    record : logging.LogRecord

    Returns
    -------
    is_no_usual_end : bool
    """
    return not (record.exc_info and record.exc_info[0] is TypeError)


def tell_ends(nanny: Any) -> None:
    """Have a nanny log an event for each worker that ends by a signal or an error.

    Parameters
    ----------
    nanny : Nanny
    """
    restart = nanny._on_worker_exit

    async def on_worker_exit(exit_code: int) -> None:
        if exit_code and nanny.worker_address:
            event = {"worker": nanny.worker_address, "status": exit_code, "killed": _Kills.news()}
            nanny.log_event(ENDED, event)
        await restart(exit_code)

    nanny._on_worker_exit = on_worker_exit
