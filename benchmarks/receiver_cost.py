"""Cost of many receivers off the grid, and of the resampling of their records.

    python benchmarks/receiver_cost.py [--points 601] [--samples 500] [--rounds 5]

Shots with a few and with many receivers are run alternately in one process on one thread; the
ratios are medians over the rounds.
"""

from __future__ import annotations

import time
from statistics import median

import click
import numpy as np

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, ricker, time_axis, times

SPACING, VELOCITY, ORDER, INTERVAL = 10.0, 2000.0, 8, 0.004


@click.command()
@click.option("--points", default=601, show_default=True, help="Grid points along x and z.")
@click.option("--samples", default=500, show_default=True, help="Samples of the records.")
@click.option("--rounds", default=5, show_default=True)
def main(points: int, samples: int, rounds: int) -> None:
    """Print times and ratios."""
    grid = Grid((points, points), (SPACING, SPACING), (0.0, 0.0))
    axis = time_axis(INTERVAL, samples, VELOCITY, grid.spacing, ORDER)
    model = {"m": np.full(grid.shape, 1 / VELOCITY**2)}
    wavelet = ricker(times(INTERVAL, samples), 10.0)[None]
    source = np.full((1, 2), SPACING * (points - 1) / 2)
    layer = AbsorbingLayer(12, VELOCITY, 10.0)
    propagator = Propagator(Discretization("acoustic", grid, axis, layer, history_step=4))
    click.echo(f"{points} x {points} points, {propagator.resampling.steps} steps")

    def line(count: int) -> np.ndarray:
        """Receivers off the grid points along both axes."""
        x = np.linspace(3.0, grid.end[0] - 3.0, count)
        return np.stack([x, np.full(count, 203.7)], axis=1)

    seconds: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds + 1):
        for count in (10, 1000, 10000):
            receivers = line(count)
            started = time.perf_counter()
            gather = propagator.forward(model, wavelet, source, receivers)
            middle = time.perf_counter()
            propagator.jacobian_adjoint(model, gather, wavelet, source, receivers)
            ended = time.perf_counter()
            if number:  # the first round compiles
                seconds.setdefault(("forward", count), []).append(middle - started)
                seconds.setdefault(("gradient", count), []).append(ended - middle)
    for (name, count), values in seconds.items():
        few = seconds[name, 10]
        ratio = median(a / b for a, b in zip(values, few, strict=True))
        click.echo(f"{name:<9} {count:>6} receivers {median(values):.3f} s, {ratio:.2f} of 10")


if __name__ == "__main__":
    main()
