"""Sums over finished shots: partial sums of the tree of all shots (see `execution.tree`), on disk.

A file holds the sum of the shots `first` to `stop`, a node of the tree. When the other half of the
node above it is there, both become that node: of n shots there are at most 1 + log2(n) files, and
two sums in memory. The sum of all shots has the same bits wherever a run was stopped, and however
it was cut into blocks or parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import count as numbers
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import atomic, ownership
from fwicli.errors import DataError
from fwicli.execution import Executor, Task
from fwicli.survey.grid import Grid
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window
from fwicli.workflows.run_folder.finished_shots import FinishedShots, undamaged

Array = NDArray[Any]
# First task of a sum, and the one behind its last.
Node = tuple[int, int]

_NAME = re.compile(r"(\d{6,})-(\d{6,})\.npz")
# Sum of the first tasks, in their order, of versions that kept one sum of all.
SEQUENCE = "sum.npz"
# A run is stored so often at least, if it has as many tasks.
BLOCKS = 4
# Tasks of a block for each worker.
ROUNDS = 4


def block_size(tasks: int, workers: int) -> int:
    """Number of tasks whose sum is stored at once, a power of two.

    Parameters
    ----------
    tasks : int
        All of them.
    workers : int

    Returns
    -------
    size : int
        At most this many finished tasks are lost when a run is killed.
    """
    largest = max(1, tasks // BLOCKS)
    return min(1 << (ROUNDS * workers - 1).bit_length(), 1 << (largest.bit_length() - 1))


class FinishedSums(FinishedShots):
    """Sums over the finished tasks of a run.

    Parameters
    ----------
    folder : Path
        Folder of the sums.
    count : int
        Number of all tasks, those of other parts among them.
    grid : Grid
        That the summands lie on.
    """

    def __init__(self, folder: Path, count: int, grid: Grid) -> None:
        super().__init__(folder)
        self.count, self.grid = count, grid
        self.nodes: set[Node] = set()
        for node in sorted(self._stored(), key=lambda n: n[0] - n[1]):
            if any(first <= node[0] and node[1] <= stop for first, stop in self.nodes):
                self._path(node).unlink()  # a killed run has left it beside the sum with others
            else:
                self.nodes.add(node)

    def add(
        self,
        executor: Executor,
        tasks: Sequence[Task],
        part: range,
        size: int,
        progress: Callable[[int], None],
    ) -> None:
        """Add the results of the tasks of a part that are not in a sum yet.

        Parameters
        ----------
        executor : Executor
        tasks : sequence of callable
            All tasks of the run; they return `Stack`.
        part : range
            Numbers of the tasks of the part.
        size : int
            Tasks whose sum is stored at once, a power of two.
        progress : callable
            It takes the number of finished tasks of the part.

        Raises
        ------
        DataError
            If a stored sum is damaged.
        OSError
            If a sum cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._is_there(SEQUENCE):
            self._continue_sequence(executor, tasks, size, progress)
            return
        missing = list(self.missing(part))
        done = len(part) - sum(len(gap) for gap in missing)
        progress(done)
        finished = numbers(done + 1)
        for gap in missing:
            for run, step in self._runs(gap, size):
                sums = executor.sums(
                    tasks[run.start : run.stop], step, lambda _: progress(next(finished))
                )
                for first, total in zip(range(run.start, run.stop, step), sums, strict=True):
                    self.put((first, min(first + step, run.stop)), total)

    def missing(self, part: range) -> Iterator[range]:
        """Tasks of a part that are in no sum yet.

        Parameters
        ----------
        part : range

        Yields
        ------
        gap : range
        """
        first = part.start
        for start, stop in sorted(self.nodes):
            if first < start and first < part.stop:
                yield range(first, min(start, part.stop))
            first = max(first, stop)
        if first < part.stop:
            yield range(first, part.stop)

    def put(self, node: Node, total: Stack) -> None:
        """Store the sum of a node, as part of the largest sum that it completes.

        Parameters
        ----------
        node : tuple of int
        total : Stack

        Raises
        ------
        DataError
            If a stored sum is damaged.
        OSError
            If it cannot be written.
        """
        within = []
        while (other := sibling(node, self.count)) in self.nodes:
            stored = self.load(other)
            total = stored.plus(total) if other < node else total.plus(stored)
            within.append(other)
            node = min(node[0], other[0]), max(node[1], other[1])
        arrays: dict[str, Any] = {f"sum_{name}": a for name, a in total.values.items()}
        arrays["start"] = np.array(total.window.start)
        path = self.manifest.claim(self._path(node).name)
        with atomic.replacing(path) as new, new.open("wb") as file:
            np.savez(file, **arrays)
        self.nodes.add(node)
        for other in within:
            self.nodes.discard(other)
            self._path(other).unlink()

    def merge(self, part: FinishedSums) -> None:
        """Take over the sums of a part of the run.

        Parameters
        ----------
        part : FinishedSums

        Raises
        ------
        DataError
            If a stored sum is damaged.
        OSError
            If a sum cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for node in sorted(part.nodes):
            if list(self.missing(range(*node))) == [range(*node)]:
                self.put(node, part.load(node))

    def load(self, node: Node) -> Stack:
        """The stored sum of a node.

        Parameters
        ----------
        node : tuple of int

        Returns
        -------
        total : Stack

        Raises
        ------
        DataError
            If its file is damaged.
        """
        path = self._path(node)
        with (
            ownership.open_run_file(path) as file,
            undamaged(path),
            np.load(file) as archive,
        ):
            values = {n.removeprefix("sum_"): archive[n] for n in archive.files if n != "start"}
            start = tuple(int(n) for n in archive["start"])
            shape = next(iter(values.values())).shape
            window = Window(self.grid, start, shape)
            ends = (s + n for s, n in zip(start, shape, strict=True))
            inside = all(e <= n for e, n in zip(ends, self.grid.shape, strict=True))
            if not inside or any(v.shape != shape for v in values.values()):
                raise ValueError(f"shape {shape} from {start} does not fit {self.grid.shape}")
            return Stack(window, values, summed=True)

    def total(self) -> dict[str, Array]:
        """Sum over all tasks, on the whole grid and in double precision, by name.

        Raises
        ------
        DataError
            If tasks are missing, or the stored sum is damaged.
        """
        if self._is_there(SEQUENCE):
            _, total = self._sequence()
            return {"image": total[0], "illumination": total[1]}
        if self.nodes != {(0, self.count)}:
            gaps = ", ".join(f"{g.start}:{g.stop}" for g in self.missing(range(self.count)))
            raise DataError(f"{self.folder} has no sum of the tasks {gaps}")
        return self.load((0, self.count)).everywhere()

    def _runs(self, gap: range, size: int) -> Iterator[tuple[range, int]]:
        """Tasks that are run together, and of how many of them a sum is a node."""
        first = min(-(-gap.start // size) * size, gap.stop)
        last = gap.stop if gap.stop == self.count else max(first, gap.stop // size * size)
        for run, step in ((range(gap.start, first), 1), (range(first, last), size)):
            if run:
                yield run, step
        if last < gap.stop:
            yield range(last, gap.stop), 1

    def _stored(self) -> Iterator[Node]:
        for name in self.manifest.names:
            if (match := _NAME.fullmatch(name)) and self._is_there(name):
                yield int(match[1]), int(match[2])

    def _path(self, node: Node) -> Path:
        return self.folder / f"{node[0]:06d}-{node[1]:06d}.npz"

    # --- runs of earlier versions -----------------------------------------------------------------

    def _continue_sequence(
        self,
        executor: Executor,
        tasks: Sequence[Task],
        size: int,
        progress: Callable[[int], None],
    ) -> None:
        """Go on with a sum in the order of the tasks, as it was begun."""
        done, total = self._sequence()
        progress(done)
        for result in executor.map(tasks[done:]):
            values = result.everywhere()
            done, total = done + 1, total + np.stack([values["image"], values["illumination"]])
            if done % size == 0 or done == len(tasks):
                path = self.manifest.claim(SEQUENCE)
                with atomic.replacing(path) as new, new.open("wb") as file:
                    np.savez(file, done=done, total=total)
            progress(done)

    def _sequence(self) -> tuple[int, Array]:
        """Number of the tasks in the sum of an earlier version, and their sum."""
        path = self.folder / SEQUENCE
        with (
            ownership.open_run_file(path) as file,
            undamaged(path),
            np.load(file) as archive,
        ):
            return int(archive["done"]), archive["total"]
        raise DataError(f"{path} cannot be read")  # not reached: errors are raised


def sibling(node: Node, count: int) -> Node | None:
    """The other half of the node above a node in the tree of all tasks; None for the whole.

    Parameters
    ----------
    node : tuple of int
    count : int
        Number of all tasks.

    Returns
    -------
    other : tuple of int or None

    Raises
    ------
    DataError
        If the tree has no such node.
    """
    low, high = 0, count
    other = None
    while (low, high) != node:
        if high - low < 2 or not low <= node[0] < node[1] <= high:
            raise DataError(f"no sum of {count} shots has the partial sum {node[0]}:{node[1]}")
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        first, second = (low, middle), (middle, high)
        (low, high), other = (first, second) if node[0] < middle else (second, first)
    return other
