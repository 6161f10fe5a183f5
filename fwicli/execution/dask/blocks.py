r"""The graph of a block of shots for Dask: a task a shot, and sums of groups of them.

    shot 0 ... shot 7    shot 8 ... shot 15    shot 16 ...
          \ | /                \ | /               \ | /
          sum 0                sum 1                sum 2
                \_______________ | _______________/
                                sum

Groups begin at multiples of `GROUP`, a power of two: each is a subtree of the tree of all shots
(see `execution.tree`), so that the sum has the same bits as that of any other engine. Leaves take
objects that many shots share from the memory of the workers, under the key of the object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fwicli.execution.dask import shots
from fwicli.execution.executor import Task

# Results that one task of Dask sums.
GROUP = 8

Key = tuple[str, int] | tuple[str, int, int]


@dataclass(frozen=True)
class Block:
    """Consecutive tasks of one call, whose sum is wanted.

    Attributes
    ----------
    call : str
        Name of the call, or of its repetition.
    first, stop : int
        Numbers of its tasks.
    """

    call: str
    first: int
    stop: int

    @property
    def root(self) -> Key:
        """Key of the sum, or of the only result."""
        level, count = 0, self.stop - self.first
        while count > 1:
            level, count = level + 1, -(-count // GROUP)
        return _sum(self, level, 0) if level else _shot(self, self.first)

    def rerouted(
        self, results: Mapping[int, Any], name: str, stored: Callable[[Key], Any]
    ) -> tuple[dict[Key, tuple[Any, ...]], Key]:
        """The sums of the block with results of some shots from elsewhere; all others remain.

        Parameters
        ----------
        results : mapping of int to Future
            By the numbers of the shots.
        name : str
            Of the new sums.
        stored : callable
            Takes the key of a result of the block to its future.

        Returns
        -------
        graph : dict
        root : tuple
            Key of the sum of the block.
        """
        graph: dict[Key, tuple[Any, ...]] = {}
        level, count = 0, self.stop - self.first
        new: dict[int, Any] = {number - self.first: value for number, value in results.items()}
        while count > 1:
            sums: dict[int, Any] = {}
            for group in sorted({number // GROUP for number in new}):
                members = range(group * GROUP, min((group + 1) * GROUP, count))
                terms = [new[n] if n in new else stored(self._key(level, n)) for n in members]
                sums[group] = (f"sum-{name}", level + 1, group)
                graph[sums[group]] = (shots.add, terms)
            new, level, count = sums, level + 1, -(-count // GROUP)
        return graph, new[0]

    def _key(self, level: int, number: int) -> Key:
        """Key of a result of the block: of a shot at level 0, of a sum above."""
        return _sum(self, level, number) if level else _shot(self, self.first + number)

    def graph(
        self, tasks: Sequence[Task], shared: Mapping[int, Any], sender: shots.Sender
    ) -> dict[Key, tuple[Any, ...]]:
        """The tasks of Dask.

        Parameters
        ----------
        tasks : sequence of callable
            All tasks of the call.
        shared : mapping of int to Future
            By identity, the objects that tasks share, in the memory of workers.
        sender : Sender

        Returns
        -------
        graph : dict
        """
        graph: dict[Key, tuple[Any, ...]] = {}
        keys: list[Key] = []
        for number in range(self.first, self.stop):
            key = _shot(self, number)
            graph[key] = leaf(tasks, number, shared, sender)
            keys.append(key)
        level = 0
        while len(keys) > 1:
            level += 1
            groups = [keys[n : n + GROUP] for n in range(0, len(keys), GROUP)]
            keys = [_sum(self, level, n) for n in range(len(groups))]
            graph |= {key: (shots.add, group) for key, group in zip(keys, groups, strict=True)}
        return graph


def common(task: Task) -> Any:
    """The object that a task shares with others; None if there is none."""
    return getattr(task, "common", None)


def of(call: str, numbers: range, size: int) -> Iterator[Block]:
    """Blocks of a call.

    Parameters
    ----------
    call : str
    numbers : range
        Of the tasks.
    size : int
        Tasks of a block.

    Yields
    ------
    block : Block
    """
    for first in numbers[::size]:
        yield Block(call, first, min(first + size, numbers.stop))


def number_of(key: Any) -> int | None:
    """Number of the task with a key, as Dask writes it in messages; None for a sum."""
    match = shots.LEAF.search(str(key))
    return None if match is None else int(match[1])


def leaf(
    tasks: Sequence[Task], number: int, shared: Mapping[int, Any], sender: shots.Sender
) -> tuple[Any, ...]:
    """The task of Dask for a shot, pickled once: the scheduler passes it on as it is.

    Parameters
    ----------
    tasks : sequence of callable
        All tasks of the call.
    number : int
        Of the shot.
    shared : mapping of int to Future
        By identity, the objects that tasks share, in the memory of workers.
    sender : Sender

    Returns
    -------
    task : tuple
    """
    task = tasks[number]
    whole = common(task)
    if whole is None:
        return shots.run_shot, sender, number, shots.pickled(task)
    detached = task.detached()  # type: ignore[attr-defined]
    return shots.run_shot, sender, number, shots.pickled(detached), shared[id(whole)]


def _shot(block: Block, number: int) -> Key:
    return f"shot-{block.call}", number


def _sum(block: Block, level: int, number: int) -> Key:
    return f"sum-{block.call}-{block.first}", level, number
