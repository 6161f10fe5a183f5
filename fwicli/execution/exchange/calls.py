"""The calls of a leader, and the blocks of their tasks, as files.

    call-TERM-CALL              tasks and the size of a block, posted by the leader
    block-TERM-CALL-N.try-K     attempt K at block N: the beacon of the process that makes it
    block-TERM-CALL-N.fail-K    error of the attempt, with its log
    block-TERM-CALL-N.result    sum of the block, or results of its tasks
    block-TERM-CALL-N.taken     the leader has the result

An attempt is claimed by making its file, which only one process can do. The next attempt may begin
when the file of an error is there, or the process has been silent. A late result of an earlier
attempt has the same bits. A process without work may make a second attempt at a block that takes
far longer than those that it has run itself; the first result counts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fwicli.disk import beacons
from fwicli.execution import tree
from fwicli.execution.exchange import parcels
from fwicli.execution.executor import Done, Executor, Task
from fwicli.execution.pace import Pace
from fwicli.execution.processes import ATTEMPTS

_CALL = re.compile(r"call-(\d{6})-(\d{6})")
_BLOCK = re.compile(r"block-(\d{6}-\d{6})-(\d{6})\.(?:(try|fail)-(\d+)|(result|taken))")
# Files of an exchange, which may be removed: these, beacons, and any of them written aside.
OWN = re.compile(rf"\.?(?:{_CALL.pattern}|{_BLOCK.pattern}|member-[0-9a-f]+|ended)(?:\..*new)?")

log = logging.getLogger(__name__)


class Superfluous(Exception):  # noqa: N818 - it is no error of the run
    """Another process has the result of a block that this one runs."""


@dataclass(frozen=True)
class Tasks:
    """Tasks of a call.

    Attributes
    ----------
    functions : tuple of callable
        Of the object in common, or without arguments.
    common : tuple
        Objects that several tasks have in common.
    which : tuple of int
        Number of the object in common of each task; -1 for none.
    size : int
        Tasks of a block, a power of two; the last block may be shorter.
    summed : bool
        Whether the results of a block are summed.
    """

    functions: tuple[Callable[..., Any], ...]
    common: tuple[Any, ...]
    which: tuple[int, ...]
    size: int
    summed: bool

    @classmethod
    def of(cls, tasks: Sequence[Task], size: int, summed: bool) -> Tasks:
        """The tasks, without what they have in common.

        Parameters
        ----------
        tasks : sequence of callable
        size : int
            Tasks of a block.
        summed : bool

        Returns
        -------
        tasks : Tasks
        """
        common: list[Any] = []
        numbers: dict[int, int] = {}
        functions, which = [], []
        for task in tasks:
            shared = getattr(task, "common", None)
            if shared is None:
                functions.append(task)
                which.append(-1)
                continue
            if id(shared) not in numbers:
                numbers[id(shared)] = len(common)
                common.append(shared)
            functions.append(task.detached())  # type: ignore[attr-defined]
            which.append(numbers[id(shared)])
        return cls(tuple(functions), tuple(common), tuple(which), size, summed)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-len(self.functions) // self.size)

    def numbers(self, block: int) -> range:
        """Numbers of the tasks of a block."""
        first = block * self.size
        return range(first, min(first + self.size, len(self.functions)))

    def run(self, block: int, executor: Executor, done: Done | None = None) -> Any:
        """Run the tasks of a block.

        Parameters
        ----------
        block : int
        executor : Executor
            Of this process.
        done : callable, optional
            Called with the number of each finished task.

        Returns
        -------
        result : Summand or list
        """
        numbers = self.numbers(block)
        tasks = [self._task(number) for number in numbers]

        def count(number: int) -> None:
            if done is not None:
                done(numbers[number])

        if self.summed:
            return tree.total(executor.sums(tasks, self.size, count))
        return list(executor.map(tasks, count))

    def _task(self, number: int) -> Task:
        function, which = self.functions[number], self.which[number]
        if which < 0:
            return function
        task: Task = function.attached(self.common[which])  # type: ignore[attr-defined]
        return task


@dataclass
class Blocks:
    """The blocks of a call, as this process sees them.

    Parameters
    ----------
    folder : Path
        Of the exchange.
    call : str
        Numbers of term and call, as in names of files.
    count : int
        Number of blocks.
    beacon : str
        Name of the beacon of this process in the folder of the run.

    Attributes
    ----------
    pace : Pace
        Of the blocks that this process runs; those of others count from when they are first seen.
    """

    folder: Path
    call: str
    count: int
    beacon: str
    done: set[int] = field(default_factory=set)
    tries: dict[int, int] = field(default_factory=dict)
    fails: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._watches: dict[str, beacons.BeaconWatch] = {}
        self._owners: dict[tuple[int, int], str] = {}
        self.pace = Pace(enough=1)

    def path(self, block: int, ending: str) -> Path:
        """A file of a block.

        Parameters
        ----------
        block : int
        ending : str

        Returns
        -------
        path : Path
        """
        return self.folder / f"block-{self.call}-{block:06d}.{ending}"

    def look(self) -> None:
        """Read the folder."""
        for path in self.folder.iterdir():
            match = _BLOCK.fullmatch(path.name)
            if match is None or match[1] != self.call:
                continue
            block = int(match[2])
            if match[5]:
                self.done.add(block)
                self.pace.forget(block)
                continue
            attempts = self.tries if match[3] == "try" else self.fails
            if match[3] == "try" and int(match[4]) > attempts.get(block, 0):
                self._begin(block, int(match[4]))
            attempts[block] = max(attempts.get(block, 0), int(match[4]))

    def claim(self) -> tuple[int, int] | None:
        """Claim a block that nobody works on, or one that another process is far too slow with.

        Returns
        -------
        block, attempt : int
            None if there is none to claim.
        """
        for block in range(self.count):
            if block in self.done:
                continue
            attempt = self.tries.get(block, 0)
            if attempt >= ATTEMPTS or (attempt and not self.is_lost(block)):
                continue
            if self._claim(block, attempt + 1):
                return block, attempt + 1
        for block in self.pace.overdue():
            if not self._is_of_another(block):
                continue
            if self._claim(block, 2):
                log.info("block %d of %d takes far too long elsewhere", block + 1, self.count)
                return block, 2
        return None

    def _claim(self, block: int, attempt: int) -> bool:
        """Whether this process is the one that makes an attempt."""
        self.tries[block] = attempt
        self._begin(block, attempt)
        return beacons.create(self.path(block, f"try-{attempt}"), self.beacon.encode())

    def _begin(self, block: int, attempt: int) -> None:
        """An attempt at a block begins; a third one is for blocks whose process is lost."""
        self.pace.begin(block)
        if attempt > 1:
            self.pace.second(block)

    def _is_of_another(self, block: int) -> bool:
        """Whether another process makes the first attempt at a block."""
        return self.owner(block, 1) not in ("", self.beacon)

    def forget(self, block: int) -> None:
        """Remove a result that cannot be read; another attempt may begin."""
        self.path(block, "result").unlink(missing_ok=True)
        self.done.discard(block)
        self.fails[block] = self.tries.get(block, 0)

    def check_wanted(self, block: int) -> None:
        """Check that no other process has the result of a block.

        Raises
        ------
        Superfluous
            If one has. A file that is not shown says nothing: the block remains with this process.
        """
        if any(self.path(block, end).exists() for end in ("result", "taken")):
            raise Superfluous(f"block {block} of the call {self.call}")

    def is_lost(self, block: int) -> bool:
        """Whether the last attempt at a block has failed, or its process is silent."""
        attempt = self.tries.get(block, 0)
        if self.fails.get(block, 0) >= attempt:
            return True
        owner = self.owner(block, attempt)
        if not owner or owner == self.beacon:
            return False
        if owner not in self._watches:
            self._watches[owner] = beacons.BeaconWatch(self.folder.parent / owner)
        return self._watches[owner].is_silent()

    def owner(self, block: int, attempt: int) -> str:
        """Beacon of the process that makes an attempt; empty if the file is not shown yet.

        Parameters
        ----------
        block, attempt : int

        Returns
        -------
        beacon : str
        """
        if (block, attempt) not in self._owners:
            try:
                owner = self.path(block, f"try-{attempt}").read_text(encoding="utf-8")
            except OSError:
                return ""
            if not owner:
                return ""
            self._owners[block, attempt] = owner
        return self._owners[block, attempt]


def posted(folder: Path, term: int) -> list[str]:
    """Names of the calls that a leader has posted and not taken back, in order.

    Parameters
    ----------
    folder : Path
        Of the exchange.
    term : int
        Number of the leader's claim.

    Returns
    -------
    calls : list of str
        Numbers of term and call, as in names of files.
    """
    matches = [_CALL.fullmatch(path.name) for path in folder.iterdir()]
    return sorted(f"{m[1]}-{m[2]}" for m in matches if m is not None and int(m[1]) == term)


def post(folder: Path, call: str, tasks: Tasks) -> None:
    """Post tasks.

    Parameters
    ----------
    folder : Path
        Of the exchange.
    call : str
    tasks : Tasks
    """
    parcels.write(folder / f"call-{call}", tasks)


def read(folder: Path, call: str) -> Tasks | None:
    """The tasks of a call; None if they are not there whole.

    Parameters
    ----------
    folder : Path
        Of the exchange.
    call : str

    Returns
    -------
    tasks : Tasks or None
    """
    content = parcels.read(folder / f"call-{call}")
    return None if content is None else content[0]


def remove(folder: Path, call: str = "") -> None:
    """Remove the files of a call, or of all.

    Parameters
    ----------
    folder : Path
        Of the exchange.
    call : str
        By default all.
    """
    for path in folder.iterdir():
        if path.name.lstrip(".").startswith((f"call-{call}", f"block-{call}")):
            path.unlink(missing_ok=True)
