"""However a run ends and whatever part of it is killed: no word, no other bits, nothing left."""

from __future__ import annotations

import importlib.util
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.errors import DataError, ExecutionError
from fwicli.execution import Local, Processes, losses, machine, messages, server

# The benchmark of a thousand ends, of which these are a few.
_spec = importlib.util.spec_from_file_location(
    "ends", Path(__file__).parents[1] / "benchmarks" / "clean_exits.py"
)
assert _spec is not None
assert _spec.loader is not None
ends = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(ends)

linux = pytest.mark.skipif(not server.FORKS, reason="workers are not forked here")
# What a batch system, the kernel, or a mistake may do to a worker.
DEATHS = ("SIGKILL", "SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT")
PARTS = ("the server", "a worker", "all workers", "the server and a worker")


@dataclass(frozen=True)
class Dies:
    """Ends its worker by a signal, the first few times."""

    folder: Path
    name: str
    times: int

    def __call__(self) -> str:
        deaths = len(list(self.folder.iterdir()))
        if deaths < self.times:
            (self.folder / str(deaths)).touch()
            os.kill(os.getpid(), getattr(signal, self.name))
        return self.name


@dataclass(frozen=True)
class Squares:
    """A task that takes a while, of which the result shows what was computed."""

    number: int

    def __call__(self) -> Any:
        time.sleep(0.02)
        return np.random.default_rng(self.number).standard_normal(1000) ** 2


def processes() -> dict[str, list[int]]:
    """Processes of the server and of the workers of this process."""
    here = server.here()._process.pid
    found = subprocess.run(["pgrep", "-P", str(here)], capture_output=True, text=True)
    return {"server": [here], "workers": [int(n) for n in found.stdout.split()]}


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server of this test's own, which imports nothing in advance."""
    server.forget()
    monkeypatch.setattr(server, "PRELOAD", [])
    yield
    server.forget()


@linux
@pytest.mark.parametrize("part", PARTS)
def test_killed_parts_change_no_bit(part: str, bare: None) -> None:
    """With SIGKILL in the midst of the tasks: others go on with them, and a new server serves."""
    expected = [Squares(n)() for n in range(12)]
    for moment in (0, 7):
        with Local(2) as executor:
            results = executor.map([Squares(n) for n in range(12)])
            found = [next(results) for _ in range(moment + 1)]
            alive = processes()
            victims = alive["server"] if "server" in part else []
            if "worker" in part:
                victims = victims + alive["workers"][: None if "all" in part else 1]
            for victim in victims:
                os.kill(victim, signal.SIGKILL)
            found += results
            assert all((a == b).all() for a, b in zip(found, expected, strict=True))
            assert list(executor.map([partial(pow, 2, 3)])) == [8]


# Slow: other signals take the way of SIGSEGV, each under its name.
@linux
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=() if n in ("SIGKILL", "SIGSEGV") else pytest.mark.slow)
        for n in DEATHS
    ],
)
def test_signals_are_named(name: str, tmp_path: Path, bare: None) -> None:
    """Nobody speaks of memory where the kernel has not."""
    with Local(2) as executor:
        assert list(executor.map([Dies(tmp_path, name, times=2)])) == [name]
        with pytest.raises(ExecutionError, match=rf"killed by {name}") as caught:
            list(executor.map([Dies(tmp_path, name, times=9)]))
    assert "memory" not in str(caught.value).replace("no kill for memory", "").replace(
        "a file that it had in memory", ""
    )


@pytest.mark.parametrize("kills", [0, 1, 2])
@pytest.mark.parametrize("number", [n for n in DEATHS if n != "SIGKILL"])
def test_memory_is_blamed_on_evidence_alone(number: str, kills: int) -> None:
    advice = losses.explain(-signal.SIGKILL, kills).advice
    assert ("execution.workers" in advice) == (kills > 0)
    assert "execution.workers" not in losses.explain(-getattr(signal, number), kills).advice
    assert not losses.explain(1, kills).advice
    assert not losses.explain(None, kills).advice


@linux
def test_an_error_in_another_worker_leaves_the_executor_as_it_was(bare: None) -> None:
    """Results of tasks that nobody waits for any more are not taken for those of others."""
    with Local(2) as executor:
        with pytest.raises(DataError):
            list(executor.map([_raise, *(Squares(n) for n in range(3))]))
        other = executor.map([Squares(n) for n in range(4)])
        both = [next(other), *executor.map([Squares(9)]), *other]
    for found, number in zip(both, (0, 9, 1, 2, 3), strict=True):
        assert (found == Squares(number)()).all()


def _raise() -> None:
    raise DataError("wrong")


@linux
def test_tasks_from_threads(bare: None) -> None:
    """Each thread gets the results of its own tasks."""
    from concurrent.futures import ThreadPoolExecutor

    executor = Processes(2)

    def run(first: int) -> bool:
        numbers = range(first, first + 6)
        found = executor.map([Squares(n) for n in numbers])
        return all((r == Squares(n)()).all() for r, n in zip(found, numbers, strict=True))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(run, range(0, 40, 10)))
    executor.close()


@pytest.mark.parametrize(
    "message",
    [
        None,
        np.zeros(0),
        np.arange(7.0)[::2],
        {"a": np.ones((3, 4), order="F"), "b": [np.float32(1), "text"]},
        np.arange(300000, dtype=np.int16).reshape(2, -1),
    ],
)
def test_messages_arrive(message: Any) -> None:
    """As they were sent, and arrays as those that can be written to."""
    here, there = socket.socketpair()
    child = os.fork()
    if not child:
        messages.send(there, messages.pack(message))
        os._exit(0)
    parts = messages.receive(here)
    os.waitpid(child, 0)
    arrived = pickle.loads(parts[0], buffers=parts[1:])
    np.testing.assert_equal(arrived, message)
    if isinstance(arrived, np.ndarray):
        assert arrived.flags.writeable


def run(way: str, folder: Path) -> tuple[str, int, list[str]]:
    """A run in a fresh interpreter: what it says, its exit code, and what it leaves."""
    script = folder / "child.py"
    script.write_text(ends.CHILD, encoding="utf-8")
    temporary = folder / "tmp"
    temporary.mkdir()
    return ends.end([sys.executable, str(script), way], temporary, folder)


@linux
@pytest.mark.parametrize("way", ends.WAYS)
def test_ends_without_a_word(way: str, tmp_path: Path) -> None:
    said, code, left = run(way, tmp_path)
    assert (said, code) == ends.WAYS[way]
    assert not left


LONG = """\
import functools, sys, time
from fwicli.execution import Local, server
server.PRELOAD.clear()
if __name__ == "__main__":
    with Local(2) as executor:
        for _ in executor.map([functools.partial(time.sleep, 0.01)] * 3000):
            print("on its way", flush=True)
"""


@linux
@pytest.mark.parametrize("victim", ["parent", "group"])
def test_killed_runs_leave_nothing(victim: str, tmp_path: Path) -> None:
    """No process, no file, and no name of shared memory or a semaphore ever."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (tmp_path / "long.py").write_text(LONG)
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "long.py")],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    found = subprocess.run(["pgrep", "-s", str(process.pid)], capture_output=True, text=True)
    pids = found.stdout.split()
    assert len(pids) == 4  # itself, the server and two workers
    for pid in pids:
        assert "/dev/shm/" not in Path(f"/proc/{pid}/maps").read_text()
    assert not list(temporary.iterdir())
    if victim == "parent":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.stdout.read()
    process.wait()
    assert not ends.left(temporary, process.pid, shared=None)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000"}, 1),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "20000 100000"}, 1),
        ({"cpu.max": "max 100000"}, 4),
        ({"cpu.max": "800000 100000"}, 4),
        ({"cpu.cfs_quota_us": "300000", "cpu.cfs_period_us": "100000"}, 3),
        ({"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}, 4),
        ({"cpu.max": "nonsense"}, 4),
        ({}, 4),
    ],
)
@pytest.mark.parametrize("inner", [True, False])
def test_cores_of_a_quota(
    files: dict[str, str], expected: int, inner: bool, tmp_path: Path, monkeypatch: Any
) -> None:
    """Of this group or of one around it, in both versions of control groups."""
    old = any("cfs" in name for name in files)
    root = tmp_path / "cpu,cpuacct" if old else tmp_path
    group = root / "outer" / "inner"
    group.mkdir(parents=True)
    for name, text in files.items():
        ((group if inner else group.parent) / name).write_text(text)
    membership = tmp_path / "membership"
    membership.write_text(f"{'4:cpu,cpuacct' if old else '0:'}:/outer/inner\n")
    monkeypatch.setattr(machine, "GROUPS", tmp_path)
    monkeypatch.setattr(machine, "MEMBERSHIP", membership)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    assert machine.cores() == expected
