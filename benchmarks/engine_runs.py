"""Runs of one inversion by every engine. Part of `engines.py`."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np
import psutil

MODEL = """\
model: {vp: {file: true.npy}, spacing: 10}
geometry:
  sources: {x: {start: 60, stop: 540, count: 16}, z: 20}
  receivers: {x: {start: 0, stop: 600, step: 20}, z: 20}
wavelet: {kind: ricker, frequency: 12}
time: {interval: 0.004, duration: 0.6}
execution: {workers: 2}
"""
INVERT = """\
model: {vp: {file: true.npy}, spacing: 10, smooth: {length: 60, keep: water}}
data: {file: shots/shots.h5}
inversion:
  bounds: [1450, 3200]
  stages:
    - {band: [0, 8], iterations: 3, spacing: 20}
    - {band: [0, 16], iterations: 3}
execution: {workers: 2}
"""
SITES = "here: {scheduler: slurm, walltime: '00:30:00', notice: 60, memory: 1}\n"
STEP = """\
#!/bin/bash
#SBATCH --ntasks=1 --overcommit --time=30 --requeue --open-mode=append --output=step.txt
more=; [ -e run/config.yaml ] && more=--resume
srun --ntasks={tasks} --overcommit --overlap --kill-on-bad-exit=1 {command} $more
"""
PATIENCE = 400.0
# States of jobs that have not ended.
WORKING = {"PENDING", "RUNNING", "COMPLETING"}
# Lines of the progress: in each stage, the first model and three more.
ITERATES = 8
DASK, FILES = "execution.engine=dask", "execution.engine=files"
# Jobs of an array that the cores of a small node run at once.
JOBS = 2
FWI = (sys.executable, "-m", "fwicli")


def command(*arguments: str | Path, folder: Path) -> str:
    """Run a command; its output."""
    parts = [str(argument) for argument in arguments]
    done = subprocess.run(parts, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{shlex.join(parts)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def prepare(folder: Path) -> None:
    """Model of the earth, configs, records, and the inversion by processes, in `whole`."""
    x, z = np.meshgrid(10.0 * np.arange(61), 10.0 * np.arange(41), indexing="ij")
    vp = np.where(z < 60, 1500.0, 1900 + 1.5 * z)
    vp = np.where((z > 220) & (z > 150 + 0.2 * x), 2700.0, vp)
    np.save(folder / "true.npy", vp.astype(np.float32))
    (folder / "sites.yaml").write_text(SITES, encoding="utf-8")
    (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
    (folder / "invert.yaml").write_text(INVERT, encoding="utf-8")
    command(*FWI, "model", "model.yaml", "-o", "shots", folder=folder)
    command(*FWI, "invert", "invert.yaml", "-o", "whole", folder=folder)


def result(run: Path) -> np.ndarray:
    """The final model [m/s]."""
    with h5py.File(run / "inversion.h5") as file:
        return np.array(file["result/vp"])


def misfits(run: Path) -> list[tuple[int, int, float]]:
    """Of all iterates, to the last bit of their double precision, with stage and iteration."""
    lines = (run / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line) for line in lines]
    return [(step["stage"], step["iteration"], step["misfit"]) for step in steps]


def is_same(run: Path, whole: Path) -> bool:
    """Whether two runs have the same final model and misfits."""
    return np.array_equal(result(run), result(whole)) and misfits(run) == misfits(whole)


def wait(condition: Callable[[], Any], what: str) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise click.ClickException(f"{what}: not within {PATIENCE:g} s")
        time.sleep(0.2)


class Run:
    """An inversion by an engine, in a folder of its own.

    Parameters
    ----------
    survey, folder : Path
        What `prepare` has made, and where to work.
    engine : str
    workers : int
    address : str
        Of a scheduler of Dask, if the engine needs one.
    """

    def __init__(self, survey: Path, folder: Path, engine: str, workers: int, address: str) -> None:
        self.folder, self.engine, self.workers = folder, engine, workers
        self.run = folder / "run"
        # Jobs of one core: three workers share one, as small nodes have no three.
        jobs, each = (workers, 1) if workers < 3 else (1, workers)
        settings = {
            "processes": [f"execution.workers={workers}"],
            "address": [DASK, f"execution.address={address}"],
            "jobs": [
                *(DASK, "execution.cluster=slurm", "execution.site=here"),
                *(f"execution.jobs={jobs}", f"execution.workers={each}"),
            ],
            "step": [DASK],
            "files": [FILES, "execution.workers=1"],
        }[engine]
        options = [option for setting in settings for option in ("--set", setting)]
        self.arguments = [str(survey / "invert.yaml"), "-o", str(self.run), *options]
        self.process: subprocess.Popen[str] | None = None
        self.job = ""

    def start(self) -> None:
        """Start it, or continue it where it was stopped."""
        if self.engine == "step":
            words = shlex.join([*FWI, "invert", *self.arguments])
            script = STEP.format(tasks=self.workers + 2, command=words)
            (self.folder / "step.sh").write_text(script, encoding="utf-8")
            self.job = command("sbatch", "--parsable", "step.sh", folder=self.folder)
            return
        self.begin(*(["--resume"] if (self.run / "config.yaml").exists() else []))

    def begin(self, *options: str) -> None:
        """Start a process of it."""
        self.process = subprocess.Popen(
            [*FWI, "invert", *self.arguments, *options],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def submit(self) -> None:
        """Submit it as a job, which continues by itself."""
        words = [*FWI, "submit", *self.arguments, "--site", "here"]
        command(*words, folder=self.folder)
        self.job = json.loads((self.run / "job.json").read_text(encoding="utf-8"))["id"]

    def wait(self) -> str:
        """Wait for the end; what it has said."""
        if self.process is not None:
            return self.process.communicate(timeout=PATIENCE)[1]
        wait(lambda: self.state() not in WORKING, "end of the job")
        log = self.folder / "step.txt" if self.engine == "step" else self.run / "job.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def state(self) -> str:
        """State of the job; one that requeues itself is pending."""
        line = command("scontrol", "-o", "show", "job", self.job, folder=self.folder)
        return next(w for w in line.split() if w.startswith("JobState=")).partition("=")[2]

    def iterates(self) -> int:
        """Iterates that it has written."""
        file = self.run / "progress.jsonl"
        return file.read_text(encoding="utf-8").count("\n") if file.exists() else 0

    def check(self, event: bool) -> None:
        """Check that all else has ended well; whether something was to end a job on the way."""

    def is_done(self) -> bool:
        """Whether all iterates are written."""
        return self.iterates() == ITERATES

    def advance(self, count: int = 2) -> None:
        """Wait for iterates."""
        wait(lambda: self.iterates() >= count, f"{count} iterates")

    def client(self) -> psutil.Process:
        """The process of the run."""
        if self.process is not None:
            return psutil.Process(self.process.pid)
        marked = [p for p in self.processes("fwicli") if p.environ().get("SLURM_PROCID") == "1"]
        return min(marked, key=lambda process: process.create_time())

    def worker(self) -> psutil.Process:
        """A process that runs shots."""
        if self.engine == "processes":
            return next(w for s in self.client().children() for w in s.children())
        return self.processes("spawn_main")[0]

    def processes(self, word: str) -> list[psutil.Process]:
        """Processes that work in the folder and have a word in their command."""
        matching = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd() == str(self.folder) and word in " ".join(process.cmdline()):
                    matching.append(process)
        return matching

    def worker_jobs(self) -> list[str]:
        """Jobs with workers."""
        lines = command("squeue", "-h", "-t", "R", "-o", "%A %j %Z", folder=self.folder)
        rows = [line.split(maxsplit=2) for line in lines.splitlines()]
        return [r[0] for r in rows if r[1] == "fwi-worker" and r[2] == str(self.folder)]

    def end(self) -> None:
        """Leave nothing behind."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if self.job:
            subprocess.run(["scancel", self.job], check=False)


class Array(Run):
    """An inversion by the jobs of an array, which exchange files in the folder of the run.

    A member more than the cores of the node is begun by hand beside the jobs.
    """

    def start(self) -> None:
        """Submit it, or submit it again where it was stopped."""
        self.submit()
        if self.workers > JOBS:
            self.begin()

    def submit(self) -> None:
        """Submit it as an array, whose jobs continue by themselves."""
        more = ["--resume"] if (self.run / "config.yaml").exists() else []
        members = ["--array", str(min(self.workers, JOBS))]
        words = [*FWI, "submit", *self.arguments, "--site", "here", *members, *more]
        command(*words, folder=self.folder)
        self.job = json.loads((self.run / "job.json").read_text(encoding="utf-8"))["id"]

    def wait(self) -> str:
        """Wait for the end of all jobs; what they have said."""
        if self.process is not None:
            self.process.communicate(timeout=PATIENCE)
        wait(lambda: not self.states() & WORKING, "end of the jobs")
        return "".join(log.read_text(encoding="utf-8") for log in self.run.glob("job*.log"))

    def check(self, event: bool) -> None:
        """Check that all jobs have ended well, and that what has ended one was in time."""
        if (states := self.states()) != {"COMPLETED"}:
            raise click.ClickException(f"the jobs of the array are {', '.join(states)}")
        files = [path.read_text(encoding="utf-8") for path in self.run.glob("job_*.json")]
        if event and all(len(json.loads(text)["attempts"]) == 1 for text in files):
            raise click.ClickException("no job of the array had to begin again")
        if (self.run / "exchange").exists():
            raise click.ClickException("the jobs have left files of their exchange behind")

    def states(self) -> set[str]:
        """States of the jobs."""
        words = command("scontrol", "-o", "show", "job", self.job, folder=self.folder).split()
        return {w.partition("=")[2] for w in words if w.startswith("JobState=")}

    def advance(self, count: int = 2) -> None:
        """Wait for iterates, and for all members."""
        super().advance(count)
        wait(lambda: len(self.members()) == self.workers, f"{self.workers} members")

    def members(self) -> list[psutil.Process]:
        """Processes that take part."""
        return self.processes("fwicli invert")

    def client(self) -> psutil.Process:
        """The process that leads."""
        claims = sorted(self.run.glob(".claim-" + 6 * "[0-9]"))
        if not claims:
            raise click.ClickException("no process leads the run")
        # The first line counts; a description in JSON follows.
        _, _, description = claims[-1].read_text(encoding="utf-8").partition("\n")
        return psutil.Process(json.loads(description)["process"])

    def worker(self) -> psutil.Process:
        """A process that does not lead."""
        leader = self.client()
        return next(process for process in self.members() if process != leader)


@contextmanager
def none() -> Iterator[str]:
    """No scheduler."""
    yield ""


@contextmanager
def scheduler(folder: Path, workers: int) -> Iterator[str]:
    """A scheduler of Dask with workers, as a user would start them; its address."""
    file = folder / "scheduler.json"
    options = ["--scheduler-file", str(file), "--no-dashboard"]
    program = [sys.executable, "-m"]
    preload = ["--preload", "fwicli.execution.dask.preparation", "--memory-limit", "0"]
    many = ["--nthreads", "1", "--nworkers", str(workers), *preload]
    own = ["--port", "0", "--host", "127.0.0.1"]
    commands = [
        [*program, "distributed.cli.dask_scheduler", *options, *own],
        [*program, "distributed.cli.dask_worker", *options, *many],
    ]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = []
    try:
        for words in commands:
            started.append(subprocess.Popen(words, cwd=folder, **silent))  # type: ignore[call-overload]
            wait(file.exists, "the file of the scheduler")
        yield json.loads(file.read_text(encoding="utf-8"))["address"]
    finally:
        for process in started[::-1]:
            process.terminate()
            process.wait()
