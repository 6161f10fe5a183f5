"""Gradients of Marmousi-II on a grid to the band, and in windows of the shots.

    MARMOUSI=DATA python benchmarks/coarse_grid_gradients.py [--shots 4] [--rounds 3] [--json FILE]

The folder holds what `marmousi_accuracy.py` needs. All gradients are those of `fwi invert`, in the
smooth start of `configs/marmousi_invert.yaml`, one thread, one shot after the other; the variants
take turns.

Grids: band 0 to 4 Hz, waves on the grid of the model, 7.5 m, or with `physics.grid: auto`, where
model and gradient are moved by averages and their transpose; or with unknowns on the coarse grid
as well, a stage's `spacing: auto`. Directions are compared on the coarse grid: P^T g of gradients
on the model's grid, with P the interpolation from the coarse one, below the water.

Windows: records up to 1 km to the left of each source, on 15 m; the whole model, `physics.aperture`
2000 m, and, for records of 1.5 s, `auto`.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from fwicli import (
    Acquisition,
    Band,
    Gathers,
    InProcess,
    LeastSquares,
    Objective,
    Plan,
    Regridding,
    experiments,
    load_config,
    make_plan,
    read_gathers,
    regrid,
    write_gathers,
)

Array = NDArray[Any]

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "marmousi_invert.yaml"
BAND, WINDOW_BAND = "[0, 4]", "[0, 7.5]"
# Receivers to the left of each source [m], and the shorter record [s].
OFFSET, APERTURE, SHORT = 1000.0, 2000.0, 1.5


@dataclass
class Case:
    """One way to compute the gradient."""

    objective: Objective
    plan: Plan
    x: Array
    water: NDArray[np.bool_]

    @property
    def numerics(self) -> Any:
        """Grid, time step and windows of the stage."""
        return self.plan.stages[0]

    def __call__(self) -> Array:
        """The gradient by vp."""
        return self.objective(self.x)[1][0]


def case(stage: str, *settings: str) -> Case:
    """The objective of a stage of the config, with other settings."""
    loaded = load_config(CONFIG, "invert", (f"inversion.stages=[{stage}]", *settings))
    made = make_plan(loaded)
    (numerics,), records = made.stages, made.gathers
    if records is None or made.inversion is None:
        raise click.ClickException("the config names no records")
    earth = regrid(made.model, numerics.earth or numerics.grid)
    variables = made.inversion.variables
    band = Band(*loaded.config.inversion.stages[0].band)
    records = replace(
        records,
        data=band.apply(records.data, records.interval),
        wavelet=band.apply(made.wavelet, records.interval),
    )
    objective = Objective(
        numerics.discretization(),
        variables,
        earth.properties,
        experiments(records, LeastSquares(), numerics.windows),
        InProcess(),
        regridding=numerics.regridding,
    )
    return Case(objective, made, variables.pack(earth.properties), earth.water())


def alternately(cases: dict[str, Case], rounds: int) -> tuple[dict[str, Array], dict[str, Any]]:
    """Gradients, and seconds of every round but the first, which may compile."""
    gradients: dict[str, Array] = {}
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, gradient in cases.items():
            if number == 0 and name in gradients:
                continue
            started = time.perf_counter()
            gradients[name] = gradient()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return gradients, seconds


def ratios(seconds: dict[str, list[float]], name: str, base: str) -> list[float]:
    """Time of a variant relative to that of another, round by round: median, least, most."""
    each = [a / b for a, b in zip(seconds[name], seconds[base], strict=True)]
    return [median(each), min(each), max(each)]


def cosine(a: Array, b: Array) -> float:
    """Of the angle between two gradients."""
    return float(np.vdot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def row(name: str, values: Any) -> str:
    """A line of a table."""
    return f"  {name:<28}" + "".join(f"{v:>14}" for v in values)


def grids(shots: str, rounds: int) -> dict[str, Any]:
    """The gradient of the lowest band on both grids."""
    stage = f"{{band: {BAND}}}"
    cases = {
        "model": case(stage, shots),
        "grid: auto": case(stage, shots, "physics.grid=auto"),
        "spacing: auto": case(stage[:-1] + ", spacing: auto}", shots),
    }
    gradients, seconds = alternately(cases, rounds)
    coarse = cases["spacing: auto"]
    moving = Regridding(cases["model"].numerics.grid, coarse.numerics.grid.spacing)
    below = ~coarse.water
    fine = {n: moving.to_fine_transpose(gradients[n])[below] for n in ("model", "grid: auto")}
    direction = {
        "grid: auto": cosine(fine["grid: auto"], fine["model"]),
        "spacing: auto": cosine(gradients["spacing: auto"][below], fine["model"]),
    }
    click.echo(f"gradient of Marmousi-II, band {BAND} Hz, {rounds} rounds")
    click.echo(row("", ("grid", "spacing [m]", "seconds", "time", "1 / time", "cosine")))
    found: dict[str, Any] = {}
    for name, one in cases.items():
        time_ratio = ratios(seconds, name, "model")
        found[name] = {
            "spacing_m": one.numerics.grid.spacing,
            "seconds": seconds[name],
            "time": time_ratio,
            "cosine": direction.get(name, 1.0),
        }
        shape = "x".join(map(str, one.numerics.grid.shape))
        values = [shape, f"{one.numerics.grid.spacing[0]:.4g}", f"{median(seconds[name]):.3f}"]
        values += [f"{time_ratio[0]:.4f}", f"{1 / time_ratio[0]:.1f}"]
        click.echo(row(name, [*values, f"{direction.get(name, 1.0):.4f}"]))
    return found


def near(records: Gathers, duration: float) -> Gathers:
    """What the receivers up to `OFFSET` to the left of each source record, as many for each."""
    geometry = records.acquisition
    count = int(OFFSET / np.diff(geometry.receivers[:2, 0])[0]) + 1
    samples = int(duration / records.interval) + 1
    places, data = [], []
    for shot, source in enumerate(geometry.sources):
        last = int(np.searchsorted(geometry.receivers[:, 0], source[0]))
        first = max(0, last - count)
        places.append(geometry.receivers[first : first + count])
        data.append(records.data[shot, first : first + count, :samples])
    return Gathers(
        Acquisition(geometry.sources, np.stack(places)), records.interval, np.stack(data)
    )


def windows(shots: str, rounds: int, folder: Path) -> dict[str, Any]:
    """The gradient of near offsets in the whole model and in windows."""
    records = read_gathers(Path(os.environ["MARMOUSI"]) / "marmousi2_shots.h5")
    stage = f"{{band: {WINDOW_BAND}, spacing: 15}}"
    found: dict[str, Any] = {}
    click.echo(f"gradient of offsets up to {OFFSET:g} m, band {WINDOW_BAND} Hz, 15 m")
    click.echo(row("", ("window", "seconds", "time", "1 / time", "difference")))
    for duration, aperture in ((4.0, f"{APERTURE:g}"), (SHORT, "auto")):
        path = folder / f"{duration:g}.h5"
        write_gathers(path, near(records, duration), {})
        settings = (shots, f"data.file={path}")
        cases = {
            "whole": case(stage, *settings),
            aperture: case(stage, *settings, f"physics.aperture={aperture}"),
        }
        gradients, seconds = alternately(cases, rounds)
        base = gradients["whole"]
        for name, one in cases.items():
            time_ratio = ratios(seconds, name, "whole")
            difference = float(np.linalg.norm(gradients[name] - base) / np.linalg.norm(base))
            label = f"{duration:g} s, aperture: {name}"
            found[label] = {
                "window": one.numerics.window(0).shape,
                "seconds": seconds[name],
                "time": time_ratio,
                "difference": difference,
            }
            shape = "x".join(map(str, one.numerics.window(0).shape))
            values = [shape, f"{median(seconds[name]):.3f}", f"{time_ratio[0]:.3f}"]
            click.echo(row(label, [*values, f"{1 / time_ratio[0]:.2f}", f"{difference:.1e}"]))
    return found


@click.command()
@click.option("--shots", default=4, show_default=True, help="Of the 25.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the numbers here.")
def main(shots: int, rounds: int, path: Path | None) -> None:
    """Print both tables."""
    if "MARMOUSI" not in os.environ:
        click.echo("grids: skipped; set MARMOUSI to the folder of the model and the records")
        return
    some = f"data.shots='::{-(-25 // shots)}'"
    with tempfile.TemporaryDirectory() as folder:
        found = {
            "grids": grids(some, rounds),
            "windows": windows(some, rounds, Path(folder)),
        }
    if path is not None:
        path.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
