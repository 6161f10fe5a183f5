"""The executor of the process that leads an exchange."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fwicli.disk import beacons
from fwicli.errors import ExecutionError, FwiError
from fwicli.execution import losses, tree
from fwicli.execution.exchange import calls, parcels
from fwicli.execution.exchange.calls import Blocks, Superfluous, Tasks
from fwicli.execution.exchange.place import ForeignError, Place, Rest
from fwicli.execution.executor import Done, Executor, Task
from fwicli.execution.processes import ATTEMPTS, Processes

# Longest block of a sum, and number of blocks from which blocks become longer.
LONGEST, FEWEST = 8, 32

log = logging.getLogger("fwicli")


class Leader:
    """Posts tasks, runs some of them itself, and collects the results.

    Parameters
    ----------
    place : Place
        Exchange that this process leads.
    executor : Executor
        Of this process.
    workers : int
        Tasks that the executor of each process runs at once.
    """

    def __init__(self, place: Place, executor: Executor, workers: int) -> None:
        self._place, self._executor = place, executor
        self._least = tree.power_of_two(workers)

    def map(self, tasks: Sequence[Task], done: Done | None = None) -> Iterator[Any]:
        """Run tasks in all processes of the exchange.

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
            As raised by a task.
        """
        for results in self._results(Tasks.of(tasks, self._least, summed=False), done):
            yield from results

    def sums(self, tasks: Sequence[Task], size: int, done: Done | None = None) -> Iterator[Any]:
        """Run tasks in all processes of the exchange, and sum the results of blocks of them.

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
        tree.check_size(size)
        long = tree.power_of_two(len(tasks) // FEWEST)
        each = min(size, max(self._least, min(long, LONGEST)))
        results = self._results(Tasks.of(tasks, each, summed=True), done)
        return tree.blocks(results, size // each)

    def close(self) -> None:
        """Do nothing: processes leave by themselves."""

    def _results(self, tasks: Tasks, done: Done | None) -> Iterator[Any]:
        """Results of blocks, in their order."""
        if not tasks.functions:
            return
        self._place.check_lead()
        call = self._place.next_call()
        calls.post(self._place.folder, call, tasks)
        blocks = Blocks(self._place.folder, call, tasks.blocks, self._place.beacon)
        report = _Report(tasks, done)
        try:
            for block in range(tasks.blocks):
                yield self._wait(blocks, tasks, block, report)
        finally:
            calls.remove(self._place.folder, call)

    def _wait(self, blocks: Blocks, tasks: Tasks, block: int, report: _Report) -> Any:
        """The result of a block; until it is there, other blocks are run here."""
        rest, since = Rest(), time.monotonic()
        while True:
            self._place.check_lead()
            blocks.look()
            report.blocks(blocks.done)
            if block in blocks.done:
                result = parcels.read(blocks.path(block, "result"))
                if result is not None:
                    blocks.path(block, "taken").touch()
                    blocks.path(block, "result").unlink(missing_ok=True)
                    return result[0]
                if time.monotonic() - since > beacons.PATIENCE:
                    blocks.forget(block)
            self._check_failures(blocks)
            attempt = None if is_busy(self._executor) else blocks.claim()
            if attempt is None:
                rest.pause()
                continue
            run_block(blocks, tasks, attempt, self._executor, report.task)
            rest, since = Rest(), time.monotonic()

    def _check_failures(self, blocks: Blocks) -> None:
        """Raise the error of a block that has failed too often, or whose input is wrong."""
        for block, attempt in blocks.fails.items():
            if block in blocks.done:
                continue
            content = parcels.read(blocks.path(block, f"fail-{attempt}"))
            if content is None:
                continue
            fault: ForeignError = content[0]
            if isinstance(fault.error, FwiError) and not isinstance(fault.error, ExecutionError):
                raise fault.raised()
            if attempt >= ATTEMPTS:
                raise ExecutionError(
                    f"a block of shots ({_span(blocks, block)}) failed {ATTEMPTS} times, last on "
                    f"{fault.host} with {losses.in_words(fault.error)}"
                    f"{losses.advice(fault.error)}"
                ) from fault.raised()
        for block, attempt in blocks.tries.items():
            if attempt >= ATTEMPTS and block not in blocks.done and blocks.is_lost(block):
                raise ExecutionError(
                    f"a block of shots ({_span(blocks, block)}) was lost with its process "
                    f"{ATTEMPTS} times; look into the logs of the jobs"
                )


class _Report:
    """Reports each task of a call as done, once."""

    def __init__(self, tasks: Tasks, done: Done | None) -> None:
        self._tasks, self._done = tasks, done
        self._reported: set[int] = set()

    def blocks(self, numbers: Iterable[int]) -> None:
        """Report the tasks of blocks."""
        for block in numbers:
            for number in self._tasks.numbers(block):
                self.task(number)

    def task(self, number: int) -> None:
        """Report a task."""
        if number not in self._reported:
            self._reported.add(number)
            if self._done is not None:
                self._done(number)


def _span(blocks: Blocks, block: int) -> str:
    return f"block {block + 1} of {blocks.count}"


def run_block(
    blocks: Blocks,
    tasks: Tasks,
    attempt: tuple[int, int],
    executor: Executor,
    done: Done | None = None,
) -> None:
    """Run a block that was claimed, and write its result or error; others may be faster.

    Parameters
    ----------
    blocks : Blocks
    tasks : Tasks
    attempt : tuple of int
        Numbers of block and attempt.
    executor : Executor
        Of this process.
    done : callable, optional
        Called with the number of each finished task.

    Raises
    ------
    ExecutionError
        If this node cannot read or write files; others may be able to.
    """
    block, number = attempt
    span = _span(blocks, block)
    try:
        with _interrupted(executor, lambda: blocks.check_wanted(block)):
            result = tasks.run(block, executor, done)
    except Superfluous:
        log.info("%s is left to its workers: another process was faster", span)
        blocks.pace.forget(block)
        return
    except Exception as error:
        log.warning("%s failed (%s)", span, losses.in_words(error))
        _write(blocks.path(block, f"fail-{number}"), ForeignError.of(error))
        if isinstance(error, OSError):
            raise ExecutionError(f"{span} failed here with {losses.in_words(error)}") from error
        return
    blocks.pace.finish(block)
    _write(blocks.path(block, "result"), result)


def is_busy(executor: Executor) -> bool:
    """Whether all workers of an executor still run what another process was faster with."""
    return isinstance(executor, Processes) and executor.is_busy()


@contextmanager
def _interrupted(executor: Executor, pulse: Callable[[], None]) -> Iterator[None]:
    """Have the calls of an executor end by an error of a function; in process, they do not."""
    if not isinstance(executor, Processes):
        yield
        return
    executor.pulse = pulse
    try:
        yield
    finally:
        executor.pulse = None


def _write(path: Path, content: Any) -> None:
    """Write a file of a block, unless the exchange has ended meanwhile."""
    try:
        parcels.write(path, content)
    except FileNotFoundError:
        return
    except OSError as error:
        raise ExecutionError(f"{path} cannot be written: {losses.in_words(error)}") from error
