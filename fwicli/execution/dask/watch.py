"""End a scheduler that its run has left, as when the run was killed; Dask preloads this module."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Scheduler

# Time without a client after which a scheduler ends [s]: at the beginning, and later.
FIRST, LATER = 600.0, 60.0


async def dask_setup(scheduler: Scheduler) -> None:
    """Watch a scheduler."""
    # The loop alone would not keep it.
    scheduler.fwi_watch = asyncio.create_task(_look(scheduler))


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
