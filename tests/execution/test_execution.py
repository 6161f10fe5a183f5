"""Results do not depend on the workers, and no result is lost with one."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import pytest

from fwicli.errors import DataError, ExecutionError
from fwicli.execution import InProcess, Local, Processes, crew, pace, processes


@dataclass(frozen=True)
class Slow:
    """The earlier the task, the longer it takes: results arrive out of order."""

    number: int

    def __call__(self) -> int:
        time.sleep(0.05 * (5 - self.number))
        return self.number


@dataclass(frozen=True)
class DiesOnce:
    """Kills its worker the first time."""

    folder: Path
    number: int

    def __call__(self) -> int:
        mark = self.folder / str(self.number)
        if self.number == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.number


@dataclass(frozen=True)
class StopsOnce:
    """Stops its worker the first time, which then neither replies nor ends."""

    folder: Path
    number: int

    def __call__(self) -> int:
        mark = self.folder / str(self.number)
        if self.number == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self.number == 2:
            (self.folder / "again").touch()
        return self.number


@dataclass(frozen=True)
class Fails:
    """Always fails; counts how often."""

    folder: Path
    error: type[Exception]

    def __call__(self) -> int:
        (self.folder / str(time.monotonic_ns())).touch()
        raise self.error("no luck")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_are_in_order(workers: int) -> None:
    done: list[int] = []
    with Local(workers) as executor:
        assert list(executor.map([Slow(i) for i in range(5)], done.append)) == list(range(5))
        assert sorted(done) == list(range(5))


def test_lost_worker_loses_no_task(tmp_path: Path) -> None:
    """A worker that is killed is replaced, and its task is run again."""
    with Local(2) as executor:
        assert list(executor.map([DiesOnce(tmp_path, i) for i in range(5)])) == list(range(5))
        # The executor is as good as new.
        assert list(executor.map([Slow(4), Slow(4)])) == [4, 4]


def test_third_failure_is_the_last(tmp_path: Path) -> None:
    with Local(2) as executor, pytest.raises(ExecutionError, match=r"failed 3 times.*no luck"):
        list(executor.map([Fails(tmp_path, RuntimeError)]))
    assert len(list(tmp_path.iterdir())) == 3


def test_mistakes_of_the_user_are_not_repeated(tmp_path: Path) -> None:
    """A task with wrong input is not repeated."""
    with Local(2) as executor, pytest.raises(DataError, match="no luck"):
        list(executor.map([Fails(tmp_path, DataError)]))
    assert len(list(tmp_path.iterdir())) == 1


def test_one_worker_is_this_process() -> None:
    with Local(1) as executor:
        assert isinstance(executor, InProcess)
    with Local(2) as executor:
        assert isinstance(executor, Processes)


def test_a_worker_that_stands_still_does_not_hold_the_others_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one runs its task as well; each task is reported once, and later calls go on."""
    monkeypatch.setattr(pace, "LEAST", 0.3)
    monkeypatch.setattr(processes, "INTERVAL", 0.05)
    done: list[int] = []
    with Local(2) as executor:
        tasks = [StopsOnce(tmp_path, n) for n in range(12)]
        assert list(executor.map(tasks, done.append)) == list(range(12))
        assert sorted(done) == list(range(12))
        assert (tmp_path / "again").exists()
        assert list(executor.map([Slow(i) for i in range(5)])) == list(range(5))


def test_the_first_result_of_a_task_counts() -> None:
    """Whatever a second run of it does; an error counts once no run is left."""
    finished: deque[crew.Job] = deque()
    job = crew.Job(0, lambda: 0, finished, pace.Pace())
    job.runs = 1
    job.finish(None, RuntimeError("of the first run"))
    assert not finished
    job.finish(5, None)
    job.runs = 0
    job.finish(None, RuntimeError("of the second run"))
    job.finish(6, None)
    assert [(j.result, j.error) for j in finished] == [(5, None)]


def test_tasks_that_nobody_waits_for_are_not_run_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of a call that was given up, while a worker still has one of them."""
    monkeypatch.setattr(pace, "LEAST", 0.3)
    monkeypatch.setattr(processes, "INTERVAL", 0.05)
    with Local(3) as executor:
        results = executor.map([StopsOnce(tmp_path, n) for n in (3, 4, 5, 6, 7, 8, 2, 9)])
        assert [next(results) for _ in range(5)] == [3, 4, 5, 6, 7]
        # On a busy machine its worker may not have begun.
        end = time.monotonic() + 30
        while not (tmp_path / "2").exists() and time.monotonic() < end:
            time.sleep(0.01)
        results.close()
        for _ in range(3):
            assert list(executor.map([Slow(i) for i in range(5)])) == list(range(5))
    assert {path.name for path in tmp_path.iterdir()} == {"2"}
