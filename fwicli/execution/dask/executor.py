"""Shots over workers of Dask, which sum their results among themselves.

Dask runs the shots of a lost worker again on others, and has each worker take the next shot when it
is free. A worker runs one shot at a time. Sums run before shots that wait, so that few results are
in memory at once.
"""

from __future__ import annotations

import logging
import queue
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from fwicli.errors import ExecutionError
from fwicli.execution import losses, tree
from fwicli.execution.dask import blocks, shots, versions
from fwicli.execution.dask.blocks import Block
from fwicli.execution.dask.connection import Connection
from fwicli.execution.executor import Done, Task
from fwicli.execution.processes import ATTEMPTS

if TYPE_CHECKING:
    from distributed import Client, Future

# Longest time between two looks at the scheduler [s].
INTERVAL = 1.0
# A result of this many seconds on its way is asked for again [s].
TRANSFER = 600.0

log = logging.getLogger(__name__)


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
        self._calls: dict[str, _Call] = {}
        connection.client.subscribe_topic(self.topic, self._hear)
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
        with suppress(Exception):
            self.connection.client.unsubscribe_topic(self.topic)

    def _run(self, tasks: Sequence[Task], size: int, done: Done | None) -> Iterator[Any]:
        if not tasks:
            return
        call = _Call(self.connection, self.topic, tasks, size, done)
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


class _Call:
    """One call of an executor: its tasks, and what has been submitted of them.

    Attributes
    ----------
    name : str
        Which events bear.
    events : queue of dict
        From workers; None where the state of a result has changed.
    """

    def __init__(
        self,
        connection: Connection,
        topic: str,
        tasks: Sequence[Task],
        size: int,
        done: Done | None,
    ) -> None:
        self.name = str(uuid.uuid4())
        self.events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._connection, self._tasks, self._size = connection, tasks, size
        self._done = done or (lambda _: None)
        self._sender = shots.Sender(topic, self.name, versions.here())
        self._finished: set[int] = set()
        self._running: set[int] = set()
        self._failures: Counter[int] = Counter()
        self._losses: Counter[int] = Counter()
        self._roots: deque[tuple[Block, Future]] = deque()
        self._shared: dict[int, Future] = {}
        self._attempts = 0

    @property
    def _client(self) -> Client:
        return self._connection.client

    def results(self) -> Iterator[Any]:
        """Sums of blocks, in their order."""
        following = self._begin(0)
        while self._submit(following):
            block, root = self._roots[0]
            self._wait(root)
            if root.status == "cancelled":
                following = self._begin(block.first)
                continue
            try:
                result = root.result(timeout=TRANSFER)
            except TimeoutError:
                continue
            except Exception as error:
                if root.status != "cancelled":
                    raise self._explained(error) from _cause(error)
                continue
            if isinstance(result, shots.Refusal):
                raise result.raised()
            self._roots.popleft()
            root.release()
            del root
            self._finish(range(block.first, block.stop))
            self._attempts = 0
            yield result
            del result

    def release(self) -> None:
        """Drop whatever workers hold or have still to run for this call."""
        for _, root in self._roots:
            root.release()
        self._roots.clear()
        for future in self._shared.values():
            future.release()
        self._shared.clear()

    def _begin(self, first: int) -> Iterator[Block]:
        """Blocks from a task on; objects that tasks share are in the memory of workers then.

        They are sent again after a loss: of the scheduler, or of all workers that had an object.
        """
        self.release()
        self._attempts += 1
        self._lose(set(self._running))
        if self._attempts > 1:
            log.warning("all workers that had the model are gone; it is sent again")
        self._connection.wait()
        self._share(first)
        # Dask may still remember keys of an earlier attempt.
        return blocks.of(str(uuid.uuid4()), range(first, len(self._tasks)), self._size)

    def _share(self, first: int) -> None:
        """Send objects that tasks share to the workers, each once."""
        objects = {}
        for task in islice(self._tasks, first, None):
            whole = blocks.common(task)
            if whole is not None:
                objects[id(whole)] = whole
        for identity, whole in objects.items():
            self._shared[identity] = self._connection.scatter(whole)

    def _submit(self, following: Iterator[Block]) -> bool:
        """Submit as many blocks as keep all workers busy; whether there are results to wait for."""
        ahead = 2 * self._connection.workers() + self._size
        waiting = sum(block.stop - block.first for block, _ in self._roots)
        graph: dict[Any, Any] = {}
        added: list[Block] = []
        while waiting < ahead:
            block = next(following, None)
            if block is None:
                break
            graph |= block.graph(self._tasks, self._shared, self._sender)
            added.append(block)
            waiting += block.stop - block.first
        if added:
            keys = [block.root for block in added]
            roots = self._client.get(graph, keys, sync=False, retries=ATTEMPTS - 1)
            for block, root in zip(added, roots, strict=True):
                root.add_done_callback(lambda _: self.events.put(None))
                self._roots.append((block, root))
        return bool(self._roots)

    def _wait(self, root: Future) -> None:
        """Wait until the state of a result is final, and take the reports of workers meanwhile."""
        while root.status in ("pending", "lost"):
            self._connection.check()
            self._take(INTERVAL)
        self._take(0.0)
        if root.status == "cancelled":
            self._connection.reconnect()

    def _take(self, seconds: float) -> None:
        """Take all events, and wait so long for the first."""
        with suppress(queue.Empty):
            event = self.events.get(timeout=seconds) if seconds else self.events.get_nowait()
            while True:
                if event is not None:
                    self._account(event["number"], event["kind"], event["content"])
                event = self.events.get_nowait()

    def _account(self, number: int, kind: str, content: Any) -> None:
        """Account for the report of a worker."""
        if kind == shots.BEGAN:
            self._lose(self._running & {number})
            self._running.add(number)
            return
        self._running.discard(number)
        if kind == shots.DONE:
            self._finish([number])
        elif kind == shots.REFUSED:
            refusal: shots.Refusal = shots.unpickled(content)
            raise refusal.raised()
        else:
            self._failures[number] += 1
            if self._failures[number] < ATTEMPTS:
                log.warning("shot task %d failed (%s); it is run again", number, content)

    def _lose(self, numbers: set[int]) -> None:
        """Account for tasks whose worker is gone.

        Raises
        ------
        ExecutionError
            If one has been lost too often.
        """
        self._running -= numbers
        self._losses.update(numbers)
        for number in numbers:
            if self._losses[number] >= ATTEMPTS:
                raise self._lost(number, ATTEMPTS)
            log.warning("shot task %d was lost with its worker; it is run again", number)

    def _lost(self, number: int | None, times: int) -> ExecutionError:
        return ExecutionError(
            f"{_named(number)} was lost {times} times with its worker; memory may have run out: "
            f"{losses.FEWER}; {self._connection.logs()}"
        )

    def _finish(self, numbers: Sequence[int]) -> None:
        """Tell the caller of finished tasks, once of each."""
        for number in numbers:
            if number not in self._finished:
                self._finished.add(number)
                self._done(number)

    def _explained(self, error: Exception) -> ExecutionError:
        """An error of Dask, or of a task that failed too often, in words."""
        from distributed import KilledWorker  # late: it is an optional extra

        if isinstance(error, shots.ShotFailed):
            return ExecutionError(
                f"{_named(error.number)} failed {ATTEMPTS} times, last with {error.reason}"
                f"{error.advice}"
            )
        if isinstance(error, KilledWorker):
            return self._lost(blocks.number_of(error.task), error.allowed_failures + 1)
        return ExecutionError(
            f"workers of Dask cannot run the shots ({type(error).__name__}: {error}); "
            f"{self._connection.logs()}"
        )


def _cause(error: Exception) -> Exception:
    return shots.Trace(error.trace) if isinstance(error, shots.ShotFailed) else error


def _named(number: int | None) -> str:
    return "a sum of shots" if number is None else f"shot task {number}"
