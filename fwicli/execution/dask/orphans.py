"""End processes of Dask that their run has left, as when it was killed; Dask preloads this module.

A run has one end of a pipe, which is the standard input of the process that starts its workers on
this machine. The kernel closes it when the run has ended. The workers end with that process. A
scheduler ends when it has had no client for some time.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Scheduler

# Time without a client after which a scheduler ends [s]: at the beginning, and later.
FIRST, LATER = 600.0, 60.0


def dask_setup(server: Any) -> None:
    """Watch a scheduler, or the run that has started this process.

    Parameters
    ----------
    server : Scheduler or Nanny
        There may be several nannies in this process.
    """
    from distributed import Scheduler  # late: it is an optional extra

    name = _end_with_run.__name__
    if isinstance(server, Scheduler):
        # The loop alone would not keep it.
        server.fwi_watch = asyncio.create_task(_look(server))
    elif not any(thread.name == name for thread in threading.enumerate()):
        threading.Thread(target=_end_with_run, name=name, daemon=True).start()


def _end_with_run() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


async def _look(scheduler: Scheduler) -> None:
    waited, patience = 0.0, FIRST
    while waited < patience:
        await asyncio.sleep(1.0)
        # Dask counts itself as a client of this name.
        if set(scheduler.clients) - {"fire-and-forget"}:
            waited, patience = 0.0, LATER
        else:
            waited += 1.0
    await scheduler.close(reason="the run has left")
