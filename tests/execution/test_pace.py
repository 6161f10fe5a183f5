"""Which tasks are overdue, by a clock of the test."""

from __future__ import annotations

import pytest

from fwicli.execution import pace
from fwicli.execution.pace import Pace


class Clock:
    """A time that the test sets [s]."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_tasks_are_overdue_after_several_times_the_median(clock: Clock) -> None:
    """Not after a multiple of the longest, nor before several have ended."""
    times = Pace(clock=clock)
    for number in range(5):
        times.hand_out(number)
        times.begin(number)
    for number, end in ((0, 10.0), (1, 20.0), (2, 90.0)):
        clock.now = end
        assert not times.overdue()
        times.finish(number)
    clock.now = pace.FACTOR * 20.0
    assert not times.overdue()
    clock.now += 0.1
    assert times.overdue() == [3, 4]
    assert times.unfinished == 2
    times.begin(3)  # anew
    assert times.overdue() == [4]
    times.forget(4)
    assert not times.overdue()


def test_tasks_that_run_twice_are_not_overdue(clock: Clock) -> None:
    """Until one of the two workers is lost."""
    times = Pace(enough=1, clock=clock)
    for number in range(2):
        times.begin(number)
    clock.now = 1.0
    times.finish(0)
    clock.now = 2 * pace.LEAST
    assert times.overdue() == [1]
    times.second(1)
    assert not times.overdue()
    times.single(1)
    assert times.overdue() == [1]


def test_short_tasks_are_not_overdue_at_once(clock: Clock) -> None:
    """A pause of a worker is no reason to run a task twice."""
    times = Pace(enough=1, clock=clock)
    for number in range(2):
        times.begin(number)
    clock.now = 0.001
    times.finish(0)
    clock.now = 0.9 * pace.LEAST
    assert not times.overdue()
    clock.now = 1.1 * pace.LEAST
    assert times.overdue() == [1]


def test_tasks_that_wait_behind_one_are_overdue_too(clock: Clock) -> None:
    """From when nothing else has ended; those that wait for their turn are not."""
    times = Pace(enough=1, clock=clock)
    for number in range(3):
        times.hand_out(number)
    for number, end in ((0, 15.0), (1, 75.0)):
        times.begin(number)
        clock.now = end
        assert not times.overdue()
        times.finish(number)
    clock.now += 4.0 * 37.5
    assert not times.overdue()
    clock.now += 0.1
    assert times.overdue() == [2]
