"""Time of inversions outside of the propagators, and the speed of two workers against one.

    python benchmarks/overhead.py [--pairs 3] [--only NAME]... [--json FILE]

Every process notes when its propagators model a shot and back-propagate its residual. The time of
the misfit between the two is not counted as theirs. Then

    time outside = 1 - (sum over workers of the time in propagators) / (workers x elapsed time)

of the iterations, from the first state on disk to the last: with messages, sums, the optimizer,
files and workers that wait for the last shot; and of the whole command, with imports, plan and
pictures. Medians of the runs are compared with the bars. The speed of two workers is the ratio of
the elapsed times of the iterations, whose evaluations are the same, of runs in turns.

Other work on the machine spoils both numbers: the load at the beginning of each run is printed.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import click
import numpy as np

SHOTS, WORKERS = 16, 2
SURVEY = f"""\
model: {{vp: {{file: vp.npy}}, spacing: 10}}
geometry:
  sources: {{x: {{start: 100, stop: 3900, count: {SHOTS}}}, z: 20}}
  receivers: {{x: {{start: 0, stop: 4000, step: 20}}, z: 20}}
wavelet: {{kind: ricker, frequency: 8}}
time: {{interval: 0.004, duration: 3}}
execution: {{workers: {WORKERS}}}
"""
INVERSION = """\
model: {{vp: {{file: vp.npy}}, spacing: 10, smooth: {{length: 300}}}}
data: {{file: records/shots.h5}}
inversion:
  bounds: [1400, 4500]
  fixed: nothing
  stages: [{{band: [0, 10], iterations: {iterations}}}]
execution: {{{execution}}}
"""
# Python imports this module when it starts.
CLOCK = '''\
"""Notes the calls of propagators in this process."""
import os
import time
from pathlib import Path

from fwicli import Propagator

images = Propagator.images


def timed(self, model, residual, *arguments, **options):
    outside = 0.0

    def compared(gather):
        nonlocal outside
        began = time.monotonic()
        adjoint = residual(gather)
        outside += time.monotonic() - began
        return adjoint

    began = time.monotonic()
    result = images(self, model, compared, *arguments, **options)
    ended = time.monotonic()
    with (Path(os.environ["CALLS"]) / str(os.getpid())).open("a") as file:
        file.write(f"{began} {ended - began - outside}\\n")
    return result


Propagator.images = timed
'''
# Largest time outside [%], and least ratio of times.
BARS = {"processes": 8.0, "dask": 10.0}
SPEED = 1.9


@dataclass(frozen=True)
class Run:
    """An inversion as it was measured.

    Attributes
    ----------
    workers, evaluations : int
        Evaluations are those of the iterations, without the one of the first state.
    seconds, command : float
        Elapsed time of the iterations, and of the command [s].
    waves, all_waves : float
        Time in propagators, summed over workers, during each of them [s].
    load : float
        Mean number of processes that ran or waited in the minute before.
    """

    name: str
    workers: int
    evaluations: int
    seconds: float
    command: float
    waves: float
    all_waves: float
    load: float

    @property
    def outside(self) -> float:
        """Share of the iterations outside of the propagators [%]."""
        return 100 * (1 - self.waves / (self.workers * self.seconds))

    @property
    def outside_of_all(self) -> float:
        """Share of the command outside of the propagators [%]."""
        return 100 * (1 - self.all_waves / (self.workers * self.command))

    def row(self) -> str:
        """The run as a row of a table."""
        return (
            f"| {self.name} | {self.workers} | {self.evaluations} | {self.seconds:.1f} | "
            f"{self.outside:.1f} | {self.command:.1f} | {self.outside_of_all:.1f} | "
            f"{self.load:.1f} |"
        )


def earth(folder: Path) -> None:
    """A plane of layers that dip, with a faster one among them."""
    x, z = np.meshgrid(10.0 * np.arange(401), 10.0 * np.arange(201), indexing="ij")
    depth = z + 0.1 * x
    vp = np.where(depth < 150, 1500.0, 1700 + 0.7 * depth)
    vp = np.where((depth > 600) & (depth < 740), 2900.0, vp)
    np.save(folder / "vp.npy", vp.astype(np.float32))


def fwi(folder: Path, *arguments: str, **variables: str) -> None:
    """A command to its end."""
    command = [sys.executable, "-m", "fwicli", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    if ended.returncode:
        raise SystemExit(f"fwi {' '.join(arguments)}: {ended.stderr}")


def timed_calls(folder: Path) -> list[float]:
    """Seconds of all calls of propagators, by their beginning."""
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines()]
    calls = sorted(tuple(map(float, line.split())) for line in lines)
    return [seconds for _, seconds in calls]


def variables(folder: Path, calls: Path) -> dict[str, str]:
    """Environment of processes that note their calls."""
    calls.mkdir(exist_ok=True)
    return {"PYTHONPATH": str(folder / "clock"), "CALLS": str(calls)}


def inversion(
    folder: Path, name: str, execution: str, workers: int, iterations: int, calls: Path
) -> Run:
    """Run an inversion, and read its times."""
    config = folder / "invert.yaml"
    config.write_text(INVERSION.format(execution=execution, iterations=iterations))
    load = os.getloadavg()[0]
    began = time.monotonic()
    arguments = ("invert", config.name, "-o", "run", "--force")
    fwi(folder, *arguments, **variables(folder, calls))
    command = time.monotonic() - began
    lines = (folder / "run" / "progress.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines]
    first, last = steps[0], steps[-1]
    evaluations = last["evaluations"] - first["evaluations"]
    calls_in_order = timed_calls(calls)
    for path in calls.iterdir():
        path.unlink()
    return Run(
        name,
        workers,
        evaluations,
        last["seconds"] - first["seconds"],
        command,
        # The evaluation of the first state comes before all others.
        sum(calls_in_order[-SHOTS * evaluations :]),
        sum(calls_in_order),
        load,
    )


@contextmanager
def dask_workers(folder: Path, calls: Path) -> Iterator[str]:
    """A scheduler of Dask and workers on this machine, by the address of the scheduler."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask = [sys.executable, "-m", "distributed.cli.dask_"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables(folder, calls)}
    commands = (
        ["scheduler", "--host", address, "--no-dashboard"],
        ["worker", address, "--nworkers", str(WORKERS), "--nthreads", "1", "--no-dashboard"],
    )
    processes = []
    with (folder / "dask.log").open("w") as log:
        try:
            for verb, *arguments in commands:
                command = [*dask[:2], dask[2] + verb, *arguments]
                processes.append(
                    subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
                )
                time.sleep(5)  # a client waits for them, too
            yield address
        finally:
            for process in reversed(processes):
                process.terminate()
                process.wait()


def speeds(folder: Path, pairs: int, iterations: int, runs: list[Run]) -> list[float]:
    """Ratios of the elapsed times of one worker and of two."""
    ratios = []
    for _ in range(pairs):
        pair = []
        for workers in (1, WORKERS):
            name, text = f"{workers} of processes", f"workers: {workers}"
            pair.append(inversion(folder, name, text, workers, iterations, folder / "calls"))
            click.echo(pair[-1].row())
        runs += pair
        one, two = pair
        ratios.append(one.seconds / one.evaluations * two.evaluations / two.seconds)
    return ratios


def shares(folder: Path, engine: str, repeat: int, iterations: int, runs: list[Run]) -> list[float]:
    """Shares of the time outside of propagators, of inversions by an engine [%]."""
    calls = folder / f"calls-{engine}"
    if engine == "processes":
        text = f"workers: {WORKERS}"
        measured = [
            inversion(folder, engine, text, WORKERS, iterations, calls) for _ in range(repeat)
        ]
    else:
        with dask_workers(folder, calls) as address:
            text = f"engine: dask, address: '{address}'"
            measured = [
                inversion(folder, engine, text, WORKERS, iterations, calls) for _ in range(repeat)
            ]
    for run in measured:
        click.echo(run.row())
    runs += measured
    return [run.outside for run in measured]


@click.command()
@click.option("--pairs", default=3, show_default=True, help="Runs of each number of workers.")
@click.option("--repeat", default=2, show_default=True, help="Runs of each engine.")
@click.option("--iterations", default=16, show_default=True, help="Of an inversion by an engine.")
@click.option("--only", multiple=True, type=click.Choice(["speed", *BARS]), help="Of the parts.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the numbers here.")
def main(
    pairs: int, repeat: int, iterations: int, only: tuple[str, ...], path: Path | None
) -> None:
    """Print a row a run, then each number beside its bar."""
    runs: list[Run] = []
    results = []
    click.echo(
        "| engine | workers | evaluations | their time [s] | outside [%] | command [s] | "
        "outside [%] | load |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        earth(folder)
        (folder / "clock").mkdir()
        (folder / "clock" / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
        (folder / "records.yaml").write_text(SURVEY, encoding="utf-8")
        fwi(folder, "model", "records.yaml", "-o", "records")
        if not only or "speed" in only:
            ratios = speeds(folder, pairs, max(1, iterations // 4), runs)
            span = f"({min(ratios):.2f} to {max(ratios):.2f})"
            results.append(
                f"two workers against one: {median(ratios):.2f} {span}, at least {SPEED:g}"
            )
        for engine, bar in BARS.items():
            if engine == "dask" and find_spec("distributed") is None:
                results.append("dask: not measured; pip install 'fwicli[cluster]'")
            elif not only or engine in only:
                outside = shares(folder, engine, repeat, iterations, runs)
                results.append(
                    f"{engine}: {median(outside):.1f} % outside of propagators, at most {bar:g} %"
                )
    click.echo("\n" + "\n".join(results))
    if path is not None:
        rows = [
            asdict(run) | {"outside": run.outside, "outside_of_all": run.outside_of_all}
            for run in runs
        ]
        path.write_text(json.dumps(rows, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
