"""Errors of records on coarse grids with Taylor's and optimised stencils, and time at equal error.

    python benchmarks/stencil_errors.py [--order 8] [--wavelengths 10] [--error 0.01]

A line source in a homogeneous plane, along a grid axis, where the dispersion is worst, against the
exact solution: relative L2 errors of a trace by points in the wavelength of the Ricker wavelet's
peak. Points in the shortest wavelength are 0.4 of that. Before that, the points per wavelength from
which on velocities have an error of 1e-4, and the longest stable step. At the end, for a cube and a
plane of as many wavelengths, the time of a shot on the coarsest grid with this error for each
stencil, alternately.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.special import hankel2

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Grid,
    Propagator,
    Stencil,
    ricker,
    time_axis,
    times,
)

Array = NDArray[Any]

SPEED, FREQUENCY = 2000.0, 10.0
WAVELENGTH = SPEED / FREQUENCY
STENCILS = ("taylor", "optimised")
INTERVAL = 1 / (16 * FREQUENCY)


def theory(wavelet: Array, distance: float) -> Array:
    """The field of a line source."""
    n = 4 * wavelet.size
    angular = 2 * np.pi * np.fft.rfftfreq(n, INTERVAL)
    angular[0] = angular[1]
    spectrum = np.fft.rfft(wavelet, n) * -0.25j * hankel2(0, angular * distance / SPEED)
    return np.asarray(np.fft.irfft(spectrum, n)[: wavelet.size])


def shot(
    lengths: tuple[float, ...], points: float, order: int, stencil: str, wavelengths: float
) -> Callable[[], Array]:
    """A run of the trace of one source, so many wavelengths away [m]."""
    h = WAVELENGTH / points
    ndim = len(lengths)
    grid = Grid(tuple(round(x / h) + 1 for x in lengths), (h,) * ndim, (0.0,) * ndim)
    samples = int((wavelengths + 3.5) / FREQUENCY / INTERVAL)
    axis = time_axis(INTERVAL, samples, SPEED, grid.spacing, Stencil(order, stencil))
    layer = AbsorbingLayer(20, SPEED, FREQUENCY)
    F = Propagator(Discretization("acoustic", grid, axis, layer, order, stencil=stencil))
    source = np.array([[WAVELENGTH, *(x / 2 for x in lengths[1:])]])
    receiver = source + wavelengths * WAVELENGTH * np.eye(1, ndim)
    model = {"m": np.full(grid.shape, 1 / SPEED**2, np.float32)}
    wavelet = ricker(times(INTERVAL, samples), FREQUENCY)
    return lambda: F.forward(model, wavelet[None], source, receiver)[0].astype(float)


def error(points: float, order: int, stencil: str, wavelengths: float) -> float:
    """Relative L2 error of the trace."""
    lengths = ((wavelengths + 2) * WAVELENGTH, 8 * WAVELENGTH)
    trace = shot(lengths, points, order, stencil, wavelengths)()
    expected = theory(ricker(times(INTERVAL, trace.size), FREQUENCY), wavelengths * WAVELENGTH)
    return float(np.linalg.norm(trace - expected) / np.linalg.norm(expected))


def from_points(stencil: Stencil) -> float:
    """Points per wavelength from which on the velocity of the second difference is within 1e-4."""
    angles = np.linspace(1e-3, np.pi, 20001)
    centre, *sides = stencil.second
    square = -centre - 2 * sum(c * np.cos(j * angles) for j, c in enumerate(sides, start=1))
    wrong = np.abs(np.sqrt(square) / angles - 1) > 1.002e-4
    return float(2 * np.pi / angles[wrong][0])


def coarsest(order: int, stencil: str, wavelengths: float, allowed: float) -> float:
    """Points per wavelength of the peak at which the error falls to the one allowed."""
    low, high = 5.0, 20.0
    while high - low > 0.05:
        middle = (low + high) / 2
        coarse = error(middle, order, stencil, wavelengths) > allowed
        low, high = (middle, high) if coarse else (low, middle)
    return high


@click.command(help=__doc__)
@click.option("--order", default=8, show_default=True)
@click.option("--wavelengths", default=10.0, help="Of the peak, from the source.")
@click.option("--error", "allowed", default=0.01, help="Of the trace, for the times.")
@click.option("--rounds", default=5, help="Of the times.")
def main(order: int, wavelengths: float, allowed: float, rounds: int) -> None:
    """Print errors, and times at equal error."""
    both = [Stencil(order, weights) for weights in STENCILS]
    steps = [stencil.largest_square**-0.5 for stencil in both]
    click.echo(
        f"velocities within 1e-4 from {from_points(both[0]):.2f} and {from_points(both[1]):.2f} "
        f"points per wavelength on; stable step optimised / Taylor's {steps[1] / steps[0]:.3f}"
    )
    click.echo(f"errors after {wavelengths:g} wavelengths of the peak, order {order}")
    click.echo("points in it      taylor   optimised")
    for points in (6.0, 7.0, 8.0, 9.0, 10.0, 12.0):
        errors = [error(points, order, stencil, wavelengths) for stencil in STENCILS]
        click.echo(f"{points:12g}  {100 * errors[0]:8.2f} %  {100 * errors[1]:8.2f} %")
    points = [coarsest(order, stencil, wavelengths, allowed) for stencil in STENCILS]
    click.echo(f"points for {100 * allowed:g} %: {points[0]:.2f} and {points[1]:.2f}")
    long, short = (wavelengths + 2) * WAVELENGTH, 4 * WAVELENGTH
    for name, lengths in (("plane", (long, long)), ("cube", (long, short, short))):
        runs = [
            shot(lengths, p, order, s, wavelengths) for p, s in zip(points, STENCILS, strict=True)
        ]
        ratios = []
        for _ in range(rounds + 1):
            seconds = []
            for run in runs:
                begun = time.process_time()
                run()
                seconds.append(time.process_time() - begun)
            ratios.append(seconds[1] / seconds[0])
        click.echo(
            f"{name}: time optimised / Taylor's {np.median(ratios[1:]):.2f} "
            f"({min(ratios[1:]):.2f} to {max(ratios[1:]):.2f})"
        )


if __name__ == "__main__":
    main()
