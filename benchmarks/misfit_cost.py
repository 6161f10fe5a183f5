"""Time of each misfit, and the delay of waves up to which it rises.

    python benchmarks/misfit_cost.py

Time is that of value and derivative of a gather of 100 traces of 1000 samples of 4 ms, low-passed
noise of 8 Hz, one thread, the median of five. Delays, of an 8 Hz Ricker wavelet, are of one arrival
and of six of either polarity within 0.6 s, in dominant periods of 1/8 s; up to 2 are tried.
"""

from __future__ import annotations

import os
import time
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import numpy as np
from numpy.typing import NDArray

from fwicli import MISFITS, Band, Misfit, ricker, times

INTERVAL, FREQUENCY = 0.004, 8.0
TRACES, SAMPLES = 100, 1000
STEP, FARTHEST = 0.05, 2.0

Array = NDArray[np.float64]


def seconds(misfit: Misfit) -> float:
    """Time of one evaluation."""
    rng = np.random.default_rng(0)
    band = Band(0.0, FREQUENCY)
    s, d = (band.apply(g, INTERVAL) for g in rng.standard_normal((2, TRACES, SAMPLES)))
    taken = []
    for _ in range(6):
        begun = time.perf_counter()
        misfit(s, d, INTERVAL)
        taken.append(time.perf_counter() - begun)
    return median(taken[1:])


def arrivals(late: float, count: int) -> Array:
    """A trace of one or several arrivals, all late by as much [s]."""
    t = times(INTERVAL, 500) - late
    if count == 1:
        return ricker(t, FREQUENCY, 1.0)[None]
    rng = np.random.default_rng(0)
    when, strength = rng.uniform(0.7, 1.3, count), rng.standard_normal(count)
    return sum(a * ricker(t, FREQUENCY, w) for a, w in zip(strength, when, strict=True))[None]


def reach(misfit: Misfit, count: int) -> float:
    """Periods by which the arrivals may be late, the misfit rising all the way."""
    delays = np.arange(0, FARTHEST + STEP / 2, STEP) / FREQUENCY
    observed = arrivals(0.0, count)
    values = [misfit(arrivals(t, count), observed, INTERVAL)[0] for t in delays]
    falls = np.flatnonzero(np.diff(values) <= 0)
    return float(delays[falls[0] if falls.size else -1] * FREQUENCY)


def main() -> None:
    """Print a line a misfit."""
    click.echo(
        f"{'misfit':18s} {'time [ms]':>10s} {'rises to, 1 arrival':>20s} {'6 arrivals':>12s}"
    )
    for name, make in MISFITS.items():
        misfit = make()
        near, far = reach(misfit, 1), reach(misfit, 6)
        click.echo(f"{name:18s} {1000 * seconds(misfit):10.1f} {near:20.2f} {far:12.2f}")
    click.echo(f"periods of {1 / FREQUENCY:g} s; {FARTHEST:g} is as far as was tried")


if __name__ == "__main__":
    main()
