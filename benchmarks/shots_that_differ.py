"""Shots of their own receivers: time they add to a gradient, and memory of a survey left in a file.

With MARMOUSI=DATA, a shot of Marmousi-II is compared as a part of a box (shot, receiver, time), of
shots of different spreads in memory, and as read from a table by the worker for each gradient.
Times are the shortest of several, in one process.

A survey is then written as a table, and inverted by a process that may have less memory than the
survey takes: an iteration of two shots, after a plan that goes over all of them. Its memory is the
largest that was resident, less what was resident after the imports.

    [MARMOUSI=DATA] python benchmarks/shots_that_differ.py [--shots 1000] [--receivers 400]
        [--samples 1500] [--limit 1.5] [--folder DIR]
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np

from fwicli import (
    PARAMETERIZATIONS,
    Acquisition,
    Band,
    Gathers,
    InProcess,
    LeastSquares,
    Objective,
    Traces,
    Variable,
    Variables,
    experiments,
    load_config,
    make_plan,
    read_gathers,
    regrid,
    run_inversion,
    write_gathers,
)

MARMOUSI = """
model: {vp: {file: VP, shape: [1601, 401], dtype: float32}, spacing: 7.5, unit: km/s,
        smooth: {length: 200}}
data: {file: DATA, shots: "8:9"}
wavelet: {kind: ricker, frequency: 8, delay: 0.15, amplitude: -56.25}
inversion:
  bounds: [1000, 5000]
  stages: [{band: [0, 7.5], iterations: 1, spacing: 15}]
"""
LARGE = """
model: {vp: 2000, shape: [201, 61], spacing: 20}
data: {file: shots.h5}
wavelet: {kind: ricker, frequency: 5}
inversion:
  fixed: nothing
  bounds: [1500, 2500]
  shots: {batch: 2}
  conditioning: [{kind: times, before: 2.0, taper: 0.2}]
  optimizer: {method: adam}
  stages: [{band: [0, 8], iterations: 1}]
execution: {workers: 1, memory: 1}
"""
REPEATS = 3


def shortest(function: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Shortest time of a function [s]."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def ragged(records: Gathers) -> Gathers:
    """The shot without some of its receivers, and another of other receivers beside it."""
    receivers, data = records.acquisition.receivers_of(0), records.data[0]
    sources = np.concatenate([records.acquisition.sources] * 2)
    acquisition = Acquisition(sources, [receivers[20:], receivers[:-60]])
    return Gathers(acquisition, records.interval, [data[20:], data[:-60]])


def marmousi(data: Path, folder: Path) -> None:
    """Time of a gradient of a shot of Marmousi-II, and what the shots add to it."""
    path = data / "marmousi2_shots.h5"
    text = MARMOUSI.replace("VP", str(data / "marmousi2_vp_1601x401_7.5m.f32"))
    (folder / "invert.yaml").write_text(text.replace("DATA", str(path)))
    plan = make_plan(load_config(folder / "invert.yaml", "invert", ()))
    numerics, band = plan.stages[0], Band(0.0, 7.5)
    box = read_gathers(path, shots=slice(8, 9), wavelet=False)
    write_gathers(folder / "shots.h5", ragged(box), {})
    variables = Variables((Variable("vp", 1000.0, 5000.0, 1.0, PARAMETERIZATIONS["vp"]),))
    earth = regrid(plan.model, numerics.earth or numerics.grid)
    rows = []
    for name, records in (
        ("a box in memory", box),
        ("ragged, in memory", ragged(box)),
        ("ragged, read by the worker", read_gathers(folder / "shots.h5")),
    ):
        filtered = records.mapped(partial(band.apply, interval=records.interval))
        filtered = replace(filtered, wavelet=band.apply(plan.wavelet, plan.interval))
        filtered = filtered.select(np.array([0])).with_silence()
        compare = partial(experiments, filtered, LeastSquares(), numerics.windows, near=60.0)
        shots = compare()
        f = Objective(
            numerics.discretization(),
            variables,
            earth.properties,
            shots,
            InProcess(),
            regridding=numerics.regridding,
        )
        gradient = partial(f, variables.pack(earth.properties))
        gradient()
        loading = shortest(shots[0].comparison.loaded, 10)
        rows.append((name, shortest(gradient), shortest(compare, 10), loading))
    click.echo(f"{'shots':28} {'gradient [s]':>13} {'set up [ms]':>12} {'loaded [ms]':>12} share")
    for name, seconds, setting_up, loading in rows:
        click.echo(
            f"{name:28} {seconds:13.3f} {1e3 * setting_up:12.2f} {1e3 * loading:12.3f} "
            f"{loading / rows[0][1]:.2%}"
        )


class DirectWaves(Traces):
    """Direct waves that are computed when a shot is asked for."""

    def __init__(self, acquisition: Acquisition, samples: int) -> None:
        self.acquisition, self._samples = acquisition, samples

    @property
    def counts(self) -> Any:
        """Number of traces of each shot."""
        return self.acquisition.counts

    @property
    def samples(self) -> int:
        """Number of samples of a trace."""
        return self._samples

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples."""
        return np.dtype("f4")

    def __getitem__(self, shot: int) -> Any:
        away = self.acquisition.receivers_of(shot) - self.acquisition.source(shot)
        arrivals = 0.3 + np.linalg.norm(away, axis=1) / 2050
        a = (5 * np.pi * (0.004 * np.arange(self._samples) - arrivals[:, None])) ** 2
        return ((1 - 2 * a) * np.exp(-a)).astype("f4")


def write_large(path: Path, shots: int, receivers: int, samples: int) -> float:
    """Write a survey with half to all of the receivers in each shot; its size [bytes]."""
    random = np.random.default_rng(0)
    counts = random.integers(receivers // 2, receivers, shots, endpoint=True)
    spreads = [
        np.stack([np.sort(random.uniform(50, 3950, n)), np.full(n, 40.0)], axis=1) for n in counts
    ]
    sources = np.stack([np.linspace(100, 3900, shots), np.full(shots, 40.0)], axis=1)
    acquisition = Acquisition(sources, spreads)
    write_gathers(path, Gathers(acquisition, 0.004, DirectWaves(acquisition, samples)), {})
    return float(counts.sum()) * samples * 4


def resident() -> float:
    """Largest resident memory of this program [MB]; `getrusage` counts that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1e3


def measure(folder: Path, limit: float) -> None:
    """Open, plan and invert within a limit of memory [GB]; run by a process of its own."""
    import scipy.signal  # noqa: F401  imported late by the program

    resource.setrlimit(resource.RLIMIT_DATA, (int(limit * 1e9), int(limit * 1e9)))
    start = resident()
    records = read_gathers(folder / "shots.h5")
    opened = resident()
    seconds = shortest(lambda: read_gathers(folder / "shots.h5"))
    any_shot = shortest(lambda: records.data[len(records.data) // 2])
    loaded = load_config(folder / "invert.yaml", "invert", ())
    plan = make_plan(loaded)
    planned = resident()
    click.echo(f"left in the file: {plan.gathers is not None and plan.gathers.stored}")
    run_inversion(loaded, folder / "run")
    click.echo(
        f"opening {seconds:.3f} s, {opened - start:.0f} MB; any shot {1e3 * any_shot:.1f} ms"
    )
    click.echo(
        f"memory of the plan {planned - start:.0f} MB, of the whole inversion "
        f"{resident() - start:.0f} MB"
    )


@click.command(help=__doc__)
@click.option("--shots", default=1000)
@click.option("--receivers", default=400)
@click.option("--samples", default=1500)
@click.option("--limit", default=1.5, help="Memory that the process may have [GB].")
@click.option("--folder", type=click.Path(path_type=Path), default=None)
@click.option("--measured", type=click.Path(path_type=Path), default=None, hidden=True)
def main(
    shots: int,
    receivers: int,
    samples: int,
    limit: float,
    folder: Path | None,
    measured: Path | None,
) -> None:
    """Measure both."""
    if measured is not None:
        measure(measured, limit)
        return
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        if "MARMOUSI" in os.environ:
            marmousi(Path(os.environ["MARMOUSI"]), place)
        (place / "invert.yaml").write_text(LARGE)
        size = write_large(place / "shots.h5", shots, receivers, samples)
        click.echo(f"a survey of {shots} shots, {size / 1e6:.0f} MB")
        command = [sys.executable, __file__, "--measured", str(place), "--limit", str(limit)]
        subprocess.run(command, check=True)
    finally:
        shutil.rmtree(place)


if __name__ == "__main__":
    main()
