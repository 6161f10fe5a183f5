"""Jobs of PBS, LSF and Grid Engine, whose commands are executables of the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fwicli.config.loader import Loaded, load
from fwicli.errors import ConfigError, ExecutionError
from fwicli.execution.schedulers.registry import SCHEDULERS
from fwicli.execution.schedulers.scheduler import JobRequest
from fwicli.workflows import invert
from fwicli.workflows.batch import attempt, node
from fwicli.workflows.batch.submission import prepare
from fwicli.workflows.inversion import branches
from fwicli.workflows.run_folder import advance, job_record
from fwicli.workflows.run_folder.advance import Advance
from fwicli.workflows.run_folder.job_record import JobRecord
from fwicli.workflows.viewing import status
from tests.workflows.test_invert import result

# Submits: counts jobs, and runs the script in a session of its own, as a node would.
SUBMIT = """\
#!/bin/bash
cd {folder}
number=$(( $(cat count 2>/dev/null || echo 40) + 1 ))
echo $number >count
script=job-$number.sh
if [ $# = 0 ]; then cat >$script; else cp "${{@: -1}}" $script; fi
echo "$*" >>submitted
{variable}=$number{suffix} setsid bash $script >>printed 2>&1 </dev/null &
echo $! >pid
echo "{reply}"
"""
# Tells whether the latest script still runs.
STATE = """\
#!/bin/bash
cd {folder}
kill -0 $(cat pid) 2>/dev/null && echo "{running}" || {{ echo "{gone}" >&2; exit 1; }}
"""
SYSTEMS = {
    "pbs": ("qsub", "qstat", ".server", "$number.server", "job_state = R", "Unknown Job Id"),
    "lsf": (
        "bsub",
        "bjobs",
        "",
        "Job <$number> is submitted to queue <normal>.",
        "RUN",
        "is not found",
    ),
    "sge": ("qsub", "qstat", "", "$number", "$(cat count) 0.5 fwi me r 01/01/2026", "no such job"),
}


@pytest.fixture(params=SYSTEMS)
def scheduler(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Name of a batch system whose commands are on the path, and of its site."""
    name = request.param
    submit, state, suffix, reply, running, gone = SYSTEMS[name]
    folder = tmp_path / "system"
    folder.mkdir()
    variable = SCHEDULERS[name].job_variable
    texts = {
        submit: SUBMIT.format(folder=folder, variable=variable, suffix=suffix, reply=reply),
        state: STATE.format(folder=folder, running=running, gone=gone),
    }
    for command, text in texts.items():
        (folder / command).write_text(text)
        (folder / command).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (tmp_path / "sites.yaml").write_text(
        f"lion:\n  scheduler: {name}\n  walltime: '02:00:00'\n  queue: long\n  account: geo\n"
    )
    monkeypatch.setenv("FWI_SITES", str(tmp_path / "sites.yaml"))
    monkeypatch.chdir(tmp_path)
    yield name
    with_pid = folder / "pid"
    if with_pid.exists():
        subprocess.run(["pkill", "-9", "-s", with_pid.read_text().strip()], check=False)


def until(done: Callable[[], bool], folder: Path) -> None:
    end = time.monotonic() + 120
    while not done():
        log = folder / "job.log"
        assert time.monotonic() < end, log.read_text() if log.exists() else "no log"
        time.sleep(0.1)


def read(folder: Path) -> JobRecord:
    return job_record.read(folder / "job.json")


def inversion(survey: Path) -> Loaded:
    return load(survey / "invert.yaml", settings=["execution.workers=1"])


@pytest.mark.parametrize(
    "scheduler",
    ["pbs", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lsf", "sge"))],
    indirect=True,
)
def test_a_job_is_submitted_again_when_its_time_ends(
    survey: Path, inverted: dict[str, Any], scheduler: str, tmp_path: Path
) -> None:
    """It saves, its script is submitted once more, and the result has the bits of a whole run."""
    folder = tmp_path / "run"
    record = prepare(inversion(survey), folder, "lion").submit()
    assert record.job.startswith("41")
    until(lambda: advance.measure(folder) > Advance(1, 0), folder)
    os.kill(int((tmp_path / "system" / "pid").read_text()), signal.SIGUSR1)
    until(lambda: read(folder).state in job_record.ENDS, folder)
    record = read(folder)
    assert [a.end for a in record.attempts] == ["time", "done"]
    assert record.job.startswith("42")
    assert record.attempts[1].job.startswith("42")
    assert record.attempts[0].after == record.attempts[1].before
    assert (result(folder) == result(survey / "whole")).all()


def test_scripts_describe_the_job(survey: Path, scheduler: str, tmp_path: Path) -> None:
    """Queue, account, walltime and the last command; the log is in the folder of the run."""
    text = prepare(inversion(survey), tmp_path / "my run", None).script
    mark = {"pbs": "#PBS", "lsf": "#BSUB", "sge": "#$"}[scheduler]
    lines = [line.removeprefix(f"{mark} ") for line in text.splitlines() if line.startswith(mark)]
    assert "-q long" in lines
    assert ("-A geo" if scheduler == "pbs" else "-P geo") in lines
    time_of = {"pbs": "-l walltime=02:00:00", "lsf": "-W 2:00", "sge": "-l h_rt=02:00:00"}
    assert time_of[scheduler] in lines
    warning = {"lsf": "-wa USR1 -wt 2", "sge": "-l s_rt=01:58:00"}
    assert scheduler == "pbs" or warning[scheduler] in lines
    assert f"'{tmp_path}/my run/job.log'" in text
    assert text.splitlines()[-1] == f"exec {sys.executable} -m fwicli job '{tmp_path}/my run'"
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    assert not (tmp_path / "my run").exists()


def test_arrays_and_memory_are_described(tmp_path: Path) -> None:
    """Each batch system in its own words."""
    job = JobRequest("fwi-run", tmp_path / "log", 5400, 120, 8, 16e9, members=12)
    options = {name: " ".join(s.options(job)) for name, s in SCHEDULERS.items()}
    for name, words in {
        "slurm": ("--array=1-12", "--mem=15259M", "--cpus-per-task=8", "--time=01:30:00"),
        "pbs": ("-J 1-12", "-l select=1:ncpus=8:mem=15259mb"),
        "lsf": ('-J "fwi-run[1-12]"', "-M 15259MB", "-n 8", "-W 1:30"),
        "sge": ("-t 1-12", "-l h_vmem=1908M", "-pe smp 8"),
    }.items():
        assert all(word in options[name] for word in words), options[name]


def test_a_job_that_runs_is_not_submitted_twice(
    survey: Path, scheduler: str, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    job = prepare(inversion(survey), folder, None).submit().job
    with pytest.raises(ConfigError, match=f"job {job} of .* is running already"):
        prepare(inversion(survey), folder, None).submit(force=True)


def test_a_missing_command_is_named(
    survey: Path, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExecutionError, match=r"there is no command `[qb]sub` here"):
        prepare(inversion(survey), tmp_path / "run", None).submit()


# --- attempts without a batch system -------------------------------------------------------------


def record_of(**changes: Any) -> JobRecord:
    values: dict[str, Any] = {"scheduler": "slurm", "site": "here", "kind": "invert"}
    values |= {"version": "0.1.0", "walltime": 600, "notice": 60, "cores": 1, "job": "7"}
    return JobRecord(**values | changes)


def after(*ends: tuple[str, int]) -> JobRecord:
    """A record with attempts that have ended, each with the steps on disk."""
    record, steps = record_of(), 0
    for end, now in ends:
        record = record.begun("7", "node1", Advance(steps))
        steps = now
        if end != "lost":
            record = record.ended(0, end, Advance(steps))
    return record


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ([("time", 0), ("time", 0), ("time", 0)], 3),
        ([("time", 0), ("time", 0), ("time", 1)], 0),
        ([("time", 4), ("time", 4), ("failed", 4)], 2),
        ([("time", 4), ("terminated", 4), ("time", 4), ("lost", 4), ("time", 4)], 2),
        ([("time", 4), ("lost", 5), ("time", 5)], 1),
    ],
)
def test_attempts_in_vain(ends: list[tuple[str, int]], expected: int) -> None:
    """Those that others have ended are no sign that the walltime is too short."""
    assert after(*ends).in_vain == expected


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    record = after(("time", 2), ("lost", 3), ("time", 4))
    record.write(tmp_path / "job.json")
    assert job_record.read(tmp_path / "job.json") == record
    assert [a.end for a in record.attempts] == ["time", "lost", "time"]
    (tmp_path / "job.json").write_text("{}")
    with pytest.raises(Exception, match="submit the run again"):
        job_record.read(tmp_path / "job.json")


def test_a_node_that_does_not_do_ends_the_job_at_once(tmp_path: Path) -> None:
    """Another version of fwi, with its name, before anything is run."""
    record_of(version="99.0").write(tmp_path / "job.json")
    (tmp_path / "job.json").chmod(0o644)
    with pytest.raises(ExecutionError, match=r"submitted by fwi 99\.0, and this node runs"):
        attempt.run(tmp_path)
    record = read(tmp_path)
    assert record.state == "failed"
    assert "node" in record.message
    assert record.attempts[0].end == "failed"


def test_fewer_cores_are_named(tmp_path: Path) -> None:
    """They are no reason not to run."""
    listed = {f.name: f for f in node.findings(record_of(cores=10**6, memory=1e18), tmp_path)}
    assert "asks for 1000000 cores" in listed["cores"].problem
    assert "asks for 1e+09 GB" in listed["memory"].problem
    assert not listed["cores"].fatal
    assert not listed["fwi"].problem
    gone = {f.name: f for f in node.findings(record_of(), tmp_path / "nowhere")}
    assert "choose a folder with -o that all nodes see" in gone["run folder"].problem


def test_a_run_begins_beside_the_files_of_its_job(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--resume` begins a run that was submitted; without a job it refuses, as ever."""
    (tmp_path / "sites.yaml").write_text("here: {scheduler: slurm}\n")
    monkeypatch.setenv("FWI_SITES", str(tmp_path / "sites.yaml"))
    monkeypatch.setattr("fwicli.execution.schedulers.slurm.Slurm.submit", lambda *_: "12")
    folder = tmp_path / "run"
    prepared = prepare(inversion(survey), folder, None)
    assert prepared.submit().job == "12"
    assert {p.name for p in folder.iterdir()} == {
        *("job.json", "job.log", "job.sh", "job.yaml", "manifest.txt")
    }
    invert.run(load(folder / "job.yaml"), folder, resume=True)
    assert (result(folder) == result(survey / "whole")).all()
    assert (folder / "job.sh").read_text() == prepared.script
    with pytest.raises(ConfigError, match="already holds a run"):
        invert.run(inversion(survey), folder)
    monkeypatch.setattr("fwicli.execution.schedulers.slurm.Slurm.state", lambda *_: "gone")
    with pytest.raises(ConfigError, match="already holds a run"):
        prepared.submit()
    prepared.submit(force=True)
    assert not (folder / "inversion.h5").exists()
    with pytest.raises(ConfigError, match="there is no run"):
        prepare(inversion(survey), tmp_path / "other", None).submit(resume=True)


@pytest.mark.parametrize("engine", ["processes", pytest.param("files", marks=pytest.mark.slow)])
def test_a_branch_is_submitted(
    survey: Path,
    inverted: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
) -> None:
    """Its job begins from the iterate that the other run had then, and is continued as a branch."""
    (tmp_path / "sites.yaml").write_text("here: {scheduler: slurm}\n")
    monkeypatch.setenv("FWI_SITES", str(tmp_path / "sites.yaml"))
    monkeypatch.setattr("fwicli.execution.schedulers.slurm.Slurm.submit", lambda *_: "12")
    parent, folder, other = tmp_path / "parent", tmp_path / "run", tmp_path / "other"
    shutil.copytree(survey / "whole", parent)
    short = ["inversion.stages=[{band: [0, 16], iterations: 1}]", f"execution.engine={engine}"]
    loaded = load(survey / "invert.yaml", settings=[*short, "execution.workers=1"])
    invert.run(branches.begin(loaded, other, f"{parent}@2"), other)
    prepare(branches.begin(loaded, folder, f"{parent}@2"), folder, None).submit()
    assert branches.begin(loaded, folder, f"{parent}@2", resume=True).start is not None
    with pytest.raises(ConfigError, match=f"was begun from {parent}@2"):
        branches.begin(loaded, folder, f"{parent}@3", resume=True)
    shutil.rmtree(parent)
    invert.run(load(folder / "job.yaml"), folder, resume=True)
    assert (result(folder) == result(other)).all()
    assert not (result(folder) == result(survey / "whole")).all()
    assert branches.of_folder(folder) == branches.of_folder(other)
    assert status.run(folder).begun_from == f"{parent}@2"
    invert.run(load(folder / "job.yaml"), folder, resume=True)
    monkeypatch.setattr("fwicli.execution.schedulers.slurm.Slurm.state", lambda *_: "gone")
    prepare(loaded, folder, None).submit(force=True)
    assert not (folder / "job.h5").exists()


def test_the_site_must_be_clear(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sites.yaml"
    monkeypatch.setenv("FWI_SITES", str(file))
    file.write_text("a: {scheduler: slurm}\nb: {scheduler: pbs}\n")
    with pytest.raises(ConfigError, match="names a, b; choose one with --site"):
        prepare(inversion(survey), tmp_path / "run", None)
    loaded = load(survey / "invert.yaml", settings=["execution.site=b"])
    assert prepare(loaded, tmp_path / "run", None).record.scheduler == "pbs"
    assert prepare(loaded, tmp_path / "run", "a").record.scheduler == "slurm"
    assert json.loads(json.dumps(prepare(loaded, tmp_path / "run", "a").record.attempts)) == []
