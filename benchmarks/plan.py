"""Plans of runs beside the runs: memory, time and error of the grid, on eight configs.

    python benchmarks/plan.py [--only NAME]... [--json FILE]

Every config is calibrated by `fwi check --calibrate`, run, and calibrated once more, so that other
work on the machine, which comes and goes, is in both. What counts:

    memory       largest sum over all processes of the run, every page once, / that of the plan
    time         elapsed time of an evaluation / the mean of both plans
    processors   time of the workers on processors in an evaluation / the mean of both plans
    grid         largest / mean error of all shots on the grid of the run against that of the model,
                 / the error of the one shot that the plan has

Runs without iterations count the time from the first shot to the last. On a machine with other
work, the time on processors says more than the other.
"""

from __future__ import annotations

import json
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
INVERSION = """\
inversion:
  bounds: [1400, 4500]
  fixed: nothing
  stages: [{stage}]
"""
STAGE = "{band: [0, 9], iterations: 4}"


@dataclass(frozen=True)
class Case:
    """A config, as the survey that it is of and what it says beside it."""

    kind: str
    survey: dict[str, Any]
    stage: str = STAGE
    more: str = ""

    @property
    def text(self) -> str:
        """The config in YAML."""
        if self.kind == "model":
            return MODEL.format(**self.survey) + self.more
        text = START.format(**self.survey)
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
}


@dataclass
class Seen:
    """A run as it was watched; its workers were working for `working` seconds."""

    memory: float = 0.0
    seconds: float = 0.0
    processors: float = 0.0
    working: float = 0.0
    rows: list[tuple[float, dict[str, Any]]] = field(default_factory=list)


@dataclass
class Row:
    """Ratios of reality to the plan, and what they are made of."""

    name: str
    memory: float
    time: float
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


def fwi(folder: Path, *arguments: str) -> None:
    """A command to its end."""
    command = [sys.executable, "-m", "fwicli", *arguments]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"fwi {' '.join(arguments)}: {ended.stderr}")


def watch(folder: Path, arguments: Sequence[str], out: Path) -> Seen:
    """Run a command and look at its processes, and at the lines of its progress."""
    seen, lines, busy = Seen(), 0, dict[int, float]()
    command = [sys.executable, "-m", "fwicli", *arguments]
    begun = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    whole, before, spent = psutil.Process(process.pid), 0.0, 0.0
    while process.poll() is None:
        memory = 0.0
        with suppress(psutil.Error):
            servers = whole.children()
            workers = [worker for server in servers for worker in server.children()]
            for one in (whole, *servers, *workers):
                memory += one.memory_full_info().pss
            for worker in workers:
                times = worker.cpu_times()
                busy[worker.pid] = times.user + times.system
        seen.memory = max(seen.memory, memory)
        if sum(busy.values()) > spent + 0.02:
            spent, before = sum(busy.values()), before or time.monotonic()
            seen.working = time.monotonic() - before
        progress = out / "progress.jsonl"
        text = progress.read_text().splitlines() if progress.exists() else []
        for line in text[lines:]:
            with suppress(ValueError):
                seen.rows.append((sum(busy.values()), json.loads(line)))
        lines = len(text)
        time.sleep(0.2)  # the kernel counts pages for some milliseconds
    seen.seconds, seen.processors = time.monotonic() - begun, sum(busy.values())
    if process.returncode:
        raise SystemExit(f"fwi {' '.join(arguments)}: {process.communicate()[1].decode()}")
    return seen


def planned(path: Path, kind: str) -> tuple[Plan, list[Any]]:
    """The plan of a config with its times, right after a calibration."""
    fwi(path.parent, "check", path.name, "--for", kind, "--calibrate")
    loaded = load_config(path, kind)
    plan = make_plan(loaded)
    return plan, forecast_stages(plan, loaded)


def compared(name: str, case: Case, folder: Path) -> Row:
    """Plan and run of a case."""
    path = folder / f"{name.replace(',', '').replace(' ', '-')}.yaml"
    path.write_text(case.text, encoding="utf-8")
    plan, before = planned(path, case.kind)
    out = folder / f"{path.stem}-run"
    seen = watch(folder, [case.kind, path.name, "-o", out.name], out)
    _, after = planned(path, case.kind)
    times = [stages[0].times for stages in (before, after)]
    quiet = [stages[0].quiet for stages in (before, after)]
    if case.kind == "invert":
        (busy, first), (end, last) = seen.rows[0], seen.rows[-1]
        count = last["evaluations"] - first["evaluations"]
        elapsed = (last["seconds"] - first["seconds"]) / count
        processors = (end - busy) / count
        expected = mean(t.evaluation for t in times)
        shots = before[0].counts.shots
        busy_expected = shots * mean(t.shot for t in quiet)
    else:
        elapsed, processors = seen.working, seen.processors
        expected = mean(t.total for t in times)
        shots = plan.acquisition.shots
        busy_expected = mean(shots * t.shot + plan.workers * t.first for t in quiet)
    numbers = {
        "memory_mb": [seen.memory / 1e6, plan.total.nbytes / 1e6],
        "elapsed_s": [elapsed, expected],
        "processors_s": [processors, busy_expected],
    }
    grid = errors(plan, path, case.kind, numbers)
    return Row(
        name,
        seen.memory / plan.total.nbytes,
        elapsed / expected,
        processors / busy_expected,
        grid,
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


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(CASES)), help="Of the configs.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the numbers here.")
def main(only: tuple[str, ...], path: Path | None) -> None:
    """Print a row a config: reality by plan."""
    rows = []
    click.echo("| config | memory | time | processors | error of the grid |")
    click.echo("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        earth(folder)
        for survey in (PLANE, CUBE):
            text = MODEL.format(**survey)
            (folder / "records.yaml").write_text(text, encoding="utf-8")
            fwi(folder, "model", "records.yaml", "-o", survey["records"])
        for name_of, case in CASES.items():
            if only and name_of not in only:
                continue
            row = compared(name_of, case, folder)
            grid = "" if row.grid is None else f"{row.grid:.2f}"
            ratios = " | ".join(f"{r:.2f}" for r in (row.memory, row.time, row.processors))
            click.echo(f"| {row.name} | {ratios} | {grid} |")
            rows.append(asdict(row))
            if path is not None:
                path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    worst = max(max(r["memory"], 1 / r["memory"]) for r in rows)
    click.echo(f"memory within {100 * (worst - 1):.0f} % of the plan")


if __name__ == "__main__":
    main()
