"""Shots over workers of Dask, which sum their results among themselves.

Dask runs the shots of a lost worker again on others, and has each worker take the next shot when it
is free. A worker runs one shot at a time. Sums run before shots that wait, so that few results are
in memory at once. A shot that is overdue is run a second time, on a worker without work. Where
workers are killed for lack of memory, shots take less of it, or fewer run at once on a node.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from fwicli.execution import losses, tree
from fwicli.execution.dask import calls, preparation
from fwicli.execution.dask.calls import Call
from fwicli.execution.dask.connection import Connection
from fwicli.execution.dask.shortage import Shortage
from fwicli.execution.executor import Done, Task
from fwicli.execution.losses import WorkerLost


class Dask:
    """Runs tasks on workers of Dask.

    Parameters
    ----------
    connection : Connection
        To a scheduler and its workers.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.topic = f"fwi-{uuid.uuid4()}"
        self._calls: dict[str, Call] = {}
        self._shortage = Shortage()
        self._topics = {
            self.topic: self._hear,
            preparation.ENDED: self._hear_end,
            preparation.LIMITED: self._hear_limit,
        }
        for topic, handler in self._topics.items():
            connection.client.subscribe_topic(topic, handler)
        connection.client.forward_logging("fwicli", logging.WARNING)

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Run tasks on workers.

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

        Raises
        ------
        ExecutionError
            If a task has failed `ATTEMPTS` times, or the scheduler is gone.
        FwiError
            As raised by a task; errors in its input are not repeated.
        """
        return self._run(tasks, 1, done)

    def sums(self, tasks: Sequence[Task], size: int, done: Done | None = None) -> Iterator[Any]:
        """Run tasks on workers, which sum the results of consecutive blocks of them.

        Parameters
        ----------
        tasks : sequence of callable
            Picklable functions without arguments, which return summands.
        size : int
            Tasks of a block, a power of two; the last block may be shorter.
        done : callable, optional
            Called with the number of each finished task.

        Returns
        -------
        sums : iterator of Summand
            In the order of the blocks.

        Raises
        ------
        ExecutionError
            If a task has failed `ATTEMPTS` times, or the scheduler is gone.
        FwiError
            As raised by a task; errors in its input are not repeated.
        """
        tree.check_size(size)
        return self._run(tasks, size, done)

    def close(self) -> None:
        """Stop listening to the workers; the connection is closed by its owner."""
        for topic in self._topics:
            with suppress(Exception):
                self.connection.client.unsubscribe_topic(topic)

    def _run(self, tasks: Sequence[Task], size: int, done: Done | None) -> Iterator[Any]:
        if not tasks:
            return
        call = Call(self.connection, self.topic, tasks, size, done, self._shortage)
        self._calls[call.name] = call
        try:
            yield from call.results()
        finally:
            del self._calls[call.name]
            call.release()

    def _hear(self, event: tuple[float, Any]) -> None:
        """Pass an event on to its call; in the thread of the client."""
        call = self._calls.get(event[1]["call"])
        if call is not None:
            call.events.put(event[1])

    def _hear_end(self, event: tuple[float, Any]) -> None:
        """Tell all calls why a worker has ended."""
        content = event[1]
        self._tell_end(content["worker"], losses.explain(content["status"], content["killed"]))

    def _hear_limit(self, event: tuple[float, Any]) -> None:
        """Tell all calls of a worker that Dask ends since it has come to its limit of memory."""
        content = event[1]
        size = f"{content['rss'] / 1e6:.3g} MB"
        reason = f"Dask has ended its worker, which had {size}, near its limit of memory"
        self._tell_end(content["worker"], WorkerLost(reason, losses.FEWER, for_memory=True))

    def _tell_end(self, worker: str, lost: WorkerLost) -> None:
        event = {"kind": calls.ENDED, "number": -1, "worker": worker, "content": lost}
        for call in list(self._calls.values()):
            call.events.put(event)
