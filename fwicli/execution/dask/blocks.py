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

from collections.abc import Iterator, Mapping, Sequence
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
            graph[key] = _leaf(tasks[number], number, shared, sender)
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


def _shot(block: Block, number: int) -> Key:
    return f"shot-{block.call}", number


def _sum(block: Block, level: int, number: int) -> Key:
    return f"sum-{block.call}-{block.first}", level, number


def _leaf(
    task: Task, number: int, shared: Mapping[int, Any], sender: shots.Sender
) -> tuple[Any, ...]:
    """The task of a shot, pickled once: the scheduler passes it on as it is."""
    whole = common(task)
    if whole is None:
        return shots.run_shot, sender, number, shots.pickled(task)
    detached = task.detached()  # type: ignore[attr-defined]
    return shots.run_shot, sender, number, shots.pickled(detached), shared[id(whole)]
