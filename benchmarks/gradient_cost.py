"""Time of the parts of a gradient, in units of one forward propagation.

    python benchmarks/gradient_cost.py [--rounds 7]

441 x 681 points, order 8, 1000 steps, one thread. The adjoint is a propagation like the forward
one, with the residual at the receivers. The gradient with one snapshot has next to no history and
images, but the third time level of the multiplier, from which the images take its second
difference. What the gradient takes beyond that are snapshots and images. An image by correlation,
as of `fwi rtm`, takes two levels, and the energy of the source beside the image. That of the
excitation amplitude keeps no snapshots. All are timed in turn in one process, in seconds of the
processor; medians of the ratios within each round, lowest and highest, and the memory of the
history.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import click
import numpy as np

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Grid,
    HistoryOptions,
    Propagator,
    ricker,
    subsampling,
    time_axis,
)

SHAPE, STEPS, SPACING, FASTEST, FREQUENCY = (441, 681), 1000, 10.0, 2500.0, 10.0


def runs() -> dict[str, tuple[Callable[[], Any], int]]:
    """Runs that are timed, with the memory of their history [bytes], by name."""
    grid = Grid(SHAPE, (SPACING, SPACING), (0.0, 0.0))
    axis = time_axis(0.001, STEPS, FASTEST, grid.spacing, 8, 1, corrected=False)
    layer = AbsorbingLayer(12, FASTEST, FREQUENCY)
    every = subsampling(axis, 2.5 * FREQUENCY)
    usual = Propagator(Discretization("acoustic", grid, axis, layer, history_step=every))
    once = Propagator(Discretization("acoustic", grid, axis, layer, history_step=STEPS))
    largest = Propagator(replace(usual.discretization, history=HistoryOptions("excitation")))
    model = {"m": np.full(SHAPE, 2000.0**-2, np.float32)}
    wavelet = ricker(0.001 * np.arange(STEPS), FREQUENCY)[None]
    source = np.array([[SPACING * n / 2 for n in SHAPE]])
    receivers = np.stack([SPACING * np.arange(20.0, 420, 4), np.full(100, 20.0)], axis=-1)
    residual = np.tile(wavelet, (len(receivers), 1))
    at = wavelet, source, receivers

    def image(propagator: Propagator, *kinds: str) -> Any:
        return propagator.images(model, lambda _: residual, *at, kinds=kinds)

    def gradient(propagator: Propagator) -> Any:
        return propagator.jacobian_adjoint(model, residual, *at)

    def memory(propagator: Propagator) -> int:
        discretization = propagator.discretization
        return discretization.history_demand().memory(discretization.history)

    snapshots = f"a snapshot every {every} steps"
    return {
        "forward": (lambda: usual.forward(model, *at), 0),
        "adjoint": (lambda: usual.adjoint(model, residual, source, receivers), 0),
        "gradient with one snapshot": (lambda: gradient(once), memory(once)),
        f"image by correlation, {snapshots}": (
            lambda: image(usual, "correlation", "illumination"),
            memory(usual),
        ),
        "image of the excitation amplitude": (
            lambda: image(largest, "correlation"),
            memory(largest),
        ),
        f"gradient, {snapshots}": (lambda: gradient(usual), memory(usual)),
    }


@click.command()
@click.option("--rounds", default=7, show_default=True)
def main(rounds: int) -> None:
    """Print times in units of a forward propagation."""
    made = runs()
    seconds: dict[str, list[float]] = {name: [] for name in made}
    for number in range(rounds + 1):
        for name, (run, _) in made.items():
            started = time.process_time()
            run()
            if number:  # the first may compile
                seconds[name].append(time.process_time() - started)
    for name, spent in seconds.items():
        ratios = [a / b for a, b in zip(spent, seconds["forward"], strict=True)]
        click.echo(
            f"{name:50} {median(spent):6.3f} s  {median(ratios):5.2f} "
            f"({min(ratios):.2f} to {max(ratios):.2f})  {made[name][1] / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
