"""Tasks that run out of memory are run with less, then fewer at once; no result changes."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.errors import ExecutionError
from fwicli.execution import InProcess, Local, Processes, losses, machine
from fwicli.propagators.tasks import ShotTask
from tests.execution.test_execution import Fails

LARGEST, LEAST = 30, 10


@dataclass(frozen=True)
class Hungry:
    """Runs out of memory when it is larger than `LARGEST`, and leaves a mark each time."""

    folder: Path
    number: int
    size: int = 80
    killed: bool = False

    def __call__(self) -> int:
        if self.size > LARGEST:
            (self.folder / f"{self.number} {self.size} {time.monotonic_ns()}").touch()
            if self.killed:
                os.kill(os.getpid(), signal.SIGKILL)
            raise MemoryError("no room")
        return self.number

    def smaller(self) -> Hungry | None:
        return None if self.size <= LEAST else replace(self, size=self.size // 2)

    @property
    def storage(self) -> str:
        return f"{self.size} MB"


@dataclass(frozen=True)
class Alone:
    """Has room for itself alone."""

    folder: Path
    number: int

    def __call__(self) -> int:
        try:
            os.close(os.open(self.folder / "busy", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            raise MemoryError("no room for two") from None
        time.sleep(0.3)
        (self.folder / "busy").unlink()
        return self.number


@dataclass(frozen=True)
class Gradient(ShotTask):
    """Gradient of a shot in a process that may take so much more memory [bytes] than it has."""

    keeps_history = True
    residual: Any = None
    room: int = 0

    def __call__(self) -> np.ndarray:
        before = resource.getrlimit(resource.RLIMIT_AS)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + self.room
        resource.setrlimit(resource.RLIMIT_AS, (limit if self.room else before[0], before[1]))
        try:
            return self.propagator.jacobian_adjoint(
                self.parameters, self.residual, self.wavelet, self.source, self.receivers
            )["m"]
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("workers", [1, 2])
def test_smaller_tasks_follow_one_that_ran_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    """Also in later calls; each size is said once, and tried by as many tasks as there are."""
    with Local(workers) as executor:
        for _ in range(2):
            tasks = [Hungry(tmp_path, n) for n in range(6)]
            assert list(executor.map(tasks)) == list(range(6))
    assert 2 <= len(list(tmp_path.iterdir())) <= 2 * workers
    warnings = [record.message for record in caplog.records]
    assert len(warnings) == 2
    assert "(MemoryError: no room; 80 MB)" in warnings[0]
    assert warnings[0].endswith("with less (40 MB)")
    assert warnings[1].endswith("with less (20 MB)")


def test_workers_killed_for_memory_are_relieved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each kill that the kernel counts is that of one worker, also of two that end at once."""
    monkeypatch.setattr(machine, "killed_for_memory", lambda: len(list(tmp_path.iterdir())))
    tasks = [Hungry(tmp_path, n, killed=True) for n in range(4)]
    with Local(2) as executor:
        assert list(executor.map(tasks)) == list(range(4))
    assert "killed by SIGKILL, as the kernel does when memory runs out" in caplog.text
    assert "by someone" not in caplog.text


def test_fewer_workers_run_what_cannot_do_with_less(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Local(2) as executor:
        assert list(executor.map([Alone(tmp_path, n) for n in range(4)])) == list(range(4))
        assert isinstance(executor, Processes)
        assert executor.workers == 1
        assert list(executor.map([Alone(tmp_path, n) for n in range(2)])) == [0, 1]
    assert "1 worker(s) in place of 2" in caplog.text


def test_one_worker_without_room_is_the_end(tmp_path: Path) -> None:
    """After three attempts, with advice."""
    task = Fails(tmp_path, MemoryError)
    advice = r"failed 3 times.*lower `execution\.workers`"
    with Local(2) as executor, pytest.raises(ExecutionError, match=advice):
        list(executor.map([task]))
    with pytest.raises(MemoryError, match="no luck"):
        list(InProcess().map([task]))
    assert len(list(tmp_path.iterdir())) == 5


def test_failed_allocations_are_known() -> None:
    """Of NumPy, of Devito and of the system; other errors are none."""
    for error in (
        np._core._exceptions._ArrayMemoryError((10,), np.dtype(float)),
        RuntimeError("Unable to allocate 100 elements in memory"),
        OSError(12, "Cannot allocate memory"),
    ):
        assert losses.for_memory(error)
    for error in (RuntimeError("no luck"), OSError(28, "No space left on device")):
        assert not losses.for_memory(error)


def test_gradients_in_little_memory_have_the_same_bits(
    make_setting: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Address space that a stored history does not fit into; the checkpoints do."""
    s = make_setting(samples=1200)
    discretization = s.propagator.discretization
    stored = discretization.history_demand().memory(discretization.history)
    task = Gradient(
        discretization, s.model, np.tile(s.wavelet[:, :1], (1, 1200)), s.sources, s.receivers
    )
    task = replace(task, residual=np.ones((len(s.receivers), 1200)))
    (whole,) = InProcess().map([task])
    assert whole.any()
    with Local(2) as executor:
        limited = replace(task, room=int(0.9 * stored))
        for gradient in executor.map([limited] * 3):
            np.testing.assert_array_equal(gradient, whole)
    assert f"stored, {stored / 1e6:.3g} MB" in caplog.text
    assert "checkpoints, " in caplog.text
