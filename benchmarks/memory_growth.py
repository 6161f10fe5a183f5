"""Memory of a process that computes many gradients.

The number of receivers changes from gradient to gradient; memory must not grow, and nothing may be
compiled again. Of the first shot of a process see `startup_time.py`.

    python benchmarks/memory_growth.py [--gradients 2000]
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import numpy as np
import psutil

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, ricker, time_axis, times

SPACING, VELOCITY, FREQUENCY = 10.0, 2000.0, 10.0


def propagator(shape: tuple[int, int], samples: int) -> Propagator:
    """One of constant density."""
    grid = Grid(shape, (SPACING, SPACING), (0.0, 0.0))
    axis = time_axis(0.002, samples, VELOCITY, grid.spacing, 8)
    layer = AbsorbingLayer(12, VELOCITY, FREQUENCY)
    return Propagator(Discretization("acoustic", grid, axis, layer, history_step=4))


def gradient(F: Propagator, receivers: int) -> None:
    """A gradient with so many receivers along a line."""
    grid, n = F.grid, F.time.samples
    model = {"m": np.full(grid.shape, 1 / VELOCITY**2)}
    wavelet = ricker(times(F.time.interval, n), FREQUENCY)[None]
    x = np.linspace(3.0, grid.end[0] - 3.0, receivers)
    places = np.stack([x, np.full(x.size, 23.0)], axis=1)
    F.images(model, lambda d: d, wavelet, np.array([[grid.end[0] / 2, 200.0]]), places)


def memory() -> float:
    """Of this process [MB]."""
    return float(psutil.Process().memory_info().rss) / 1e6


def kernels(folder: str) -> int:
    """Compiled kernels in a folder."""
    return len(list(Path(folder).glob("*.kernel")))


@click.command()
@click.option("--gradients", default=2000, show_default=True)
def main(gradients: int) -> None:
    """Print memory after 50 gradients and after all."""
    with TemporaryDirectory() as folder:
        # Kernels of this program alone: all that it loads were compiled here.
        os.environ["FWI_CACHE"] = folder
        F = propagator((81, 61), 150)
        rng = np.random.default_rng(0)
        early, compiled = 0.0, 0
        for number in range(gradients):
            gradient(F, int(rng.integers(1, 400)))
            if number == 49:
                early, compiled = memory(), kernels(folder)
        late = memory()
        click.echo(f"{early:.1f} MB after 50 gradients, {late:.1f} MB after {gradients}")
        click.echo(f"grown by {100 * (late / early - 1):.1f} %")
        click.echo(f"kernels loaded after the first 50: {kernels(folder) - compiled}")


if __name__ == "__main__":
    main()
