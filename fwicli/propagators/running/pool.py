"""The engines of a propagator: one for every call that is at work, whichever thread makes it.

Two calls that wrote to the same arrays would spoil each other's waves. So a call takes an engine
that no other one has, and gives it back to those that wait for the next. There are as many as calls
have been at work at the same time, each with its own arrays and history.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from fwicli.propagators.discretization import Discretization
from fwicli.propagators.running.shot import ShotRunner

# So many wait at most; more calls at a time do not go faster, and their engines go with them.
WAITING = os.cpu_count() or 1


class RunnerPool:
    """Engines of one discretization, made when they are needed.

    Parameters
    ----------
    discretization : Discretization
    quiet : bool
        Whether units that give the properties of no rock go without a warning.
    """

    def __init__(self, discretization: Discretization, quiet: bool = False) -> None:
        self._made_of = discretization, quiet
        # Taking from a list and adding to it need no lock.
        self._waiting: list[ShotRunner] = []

    @contextmanager
    def one(self) -> Iterator[ShotRunner]:
        """An engine for this call alone; one that failed is not used again."""
        try:
            engine = self._waiting.pop()
        except IndexError:
            engine = ShotRunner(*self._made_of)
        yield engine
        if len(self._waiting) < WAITING:
            self._waiting.append(engine)
