"""The shot runners of a propagator: one for every call that is running, in any thread.

Two calls that wrote to the same arrays would spoil each other's waves. A call therefore takes a
runner that no other call has, and returns it for the next call. There are as many runners as there
were calls at the same time, each with its own arrays and history.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fwicli.propagators.discretization import Discretization
from fwicli.propagators.running.shot import ShotRunner

# Idle runners at most: more calls at a time are no faster, and their runners are dropped.
MOST_IDLE = os.cpu_count() or 1


class RunnerPool:
    """Shot runners of one discretization, created on demand.

    Parameters
    ----------
    discretization : Discretization
    quiet : bool
        Whether implausible units raise no warning.
    """

    def __init__(self, discretization: Discretization, quiet: bool = False) -> None:
        self._discretization, self._quiet = discretization, quiet
        # Taking from a list and adding to it need no lock.
        self._idle: list[ShotRunner] = []

    @contextmanager
    def runner(self) -> Iterator[ShotRunner]:
        """A runner for this call alone; one that failed is not used again."""
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = ShotRunner(self._discretization, self._quiet)
        yield runner
        if len(self._idle) < MOST_IDLE:
            self._idle.append(runner)
