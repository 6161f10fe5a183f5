"""Inversions over Dask have the bits of one over processes, whatever ends on the way."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from fwicli.config.loader import load
from fwicli.workflows import invert
from tests.execution.dask.test_accidents import Commands
from tests.slurm import Slurm
from tests.workflows.test_invert import result

pytestmark = pytest.mark.cluster

PATIENCE = 300.0
DASK = "execution.engine=dask"


class Run:
    """A command that inverts, beside the test."""

    def __init__(self, survey: Path, folder: Path, *settings: str, resume: bool = False) -> None:
        self.folder = folder
        options = [option for setting in settings for option in ("--set", setting)]
        self.command = [
            *(sys.executable, "-m", "fwicli", "invert", str(survey / "invert.yaml")),
            *("-o", str(folder), *options, *(["--resume"] if resume else [])),
        ]

    def __enter__(self) -> Run:
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        """Exit code, and what the command has said."""
        said = self.process.communicate(timeout=PATIENCE)[1]
        return self.process.returncode, said

    def workers(self) -> list[psutil.Process]:
        """Processes of workers of this machine: children of the one that starts them."""
        (starter,) = psutil.Process(self.process.pid).children()
        return [c for c in starter.children() if "spawn_main" in " ".join(c.cmdline())]


def wait(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def iterates(folder: Path) -> int:
    """Iterates that a run has written."""
    with suppress(OSError, ValueError):
        lines = (folder / "progress.jsonl").read_text(encoding="utf-8").splitlines()
        return sum("iterate" in json.loads(line) or "iteration" in line for line in lines)
    return 0


def same(survey: Path, folder: Path) -> bool:
    return np.array_equal(result(folder), result(survey / "whole"))


@pytest.mark.parametrize("workers", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3))])
def test_bits_of_any_number_of_workers(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, workers: int
) -> None:
    settings = [DASK, f"execution.workers={workers}"]
    invert.run(load(survey / "invert.yaml", settings=settings), tmp_path / "run")
    assert same(survey, tmp_path / "run")


def test_a_killed_worker_does_not_show(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    with Run(survey, tmp_path / "run", DASK) as run:
        wait(lambda: iterates(run.folder) >= 1)
        run.workers()[0].kill()
        code, said = run.end()
    assert code == 0, said
    assert same(survey, run.folder)


@pytest.mark.slow
def test_a_killed_run_is_resumed(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    with Run(survey, tmp_path / "run", DASK) as run:
        wait(lambda: iterates(run.folder) >= 2)
        run.process.kill()
        run.end()
    with Run(survey, tmp_path / "run", DASK, resume=True) as run:
        code, said = run.end()
    assert code == 0, said
    assert same(survey, run.folder)


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    started = Commands(tmp_path)
    yield started
    started.end()


@pytest.mark.slow
def test_a_run_without_its_scheduler_is_resumed(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, commands: Commands
) -> None:
    """It ends with exit code 4; by processes, it goes on."""
    scheduler = commands.scheduler()
    commands.worker()
    settings = [DASK, f"execution.address={commands.address}"]
    with Run(survey, tmp_path / "run", *settings) as run:
        wait(lambda: iterates(run.folder) >= 2)
        scheduler.kill()
        code, said = run.end()
    assert code == 4, said
    assert "does not answer any more" in said
    assert "--resume" in said
    with Run(survey, tmp_path / "run", resume=True) as run:
        assert run.end()[0] == 0
    assert same(survey, run.folder)


# --- SLURM ---------------------------------------------------------------------------------------

JOBS = [DASK, "execution.cluster=slurm", "execution.site=tests", "execution.jobs=2"]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site whose jobs take one core."""
    file = tmp_path / "sites.yaml"
    file.write_text('tests: {scheduler: slurm, walltime: "00:10:00"}\n', encoding="utf-8")
    monkeypatch.setenv("FWI_SITES", str(file))


def test_a_lost_job_does_not_show(
    survey: Path,
    inverted: dict[str, Any],
    tmp_path: Path,
    slurm: Slurm,
    site: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when its node is lost: another one is submitted, and has its shots."""
    monkeypatch.chdir(tmp_path)
    with Run(survey, tmp_path / "run", *JOBS) as run:
        wait(lambda: iterates(run.folder) >= 1)
        slurm.run("scancel", "--signal=KILL", slurm.jobs(tmp_path)[0])
        code, said = run.end()
    assert code == 0, said
    assert same(survey, run.folder)
    assert (run.folder / "workers.txt").read_text(encoding="utf-8").startswith("# written by fwi")
    wait(lambda: not slurm.jobs(tmp_path))


def test_jobs_end_with_their_run(
    survey: Path,
    inverted: dict[str, Any],
    tmp_path: Path,
    slurm: Slurm,
    site: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also if it is killed; `--resume` goes on."""
    monkeypatch.chdir(tmp_path)
    with Run(survey, tmp_path / "run", *JOBS) as run:
        wait(lambda: iterates(run.folder) >= 1)
        assert slurm.jobs(tmp_path)
        run.process.kill()
        run.end()
    wait(lambda: not slurm.jobs(tmp_path))
    with Run(survey, tmp_path / "run", *JOBS, resume=True) as run:
        code, said = run.end()
    assert code == 0, said
    assert same(survey, run.folder)


def test_a_job_that_is_not_taken_is_told(
    survey: Path, tmp_path: Path, slurm: Slurm, site: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sites.yaml").write_text("tests: {scheduler: slurm, queue: nowhere}\n")
    monkeypatch.chdir(tmp_path)
    with Run(survey, tmp_path / "run", *JOBS) as run:
        code, said = run.end()
    assert code == 4
    assert "slurm does not take a job with workers" in said
    assert "invalid partition specified: nowhere" in said


STEP = """\
#!/bin/bash
#SBATCH --ntasks=1 --overcommit --time=10 --output=step.txt
srun --ntasks={tasks} --overcommit --overlap {command}
echo "exit code $?"
"""


@pytest.mark.parametrize("workers", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3))])
def test_a_step_has_the_bits_of_processes(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, slurm: Slurm, workers: int
) -> None:
    """Also if a worker of it is killed."""
    run = Run(survey, tmp_path / "run", DASK)
    script = tmp_path / "step.sh"
    script.write_text(STEP.format(tasks=workers + 2, command=shlex.join(run.command)))
    job = slurm.run("sbatch", "--parsable", "--chdir", tmp_path, script)
    wait(lambda: iterates(run.folder) >= 1)
    step_workers(tmp_path)[0].kill()
    slurm.wait(job)
    said = (tmp_path / "step.txt").read_text(encoding="utf-8")
    assert "exit code 0" in said, said
    assert same(survey, run.folder)
    assert not list(tmp_path.glob(".fwi-scheduler-*"))


def step_workers(folder: Path) -> list[psutil.Process]:
    """Processes of workers that work in a folder."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder) and "spawn_main" in " ".join(process.cmdline()):
                processes.append(process)
    return processes
