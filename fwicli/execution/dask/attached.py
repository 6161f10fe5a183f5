"""End the workers of this machine with the run, however it ends: Dask preloads this module.

The run has one end of a pipe, which is the standard input here. The kernel closes it when the run
has ended. The processes of workers end with the one that has started them, which is this one.
"""

from __future__ import annotations

import os
import threading
from typing import Any


def dask_setup(_nanny: Any) -> None:
    """Watch the run; there may be several nannies in this process."""
    if not any(thread.name == _end_with_run.__name__ for thread in threading.enumerate()):
        name = _end_with_run.__name__
        threading.Thread(target=_end_with_run, name=name, daemon=True).start()


def _end_with_run() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)
