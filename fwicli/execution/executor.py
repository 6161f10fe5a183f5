"""The interface of executors, and the simplest one: tasks one after the other in this process.

Tasks may share a large object, such as the parameters of the model. Such a task has two more
members, which an executor may use to hand the object to each worker once:

    common          the object, the same one for many tasks
    detached()      a picklable function of the object, which returns what the task returns; its
                    method `attached(object)` gives the task back

A task that can do with less memory says so (see `relief`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

from fwicli.execution import tree
from fwicli.execution.relief import Relief
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
            Called in this process with the number of each finished task.

        Returns
        -------
        results : iterator
            In the order of the tasks. Tasks wait as long as many results are not taken.
        """
        ...

    def sums(self, tasks: Sequence[Task], size: int, done: Done | None = None) -> Iterator[Any]:
        """Run tasks, and sum the results of consecutive blocks of them (see `tree`).

        Parameters
        ----------
        tasks : sequence of callable
            Picklable functions without arguments, which return summands.
        size : int
            Tasks of a block, a power of two; the last block may be shorter.
        done : callable, optional
            Called in this process with the number of each finished task.

        Returns
        -------
        sums : iterator of Summand
            In the order of the blocks; tasks of the next block do not wait for those of the last.
        """
        ...

    def close(self) -> None:
        """End the workers."""
        ...


class InProcess:
    """Runs one task after the other in this process."""

    shares_memory = True

    def __init__(self) -> None:
        self._relief = Relief()

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
            yield self._relief.result(number, task, run)
            if done is not None:
                done(number)

    def sums(self, tasks: Sequence[Task], size: int, done: Done | None = None) -> Iterator[Any]:
        """Run tasks one after the other, and sum the results of consecutive blocks of them.

        Parameters
        ----------
        tasks : sequence of callable
            Functions without arguments, which return summands.
        size : int
            Tasks of a block, a power of two; the last block may be shorter.
        done : callable, optional
            Called with the number of each finished task.

        Returns
        -------
        sums : iterator of Summand
            In the order of the blocks.
        """
        return tree.blocks(self.map(tasks, done), size)

    def close(self) -> None:
        """Do nothing: there are no workers."""


def total(executor: Executor, tasks: Sequence[Task], done: Done | None = None) -> Any:
    """Sum of the results of all tasks.

    Parameters
    ----------
    executor : Executor
    tasks : sequence of callable
        They return summands.
    done : callable, optional
        Called with the number of each finished task.

    Returns
    -------
    total : Summand
    """
    return tree.total(executor.sums(tasks, tree.power_of_two(len(tasks)), done))


def totals(executor: Executor, tasks: Sequence[Task], groups: int) -> Iterator[Any]:
    """Sums of the results of groups of tasks.

    Parameters
    ----------
    executor : Executor
    tasks : sequence of callable
        They return summands; those of a group are consecutive.
    groups : int
        Number of groups of the same size.

    Returns
    -------
    totals : iterator of Summand
        In the order of the groups, which do not wait for each other.
    """
    if groups == 1:
        yield total(executor, tasks)
        return
    results = executor.map(tasks)
    for _ in range(groups):
        yield tree.total(islice(results, len(tasks) // groups))


def run(task: Task) -> Any:
    """Run a task, with one thread for matrix products."""
    with blas.alone():
        return task()
