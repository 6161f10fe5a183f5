"""Residual moveout of angle gathers of a flat reflector, from offsets and from time shifts.

    python benchmarks/angle_gathers.py [--picture angle_gathers.png]

A reflector at 445 m below 2000 m/s, in records of 18 shots on a line of 1600 m, migrated with this
velocity and with 5 % less and more. c is that of the largest semblance near the reflector, averaged
over 600 m in the middle of the line. Theory is z(gamma) of one reflector below one velocity, to
first order. The last line is the depth at 35 degrees less that at none in the true velocity, in
points of the grid of 10 m.
"""

from __future__ import annotations

from functools import partial

import click
import matplotlib
import numpy as np

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Grid,
    Simulation,
    SlantStack,
    SubsurfaceOffset,
    TimeShift,
    TimeShiftStack,
    local_dips,
    residual_moveout,
    ricker,
    time_axis,
    times,
)
from fwicli.operators import extended_imaging, forward

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # after the choice of what draws

GRID = Grid((161, 71), (10.0, 10.0), (0.0, 0.0))
TRUE, BELOW, DEPTH = 2000.0, 2300.0, 445.0
INTERVAL, SAMPLES, PEAK = 0.008, 130, 14.0
ANGLES = np.arange(0.0, 37.5, 2.5)
OFFSETS, SHIFTS = 12, 25
CURVATURES = np.linspace(-60.0, 60.0, 121)
SHARES = (0.95, 1.0, 1.05)
MIDDLE = slice(50, 111)


def survey() -> tuple[Simulation, np.ndarray, np.ndarray]:
    """Shots, their wavelet, and what the reflector adds to their records."""
    axis = time_axis(INTERVAL, SAMPLES, 2420.0, GRID.spacing, 8)
    discretization = Discretization("acoustic", GRID, axis, AbsorbingLayer(12, 2420.0, 15.0))
    sources = [[[x, 20.0]] for x in np.linspace(60.0, 1540.0, 18)]
    receivers = np.array([[x, 20.0] for x in np.arange(0.0, 1601.0, 20.0)])
    shots = Simulation(discretization, np.array(sources), receivers)
    wavelet = ricker(times(INTERVAL, SAMPLES), PEAK)[None]
    even = np.full(GRID.shape, TRUE)
    layered = np.where(GRID.coordinates(1) > DEPTH, BELOW, even)
    each = np.repeat(wavelet[None], len(sources), axis=0)
    records = (forward(shots, 1 / vp**2) @ each for vp in (layered, even))
    reflected = next(records) - next(records)
    # As a migration extrapolates pressure: by its derivative in time.
    return shots, wavelet, np.gradient(reflected, INTERVAL, axis=-1)


def gathers(
    shots: Simulation, wavelet: np.ndarray, records: np.ndarray, share: float, kind: str
) -> np.ndarray:
    """Angle gathers in a share of the true velocity."""
    velocity = np.full(GRID.shape, share * TRUE)
    migrate = partial(extended_imaging, shots, 1 / velocity**2, wavelet)
    if kind == "offsets":
        lags = GRID.spacing[0] * np.arange(-OFFSETS, OFFSETS + 1)
        images = migrate(SubsurfaceOffset(OFFSETS)).T @ records
        return SlantStack(lags, ANGLES, GRID).gathers(images)
    lags = INTERVAL / 2 * np.arange(-SHIFTS, SHIFTS + 1)
    images = migrate(TimeShift(SHIFTS)).T @ records
    dips = local_dips(images[SHIFTS], GRID, 60.0)
    return TimeShiftStack(lags, ANGLES, GRID, velocity, dips).gathers(images)


@click.command(help=__doc__)
@click.option("--picture", help="PNG file of the gathers in the middle of the line.")
def main(picture: str | None) -> None:
    """Print moveouts."""
    shots, wavelet, records = survey()
    figure, panels = plt.subplots(2, len(SHARES), figsize=(7.2, 7.0), layout="constrained")
    click.echo("| gathers from | velocity / true | c [m] | theory [m] |\n| --- | --- | --- | --- |")
    off = 0.0
    for kind, row in zip(("offsets", "time shifts"), panels, strict=True):
        for share, panel in zip(SHARES, row, strict=True):
            values = gathers(shots, wavelet, records, share, kind)
            scan = residual_moveout(values, ANGLES, GRID, CURVATURES, 30.0)
            depths = slice(*(int(share * DEPTH / 10) + n for n in (-10, 10)))
            weights = (scan.energy * scan.semblance**2)[MIDDLE, depths]
            c = float((weights * scan.curvature[MIDDLE, depths]).sum() / weights.sum())
            theory = DEPTH * (share**2 - 1) / (2 * share)
            click.echo(f"| {kind} | {share:g} | {c:+.1f} | {theory:+.1f} |")
            if share == 1.0:
                off = max(off, abs(c) * np.tan(np.radians(ANGLES[-1])) ** 2 / GRID.spacing[1])
            draw(panel, values[:, GRID.shape[0] // 2], f"{kind}, {share:g} of the velocity", c)
    if picture:
        figure.savefig(picture, dpi=90)
    click.echo(f"{off:.2f}")


def draw(panel: plt.Axes, gather: np.ndarray, title: str, c: float) -> None:
    """One gather, with its moveout."""
    largest = np.percentile(np.abs(gather), 99.5)
    extent = (ANGLES[0], ANGLES[-1], GRID.end[1], 0.0)
    panel.imshow(gather.T, cmap="gray_r", vmin=-largest, vmax=largest, aspect="auto", extent=extent)
    panel.set_title(f"{title}\nc = {c:+.1f} m", fontsize=8)
    panel.set_xlabel("angle [deg]", fontsize=8)
    panel.set_ylabel("depth [m]", fontsize=8)
    panel.tick_params(labelsize=7)


if __name__ == "__main__":
    main()
