"""Accidents of schedulers, clients and versions, each named in words and with nothing left over."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fwicli.errors import ConfigError, ExecutionError
from fwicli.execution import machine
from fwicli.execution.dask import preparation, settings
from tests.conftest import ROOT
from tests.execution.dask.tasks import Greedy, Started, shots

pytestmark = pytest.mark.cluster

PATIENCE = 60.0


class Commands:
    """The commands `dask scheduler` and `dask worker`, as a user would start them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self._start("dask_scheduler", "--port", "0", "--host", "127.0.0.1")

    def worker(self, threads: int = 1) -> subprocess.Popen[bytes]:
        return self._start("dask_worker", "--nthreads", str(threads), "--death-timeout", "60")

    def limited_worker(self, megabytes: int) -> subprocess.Popen[bytes]:
        limit = ("--nthreads", "1", "--memory-limit", f"{megabytes} MB")
        return self._start("dask_worker", *limit, "--nanny", *settings.PREPARED)

    @property
    def address(self) -> str:
        wait(self.file.exists)
        return str(json.loads(self.file.read_text())["address"])

    def _start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", f"distributed.cli.{name}", "--no-dashboard"]
        process = subprocess.Popen(
            [*program, "--scheduler-file", str(self.file), *options],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            children = psutil.Process(process.pid).children() if process.poll() is None else []
            for each in (process, *children):
                each.kill()
            process.wait()


def wait(condition: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    started = Commands(tmp_path)
    yield started
    started.end()


def test_a_scheduler_that_does_not_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from fwicli.execution.dask import clusters

    monkeypatch.setattr(clusters, "ANSWER", 1.0)
    address = "tcp://127.0.0.1:9"
    with (
        pytest.raises(ExecutionError, match=f"no scheduler of Dask answers at {address}") as caught,
        clusters.running(address),
    ):
        pass
    assert "`dask scheduler`" in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_scheduler_that_is_gone_ends_the_call(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With exit code 4, for `--resume`; no partial sum is returned."""
    from fwicli.execution.dask import clusters
    from fwicli.execution.dask.executor import Dask

    scheduler = commands.scheduler()
    commands.worker()
    tasks = shots(40)

    def gone(number: int) -> None:
        if number == 20:
            monkeypatch.setattr(connection.client, "_timeout", 2.0)
            scheduler.kill()

    with clusters.running(commands.address) as connection:
        executor = Dask(connection)
        with pytest.raises(ExecutionError, match="does not answer any more") as caught:
            list(executor.sums([*tasks[:21], *map(Slow, tasks[21:])], 64, gone))
    assert caught.value.exit_code == 4
    assert "`--resume`" in str(caught.value)


def test_a_worker_that_dask_ends_for_memory_is_relieved(
    commands: Commands, caplog: pytest.LogCaptureFixture
) -> None:
    """By the limit that its user has set."""
    from fwicli.execution.dask import clusters
    from fwicli.execution.dask.executor import Dask

    commands.scheduler()
    commands.limited_worker(1000)
    with clusters.running(commands.address) as connection:
        assert list(Dask(connection).map([Greedy(2000)])) == [200 * 125_000]
    assert "Dask has ended its worker, which had" in caplog.text
    assert "run with less (200 MB)" in caplog.text


def test_ends_of_workers_are_told_with_kills_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the process that has started them; each kill is that of one worker."""
    nanny, before = Nanny(), preparation._Kills.reported
    preparation.tell_ends(nanny)
    for killed, exit_code in ((0, 0), (0, 1), (2, -9), (2, -9), (2, -9)):
        monkeypatch.setattr(machine, "killed_for_memory", lambda n=killed: before + n)
        asyncio.run(nanny._on_worker_exit(exit_code))
    assert nanny.restarts == [0, 1, -9, -9, -9]
    assert [(e["status"], e["killed"]) for e in nanny.events] == [(1, 0), (-9, 2), (-9, 1), (-9, 0)]
    assert {e["worker"] for e in nanny.events} == {"tcp://node1:5"}


class Nanny:
    """What starts a worker again."""

    worker_address = "tcp://node1:5"

    def __init__(self) -> None:
        self.restarts: list[int] = []
        self.events: list[dict[str, Any]] = []

    async def _on_worker_exit(self, exit_code: int) -> None:
        self.restarts.append(exit_code)

    def log_event(self, topic: str, event: dict[str, Any]) -> None:
        assert topic == preparation.ENDED
        self.events.append(event)


class Slow:
    """A task that takes its time, so that others happen before it ends."""

    def __init__(self, task: Any) -> None:
        self.task = task

    def __call__(self) -> Any:
        time.sleep(0.2)
        return self.task()


def test_workers_of_several_shots_at_once_are_refused(commands: Commands) -> None:
    from fwicli.execution.dask import clusters
    from fwicli.execution.dask.executor import Dask

    commands.scheduler()
    commands.worker(threads=2)
    with (
        clusters.running(commands.address) as connection,
        pytest.raises(ConfigError, match="runs 2 tasks at once") as caught,
    ):
        list(Dask(connection).map(shots(1)))
    assert "--nthreads 1 --nworkers 2" in str(caught.value)


@pytest.fixture(params=["fwicli", "numpy"])
def other(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of a package that this process has in another version than workers."""
    from fwicli.execution.dask import versions

    version = versions._version
    edited = {request.param: "9.9"}
    monkeypatch.setattr(versions, "_version", lambda name: edited.get(name) or version(name))
    versions.here.cache_clear()
    yield request.param
    monkeypatch.undo()
    versions.here.cache_clear()


def test_other_versions_are_refused_by_name(dask: Any, tmp_path: Path, other: str) -> None:
    """Before the first shot."""
    dask.connection._checked.clear()
    with pytest.raises(ExecutionError, match=rf"has {other} .* in place of 9\.9") as caught:
        list(dask.map(shots(3, Started(tmp_path))))
    assert "install the same versions" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_workers_that_come_later_are_checked_too(
    dask: Any, tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask.connection, "_check_versions", lambda _: None)
    with pytest.raises(ExecutionError, match=rf"the worker tcp.* has {other} .* in place of 9\.9"):
        list(dask.map(shots(3, Started(tmp_path))))
    assert not list(tmp_path.iterdir())


def test_edited_sources_are_another_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from fwicli.execution.dask import versions

    before = versions._sources()
    (tmp_path / "module.py").write_text("number = 1\n", encoding="utf-8")
    monkeypatch.setattr(versions, "PACKAGE", tmp_path)
    first = versions._sources()
    (tmp_path / "module.py").write_text("number = 2\n", encoding="utf-8")
    assert len({before, first, versions._sources()}) == 3


CLIENT = """
import sys
from fwicli.execution.dask import clusters
from fwicli.execution.dask.executor import Dask
from tests.execution.dask.tasks import shots
from tests.execution.dask.test_accidents import Slow

with clusters.on_this_machine(2) as connection:
    for number, _ in enumerate(Dask(connection).map([*map(Slow, shots(1000))])):
        if number == 0:
            print("begun", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_client(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CLIENT],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "begun\n"
        children = psutil.Process(client.pid).children(recursive=True)
        assert len(children) >= 3
        client.send_signal(number)
        client.wait(PATIENCE)
    assert not psutil.wait_procs(children, timeout=PATIENCE)[1]
