"""Time of a gradient of all components, over that of pressure alone.

    python benchmarks/component_cost.py [--rounds 5] [--points 301] [--samples 500]

Elastic waves and those of `velocity_pressure` in 2D, order 8, single precision, one thread. All
components are pressure, vx and vz of as many places as there are receivers of pressure. Both
gradients are timed in turn in one process, in seconds of the processor; medians of the ratios
within each round, lowest and highest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import click
import numpy as np

from fwicli import Points, Propagator, ricker, times

SPACING, INTERVAL, FREQUENCY, FASTEST, RECEIVERS = 10.0, 0.004, 10.0, 3000.0, 100
EQUATIONS = {"elastic": {"vs": 1200.0, "rho": 2000.0}, "velocity_pressure": {"rho": 2000.0}}


def gradients(equation: str, points: int, samples: int) -> dict[str, Callable[[], Any]]:
    """Gradients of one shot by what is recorded."""
    shape = (points, points)
    others = {name: np.full(shape, value) for name, value in EQUATIONS[equation].items()}
    vp = np.full(shape, 2500.0)
    propagator = Propagator.for_model(
        vp,
        SPACING,
        dt=INTERVAL,
        samples=samples,
        frequency=FREQUENCY,
        fastest=FASTEST,
        equation=equation,
        properties=others,
    )
    length = SPACING * (points - 1)
    x = np.linspace(0.1 * length, 0.9 * length, RECEIVERS)
    line, source = np.stack([x, np.full(RECEIVERS, 83.0)], axis=1), np.array([[length / 2, 55.0]])
    model, wavelet = propagator.parameters(vp=vp, **others), ricker(times(INTERVAL, samples), 10.0)
    places = {
        "pressure": line,
        "all": Points(
            np.concatenate([line] * 3),
            [name for name in ("pressure", "vx", "vz") for _ in line],
        ),
    }
    rng, runs = np.random.default_rng(0), {}
    for name, receivers in places.items():
        data = rng.standard_normal((len(receivers), samples)).astype(np.float32)
        residual = partial(np.subtract, data)
        at = wavelet[None], source, receivers
        kinds = ("gradient", "illumination")
        runs[name] = partial(propagator.images, model, residual, *at, kinds=kinds)
    return runs


def ratios(equation: str, rounds: int, points: int, samples: int) -> tuple[list[float], float]:
    """Ratios of each round, and the median time of the gradient of pressure [s]."""
    both = gradients(equation, points, samples)
    for task in both.values():
        task()
    values, seconds = [], []
    for number in range(rounds):
        spent = {}
        order = list(both) if number % 2 else list(both)[::-1]
        for name in order:
            begun = time.process_time()
            both[name]()
            spent[name] = time.process_time() - begun
        values.append(spent["all"] / spent["pressure"])
        seconds.append(spent["pressure"])
    return values, median(seconds)


@click.command()
@click.option("--rounds", default=5)
@click.option("--points", default=301, help="Points of the grid along each axis.")
@click.option("--samples", default=500, help="Of a trace, every 4 ms.")
def main(rounds: int, points: int, samples: int) -> None:
    """Print the ratios of each equation."""
    for equation in EQUATIONS:
        values, seconds = ratios(equation, rounds, points, samples)
        click.echo(
            f"{equation}: pressure, vx and vz / pressure {median(values):.3f} "
            f"({min(values):.3f} to {max(values):.3f}), {seconds:.2f} s for pressure"
        )


if __name__ == "__main__":
    main()
