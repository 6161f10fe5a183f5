"""An executor with a clock: the elapsed time in which shots run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

from fwicli.execution import Executor
from fwicli.execution.executor import Done, Task


class ClockedExecutor:
    """Another executor, with the time in which it runs tasks or its results are added.

    Parameters
    ----------
    executor : Executor

    Attributes
    ----------
    seconds : float
        Elapsed time so far [s].
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.shares_memory = bool(getattr(executor, "shares_memory", False))
        self.seconds = 0.0

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Run tasks (see `Executor`).

        Parameters
        ----------
        tasks : sequence of callable
        done : callable, optional

        Returns
        -------
        results : iterator
        """
        return self._clocked(self._executor.map(tasks, done))

    def sums(self, tasks: Sequence[Task], size: int, done: Done | None = None) -> Iterator[Any]:
        """Run tasks, and sum the results of blocks of them (see `Executor`).

        Parameters
        ----------
        tasks : sequence of callable
        size : int
        done : callable, optional

        Returns
        -------
        sums : iterator of Summand
        """
        return self._clocked(self._executor.sums(tasks, size, done))

    def close(self) -> None:
        """End the workers."""
        self._executor.close()

    def _clocked(self, results: Iterator[Any]) -> Iterator[Any]:
        """Results, whose waiting time is added."""
        while True:
            begun = time.monotonic()
            try:
                result = next(results)
            except StopIteration:
                return
            finally:
                self.seconds += time.monotonic() - begun
            yield result
