"""An inversion by the jobs of an array: the bits of one process, whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fwicli.config.loader import load
from fwicli.disk import beacons
from fwicli.disk.beacons import Beacon
from fwicli.errors import ConfigError
from fwicli.execution.exchange import place
from fwicli.workflows import invert, model
from fwicli.workflows.inversion import membership
from fwicli.workflows.run_folder import lock
from tests.pictures import PROGRAM
from tests.workflows.test_invert import StopAtUpdate, result
from tests.workflows.test_stops import until

FILES = ["execution.engine=files", "execution.workers=1"]
# As in earnest, but dead processes are noticed sooner.
START = f"""
{PROGRAM}
from fwicli.disk import beacons

beacons.INTERVAL, beacons.PATIENCE = 0.2, 5.0
main()
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are taken for dead, and look again, sooner than in earnest."""
    monkeypatch.setattr(beacons, "INTERVAL", 0.05)
    monkeypatch.setattr(beacons, "PATIENCE", 1.0)
    monkeypatch.setattr(place, "POLL", 0.05)
    monkeypatch.setattr(lock, "POLL", 0.05)


def begin(survey: Path, folder: Path) -> subprocess.Popen[str]:
    """A job of an array."""
    settings = [option for s in FILES for option in ("--set", s)]
    arguments = ["invert", str(survey / "invert.yaml"), "-o", str(folder), *settings]
    return subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_same(survey: Path, folder: Path) -> None:
    """The bits and steps of a run in one process, and nothing else is left."""
    assert (result(folder) == result(survey / "whole")).all()
    lines = (folder / "progress.jsonl").read_text().splitlines()
    steps = [(s["stage"], s["iteration"], s["misfit"]) for s in map(json.loads, lines)]
    whole = (survey / "whole" / "progress.jsonl").read_text().splitlines()
    assert steps == [(s["stage"], s["iteration"], s["misfit"]) for s in map(json.loads, whole)]
    assert not [p.name for p in folder.iterdir() if p.name.startswith(".")]
    assert not (folder / "exchange").exists()


# That the second leader is killed like the first waits for test-full.
@pytest.mark.parametrize("killed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_members_that_are_killed(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, killed: int
) -> None:
    """The leader is killed in an iteration, and the next leader, too. The last job ends."""
    folder = tmp_path / "run"
    jobs = {job.pid: job for job in [begin(survey, folder) for _ in range(killed + 1)]}
    try:
        for number in range(1, killed + 1):
            claim = beacons.claim_path(folder, number)
            until(claim.exists)
            until(lambda: any((folder / "journal").glob("[!.]*.npz")), 120)
            sign = beacons.read(claim)
            assert sign is not None
            leader = jobs.pop(sign.description["process"])
            leader.kill()
            leader.communicate(timeout=60)
            assert leader.returncode == -signal.SIGKILL
            assert all(job.poll() is None for job in jobs.values())
        (last,) = jobs.values()
        _, said = last.communicate(timeout=240)
        assert last.returncode == 0, said
        assert "this process leads the run" in said
    finally:
        for job in jobs.values():
            job.kill()
            job.wait()
    check_same(survey, folder)


def test_a_member_that_is_killed(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """One that does not lead: the leader runs its shots, once it is silent."""
    folder = tmp_path / "run"
    jobs = {job.pid: job for job in [begin(survey, folder) for _ in range(2)]}
    try:
        until(lambda: len(list((folder / "exchange").glob("member-*"))) == 2, 120)
        until(lambda: any((folder / "exchange").glob("call-*")), 120)
        sign = beacons.read(beacons.claim_path(folder, 1))
        assert sign is not None
        leader = jobs.pop(sign.description["process"])
        (member,) = jobs.values()
        member.kill()
        member.communicate(timeout=60)
        _, said = leader.communicate(timeout=240)
        assert leader.returncode == 0, said
    finally:
        for job in (leader, member):
            job.kill()
            job.wait()
    check_same(survey, folder)


@pytest.mark.usefixtures("impatient")
def test_time_ends_for_all(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """As at the walltime of an array: all are told at once, and the run goes on when started."""
    folder = tmp_path / "run"
    jobs = [begin(survey, folder) for _ in range(2)]
    try:
        until(lambda: any((folder / "journal").glob("[!.]*.npz")), 120)
        until(lambda: len(list((folder / "exchange").glob("member-*"))) == 2, 120)
        for job in jobs:
            job.send_signal(signal.SIGUSR1)
        said = [job.communicate(timeout=240)[1] for job in jobs]
    finally:
        for job in jobs:
            job.kill()
            job.wait()
    assert [job.returncode for job in jobs] == [128 + signal.SIGUSR1] * 2, said
    invert.run(load(survey / "invert.yaml", settings=FILES), folder)
    check_same(survey, folder)


@pytest.mark.slow
def test_jobs_together(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """Both end with exit code 0, and both have run shots; a job that comes late has none to run."""
    folder = tmp_path / "run"
    jobs = [begin(survey, folder) for _ in range(2)]
    said = [job.communicate(timeout=240) for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], said
    check_same(survey, folder)
    outputs = "".join(out for out, _ in said)
    assert "shots run here" in outputs or "shots_run_here" in outputs
    before = (folder / "inversion.h5").stat().st_mtime_ns
    invert.run(load(survey / "invert.yaml", settings=FILES), folder)
    check_same(survey, folder)
    assert (folder / "inversion.h5").stat().st_mtime_ns == before


@pytest.mark.usefixtures("impatient")
def test_one_job_alone_goes_on(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """After an interrupt, and beside what killed jobs have left; without any option."""
    folder, loaded = tmp_path / "run", load(survey / "invert.yaml", settings=FILES)
    with pytest.raises(KeyboardInterrupt):
        invert.run(loaded, folder, progress=StopAtUpdate(9))
    assert place.is_own(folder / "exchange")
    invert.run(loaded, folder)
    check_same(survey, folder)


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_an_ordinary_run_goes_on(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """With another engine, from where the array was."""
    folder = tmp_path / "run"
    loaded = load(survey / "invert.yaml", settings=FILES)
    with pytest.raises(KeyboardInterrupt):
        invert.run(loaded, folder, progress=StopAtUpdate(9))
    invert.run(load(survey / "invert.yaml"), folder, resume=True)
    check_same(survey, folder)


@pytest.mark.usefixtures("impatient")
def test_others_are_refused_by_name(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, loaded = tmp_path / "run", load(survey / "invert.yaml", settings=FILES)
    folder.mkdir()
    group = {"code": membership.code(), "settings": membership._settings(loaded)}
    leader = led(folder, group)
    try:
        other = load(survey / "invert.yaml", settings=[*FILES, "inversion.bounds=[1400, 3200]"])
        with pytest.raises(ConfigError, match=r"leads .* another config: .*bounds\.0: 1450"):
            invert.run(other, folder)
        with pytest.raises(ConfigError, match="leave out --force"):
            invert.run(loaded, folder, force=True)
        with pytest.raises(ConfigError, match=r"process \d+ on \S+ is at work in"):
            invert.run(load(survey / "invert.yaml"), folder)
        monkeypatch.setattr(membership, "code", lambda: "0.9 (abc)")
        with pytest.raises(ConfigError, match=r"has the code .*, and this process has 0\.9"):
            invert.run(loaded, folder)
    finally:
        leader.leave(remove=True)
    assert not list(folder.iterdir())


@pytest.mark.usefixtures("impatient")
def test_a_dead_leader_of_another_version_is_no_hindrance(tmp_path: Path) -> None:
    group = {"code": "0.9 (abc)", "settings": {}}
    leader = led(tmp_path, group)
    own = {"group": {"code": "1.0 (abc)", "settings": {}}}
    with pytest.raises(ConfigError, match="install the same version"):
        membership._check(tmp_path, own, {"group": group})
    leader._end.set()  # killed without a word
    leader._thread.join()
    membership._check(tmp_path, own, {"group": group})


def led(folder: Path, group: dict[str, Any], number: int = 1) -> Beacon:
    """The sign of life of a leader."""
    beacon = Beacon.light(beacons.claim_path(folder, number), {**beacons.here(), "group": group})
    assert beacon is not None
    return beacon


def test_other_commands_have_no_array(survey: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="`engine: files` is for `fwi invert` and `fwi lsrtm`"):
        model.run(load(survey / "model.yaml", settings=FILES), tmp_path / "run")


# --- one run at a time in a folder ---------------------------------------------------------------


@pytest.fixture(params=["without locks", "with locks of the node"])
def lockless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that has no locks, or on which they hold on one node alone."""

    def flock(*_: Any) -> None:
        if request.param == "without locks":
            raise OSError(38, os.strerror(38))

    monkeypatch.setattr("fwicli.workflows.run_folder.lock.fcntl.flock", flock)


@pytest.mark.usefixtures("impatient", "lockless")
def test_two_runs_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two nodes: the second is refused, and may work there when the first has ended."""
    lock.hold(tmp_path)
    first = lock._held.pop(tmp_path.resolve())
    here = beacons.here()
    monkeypatch.setattr(beacons, "here", lambda: {**here, "host": "another"})
    with pytest.raises(ConfigError, match=rf"process {os.getpid()} on {here['host']} is at work"):
        lock.hold(tmp_path)
    first.end()
    lock.hold(tmp_path)
    lock.release(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("impatient", "lockless")
def test_a_run_after_one_that_was_killed(tmp_path: Path) -> None:
    """On another node: it waits until it is sure."""
    beacons.create(beacons.claim_path(tmp_path, 1), b'1\n{"host": "another", "process": 5}\n')
    lock.hold(tmp_path)
    lock.release(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("impatient", "lockless")
def test_one_of_many_runs_works(tmp_path: Path) -> None:
    """All begin at once."""
    results: list[str] = []

    def run() -> None:
        try:
            results.append(str(lock._show(tmp_path, locked=False).path.name))
        except ConfigError:
            results.append("refused")

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == [".claim-000001", *["refused"] * 5]
