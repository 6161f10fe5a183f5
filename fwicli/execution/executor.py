"""The interface of executors, and the simplest one: tasks one after the other in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from fwicli.threads import blas

Task = Callable[[], Any]
Done = Callable[[int], None]


class Executor(Protocol):
    """Runs tasks and returns their results in order.

    An executor whose workers are on this machine may have a true attribute `shares_memory`.
    """

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Run tasks.

        Parameters
        ----------
        tasks : sequence of callable
            Picklable functions without arguments.
        done : callable, optional
            Called with the number of each finished task.

        Returns
        -------
        results : iterator
            In the order of the tasks.
        """
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class InProcess:
    """Runs one task after the other in this process."""

    shares_memory = True

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Run tasks one after the other.

        Parameters
        ----------
        tasks : sequence of callable
            Functions without arguments.
        done : callable, optional
            Called with the number of each finished task.

        Returns
        -------
        results : iterator
            In the order of the tasks.
        """
        for number, task in enumerate(tasks):
            yield run(task)
            if done is not None:
                done(number)

    def close(self) -> None:
        """Do nothing: there are no workers."""


def run(task: Task) -> Any:
    """Run a task, with one thread for matrix products."""
    with blas.alone():
        return task()
