"""The pace of tasks, and which of them are overdue: a worker without work may run them, too.

A task is overdue if it has run for `FACTOR` times as long as half of those that have ended, and for
`LEAST` seconds, unless two workers run it already. One that was handed out and has not begun waits
behind something: its time counts from the latest end of another one.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable

# How many times the median, least time [s], and tasks that must have ended before.
FACTOR, LEAST, ENOUGH = 4.0, 10.0, 3


class Pace:
    """Times of the tasks of a call.

    Parameters
    ----------
    enough : int
        Tasks that must have ended before others are overdue.
    clock : callable, optional
        Monotonic time of this process [s].
    """

    def __init__(self, enough: int = ENOUGH, clock: Callable[[], float] = time.monotonic) -> None:
        self._enough, self._clock = enough, clock
        self._begun: dict[int, float] = {}
        self._waiting: dict[int, float] = {}
        self._twice: set[int] = set()
        self._seconds: list[float] = []
        self._last = clock()

    @property
    def unfinished(self) -> int:
        """Number of tasks that were handed out and have not ended."""
        return len(self._begun) + len(self._waiting)

    def hand_out(self, number: int) -> None:
        """A task may begin from now on."""
        self._waiting.setdefault(number, self._clock())

    def begin(self, number: int) -> None:
        """A task has begun, perhaps anew."""
        self._waiting.pop(number, None)
        self._begun[number] = self._clock()

    def second(self, number: int) -> None:
        """A second worker runs a task."""
        self._twice.add(number)

    def single(self, number: int) -> None:
        """At most one worker runs a task."""
        self._twice.discard(number)

    def finish(self, number: int) -> None:
        """A task has ended."""
        self._last = self._clock()
        self._waiting.pop(number, None)
        began = self._begun.pop(number, None)
        if began is not None:
            bisect.insort(self._seconds, self._last - began)

    def forget(self, number: int) -> None:
        """A task has ended elsewhere; its time does not count."""
        self._waiting.pop(number, None)
        self._begun.pop(number, None)

    def overdue(self) -> list[int]:
        """Numbers of tasks that a second worker may run, in their order."""
        if len(self._seconds) < self._enough or not self.unfinished:
            return []
        count = len(self._seconds)
        median = (self._seconds[(count - 1) // 2] + self._seconds[count // 2]) / 2
        since = {n: max(began, self._last) for n, began in self._waiting.items()} | self._begun
        limit = max(LEAST, FACTOR * median)
        late = {n for n, began in since.items() if self._clock() - began > limit}
        return sorted(late - self._twice)
