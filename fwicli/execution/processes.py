"""Shots over worker processes of this machine.

A worker is lost when its socket ends, for any reason, and its task is run again by another. The
server that workers are forked from may be lost as well: its workers continue without it, and a new
server is started for the next worker.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from types import TracebackType
from typing import Any, Self

from fwicli.errors import ExecutionError, FwiError
from fwicli.execution import losses, machine, messages, server, tree, worker
from fwicli.execution.executor import Done, Executor, InProcess, Task
from fwicli.execution.losses import WorkerLost
from fwicli.execution.relief import Relief

ATTEMPTS = 3

# Tasks of a call that are in progress, or whose results wait for an earlier one, for each worker.
AHEAD = 3

log = logging.getLogger(__name__)


@dataclass
class _Job:
    """A task in progress, and its result.

    Attributes
    ----------
    finished : deque of _Job
        Receives the job once it has a result or an error.
    level, workers : int
        Of the executor when a worker received it (see `relief`), and its number of workers.
    """

    number: int
    task: Task
    finished: deque[_Job]
    failures: int = 0
    level: int = 0
    workers: int = 0
    result: Any = None
    error: Exception | None = None
    is_done: bool = False

    def finish(self, result: Any, error: Exception | None) -> None:
        """Store the result or the error."""
        self.result, self.error = result, error
        self.finished.append(self)


class _Worker:
    """A worker, from the side of this process."""

    def __init__(self) -> None:
        self.connection, other = socket.socketpair()
        self.job: _Job | None = None
        self.is_new = True
        with other:
            self._process = server.worker_at(other)

    def send(self, parts: list[messages.Buffer]) -> None:
        """Send a task; before the first one, the preparation for unpickling it."""
        if self.is_new:
            messages.send(self.connection, worker.preparation())
        messages.send(self.connection, parts)
        self.is_new = False

    def status(self) -> int | None:
        """Exit code of a worker that has ended, or the negative of a signal; None if unknown."""
        self.connection.close()
        return self._process.status()

    def end(self, at_once: bool) -> None:
        """End it, by request or by force, and wait until it has ended."""
        with suppress(OSError):
            if at_once:
                self._process.kill()
            self.connection.shutdown(socket.SHUT_WR)
            if not self._is_gone():
                self._process.kill()
                self._is_gone()
        self.connection.close()

    def _is_gone(self) -> bool:
        """Wait for the end of the socket, which all copies of the process must close."""
        self.connection.settimeout(server.PATIENCE)
        try:
            while self.connection.recv(1 << 16):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


@dataclass
class _Crew:
    """Workers, and the queue of jobs."""

    workers: list[_Worker] = field(default_factory=list)
    queue: deque[_Job] = field(default_factory=deque)

    def idle(self) -> _Worker | None:
        """A worker without a job."""
        return next((handle for handle in self.workers if handle.job is None), None)

    def ready(self) -> list[_Worker]:
        """Wait for workers that have replied or ended."""
        with selectors.DefaultSelector() as selector:
            for handle in self.workers:
                selector.register(handle.connection, selectors.EVENT_READ, handle)
            return [key.data for key, _ in selector.select()]

    def dismiss(self, handle: _Worker, error: Exception) -> None:
        """End a worker by force; its job fails with an error."""
        self.workers.remove(handle)
        if handle.job is not None:
            handle.job.finish(None, error)
        handle.end(at_once=True)


class Processes:
    """Runs tasks in worker processes on this machine, for any number of threads.

    Parameters
    ----------
    workers : int
        Largest number of processes.
    """

    shares_memory = True

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._lock = threading.RLock()
        self._crew = _Crew()
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
        finished: deque[_Job] = deque()
        tasks_left = enumerate(tasks)
        jobs: dict[int, _Job] = {}
        try:
            for following in range(len(tasks)):
                while following not in jobs or not jobs[following].is_done:
                    self._enqueue(jobs, finished, tasks_left)
                    self._wait(finished)
                    job = finished.popleft()
                    if job.error is not None:
                        self._again(job, job.error)
                        continue
                    job.is_done = True
                    if done is not None:
                        done(job.number)
                yield jobs.pop(following).result
        finally:
            with self._lock:
                for job in jobs.values():
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

    def close(self) -> None:
        """End the workers, and wait until they have ended; unfinished tasks are dropped."""
        with self._lock:
            crew, self._crew = self._crew, _Crew()
            dropped = ExecutionError("the workers were ended while tasks waited for them")
            for handle in list(crew.workers):
                if handle.job is not None:
                    crew.dismiss(handle, dropped)
            for handle in crew.workers:
                handle.end(at_once=False)
            for job in crew.queue:
                job.finish(None, dropped)

    def _enqueue(
        self, jobs: dict[int, _Job], finished: deque[_Job], tasks: Iterator[tuple[int, Task]]
    ) -> None:
        """Put tasks of a call into the queue, as long as few of its results wait."""
        for number, task in islice(tasks, max(0, AHEAD * self.workers - len(jobs))):
            jobs[number] = _Job(number, task, finished)
            with self._lock:
                self._crew.queue.append(jobs[number])

    def _wait(self, finished: deque[_Job]) -> None:
        """Wait until a job of this call has finished; jobs of other calls proceed as well."""
        while True:
            with self._lock:
                if finished:
                    return
                self._assign()
                for handle in self._crew.ready():
                    self._receive(handle)

    def _assign(self) -> None:
        """Give jobs to workers, as long as there are both."""
        crew = self._crew
        while len(crew.workers) > self.workers and (handle := crew.idle()):
            crew.workers.remove(handle)
            handle.end(at_once=False)
        while crew.queue:
            handle = crew.idle()
            if handle is None:
                if len(crew.workers) >= self.workers:
                    return
                handle = _Worker()
                crew.workers.append(handle)
            self._hand(crew.queue.popleft(), handle)

    def _hand(self, job: _Job, handle: _Worker) -> None:
        """Give a job to a worker."""
        job.level, job.workers = self._relief.level, self.workers
        try:
            parts = messages.pack(self._relief.apply(job.task))
        except Exception as error:
            job.finish(None, error)
            return
        handle.job = job
        try:
            handle.send(parts)
        except OSError:
            if not handle.is_new:  # the worker has ended while it was idle
                handle.job = None
                self._crew.queue.appendleft(job)
            self._lose(handle)
        except BaseException:
            # The worker has received part of a message, and could not parse another one.
            self._crew.dismiss(handle, WorkerLost("its worker was ended by an interrupt"))
            raise

    def _receive(self, handle: _Worker) -> None:
        """Take the result of a worker's job."""
        try:
            parts = messages.receive(handle.connection)
        except (OSError, EOFError):
            self._lose(handle)
            return
        except BaseException:
            self._crew.dismiss(handle, WorkerLost("its worker was ended by an interrupt"))
            raise
        job, handle.job = handle.job, None
        if job is None:
            return
        try:
            job.finish(*worker.outcome(parts))
        except Exception as error:
            job.finish(None, error)

    def _lose(self, handle: _Worker) -> None:
        """Remove a worker that has ended; its job fails with the reason."""
        self._crew.workers.remove(handle)
        status = handle.status()
        if handle.job is not None:
            before = self._killed_for_memory or 0
            killed = (machine.killed_for_memory() or 0) - before
            # Each kill is that of one worker; the others may be noticed later.
            self._killed_for_memory = before + min(killed, 1)
            handle.job.finish(None, losses.explain(status, killed))

    def _again(self, job: _Job, error: Exception) -> None:
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

    def _requeue(self, job: _Job) -> None:
        """Put a failed job before all others."""
        job.error = None
        with self._lock:
            self._crew.queue.appendleft(job)

    def _relieve(self, job: _Job, error: Exception) -> bool:
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
