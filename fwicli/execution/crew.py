"""Workers of this machine as the process sees them that hands them jobs."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fwicli.execution import messages, server, worker
from fwicli.execution.executor import Task
from fwicli.execution.pace import Pace


@dataclass
class Job:
    """A task in progress, and its result.

    Attributes
    ----------
    finished : deque of Job
        Receives the job once it has a result or an error.
    pace : Pace
        Of the tasks of the call.
    runs : int
        Workers that run it; the first result counts.
    is_settled : bool
        Whether it has a result, or nobody waits for one any more.
    level, workers : int
        Of the executor when a worker received it (see `relief`), and its number of workers.
    """

    number: int
    task: Task
    finished: deque[Job]
    pace: Pace
    runs: int = 0
    failures: int = 0
    level: int = 0
    workers: int = 0
    result: Any = None
    error: Exception | None = None
    is_done: bool = False
    is_settled: bool = False

    def finish(self, result: Any, error: Exception | None) -> None:
        """Store the result; or the error, unless another worker may still have a result.

        Parameters
        ----------
        result : object
        error : Exception or None
            None if there is a result.
        """
        if self.is_settled or (error is not None and self.runs):
            return
        self.is_settled = error is None
        self.result, self.error = result, error
        self.finished.append(self)


class Worker:
    """A worker, from the side of this process."""

    def __init__(self) -> None:
        self.connection, other = socket.socketpair()
        self.job: Job | None = None
        self.is_new = True
        with other:
            self._process = server.worker_at(other)

    def send(self, parts: list[messages.Buffer]) -> None:
        """Send a task; before the first one, the preparation for unpickling it."""
        if self.is_new:
            messages.send(self.connection, worker.preparation())
        messages.send(self.connection, parts)
        self.is_new = False

    def begin(self, job: Job) -> None:
        """Have it run a job."""
        self.job = job
        if job.runs:
            job.pace.second(job.number)
        else:
            job.pace.begin(job.number)
        job.runs += 1

    def end_job(self) -> Job | None:
        """The job that it has run, from now on without it."""
        job, self.job = self.job, None
        if job is not None:
            job.runs -= 1
            job.pace.single(job.number)
        return job

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
class Crew:
    """Workers, and the queue of jobs."""

    workers: list[Worker] = field(default_factory=list)
    queue: deque[Job] = field(default_factory=deque)

    def idle(self) -> Worker | None:
        """A worker without a job."""
        return next((handle for handle in self.workers if handle.job is None), None)

    def overdue(self) -> list[Job]:
        """Jobs that are overdue, and that somebody waits for."""
        jobs = [handle.job for handle in self.workers if handle.job is not None]
        return [j for j in jobs if not j.is_settled and j.number in j.pace.overdue()]

    def ready(self, seconds: float | None) -> list[Worker]:
        """Workers that have replied or ended; wait for them, at most so long."""
        with selectors.DefaultSelector() as selector:
            for handle in self.workers:
                selector.register(handle.connection, selectors.EVENT_READ, handle)
            return [key.data for key, _ in selector.select(seconds)]

    def dismiss(self, handle: Worker, error: Exception) -> None:
        """End a worker by force; its job fails with an error.

        Parameters
        ----------
        handle : Worker
        error : Exception
        """
        self.workers.remove(handle)
        if (job := handle.end_job()) is not None:
            job.finish(None, error)
        handle.end(at_once=True)
