"""Calls of the executor on Dask: what is submitted of their tasks, and what happens to it.

Results come in the order of blocks. All that has no result yet is submitted anew where no worker
has the model any more, and where tasks are to take less memory. The first result of a shot that two
workers run counts: it has the same bits.
"""

from __future__ import annotations

import logging
import queue
import time
import uuid
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from fwicli.errors import ExecutionError
from fwicli.execution import losses
from fwicli.execution.dask import blocks, shortage, shots, versions
from fwicli.execution.dask.blocks import Block
from fwicli.execution.dask.connection import Connection
from fwicli.execution.dask.shortage import Shortage
from fwicli.execution.executor import Done, Task
from fwicli.execution.losses import WorkerLost
from fwicli.execution.pace import Pace
from fwicli.execution.processes import ATTEMPTS

if TYPE_CHECKING:
    from distributed import Client, Future

# Longest time between two looks at the scheduler [s].
INTERVAL = 1.0
# A result of this many seconds on its way is asked for again [s].
TRANSFER = 600.0
# Kind of the event that tells why a worker has ended.
ENDED = "ended"

log = logging.getLogger(__name__)


@dataclass
class _Root:
    """The result of a block: as it was submitted, and perhaps by way of second runs of shots.

    Attributes
    ----------
    second : Future or None
        Of the same result with `rerouted` shots from their second runs; it needs `stored` ones.
    """

    block: Block
    first: Future
    second: Future | None = None
    rerouted: set[int] = field(default_factory=set)
    stored: list[Future] = field(default_factory=list)

    @property
    def future(self) -> Future:
        """The one that is there already, or else the first."""
        second = self.second
        return self.first if second is None or second.status != "finished" else second

    def release(self) -> None:
        """Drop it on the workers."""
        for future in (self.first, self.second, *self.stored):
            if future is not None:
                future.release()


class Call:
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
        shortage: Shortage,
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
        self._roots: deque[_Root] = deque()
        self._shared: dict[int, Future] = {}
        self._doubles: dict[int, Future] = {}
        self._pace = Pace()
        self._shortage = shortage
        # Workers by node; those whose nodes are to run fewer shots at once from now on.
        self._workers: dict[str, int] = {}
        self._exhausted: set[str] = set()
        # Tasks that workers run; why tasks were lost; whether tasks are to take less memory.
        self._tasks_at: dict[str, int] = {}
        self._reasons: dict[int, WorkerLost] = {}
        self._is_relieved = False

    @property
    def _client(self) -> Client:
        return self._connection.client

    def results(self) -> Iterator[Any]:
        """Sums of blocks, in their order."""
        following = self._begin(0)
        while self._submit(following):
            root = self._roots[0]
            block = root.block
            self._wait(root)
            if self._is_relieved:
                self._is_relieved = False
                self._running.clear()
                following = self._begin(block.first)
                continue
            if root.future.status == "cancelled":
                following = self._again(block.first)
                continue
            try:
                result = root.future.result(timeout=TRANSFER)
            except TimeoutError:
                continue
            except Exception as error:
                if root.future.status != "cancelled":
                    raise self._explained(error) from _cause(error)
                continue
            if isinstance(result, shots.Refusal):
                raise result.raised()
            self._roots.popleft()
            root.release()
            del root
            self._finish(range(block.first, block.stop))
            yield result
            del result

    def release(self) -> None:
        """Drop whatever workers hold or have still to run for this call."""
        for root in self._roots:
            root.release()
        self._roots.clear()
        for future in self._doubles.values():
            future.release()
        self._doubles.clear()
        for future in self._shared.values():
            future.release()
        self._shared.clear()

    def _begin(self, first: int) -> Iterator[Block]:
        """Blocks from a task on; objects that tasks share are in the memory of workers then."""
        self.release()
        if self._exhausted:
            self._connection.renew_neighbours(self._exhausted)
            self._exhausted = set()
        self._connection.wait()
        self._share(first)
        relief, places = self._shortage.relief, self._shortage.places
        self._sender = replace(self._sender, level=relief.level, places=places)
        self._workers = shortage.count(self._connection.addresses())
        self._pace, self._tasks_at = Pace(), {}
        # Dask may still remember keys of an earlier attempt.
        return blocks.of(str(uuid.uuid4()), range(first, len(self._tasks)), self._size)

    def _again(self, first: int) -> Iterator[Block]:
        """Blocks from a task on, after a loss of the scheduler, or of all that had an object."""
        self._lose(set(self._running))
        log.warning("all workers that had the model are gone; it is sent again")
        return self._begin(first)

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
        waiting = sum(root.block.stop - root.block.first for root in self._roots)
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
                self._watch(root)
                self._roots.append(_Root(block, root))
                for number in range(block.first, block.stop):
                    self._pace.hand_out(number)
        return bool(self._roots)

    def _watch(self, future: Future) -> None:
        """Wake the call when the state of a result has changed."""
        future.add_done_callback(lambda _: self.events.put(None))

    def _wait(self, root: _Root) -> None:
        """Wait until the state of a result is final, and take the reports of workers meanwhile."""
        following = time.monotonic() + INTERVAL
        while root.future.status in ("pending", "lost"):
            self._connection.check()
            self._take(INTERVAL)
            if self._is_relieved:
                return
            if time.monotonic() > following:
                self._reroute()
                self._double()
                following = time.monotonic() + INTERVAL
        self._take(0.0)
        if root.future.status == "cancelled":
            self._connection.reconnect()

    def _double(self) -> None:
        """Run shots that are overdue a second time, on workers that have nothing to do."""
        overdue = self._pace.overdue()
        if not overdue:
            return
        waiting = sum(future.status == "pending" for future in self._doubles.values())
        idle = self._connection.present() - self._pace.unfinished - waiting
        sender = replace(self._sender, reports=False)
        for number in overdue[: max(idle, 0)]:
            key = (f"again-{uuid.uuid4()}", number)
            graph = {key: blocks.leaf(self._tasks, number, self._shared, sender)}
            (self._doubles[number],) = self._client.get(graph, [key], sync=False)
            self._pace.second(number)
            self._watch(self._doubles[number])
            log.info(
                "shot task %d takes far longer than others; another worker runs it too", number
            )

    def _reroute(self) -> None:
        """Sum the results of second runs in place of those that are still to come."""
        ready = {n: future for n, future in self._doubles.items() if future.status == "finished"}
        for root in self._roots:
            block = root.block
            results = {n: ready[n] for n in range(block.first, block.stop) if n in ready}
            if root.rerouted == set(results):
                continue
            root.rerouted = set(results)
            if block.stop - block.first == 1:
                root.second = results[block.first]
            else:
                stored = partial(self._stored, root)
                graph, key = block.rerouted(results, str(uuid.uuid4()), stored)
                (root.second,) = self._client.get(graph, [key], sync=False)
                self._watch(root.second)
            self._finish(list(results))

    def _stored(self, root: _Root, key: blocks.Key) -> Future:
        """A result that workers have, or are to have, for the block of a root."""
        from distributed import Future  # late: it is an optional extra

        root.stored.append(Future(key, self._client))
        return root.stored[-1]

    def _take(self, seconds: float) -> None:
        """Take all events, and wait so long for the first."""
        with suppress(queue.Empty):
            event = self.events.get(timeout=seconds) if seconds else self.events.get_nowait()
            while True:
                if event is not None:
                    self._account(event)
                event = self.events.get_nowait()

    def _account(self, event: Mapping[str, Any]) -> None:
        """Account for the report of a worker, or of its end."""
        number, kind, content = event["number"], event["kind"], event["content"]
        if kind == shots.BEGAN:
            self._lose(self._running & {number})
            self._running.add(number)
            self._tasks_at[event["worker"]] = number
            self._pace.begin(number)
            return
        task = self._tasks_at.pop(event["worker"], None)
        if kind == ENDED:
            if task is not None:
                self._reasons[task] = content
                self._relieve(task, content, event["worker"])
            return
        self._running.discard(number)
        if kind == shots.DONE:
            self._finish([number])
        elif kind == shots.REFUSED:
            refusal: shots.Refusal = shots.unpickled(content)
            raise refusal.raised()
        else:
            lost = WorkerLost(str(content), for_memory=kind == shots.EXHAUSTED)
            if self._relieve(number, lost, event["worker"]):
                return
            self._failures[number] += 1
            if self._failures[number] < ATTEMPTS:
                log.warning("shot task %d failed (%s); it is run again", number, content)

    def _relieve(self, number: int, lost: WorkerLost, worker: str) -> bool:
        """If memory had run out, have tasks take less, or fewer run at once on a node."""
        if not lost.for_memory:
            return False
        task, sender = self._tasks[number], self._sender
        if not self._shortage.relief.lower(number, task, sender.level, lost):
            node, now = shortage.node_of(worker), shortage.count(self._connection.addresses())
            workers = max(counts.get(node, 1) for counts in (self._workers, now))
            if not self._shortage.lower(number, lost, worker, workers, sender.places):
                return False
            self._exhausted.add(worker)
        self._is_relieved = True
        self._losses.pop(number, None)
        return True

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
        reason = None if number is None else self._reasons.get(number)
        why = "" if reason is None else f", last because {reason}"
        memory = "" if reason and reason.for_memory else "memory may have run out: "
        return ExecutionError(
            f"{_named(number)} was lost {times} times with its worker{why}; {memory}"
            f"{losses.FEWER}; {self._connection.logs()}"
        )

    def _finish(self, numbers: Sequence[int]) -> None:
        """Tell the caller of finished tasks, once of each."""
        for number in numbers:
            self._pace.finish(number)
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
