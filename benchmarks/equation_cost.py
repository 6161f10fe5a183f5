"""Cost of every wave equation relative to the first, that of constant density, or to another.

    python benchmarks/equation_cost.py [--points 601] [--steps 200] [--rounds 5] [--cells 12]
        [--among velocity_pressure,viscoacoustic] [--axes 3]

Propagations in random media are run alternately in one process on one thread; times are those of
the processor. The first ratio is the median over the rounds; the second one is that of the shortest
times, for machines on which others work. With `--cells 0` there is no absorbing layer.
"""

from __future__ import annotations

import time
from statistics import median

import click
import numpy as np

from fwicli import (
    EQUATIONS,
    PROPERTIES,
    AbsorbingLayer,
    Discretization,
    Grid,
    Propagator,
    parameters,
    time_axis,
)

SPACING, ORDER, INTERVAL = 10.0, 8, 0.001


@click.command()
@click.option("--points", default=601, show_default=True, help="Grid points along each axis.")
@click.option("--axes", default=2, show_default=True, help="3 for a cube.")
@click.option("--steps", default=200, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--cells", default=12, show_default=True, help="Of the absorbing layer.")
@click.option("--among", default=",".join(EQUATIONS), help="Equations; by default all.")
def main(points: int, axes: int, steps: int, rounds: int, cells: int, among: str) -> None:
    """Print seconds and ratios."""
    grid = Grid((points,) * axes, (SPACING,) * axes, (0.0,) * axes)
    rng = np.random.default_rng(0)
    earth = {
        name: low + (high - low) * rng.random(grid.shape)
        for name, (low, high) in ((n, prop.common) for n, prop in PROPERTIES.items())
    }
    axis = time_axis(INTERVAL, steps, 3200.0, grid.spacing, ORDER, corrected=False)
    layer = AbsorbingLayer(cells, 3200.0, 10.0)
    middle = np.full((1, axes), SPACING * (points - 1) / 2)
    wavelet = np.ones((1, steps))
    runs = {
        name: (Propagator(Discretization(name, grid, axis, layer)), parameters(name, earth))
        for name in among.split(",")
    }
    for propagator, model in runs.values():
        propagator.forward(model, wavelet, middle, middle)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (propagator, model) in runs.items():
            started = time.process_time()
            propagator.forward(model, wavelet, middle, middle)
            seconds[name].append(time.process_time() - started)
    first = seconds[next(iter(runs))]
    click.echo(
        f"{' x '.join([str(points)] * axes)} points, layer of {cells} cells, {steps} samples"
    )
    for name, spent in seconds.items():
        ratio = median(a / b for a, b in zip(spent, first, strict=True))
        shortest = min(spent) / min(first)
        click.echo(f"{name:18} {median(spent):7.3f} s  {ratio:5.2f}  {shortest:5.2f}")


if __name__ == "__main__":
    main()
