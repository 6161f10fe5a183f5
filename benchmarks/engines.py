"""Bits of one inversion by every engine, also where something ends it on the way.

    python benchmarks/engines.py [--engines NAME]... [--events NAME]... [--json FILE]

An inversion of 16 shots in two stages runs by processes of this machine, by the workers of a Dask
scheduler, by workers in jobs of SLURM, and by the tasks of one step of SLURM; with 1, 2 and 3
workers each. With 2 workers, a worker is killed, the job is requeued, the walltime signal comes,
or the run is killed. The run goes on by itself, or is continued. Its final model and its misfits
are compared with those of an inversion by processes that nothing has ended, bit for bit. It needs
`fwicli[cluster]`, and a SLURM that `SLURM_CONF` names.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
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
# Lines of the progress: in each stage, the first model and three more.
ITERATES = 8
DASK = "execution.engine=dask"
FWI = (sys.executable, "-m", "fwicli")
ENGINES = ("processes", "address", "jobs", "step")
EVENTS = ("worker", "requeue", "walltime", "client")


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
        more = ["--resume"] if (self.run / "config.yaml").exists() else []
        self.process = subprocess.Popen(
            [*FWI, "invert", *self.arguments, *more],
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
        wait(lambda: self.state() not in ("PENDING", "RUNNING", "COMPLETING"), "end of the job")
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


def in_a_job(run: Run) -> bool:
    """Whether the batch system ends the run itself, rather than workers of it."""
    return run.engine in ("processes", "address")


def worker(run: Run) -> None:
    """A worker is killed; the run goes on."""
    run.start()
    run.advance()
    run.worker().kill()


def requeue(run: Run) -> None:
    """The job is requeued, as by an administrator; it goes on by itself."""
    run.submit() if in_a_job(run) else run.start()
    run.advance()
    job = run.worker_jobs()[0] if run.engine == "jobs" else run.job
    command("scontrol", "requeue", job, folder=run.folder)
    if run.engine != "jobs":
        wait(lambda: run.state() != "RUNNING", "the requeue")


def walltime(run: Run) -> None:
    """The signal before the walltime comes; the job goes on by itself, or the run is continued."""
    if in_a_job(run):
        run.submit()
        run.advance()
        command("scancel", "--signal=USR1", "--batch", run.job, folder=run.folder)
        return
    run.start()
    run.advance()
    if run.engine == "jobs":
        run.client().send_signal(signal.SIGUSR1)
    else:
        command("scancel", "--signal=USR1", f"{run.job}.0", folder=run.folder)
    run.wait()
    unfinished(run)
    run.start()


def client(run: Run) -> None:
    """The run is killed, and continued."""
    run.start()
    run.advance()
    run.client().kill()
    run.wait()
    unfinished(run)
    run.start()


def unfinished(run: Run) -> None:
    """Check that an event has come in time."""
    if run.is_done():
        raise click.ClickException("the run was done before anything could end it")


def measured(
    survey: Path, folder: Path, engine: str, workers: int, event: str | None
) -> dict[str, Any]:
    """Run an inversion, and compare its model."""
    began = time.perf_counter()
    # Jobs are told of sites by the environment.
    os.environ["FWI_SITES"] = str(survey / "sites.yaml")
    with scheduler(folder, workers) if engine == "address" else none() as address:
        run = Run(survey, folder, engine, workers, address)
        try:
            {"worker": worker, "requeue": requeue, "walltime": walltime, "client": client}.get(
                str(event), Run.start
            )(run)
            output = run.wait()
        finally:
            run.end()
    if not run.is_done():
        raise click.ClickException(f"{engine}, {event}: it has not ended well: {output}")
    return {
        "engine": engine,
        "workers": workers,
        "event": event or "none",
        "same": is_same(run.run, survey / "whole"),
        "seconds": round(time.perf_counter() - began, 1),
    }


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


@click.command()
@click.option("--engines", type=click.Choice(ENGINES), multiple=True, default=ENGINES)
@click.option("--events", type=click.Choice(("none", *EVENTS)), multiple=True)
@click.option("--json", "file", type=click.Path(path_type=Path))
def main(engines: tuple[str, ...], events: tuple[str, ...], file: Path | None) -> None:
    """Print a row for each engine."""
    columns = [(n, None) for n in (1, 2, 3)] + [(2, event) for event in EVENTS]
    chosen = [c for c in columns if not events or (c[1] or "none") in events]
    rows = []
    click.echo("| engine | " + " | ".join(event or f"{n} workers" for n, event in chosen) + " |")
    click.echo("| --- |" + " --- |" * len(chosen))
    with tempfile.TemporaryDirectory() as temporary:
        survey = Path(temporary).resolve()
        prepare(survey)
        for engine in engines:
            cells = []
            for count, event in chosen:
                folder = survey / f"{engine}-{count}-{event}"
                folder.mkdir()
                rows.append(measured(survey, folder, engine, count, event))
                cells.append("same" if rows[-1]["same"] else "OTHER")
            click.echo(f"| {engine} | " + " | ".join(cells) + " |")
    if file:
        file.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    different = sum(not row["same"] for row in rows)
    click.echo(f"{len(rows)} inversions: {different} with other bits")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
