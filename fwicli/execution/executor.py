"""What runs tasks, and the simplest of its kind: one after the other in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from fwicli.threads import blas

Task = Callable[[], Any]
Done = Callable[[int], None]


class Executor(Protocol):
    """Runs tasks and returns their results in order.

    One whose workers are on this machine may say so with an attribute `shares_memory`.
    """

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Results of the tasks; `done` is called with the number of each that has finished."""
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class InProcess:
    """Runs one task after the other in this process."""

    shares_memory = True

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Results of the tasks, in order."""
        for number, task in enumerate(tasks):
            yield run(task)
            if done is not None:
                done(number)

    def close(self) -> None:
        """Nothing to end."""


def run(task: Task) -> Any:
    """Run a task, with one thread for products of matrices."""
    with blas.alone():
        return task()
