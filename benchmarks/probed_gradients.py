"""Memory, time and error of gradients whose history is kept by probes.

    python benchmarks/probed_gradients.py [--shots 20] [--counts 4,8,16,32,64] [--rounds 3]

301 x 201 points of 10 m with layers and random rock, 4000 steps of 1 ms, Ricker wavelet of 8 Hz,
150 receivers; the gradient is that of half the squared residual in the model smoothed over 200 m.
The cosine is that with the gradient of every step, for one shot and for the sum of all. Times are
processor times beside `subsampled` in turn. The last line is the row of 16 fields.
"""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median
from typing import Any

import click
import numpy as np
from scipy.ndimage import gaussian_filter

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Grid,
    HistoryOptions,
    Propagator,
    ricker,
    subsampling,
    time_axis,
    times,
)

SHAPE, SPACING, SLOW, FAST, PEAK, HIGHEST = (301, 201), 10.0, 1500.0, 4000.0, 8.0, 24.0
INTERVAL, STEPS, RECEIVERS, SMOOTHING = 0.001, 4000, 150, 20


class Survey:
    """Shots over one true model, and their residuals in a smooth one."""

    def __init__(self, shots: int) -> None:
        rng = np.random.default_rng(0)
        depth = np.linspace(SLOW, FAST, SHAPE[1])[None]
        layers = gaussian_filter(rng.standard_normal((1, SHAPE[1])), (0, 4))
        rough = gaussian_filter(rng.standard_normal(SHAPE), 6)
        vp = depth + 250 * layers / layers.std() + 100 * rough / rough.std()
        vp = np.clip(vp, SLOW, FAST)
        self.smooth = self._parameters(gaussian_filter(vp, SMOOTHING))
        self.grid = Grid(SHAPE, (SPACING, SPACING), (0.0, 0.0))
        axis = time_axis(INTERVAL, STEPS - 16, FAST, self.grid.spacing, 8)
        self.axis, self.layer = axis, AbsorbingLayer(12, FAST, PEAK)
        self.wavelet = ricker(times(INTERVAL, axis.samples), PEAK)[None]
        x = np.linspace(20.0, self.grid.end[0] - 20.0, RECEIVERS)
        self.receivers = np.stack([x, np.full(RECEIVERS, 20.0)], axis=1)
        inner = np.linspace(0.0, self.grid.end[0], shots + 2)[1:-1]
        # The middle one first: it stands for one shot.
        middle = len(inner) // 2
        self.sources = [np.array([[x, 20.0]]) for x in [inner[middle], *np.delete(inner, middle)]]
        exact = self.propagator(1, HistoryOptions())
        true = self._parameters(vp)
        self.records = [
            exact.forward(true, self.wavelet, source, self.receivers) for source in self.sources
        ]

    @staticmethod
    def _parameters(vp: Any) -> dict[str, Any]:
        return {"m": (1 / vp**2).astype(np.float32)}

    def propagator(self, every: int, history: HistoryOptions) -> Propagator:
        """Waves with snapshots every so many steps."""
        discretization = Discretization(
            "acoustic", self.grid, self.axis, self.layer, history_step=every, history=history
        )
        return Propagator(discretization)

    def gradient(self, propagator: Propagator, shot: int) -> Any:
        """The gradient of one shot."""
        records = self.records[shot]
        at = self.wavelet, self.sources[shot], self.receivers
        return propagator.images(self.smooth, lambda d: d - records, *at).gradient["m"]


def cosine(a: Any, b: Any) -> float:
    """Of the angle between two gradients."""
    a, b = a.astype(float), b.astype(float)
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


@click.command()
@click.option("--shots", default=20, show_default=True)
@click.option("--counts", default="4,8,16,32,64", show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(shots: int, counts: str, rounds: int) -> None:
    """Print a table of the numbers of fields."""
    survey = Survey(shots)
    every = subsampling(survey.axis, HIGHEST)
    exact, usual = (
        survey.propagator(1, HistoryOptions()),
        survey.propagator(every, HistoryOptions()),
    )
    whole = exact.discretization.history_demand()
    needed = whole.memory(HistoryOptions())
    fields = sorted({int(n) for n in counts.split(",")} - {16})
    probed = {n: survey.propagator(every, HistoryOptions("probes", count=n)) for n in [*fields, 16]}
    exact_of = [survey.gradient(exact, shot) for shot in range(shots)]
    click.echo("| fields | memory of every step / its | time / `subsampled` | one shot | all |")
    click.echo("| --- | --- | --- | --- | --- |")
    for number, F in probed.items():
        gradients = [survey.gradient(F, shot) for shot in range(shots)]
        ratios = []
        for _ in range(rounds):
            seconds = []
            for propagator in (usual, F):
                started = time.process_time()
                survey.gradient(propagator, 0)
                seconds.append(time.process_time() - started)
            ratios.append(seconds[1] / seconds[0])
        demand = replace(whole, every=every)
        memory = needed / demand.memory(F.discretization.history)
        click.echo(
            f"| {number} | {memory:.0f} | {median(ratios):.2f} ({min(ratios):.2f} to "
            f"{max(ratios):.2f}) | {cosine(gradients[0], exact_of[0]):.4f} "
            f"| {cosine(sum(gradients), sum(exact_of)):.4f} |"
        )


if __name__ == "__main__":
    main()
