"""Processor time of a step of least-squares migration, in units of J and its transpose.

    python benchmarks/least_squares_cost.py [--rounds 5]

433 x 133 points, order 8, 1000 steps, one shot, one thread. A step of conjugate gradients is a
product. One of linearised Bregman iterations evaluates residual and gradient of a batch, at the
same cost, and models the change of its records for every third shot. All are timed alternately in
one process; medians of the ratios within each round, lowest and highest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil
from statistics import median
from typing import Any

import click
import numpy as np

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, ricker, subsampling, time_axis

SHAPE, STEPS, SPACING, FASTEST, FREQUENCY = (433, 133), 1000, 10.0, 2500.0, 10.0
BATCH = 5


def runs() -> dict[str, Callable[[], Any]]:
    """What is timed, by what it is."""
    grid = Grid(SHAPE, (SPACING, SPACING), (0.0, 0.0))
    axis = time_axis(0.001, STEPS, FASTEST, grid.spacing, 8, 1, corrected=False)
    layer = AbsorbingLayer(12, FASTEST, FREQUENCY)
    every = subsampling(axis, 2.5 * FREQUENCY)
    discretization = Discretization("acoustic", grid, axis, layer, history_step=every)
    propagator = Propagator(discretization)
    model = {"m": np.full(SHAPE, 2000.0**-2, np.float32)}
    random = np.random.default_rng(0).standard_normal(SHAPE)
    change = {"m": (0.01 * 2000.0**-2 * random).astype(np.float32)}
    wavelet = ricker(0.001 * np.arange(STEPS), FREQUENCY)[None]
    source = np.array([[SPACING * n / 2 for n in SHAPE]])
    receivers = np.stack([SPACING * np.arange(20.0, 420, 4), np.full(100, 20.0)], axis=-1)
    at = wavelet, source, receivers
    records = np.tile(wavelet, (len(receivers), 1))
    return {
        "J": lambda: propagator.jacobian(model, change, *at),
        "J^T": lambda: propagator.jacobian_adjoint(model, records, *at),
        "product, or residual and gradient": lambda: propagator.curvature(
            model, change, lambda modelled, change: (None, modelled + change), *at
        ),
    }


@click.command()
@click.option("--rounds", default=5, show_default=True)
def main(rounds: int) -> None:
    """Print processor times in units of J and its transpose."""
    made = runs()
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for number in range(rounds + 1):
        for name, run in made.items():
            started = time.process_time()
            run()
            if number:  # the first may compile
                seconds[name].append(time.process_time() - started)
    both = np.add(seconds["J"], seconds["J^T"])
    share = ceil(BATCH / 3) / BATCH
    spent = {name: np.array(values) for name, values in seconds.items()}
    product = spent["product, or residual and gradient"]
    spent["step of conjugate gradients"] = product
    spent[f"step of Bregman, batches of {BATCH}"] = product + share * spent["J"]
    for name, values in spent.items():
        ratios = (values / both).tolist()
        click.echo(
            f"{name:34} {median(values.tolist()):6.3f} s  {median(ratios):5.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


if __name__ == "__main__":
    main()
