"""Memory, time and error of a gradient for every way to keep its history.

Each way runs in processes of its own, in turn, round by round; its peak memory is that of the
process beyond what it had before the gradient, its time that of the second gradient in it. Errors
are relative L2 differences from the gradient of the history that keeps every step.

    python benchmarks/history_cost.py [--steps 4000] [--rounds 3] [--json FILE]

`auto` gets a twentieth of the memory that every step would take.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import psutil
from scipy.ndimage import gaussian_filter

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Grid,
    HistoryOptions,
    Propagator,
    ricker,
    subsampling,
    time_axis,
    times,
)

SHAPE, SPACING, SLOW, FAST, PEAK, HIGHEST = (441, 681), 7.5, 1500.0, 4000.0, 8.0, 24.0


def setup(steps: int) -> tuple[Grid, Any, AbsorbingLayer]:
    """Grid, time axis of about so many steps, and absorbing layer."""
    grid = Grid(SHAPE, (SPACING, SPACING), (0.0, 0.0))
    interval = time_axis(0.001, 2, FAST, grid.spacing, 8).step
    axis = time_axis(interval, steps - 16, FAST, grid.spacing, 8)
    return grid, axis, AbsorbingLayer(12, FAST, PEAK)


def discretization(steps: int, every: int, options: HistoryOptions) -> Discretization:
    """Waves whose history has snapshots every so many steps."""
    return Discretization("acoustic", *setup(steps), history_step=every, history=options)


def demand(steps: int, every: int) -> Any:
    """What the history has to hold."""
    return discretization(steps, every, HistoryOptions()).history_demand()


def ways(steps: int) -> dict[str, tuple[int, HistoryOptions]]:
    """Snapshots every so many steps, and how they are kept, by a name."""
    _, axis, _ = setup(steps)
    every = subsampling(axis, HIGHEST)
    whole = demand(steps, 1).memory(HistoryOptions())
    comb = np.arange(0, HIGHEST, 1 / (steps * axis.step))
    exact = demand(steps, 1).with_checkpoints(whole // 20)
    chosen, _ = demand(steps, every).choose(whole // 20)
    if exact is None:
        raise click.UsageError("too few steps for checkpoints in a twentieth of the memory")
    return {
        "every step": (1, HistoryOptions()),
        "as the band needs": (every, HistoryOptions()),
        "16 bits": (every, HistoryOptions("compressed")),
        "8 bits": (every, HistoryOptions("compressed", bits=8)),
        "frequencies of the band": (every, HistoryOptions("fourier", frequencies=tuple(comb))),
        "disk": (every, HistoryOptions("disk")),
        "boundary": (every, HistoryOptions("boundary")),
        "checkpoints, exact, 1/20": (1, exact),
        "auto with 1/20": (every, chosen),
    }


def worker(steps: int, every: int, keeping: HistoryOptions, result: Path) -> None:
    """Compute gradients, write the last, and print what they took."""
    grid, axis, _ = setup(steps)
    depth = np.linspace(SLOW, FAST, SHAPE[1])[None]
    rough = gaussian_filter(np.random.default_rng(0).standard_normal(SHAPE), 6)
    vp = np.clip(depth + 200 * rough / rough.std(), SLOW, FAST)
    model = {"m": (1 / vp**2).astype(np.float32)}
    wavelet = ricker(times(axis.interval, axis.samples), PEAK)[None]
    source = np.array([[0.5 * grid.end[0], 20.0]])
    x = np.linspace(20.0, grid.end[0] - 20.0, 200)
    receivers = np.stack([x, np.full(200, 20.0)], axis=1)
    F = Propagator(discretization(steps, every, keeping))
    # What does not depend on the history: the matrices of the time axis, and kernels.
    F.forward(model, wavelet, source, receivers)
    before = psutil.Process().memory_info().rss
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        found = F.images(model, lambda d: d, wavelet, source, receivers)
        seconds.append(time.perf_counter() - began)
    np.save(result, found.gradient["m"])
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    click.echo(json.dumps({"seconds": seconds[-1], "bytes": peak - before}))


def measure(steps: int, rounds: int) -> dict[str, dict[str, Any]]:
    """Time, memory and error of every way."""
    found: dict[str, dict[str, Any]] = {name: {"seconds": []} for name in ways(steps)}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name, (every, keeping) in ways(steps).items():
                told = json.dumps([steps, every, asdict(keeping), f"{folder}/{name[:9]}.npy"])
                command = [sys.executable, __file__, "--worker", told]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                printed = json.loads(done.stdout.splitlines()[-1])
                found[name]["seconds"].append(printed["seconds"])
                found[name]["bytes"] = printed["bytes"]
        exact = np.load(f"{folder}/every ste.npy")
        for name, (every, keeping) in ways(steps).items():
            other = np.load(f"{folder}/{name[:9]}.npy")
            found[name]["error"] = float(np.linalg.norm(other - exact) / np.linalg.norm(exact))
            needs = demand(steps, every)
            found[name]["held"] = needs.memory(keeping)
            found[name]["repeated"] = needs.repeated(keeping) / needs.steps
            found[name]["kind"] = keeping.kind
    return found


def table(found: dict[str, dict[str, Any]], base: str) -> list[str]:
    """Lines of a table; times are relative to the way called `base`, round by round."""
    whole = found["every step"]
    lines = [
        "| history | memory of all / its | planned | time / that of "
        f"{base} | propagations more | error |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in found.items():
        times_ = [a / b for a, b in zip(row["seconds"], found[base]["seconds"], strict=True)]
        kind = f" ({row['kind']})" if name.startswith("auto") else ""
        lines.append(
            f"| {name}{kind} | {whole['bytes'] / row['bytes']:.1f} "
            f"| {whole['held'] / row['held']:.1f} "
            f"| {median(times_):.2f} ({min(times_):.2f} to {max(times_):.2f}) "
            f"| {row['repeated']:.2f} | {row['error']:.1e} |"
        )
    return lines


@click.command()
@click.option("--steps", default=4000, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path))
@click.option("--worker", "task", hidden=True)
def main(steps: int, rounds: int, json_file: Path | None, task: str | None) -> None:
    """Measure, print a table, write JSON."""
    if task is not None:
        steps, every, keeping, result = json.loads(task)
        keeping["frequencies"] = tuple(keeping["frequencies"])
        worker(steps, every, HistoryOptions(**keeping), Path(result))
        return
    found = measure(steps, rounds)
    click.echo("\n".join(table(found, "as the band needs")))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
