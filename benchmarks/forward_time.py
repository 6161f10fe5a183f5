"""Speed of the propagators, against a time loop written by hand in Devito.

The hand-written loop has no absorbing layer and the usual linear interpolation at points; the
derived one is timed without a layer, and with one. All are run alternately in one process on one
thread, and the ratios are medians over the rounds.

    python benchmarks/forward_time.py [--points 601] [--rounds 7]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import click
import numpy as np
from devito import Eq, Operator, SparseTimeFunction, TimeFunction, solve
from devito import Function as DevitoFunction
from devito import Grid as DevitoGrid

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, ricker, time_axis, times

SPACING, VELOCITY, ORDER, SAMPLES, INTERVAL = 10.0, 2000.0, 8, 251, 0.004


def by_hand(points: int, step: float, steps: int, receivers: Any) -> Callable[[], Any]:
    """The second-order update, a source and receivers, as Devito's examples write them."""
    extent = (SPACING * (points - 1),) * 2
    grid = DevitoGrid(shape=(points, points), extent=extent, dtype=np.float32)
    m = DevitoFunction(name="m", grid=grid, space_order=ORDER)
    m.data[:] = 1 / VELOCITY**2
    u = TimeFunction(name="u", grid=grid, space_order=ORDER, time_order=2)
    source = SparseTimeFunction(name="src", grid=grid, npoint=1, nt=steps)
    source.coordinates.data[:] = extent[0] / 2
    source.data[:, 0] = ricker(step * np.arange(steps), 10.0)
    record = SparseTimeFunction(name="rec", grid=grid, npoint=len(receivers), nt=steps)
    record.coordinates.data[:] = receivers
    dt = grid.stepping_dim.spacing
    update = Eq(u.forward, solve(m * u.dt2 - u.laplace, u.forward))
    injection = source.inject(field=u.forward, expr=source * dt**2 / m)
    operator = Operator([update, injection, record.interpolate(expr=u)], subs=grid.spacing_map)

    known = {p.name for p in operator.parameters}
    threads = {n: 1 for n in ("nthreads", "nthreads_nonaffine") if n in known}

    def run() -> None:
        u.data_with_halo[:] = 0
        operator.apply(dt=np.float32(step), time_m=1, time_M=steps - 2, **threads)

    return run


@click.command()
@click.option("--points", default=601, show_default=True, help="Grid points along x and z.")
@click.option("--rounds", default=7, show_default=True)
def main(points: int, rounds: int) -> None:
    """Print throughputs and ratios."""
    grid = Grid((points, points), (SPACING, SPACING), (0.0, 0.0))
    axis = time_axis(INTERVAL, SAMPLES, VELOCITY, grid.spacing, ORDER, corrected=False)
    model = {"m": np.full(grid.shape, 1 / VELOCITY**2)}
    wavelet = ricker(times(INTERVAL, SAMPLES), 10.0)[None]
    source = np.full((1, 2), SPACING * (points - 1) / 2)
    x = np.linspace(0, grid.end[0], 200)
    receivers = np.stack([x, np.full(x.size, 200.0)], axis=1)
    runs: dict[str, Callable[[], Any]] = {}
    sizes: dict[str, int] = {}
    for cells in (0, 12):
        layer = AbsorbingLayer(cells, VELOCITY, 10.0)
        propagator = Propagator(Discretization("acoustic", grid, axis, layer, history_step=4))
        steps = propagator.resampling.steps
        name = f"layer of {cells} cells" if cells else "no layer"

        def forward(propagator: Propagator = propagator) -> Any:
            return propagator.forward(model, wavelet, source, receivers)

        def gradient(propagator: Propagator = propagator) -> Any:
            gather = np.zeros((len(receivers), SAMPLES)) + wavelet
            return propagator.jacobian_adjoint(model, gather, wavelet, source, receivers)

        runs[f"forward, {name}"], runs[f"gradient, {name}"] = forward, gradient
        sizes[f"forward, {name}"] = (points + 2 * cells) ** 2 * steps
    runs["by hand"] = by_hand(points, axis.step, steps, receivers)
    sizes["by hand"] = points**2 * steps
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            if number:  # the first round compiles
                seconds[name].append(time.perf_counter() - started)
    for name, values in seconds.items():
        speed = ""
        if name in sizes:
            speed = f", {sizes[name] / median(values) / 1e9:.2f} Gpoints/s"
        click.echo(f"{name:<26} {median(values):.3f} s{speed}")

    def ratio(a: str, b: str) -> float:
        return median(p / q for p, q in zip(seconds[a], seconds[b], strict=True))

    click.echo(f"derived / by hand, without a layer {ratio('forward, no layer', 'by hand'):.2f}")
    for name in ("no layer", "layer of 12 cells"):
        click.echo(
            f"gradient / forward, {name}: {ratio(f'gradient, {name}', f'forward, {name}'):.2f}"
        )


if __name__ == "__main__":
    main()
