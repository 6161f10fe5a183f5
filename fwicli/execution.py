"""Shots over the cores of one machine: independent tasks, results in order.

A task is a pure, picklable function without arguments. Results come back in the order of the
tasks whatever worker computed them, so a sum over shots does not depend on the number of workers.
A worker that dies takes no result with it: its tasks are run again by a new one. A task that has
failed `ATTEMPTS` times fails the whole; a partial result is never returned.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from fwicli.errors import ExecutionError, FwiError
from fwicli.propagators import blas

ATTEMPTS = 3

# What ends a run is for the process that saves its state and ends the workers, not for them, even
# where a terminal or a batch system sends it to all.
FOR_PARENT = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)
)

# What a worker imports before its first task, once for all workers.
PRELOAD = ["fwicli.propagators.propagator", "scipy.fft", "scipy.sparse", "scipy.special"]

Task = Callable[[], Any]
Done = Callable[[int], None]

log = logging.getLogger(__name__)


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
            yield _run(task)
            if done is not None:
                done(number)

    def close(self) -> None:
        """Nothing to end."""


class Processes:
    """Runs tasks in worker processes on this machine."""

    shares_memory = True

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Results of the tasks, in order.

        Raises
        ------
        ExecutionError
            If a task has failed too often.
        FwiError
            As raised by a task: what is wrong with its input does not mend by repeating.
        """
        waiting = list(range(len(tasks)))
        failures = dict.fromkeys(waiting, 0)
        running: dict[Future[Any], int] = {}
        results: dict[int, Any] = {}
        following = 0
        try:
            while following < len(tasks):
                while waiting and len(running) < self.workers:
                    number = waiting.pop(0)
                    running[self._submit(tasks[number])] = number
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    number = running.pop(future)
                    try:
                        results[number] = future.result()
                    except FwiError:
                        raise
                    except Exception as error:
                        self._failed(number, failures, error)
                        waiting.insert(0, number)
                        continue
                    if done is not None:
                        done(number)
                while following in results:
                    yield results.pop(following)
                    following += 1
        finally:
            for future in running:
                future.cancel()

    def _failed(self, number: int, failures: dict[int, int], error: Exception) -> None:
        """Note a failure; give up at the last."""
        failures[number] += 1
        if isinstance(error, BrokenProcessPool):
            self.close()
        text = f"{type(error).__name__}: {error}"
        if failures[number] >= ATTEMPTS:
            raise ExecutionError(
                f"shot task {number} failed {ATTEMPTS} times, last with {text}; if a worker was "
                f"killed, memory may have run out: lower `execution.workers`"
            ) from error
        log.warning("shot task %d failed (%s); it is run again", number, text)

    def _submit(self, task: Task) -> Future[Any]:
        try:
            return self._start().submit(_run, task)
        except BrokenProcessPool:
            self.close()
            return self._start().submit(_run, task)

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            method = "forkserver" if sys.platform.startswith("linux") else "spawn"
            context = multiprocessing.get_context(method)
            if method == "forkserver":
                context.set_forkserver_preload(PRELOAD)
                _start_forkserver()
            self._pool = ProcessPoolExecutor(self.workers, context, initializer=_follow_parent)
        return self._pool

    def close(self) -> None:
        """End the workers; tasks that have not begun are dropped."""
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None


def _run(task: Task) -> Any:
    with blas.alone():
        return task()


class Local:
    """Executor for this machine as a context: in process for one worker, in workers for more."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or cores()
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
        """An executor with no more workers than tasks."""
        return type(self)(max(1, min(self.workers, tasks)))


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available() -> int:
    """Memory of this machine, or what a control group leaves this process of it [bytes]."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")]
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, place = line.split(":", 2)
            memory = "memory" in controllers.split(",")
            if memory or not controllers:
                root = Path("/sys/fs/cgroup/memory" if memory else "/sys/fs/cgroup")
                name = "memory.limit_in_bytes" if memory else "memory.max"
                group = root / place.lstrip("/")
                limits += [_limit(g / name) for g in (group, *group.parents) if _inside(g, root)]
    return min(limit for limit in limits if limit > 0)


def _inside(group: Path, root: Path) -> bool:
    return group == root or root in group.parents


def _limit(path: Path) -> int:
    """The limit in a file of a control group; 0 for none."""
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return 0


def _start_forkserver() -> None:
    """Start the process that workers are forked from, with the signals blocked that end a run."""
    from multiprocessing import forkserver  # late: not on every platform

    before = signal.pthread_sigmask(signal.SIG_BLOCK, FOR_PARENT)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow_parent() -> None:
    """Leave signals to the parent, and end when it ends: one that was killed ends no worker."""
    for number in FOR_PARENT:
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)
