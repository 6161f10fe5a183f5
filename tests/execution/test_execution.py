"""Results do not depend on the workers, and no result is lost with one."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from fwicli.errors import DataError, ExecutionError
from fwicli.execution import InProcess, Local, Processes


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
