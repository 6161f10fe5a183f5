"""Shots over worker processes of this machine.

A worker is lost when its socket ends, for any reason, and its task is run again by another. The
server that workers are forked from may be lost as well: its workers continue without it, and a new
server is started for the next worker. A task that is overdue is run a second time by a worker
without work; the first result counts. A call may be given up: its tasks that run are left to their
workers, which are busy until these end.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Any, Self

from fwicli.errors import ExecutionError, FwiError
from fwicli.execution import losses, machine, messages, tree, worker
from fwicli.execution.crew import Crew, Job, Worker
from fwicli.execution.executor import Done, Executor, InProcess, Task
from fwicli.execution.losses import WorkerLost
from fwicli.execution.pace import Pace
from fwicli.execution.relief import Relief

ATTEMPTS = 3

# Tasks of a call that are in progress, or whose results wait for an earlier one, for each worker.
AHEAD = 3
# Time between two looks for tasks that are overdue [s].
INTERVAL = 1.0

log = logging.getLogger(__name__)


class Processes:
    """Runs tasks in worker processes on this machine, for any number of threads.

    Parameters
    ----------
    workers : int
        Largest number of processes.

    Attributes
    ----------
    pulse : callable or None
        Called about once a second while a call waits; an error that it raises gives the call up.
    """

    shares_memory = True
    pulse: Callable[[], None] | None = None

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._lock = threading.RLock()
        self._crew = Crew()
        self._relief = Relief()
        self._killed_for_memory = machine.killed_for_memory()

    def __reduce__(self) -> tuple[type[Self], tuple[int]]:
        """Pickle the number of workers; the workers themselves remain here."""
        return type(self), (self.workers,)

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Run tasks in workers.

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
            If a task has failed `ATTEMPTS` times.
        FwiError
            As raised by a task; errors in its input are not repeated.
        """
        finished: deque[Job] = deque()
        tasks_left = enumerate(tasks)
        jobs: dict[int, Job] = {}
        pace = Pace()
        try:
            for following in range(len(tasks)):
                while following not in jobs or not jobs[following].is_done:
                    for number, task in islice(tasks_left, self._ahead(len(jobs))):
                        jobs[number] = Job(number, task, finished, pace)
                        self._enqueue(jobs[number])
                    self._wait(finished)
                    job = finished.popleft()
                    if job.error is not None:
                        self._again(job, job.error)
                        continue
                    job.is_done = True
                    pace.finish(job.number)
                    if done is not None:
                        done(job.number)
                yield jobs.pop(following).result
        finally:
            with self._lock:
                for job in jobs.values():
                    job.is_settled = True
                    with suppress(ValueError):
                        self._crew.queue.remove(job)

    def sums(self, tasks: Sequence[Task], size: int, done: Done | None = None) -> Iterator[Any]:
        """Run tasks in workers, and sum the results of consecutive blocks of them.

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
        ExecutionError, FwiError
            As `map`.
        """
        return tree.blocks(self.map(tasks, done), size)

    def is_busy(self) -> bool:
        """Whether all workers run tasks, as those of a call that was given up."""
        with self._lock:
            for handle in self._crew.ready(0.0):
                self._receive(handle)
            return len(self._crew.workers) >= self.workers and self._crew.idle() is None

    def close(self) -> None:
        """End the workers, and wait until they have ended; unfinished tasks are dropped."""
        with self._lock:
            crew, self._crew = self._crew, Crew()
            dropped = ExecutionError("the workers were ended while tasks waited for them")
            for handle in list(crew.workers):
                if handle.job is not None:
                    crew.dismiss(handle, dropped)
            for handle in crew.workers:
                handle.end(at_once=False)
            for job in crew.queue:
                job.finish(None, dropped)

    def _ahead(self, jobs: int) -> int:
        """Number of tasks that a call with this number of jobs may add: few results wait."""
        return max(0, AHEAD * self.workers - jobs)

    def _enqueue(self, job: Job) -> None:
        """Put a task of a call into the queue."""
        with self._lock:
            self._crew.queue.append(job)

    def _wait(self, finished: deque[Job]) -> None:
        """Wait until a job of this call has finished; jobs of other calls proceed as well."""
        while True:
            if self.pulse is not None:
                self.pulse()
            with self._lock:
                if finished:
                    return
                self._assign()
                returns = self._crew.idle() or self.pulse is not None
                for handle in self._crew.ready(INTERVAL if returns else None):
                    self._receive(handle)

    def _assign(self) -> None:
        """Give jobs to workers, as long as there are both."""
        crew = self._crew
        while len(crew.workers) > self.workers and (handle := crew.idle()):
            crew.workers.remove(handle)
            handle.end(at_once=False)
        while crew.queue:
            if crew.queue[0].is_settled:
                crew.queue.popleft()
                continue
            handle = crew.idle()
            if handle is None:
                if len(crew.workers) >= self.workers:
                    return
                handle = Worker()
                crew.workers.append(handle)
            self._hand(crew.queue.popleft(), handle)
        for job in crew.overdue() if crew.idle() else ():
            if (handle := crew.idle()) is not None:
                log.info("shot task %d takes far longer than others; it is run twice", job.number)
                self._hand(job, handle)

    def _hand(self, job: Job, handle: Worker) -> None:
        """Give a job to a worker."""
        job.level, job.workers = self._relief.level, self.workers
        try:
            parts = messages.pack(self._relief.apply(job.task))
        except Exception as error:
            job.finish(None, error)
            return
        handle.begin(job)
        try:
            handle.send(parts)
        except OSError:
            if not handle.is_new:  # the worker has ended while it was idle
                handle.end_job()
                self._crew.queue.appendleft(job)
            self._lose(handle)
        except BaseException:
            # The worker has received part of a message, and could not parse another one.
            self._crew.dismiss(handle, WorkerLost("its worker was ended by an interrupt"))
            raise

    def _receive(self, handle: Worker) -> None:
        """Take the result of a worker's job."""
        try:
            parts = messages.receive(handle.connection)
        except (OSError, EOFError):
            self._lose(handle)
            return
        except BaseException:
            self._crew.dismiss(handle, WorkerLost("its worker was ended by an interrupt"))
            raise
        job = handle.end_job()
        if job is None:
            return
        try:
            job.finish(*worker.outcome(parts))
        except Exception as error:
            job.finish(None, error)

    def _lose(self, handle: Worker) -> None:
        """Remove a worker that has ended; its job fails with the reason."""
        self._crew.workers.remove(handle)
        status = handle.status()
        job = handle.end_job()
        if job is not None:
            before = self._killed_for_memory or 0
            killed = (machine.killed_for_memory() or 0) - before
            # Each kill is that of one worker; the others may be noticed later.
            self._killed_for_memory = before + min(killed, 1)
            job.finish(None, losses.explain(status, killed))

    def _again(self, job: Job, error: Exception) -> None:
        """Run a failed task again, or raise its last error."""
        if isinstance(error, FwiError):
            raise error
        text = losses.in_words(error)
        if losses.for_memory(error) and self._relieve(job, error):
            self._requeue(job)
            return
        job.failures += 1
        if job.failures >= ATTEMPTS:
            raise ExecutionError(
                f"shot task {job.number} failed {ATTEMPTS} times, last with {text}"
                f"{losses.advice(error)}"
            ) from error
        log.warning("shot task %d failed (%s); it is run again", job.number, text)
        self._requeue(job)

    def _requeue(self, job: Job) -> None:
        """Put a failed job before all others."""
        job.error = None
        with self._lock:
            self._crew.queue.appendleft(job)

    def _relieve(self, job: Job, error: Exception) -> bool:
        """Have tasks take less memory, or run fewer at once; False if neither is possible."""
        with self._lock:
            if self._relief.lower(job.number, job.task, job.level, error):
                return True
            if job.workers > self.workers:
                return True
            if self.workers == 1:
                return False
            self.workers -= 1
            log.warning(
                "warning: shot task %d ran out of memory (%s), and cannot do with less; %d "
                "worker(s) in place of %d run shots from now on",
                job.number,
                losses.in_words(error),
                self.workers,
                self.workers + 1,
            )
            return True


class Local:
    """Executor for this machine as a context: in process for one worker, otherwise in workers."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or machine.cores()
        self._executor: Executor = InProcess() if self.workers == 1 else Processes(self.workers)

    def __enter__(self) -> Executor:
        return self._executor

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.close()

    def with_tasks(self, tasks: int) -> Self:
        """An executor with at most one worker a task."""
        return type(self)(max(1, min(self.workers, tasks)))
