"""Plans of runs beside the runs: memory, time and error of the grid, on ten configs.

    python benchmarks/plan.py [--only NAME]... [--twice] [--json FILE]

Every config is calibrated by `fwi check --calibrate`, and run. With --twice it is calibrated once
more, and means count: other work on the machine, which comes and goes, is then in both. What
counts:

    memory       largest sum over all processes of the run, every page once, / that of the plan
    run          elapsed time of the command / that of the plan
    iteration    elapsed time of an iteration, for each of its evaluations, / that of the plan
    processors   time on processors of the command, of the process that workers are forked from,
                 and of a worker in the mean / that of the plan on a quiet machine
    grid         mean error of all shots on the grid of the run against that of the model,
                 / the error of the one shot that the plan has

On a machine with other work, the time on processors says more than the others. The last lines
compare each number with its bar.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import click
import numpy as np
import psutil

from fwicli import (
    Plan,
    forecast_stages,
    forecast_summary,
    grid_error_of_shot,
    load_config,
    make_plan,
)

MODEL = """\
model: {{vp: {{file: {vp}.npy}}, spacing: {spacing}}}
geometry:
  sources: {{{sources}, z: 40}}
  receivers: {{{receivers}, z: 40}}
wavelet: {{kind: ricker, frequency: {frequency}}}
time: {{interval: 0.004, duration: {duration}}}
execution: {{workers: 2}}
"""
START = """\
model: {{vp: {{file: {vp}.npy}}, spacing: {spacing}, smooth: {{length: {smooth}}}}}
data: {{file: {records}/shots.h5}}
execution: {{workers: 2}}
"""
PLANE = {
    "vp": "plane",
    "spacing": 10,
    "sources": "x: {start: 300, stop: 3700, count: 8}",
    "receivers": "x: {start: 0, stop: 4000, step: 20}",
    "frequency": 8,
    "duration": 2.4,
    "smooth": 200,
    "records": "plane-records",
}
CUBE = {
    "vp": "cube",
    "spacing": 20,
    "sources": "x: [300, 900], y: [400, 800], layout: grid",
    "receivers": "x: {start: 100, stop: 1100, step: 100}, y: {start: 100, stop: 1100, step: 100}, "
    "layout: grid",
    "frequency": 6,
    "duration": 1.2,
    "smooth": 200,
    "records": "cube-records",
}
SOLID = {**PLANE, "records": "solid-records"}
COMPONENTS = {
    **PLANE,
    "receivers": f"component: [pressure, vx, vz], {PLANE['receivers']}",
}
INVERSION = """\
inversion:
  bounds: [1400, 4500]
  fixed: nothing
  stages: [{stage}]
"""
PROPERTIES = "vs: {file: vs.npy}, rho: {file: rho.npy}"
WAVES = "physics: {equation: elastic}\n"
STAGE = "{band: [0, 9], iterations: 4}"


@dataclass(frozen=True)
class Case:
    """A config, as the survey that it is of and what it says beside it."""

    kind: str
    survey: dict[str, Any]
    stage: str = STAGE
    more: str = ""
    solid: bool = False

    @property
    def text(self) -> str:
        """The config in YAML."""
        text = (MODEL if self.kind == "model" else START).format(**self.survey)
        if self.solid:
            text = text.replace("spacing:", f"{PROPERTIES}, spacing:", 1) + WAVES
        if self.kind == "invert":
            text += INVERSION.format(stage=self.stage)
        return text + self.more


CASES = {
    "plane": Case("model", PLANE),
    "plane, stored": Case("invert", PLANE),
    "plane, coarse, window": Case(
        "invert", PLANE, "{band: [0, 5], iterations: 4}", "physics: {grid: auto, aperture: 800}\n"
    ),
    "plane, checkpoints": Case("invert", PLANE, more="physics: {history: checkpoints}\n"),
    "plane, batches, 16 bits": Case(
        "invert",
        PLANE,
        more="  shots: {batch: 4}\n  optimizer: {method: adam}\nphysics: {history: compressed}\n",
    ),
    "plane, image": Case("rtm", PLANE, more="physics: {history: boundary}\n"),
    "cube, window": Case("model", CUBE, more="physics: {aperture: 300}\n"),
    "cube, coarse": Case(
        "invert", CUBE, "{band: [0, 6], iterations: 2}", "physics: {grid: auto}\n"
    ),
    "elastic, components": Case("model", COMPONENTS, solid=True),
    "elastic, stored": Case("invert", SOLID, solid=True),
}


# Largest deviations from the plan: memory and times [%], and the factor of errors of grids.
BARS = {"memory": 10, "run": 25, "iteration": 25}
GRID = 2.0


@dataclass
class WatchedRun:
    """A run as it was watched.

    Attributes
    ----------
    memory : float
        Of all processes, at most [bytes].
    seconds : float
        Elapsed time of the command [s].
    command, workers : float
        Time on processors of the command and of the process that workers are forked from, and of
        all workers [s].
    steps : list of dict
        Lines of its progress.
    """

    memory: float = 0.0
    seconds: float = 0.0
    command: float = 0.0
    workers: float = 0.0
    steps: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Row:
    """Ratios of reality to the plan, and what they are made of."""

    name: str
    memory: float
    run: float
    iteration: float | None
    processors: float
    grid: float | None
    numbers: dict[str, Any]


def earth(folder: Path) -> None:
    """Models of the plane and of the cube: water, and layers that dip."""
    for name, shape, spacing in (("plane", (401, 151), 10.0), ("cube", (61, 61, 41), 20.0)):
        axes = np.meshgrid(*(spacing * np.arange(n) for n in shape), indexing="ij")
        depth = axes[-1] + 0.1 * axes[0]
        vp = np.where(depth < 150, 1500.0, 1700 + 0.9 * depth)
        vp = np.where((depth > 500) & (depth < 640), 2700.0, vp)
        np.save(folder / f"{name}.npy", vp.astype(np.float32))
        if name == "plane":
            vs = np.where(depth < 150, 0.0, 0.5 * vp)
            np.save(folder / "vs.npy", vs.astype(np.float32))
            np.save(folder / "rho.npy", (310 * vp**0.25).astype(np.float32))


def fwi(folder: Path, *arguments: str) -> None:
    """A command to its end."""
    command = [sys.executable, "-m", "fwicli", *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"fwi {' '.join(arguments)}: {ended.stderr}")


def watch(folder: Path, arguments: Sequence[str], out: Path) -> WatchedRun:
    """Run a command, and look at its processes."""
    run, busy = WatchedRun(), dict[int, float]()
    command = [sys.executable, "-m", "fwicli", *arguments]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    whole = psutil.Process(process.pid)
    while process.poll() is None:
        memory, own = 0.0, 0.0
        with suppress(psutil.Error):
            servers = whole.children()
            workers = [worker for server in servers for worker in server.children()]
            for one in (whole, *servers, *workers):
                memory += one.memory_full_info().pss
            for one in (whole, *servers):
                own += sum(one.cpu_times()[:2])
            for worker in workers:
                busy[worker.pid] = sum(worker.cpu_times()[:2])
        run.memory, run.command = max(run.memory, memory), max(run.command, own)
        time.sleep(0.1)  # the kernel counts pages for some milliseconds
    run.seconds, run.workers = time.monotonic() - begun, sum(busy.values())
    if process.returncode:
        raise SystemExit(f"fwi {' '.join(arguments)}: {process.communicate()[1].decode()}")
    run.steps = [json.loads(line) for line in (out / "progress.jsonl").read_text().splitlines()]
    return run


@dataclass(frozen=True)
class PlannedTimes:
    """Times of a plan [s].

    Attributes
    ----------
    run, quiet : float
        Of the run, as measured and without others' work.
    evaluation : float
        Of an evaluation, with its share of an iteration.
    """

    run: float
    evaluation: float
    quiet: float


def planned(path: Path, kind: str, plan: Plan) -> PlannedTimes:
    """The times of a plan, right after a calibration."""
    fwi(path.parent, "check", path.name, "--for", kind, "--calibrate")
    loaded = load_config(path, kind)
    stage, summary = forecast_stages(plan, loaded)[0], forecast_summary(plan, loaded)
    around = stage.surroundings
    if around is None:
        raise SystemExit(f"{path.name} has no time outside of shots")
    parts = (around.imports, around.start, around.workers, around.end)
    return PlannedTimes(
        summary["time_s"],
        stage.times.iteration / max(1.0, stage.counts.evaluations),
        stage.quiet.total + sum(part[1] for part in parts),
    )


def compared(name: str, case: Case, folder: Path, twice: bool) -> Row:
    """Plan and run of a case."""
    path = folder / f"{name.replace(',', '').replace(' ', '-')}.yaml"
    path.write_text(case.text, encoding="utf-8")
    plan = make_plan(load_config(path, case.kind))
    times = [planned(path, case.kind, plan)]
    out = folder / f"{path.stem}-run"
    run = watch(folder, [case.kind, path.name, "-o", out.name], out)
    if twice:
        times.append(planned(path, case.kind, plan))
    numbers = {
        "memory_mb": [run.memory / 1e6, plan.total.nbytes / 1e6],
        "run_s": [run.seconds, mean(t.run for t in times)],
        "processors_s": [run.command + run.workers / plan.workers, mean(t.quiet for t in times)],
    }
    if case.kind == "invert":
        first, last = run.steps[0], run.steps[-1]
        count = last["evaluations"] - first["evaluations"]
        seconds = (last["seconds"] - first["seconds"]) / count
        numbers["iteration_s"] = [seconds, mean(t.evaluation for t in times)]
    ratios = {what: real / expected for what, (real, expected) in numbers.items()}
    return Row(
        name,
        ratios["memory_mb"],
        ratios["run_s"],
        ratios.get("iteration_s"),
        ratios["processors_s"],
        errors(plan, path, case.kind, numbers),
        numbers,
    )


def errors(plan: Plan, path: Path, kind: str, numbers: dict[str, Any]) -> float | None:
    """Mean error of all shots on the grid of the run / that of the plan; None without one."""
    loaded = load_config(path, kind)
    one = forecast_summary(plan, loaded)["stages"][0]["grid_error_percent"]
    if not one:
        return None
    every = [
        100 * grid_error_of_shot(plan, loaded, 0, shot) for shot in range(plan.acquisition.shots)
    ]
    numbers["grid_error_percent"] = [mean(every), one, max(every)]
    return mean(every) / one


def verdict(rows: Sequence[Row]) -> list[str]:
    """The largest deviation of each number beside its bar, and how many rows are within all."""
    lines = []
    for what, bar in BARS.items():
        ratios = [ratio for row in rows if (ratio := getattr(row, what)) is not None]
        worst = 100 * max((abs(ratio - 1) for ratio in ratios), default=0.0)
        within = sum(100 * abs(ratio - 1) <= bar for ratio in ratios)
        lines.append(
            f"{what}: {within} of {len(ratios)} within {bar} % of the plan, the worst {worst:.0f} %"
        )
    factors = [max(row.grid, 1 / row.grid) for row in rows if row.grid]
    if factors:
        within = sum(factor <= GRID for factor in factors)
        lines.append(f"grid: {within} of {len(factors)} within a factor of {GRID:g}")
    return lines


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(CASES)), help="Of the configs.")
@click.option("--twice", is_flag=True, help="Calibrate after the run as well.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the numbers here.")
def main(only: tuple[str, ...], twice: bool, path: Path | None) -> None:
    """Print a row a config, reality by plan, and what is within its bar."""
    rows = []
    click.echo("| config | memory | run | iteration | processors | error of the grid | load |")
    click.echo("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        earth(folder)
        for survey in (PLANE, CUBE, SOLID):
            recorded = Case("model", survey, solid=survey is SOLID)
            (folder / "records.yaml").write_text(recorded.text, encoding="utf-8")
            fwi(folder, "model", "records.yaml", "-o", survey["records"])
        for name_of, case in CASES.items():
            if only and name_of not in only:
                continue
            row = compared(name_of, case, folder, twice)
            ratios = (row.memory, row.run, row.iteration, row.processors, row.grid)
            words = " | ".join("" if r is None else f"{r:.2f}" for r in ratios)
            click.echo(f"| {row.name} | {words} | {os.getloadavg()[0]:.1f} |")
            rows.append(row)
            if path is not None:
                text = json.dumps([asdict(r) for r in rows], indent=2)
                path.write_text(text, encoding="utf-8")
    click.echo("\n" + "\n".join(verdict(rows)))


if __name__ == "__main__":
    main()
