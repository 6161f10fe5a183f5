"""Where shots of Dask cannot do with less memory, fewer run at once on a node."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fwicli.errors import ExecutionError
from fwicli.execution.dask import preparation
from fwicli.execution.dask.shortage import Shortage
from fwicli.execution.losses import WorkerLost
from tests.execution.test_relief import Alone

pytestmark = pytest.mark.cluster

LOST = WorkerLost("the kernel has killed it", for_memory=True)


@dataclass(frozen=True)
class Crowded:
    """Has its worker killed where another shot of the node has all the memory.

    The process that starts workers tells so; here, the worker does, for the kernel counts no kill.
    """

    folder: Path
    number: int
    size: int = 40
    least: int = 40

    def __call__(self) -> int:
        try:
            os.close(os.open(self.folder / "busy", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            self._end()
        time.sleep(0.4)
        (self.folder / "busy").unlink()
        return self.number

    def _end(self) -> None:
        from distributed import get_worker

        (self.folder / f"{self.number} {self.size} {time.monotonic_ns()}").touch()
        server = get_worker()
        event = {"worker": server.address, "status": -signal.SIGKILL, "killed": 1}
        server.log_event(preparation.ENDED, event)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)

    def smaller(self) -> Crowded | None:
        return None if self.size <= self.least else replace(self, size=self.size // 2)

    @property
    def storage(self) -> str:
        return f"{self.size} MB"


@pytest.fixture
def executor(pair: Any) -> Iterator[Any]:
    """An executor whose two workers are there."""
    from fwicli.execution.dask.executor import Dask

    pair.client.wait_for_workers(2, timeout=60)
    executor = Dask(pair)
    yield executor
    executor.close()


def test_workers_that_are_killed_for_memory(
    executor: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Smaller shots come first, then one at a time; it stays so in later calls."""
    tasks = [Crowded(tmp_path, number, least=20) for number in range(6)]
    for _ in range(3):
        executor.connection.client.wait_for_workers(2, timeout=60)
        assert list(executor.map(tasks)) == list(range(6))
    warnings = [r.message for r in caplog.records if r.message.startswith("warning: shot task")]
    assert warnings[0].endswith("are run with less (20 MB)")
    assert "1 shot(s) in place of 2 run at once on 127.0.0.1 from now on" in warnings[1]
    assert len(warnings) == len(list(tmp_path.iterdir())) == 2


def test_workers_without_memory(
    executor: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whose shots raise an error and leave them alive."""
    assert list(executor.map([Alone(tmp_path, n) for n in range(5)])) == list(range(5))
    assert "1 shot(s) in place of 2" in caplog.text


def test_one_shot_without_memory_is_the_end(executor: Any, tmp_path: Path) -> None:
    (tmp_path / "busy").touch()
    with pytest.raises(ExecutionError, match=r"lower `execution\.workers`"):
        list(executor.map([Alone(tmp_path, 0)]))
    assert executor._shortage.places == (("127.0.0.1", 1),)


def test_losses_at_once_lower_a_node_once() -> None:
    """Each node by itself; nothing is lower than one shot."""
    shortage, before = Shortage(), ()
    first, second = "tcp://10.0.0.1:40001", "tcp://10.0.0.2:40001"
    assert shortage.lower(0, LOST, first, 4, before)
    assert shortage.lower(1, LOST, first, 4, before)
    assert dict(shortage.places) == {"10.0.0.1": 3}
    before = shortage.places
    assert shortage.lower(2, LOST, first, 4, before)
    assert shortage.lower(3, LOST, second, 2, before)
    assert dict(shortage.places) == {"10.0.0.1": 2, "10.0.0.2": 1}
    assert not shortage.lower(4, LOST, second, 2, shortage.places)
