"""Bits of inversions that are killed at random moments and continued.

A small inversion (four shots, two stages) is run to its end, in the time T. Then it is begun again
and killed with SIGKILL at a moment drawn uniformly from 0 to T after its start, wherever that may
be: in the imports, the compiler of the kernels, a propagation, or in the midst of writing a file.
It is continued with --resume, killed again, and so on until it comes to its end; another inversion
is begun until there have been as many kills as asked for. Each must end with the model and the
misfits of the first, to the last bit, with no process left behind, and no file where temporary
ones are.

Other ways to stop take the place of SIGKILL: SIGTERM to the process, SIGINT or SIGUSR1 to all of
its workers, too; GROUP is SIGKILL to all of them. SERVER and WORKER kill the process that workers
are forked from, or one of them: the inversion has to go on by itself. With `--disk` (as root)
inversions run on a disk that is full at a random size, end with exit code 4, and are continued when
there is room.

    python benchmarks/killed_inversions.py [--kills 20] [--workers 1,2] [--ways SIGKILL] [--disk 5]
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import h5py
import numpy as np

EARTH = "{vp: {file: true.npy}, spacing: 10}"
MODEL = f"""\
model: {EARTH}
geometry:
  sources: {{x: {{start: 60, stop: 540, count: 4}}, z: 20}}
  receivers: {{x: {{start: 0, stop: 600, step: 20}}, z: 20}}
wavelet: {{kind: ricker, frequency: 12}}
time: {{interval: 0.004, duration: 0.6}}
"""
INVERT = f"""\
model: {{vp: {{file: true.npy}}, spacing: 10, smooth: {{length: 60, keep: water}}}}
reference: {EARTH}
data: {{file: shots/shots.h5}}
inversion:
  bounds: [1450, 3200]
  stages:
    - {{band: [0, 8], iterations: ITERATIONS, spacing: 20}}
    - {{band: [0, 16], iterations: ITERATIONS}}
"""
WAYS = {
    "SIGKILL": "the process, killed",
    "SIGTERM": "the process, terminated",
    "SIGINT": "all processes, as by Ctrl-C",
    "SIGUSR1": "all processes, as at the end of a job's time",
    "GROUP": "all processes, killed",
    "SERVER": "the process that workers are forked from, killed",
    "WORKER": "a worker, killed",
}


def prepare(folder: Path, iterations: int) -> None:
    """Model of the earth, configs and records."""
    x, z = np.meshgrid(10.0 * np.arange(61), 10.0 * np.arange(41), indexing="ij")
    vp = np.where(z < 60, 1500.0, 1900 + 1.5 * z)
    vp = np.where((z > 220) & (z > 150 + 0.2 * x), 2700.0, vp)
    np.save(folder / "true.npy", vp.astype(np.float32))
    (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
    config = INVERT.replace("ITERATIONS", str(iterations))
    (folder / "invert.yaml").write_text(config, encoding="utf-8")
    fwi(folder, "model", "model.yaml", "-o", "shots").wait()


def temporary(folder: Path) -> Path:
    """Where the inversions have their temporary files."""
    (folder / "temporary").mkdir(exist_ok=True)
    return folder / "temporary"


def shared() -> set[str]:
    """What is in the memory that processes share."""
    return {path.name for path in Path("/dev/shm").iterdir()}


def fwi(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "fwicli", *arguments],
        cwd=folder,
        env=os.environ | {"TMPDIR": str(temporary(folder))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def invert(folder: Path, run: Path, workers: int) -> subprocess.Popen[str]:
    """Begin an inversion, or continue it where there is one."""
    more = ["--resume"] if (run / "config.yaml").exists() else []
    workers_ = f"execution.workers={workers}"
    return fwi(folder, "invert", "invert.yaml", "-o", str(run), "--set", workers_, *more)


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for the end, which must be a good one."""
    _, said = process.communicate()
    if process.returncode:
        raise click.ClickException(f"exit code {process.returncode}: {said}")


def digest(run: Path) -> str:
    """Of the models of all iterates, their misfits, and the steps of the progress."""
    found = hashlib.sha256()
    with h5py.File(run / "inversion.h5") as file:
        found.update(file["result/vp"][()].tobytes())
        for name in sorted(file["iterates"]):
            found.update(file["iterates"][name]["vp"][()].tobytes())
        for column in ("misfit", "model_error", "simulations", "stage", "iteration"):
            found.update(file["history"][column][()].tobytes())
    for line in (run / "progress.jsonl").read_text(encoding="utf-8").splitlines():
        step = json.loads(line)
        found.update(f"{step['stage']} {step['iteration']} {step['misfit']!r}".encode())
    return found.hexdigest()[:16]


def left(process: subprocess.Popen[str], seconds: float = 10.0) -> int:
    """Processes of its session that are still there after a while."""
    end = time.monotonic() + seconds
    while True:
        found = subprocess.run(
            ["pgrep", "-s", str(process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        if not found or time.monotonic() > end:
            return len(found)
        time.sleep(0.05)


@dataclass
class Tally:
    """What became of the inversions of one way to stop and one number of workers."""

    kills: int = 0
    inversions: int = 0
    different: int = 0
    orphans: int = 0
    files: int = 0
    where: list[str] = field(default_factory=list)

    def line(self, way: str, workers: int) -> str:
        """A row of the table."""
        return (
            f"| {way} | {workers} | {self.kills} | {self.inversions} | {self.different} | "
            f"{self.orphans} | {self.files} |"
        )


def place(run: Path) -> str:
    """Where an inversion was when it was stopped."""
    if not (run / "config.yaml").exists():
        return "before it began"
    if not (run / "state.h5").exists():
        return "first evaluation"
    halves = [p.name for p in run.rglob(".*") if p.is_file()]
    if halves:
        return f"writing {halves[0]}"
    if (run / "journal").exists():
        return "in a step, with evaluations of it on disk"
    return "in the first evaluation of a step, or before"


def children(pid: int) -> list[int]:
    """Processes that a process has started and that are still there."""
    listed = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [int(number) for number in listed]


def stop_part(process: subprocess.Popen[str], way: str, draw: random.Random) -> bool:
    """Kill the server of an inversion, or one of its workers; whether there was one."""
    parts = children(process.pid)
    if way == "WORKER":
        parts = [number for server in parts for number in children(server)]
    if not parts:
        return False
    with suppress(ProcessLookupError):
        os.kill(draw.choice(parts), signal.SIGKILL)
    return True


def stop(process: subprocess.Popen[str], way: str) -> None:
    """Stop it in one way, and wait until it has."""
    number = signal.SIGKILL if way == "GROUP" else getattr(signal, way)
    if way in ("SIGKILL", "SIGTERM"):
        process.send_signal(number)
    else:
        os.killpg(process.pid, number)
    process.communicate()


def full_disk(folder: Path, workers: int, times: int, expected: str) -> Tally:
    """Run inversions on disks that are too small, make room, and continue."""
    tally, draw = Tally(), random.Random(f"disk {workers}")
    disk = folder / "disk"
    disk.mkdir()
    needed = sum(p.stat().st_size for p in (folder / f"whole_{workers}").rglob("*")) >> 10
    while tally.kills < times:
        size = draw.randrange(4, needed)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True)
        try:
            process = invert(folder, disk / "run", workers)
            _, said = process.communicate()
            if process.returncode != 4 or "Traceback" in said:
                raise click.ClickException(f"exit code {process.returncode} at {size} KiB: {said}")
            tally.kills += 1
            tally.where.append(place(disk / "run"))
            tally.orphans += left(process)
            subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
            finish(invert(folder, disk / "run", workers))
            tally.inversions += 1
            tally.different += digest(disk / "run") != expected
        finally:
            subprocess.run(["umount", disk], check=True)
    disk.rmdir()
    return tally


def trial(folder: Path, way: str, workers: int, kills: int, length: float, expected: str) -> Tally:
    """Stop inversions until there were enough kills."""
    tally, draw, before = Tally(), random.Random(f"{way} {workers}"), shared()
    while tally.kills < kills:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            run = Path(name) / "run"
            while tally.kills < kills:
                process = invert(folder, run, workers)
                try:
                    process.wait(timeout=draw.uniform(0, length))
                    break
                except subprocess.TimeoutExpired:
                    stop(process, way)
                tally.kills += 1
                tally.where.append(place(run))
                tally.orphans += left(process)
            else:
                process = invert(folder, run, workers)
            finish(process)
            tally.inversions += 1
            tally.different += digest(run) != expected
            tally.files += len(list(temporary(folder).iterdir())) + len(shared() - before)
    return tally


def parts_trial(
    folder: Path, way: str, workers: int, kills: int, length: float, expected: str
) -> Tally:
    """Kill parts of inversions, which go on by themselves, until there were enough kills."""
    tally, draw, before = Tally(), random.Random(f"{way} {workers}"), shared()
    while tally.kills < kills:
        with tempfile.TemporaryDirectory(dir=folder) as name:
            run = Path(name) / "run"
            process = invert(folder, run, workers)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=draw.uniform(0, length))
            if process.poll() is None and stop_part(process, way, draw):
                tally.kills += 1
                tally.where.append(place(run))
            finish(process)
            tally.orphans += left(process)
            tally.inversions += 1
            tally.different += digest(run) != expected
            tally.files += len(list(temporary(folder).iterdir())) + len(shared() - before)
    return tally


def counts(names: Sequence[str]) -> str:
    """How often each name is there."""
    return ", ".join(f"{name}: {names.count(name)}" for name in sorted(set(names)))


@click.command()
@click.option("--kills", default=20, show_default=True, help="Of each way and number of workers.")
@click.option("--workers", default="1,2", show_default=True)
@click.option("--ways", default="SIGKILL", show_default=True, help=f"Some of {', '.join(WAYS)}.")
@click.option("--disk", default=0, show_default=True, help="Full disks for each; needs root.")
@click.option("--iterations", default=6, show_default=True, help="Of each of two stages.")
def main(kills: int, workers: str, ways: str, disk: int, iterations: int) -> None:
    """Print a table of inversions that were stopped."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, iterations)
        expected, rows, places = "", [], []
        for count in map(int, workers.split(",")):
            run = folder / f"whole_{count}"
            finish(invert(folder, run, count))  # with kernels to compile, which is not counted
            started = time.monotonic()
            finish(invert(folder, folder / f"timed_{count}", count))
            length = time.monotonic() - started
            expected = expected or digest(run)
            if digest(run) != expected:
                raise click.ClickException("another number of workers gives other bits")
            if disk:
                tally = full_disk(folder, count, disk, expected)
                rows.append(tally.line("a full disk", count))
                click.echo(f"full disk, {count} workers: {counts(tally.where)}")
            for way in ways.split(",") if kills else ():
                tried = parts_trial if way in ("SERVER", "WORKER") else trial
                tally = tried(folder, way, count, kills, length, expected)
                rows.append(tally.line(WAYS[way], count))
                places += tally.where
                click.echo(f"{way}, {count} workers, {length:.1f} s: {counts(tally.where)}")
    click.echo(
        "| stopped | workers | kills | inversions | with other bits | processes left | files left |"
    )
    click.echo("| --- | --- | --- | --- | --- | --- | --- |")
    click.echo("\n".join(rows))


if __name__ == "__main__":
    main()
