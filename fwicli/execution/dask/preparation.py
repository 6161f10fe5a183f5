"""Prepare the process of a worker; Dask preloads this module."""

from __future__ import annotations

from typing import Any

from fwicli.execution import machine, worker
from fwicli.execution.dask import versions


def dask_setup(_worker: Any) -> None:
    """Ignore signals, which are for the client, return memory, and note the versions."""
    worker.leave_signals()
    machine.return_memory()
    versions.here()  # of the sources that are loaded, should somebody edit them later
