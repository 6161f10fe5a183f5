"""Tasks that take less memory after one has run out of it.

A task that can do with less memory has two more members:

    smaller()   the task with the next smaller memory and the same result; None if there is none
    storage     its largest part in memory, in words

Once a task has run out of memory, it and all that follow are run as their smaller ones.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from fwicli.execution import losses

log = logging.getLogger(__name__)


class Relief:
    """How much smaller tasks have to be.

    Attributes
    ----------
    level : int
        Number of times that each task is made smaller.
    """

    def __init__(self) -> None:
        self.level = 0

    def apply(self, task: Any) -> Any:
        """A task as it is to be run.

        Parameters
        ----------
        task : callable

        Returns
        -------
        task : callable
            Made smaller `level` times, or as often as it can be.
        """
        return _smaller(task, self.level)

    def result(self, number: int, task: Any, run: Callable[[Any], Any]) -> Any:
        """Run a task in this process, with less memory if it runs out.

        Parameters
        ----------
        number : int
            Of the task.
        task : callable
        run : callable
            Runs a task, and returns its result.

        Returns
        -------
        result : object
            That of the task.

        Raises
        ------
        Exception
            As raised by a task that cannot do with less.
        """
        while True:
            level = self.level
            try:
                return run(self.apply(task))
            except Exception as error:
                if not losses.for_memory(error) or not self.lower(number, task, level, error):
                    raise

    def lower(self, number: int, task: Any, level: int, error: Exception) -> bool:
        """Have tasks take less memory, after one has run out of it.

        Parameters
        ----------
        number : int
            Of the task.
        task : callable
            As it was before it was made smaller.
        level : int
            At which it was run.
        error : Exception
            Its failure.

        Returns
        -------
        lower : bool
            Whether the task is now smaller than it was; False if it cannot be.
        """
        if level < self.level:
            return True
        larger = _smaller(task, level)
        smaller = _next(larger)
        if smaller is None:
            return False
        self.level = level + 1
        log.warning(
            "warning: shot task %d ran out of memory (%s; %s); it and all shots that follow are "
            "run with less (%s)",
            number,
            losses.in_words(error),
            larger.storage,
            smaller.storage,
        )
        return True


def _next(task: Any) -> Any:
    """The next smaller task; None if there is none."""
    smaller = getattr(task, "smaller", None)
    return None if smaller is None else smaller()


def _smaller(task: Any, level: int) -> Any:
    """A task made smaller a number of times, or as often as it can be."""
    for _ in range(level):
        smaller = _next(task)
        if smaller is None:
            break
        task = smaller
    return task
