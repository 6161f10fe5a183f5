"""Reflection of P waves from the absorbing layer of tilted anisotropic media, with angle.

The medium is isotropic at the source and turns anisotropic on the way up to the layer, so that only
P waves set out. Records along a line below the layer minus those with so much more medium around
that nothing comes back in time, transformed over x and t, give what the layer returns of plane
waves under the phase angle a, with k_x = w sin(a) / c(a),

    R(a) = 10 log10 (sum_w |E(k_x, w)|**2 / sum_w |D(k_x, w)|**2)    [dB]

from 0.5 to 2 times the peak frequency, D being the records without reflections. What comes back as
shear waves counts too. The axis of symmetry is tilted towards positive angles.

    python benchmarks/tilted_layer_reflection.py [--cells 20]

Reference for c(a): Tsvankin (1996), Geophysics 61, 467-483, without shear velocity.
"""

from __future__ import annotations

import click
import numpy as np
from numpy.typing import NDArray

from fwicli import (
    AbsorbingLayer,
    Discretization,
    Grid,
    Propagator,
    parameters,
    ricker,
    time_axis,
    times,
)

Array = NDArray[np.float64]

SPEED, SPACING, FREQUENCY, INTERVAL, ORDER = 2000.0, 10.0, 15.0, 0.001, 8
EPSILON, DELTA, TILTS = 0.2, 0.1, (0.0, 0.5, -0.9)
ANGLES = np.array([-65.0, -45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 65.0])
# Cells below the layer of the line of receivers, and of the source; cells of the transition.
LINE, SOURCE, TRANSITION = 12, 70, 40
SAMPLES, EXTRA = 2600, 150


def phase_velocity(angles: Array, tilt: float) -> Array:
    """Of P waves [m/s]."""
    square = np.sin(angles - tilt) ** 2
    root = np.sqrt(
        (1 + 2 * EPSILON * square) ** 2 - 2 * (EPSILON - DELTA) * np.sin(2 * (angles - tilt)) ** 2
    )
    return np.asarray(SPEED * np.sqrt(0.5 + EPSILON * square + 0.5 * root))


def records(tilt: float, cells: int, extra: int) -> Array:
    """Along the line, with so many more cells of medium on every side."""
    reach = half_width() + extra
    shape = (2 * reach + 1, SOURCE + 25 + 2 * extra)
    depth = np.arange(shape[1]) - extra
    share = 0.5 - 0.5 * np.cos(np.pi * np.clip((SOURCE - 8 - depth) / TRANSITION, 0, 1))
    everywhere = np.ones(shape)
    earth = {
        "vp": SPEED * everywhere,
        "epsilon": EPSILON * share * everywhere,
        "delta": DELTA * share * everywhere,
        "theta": tilt * everywhere,
    }
    fastest = SPEED * np.sqrt(1 + 2 * EPSILON)
    grid = Grid(shape, (SPACING,) * 2, (0.0, 0.0))
    axis = time_axis(INTERVAL, SAMPLES, fastest, grid.spacing, ORDER, corrected=False)
    layer = AbsorbingLayer(cells, fastest, FREQUENCY)
    line = np.stack(
        [np.arange(2 * half_width() + 1) + extra, np.full(2 * half_width() + 1, LINE + extra)],
        axis=1,
    )
    gather = Propagator(Discretization("tti", grid, axis, layer, ORDER)).forward(
        parameters("tti", earth),
        ricker(times(INTERVAL, SAMPLES), FREQUENCY)[None],
        SPACING * np.array([[reach, SOURCE + extra]]),
        SPACING * line,
    )
    return np.asarray(gather, dtype=np.float64)


def half_width() -> int:
    """Cells from the source to the ends of the line, which waves of 68 degrees reach."""
    return int(1.25 * SOURCE * np.tan(np.radians(68))) + 60


def spectra(gather: Array, tilt: float) -> Array:
    """Energy from 0.5 to 2 times the peak frequency in plane waves under the angles."""
    t = times(INTERVAL, SAMPLES)
    x = SPACING * (np.arange(len(gather)) - half_width())
    ends = np.clip((half_width() - np.abs(x) / SPACING) / 40, 0, 1)
    fade = np.cos(0.5 * np.pi * np.clip(3 * t / t[-1] - 2, 0, 1)) ** 2
    faded = gather * fade * (0.5 - 0.5 * np.cos(np.pi * ends))[:, None]
    spectrum = np.fft.rfft(faded, 2 * t.size, axis=1)
    f = np.fft.rfftfreq(2 * t.size, INTERVAL)
    angles = np.radians(ANGLES)
    slowness = np.sin(angles) / phase_velocity(angles, tilt)
    energy = np.zeros(ANGLES.size)
    for i in np.flatnonzero((f >= 0.5 * FREQUENCY) & (f <= 2 * FREQUENCY)):
        waves = np.exp(2j * np.pi * f[i] * np.outer(slowness, x))
        energy += np.abs(waves @ spectrum[:, i]) ** 2
    return energy


def reflection(tilt: float, cells: int) -> Array:
    """Of plane waves under the angles [dB]."""
    direct = records(tilt, cells, EXTRA)
    returned = spectra(records(tilt, cells, 0) - direct, tilt)
    return np.asarray(10 * np.log10(returned / spectra(direct, tilt)))


@click.command()
@click.option("--cells", default=20, show_default=True, help="Thickness of the layer.")
def main(cells: int) -> None:
    """Print a table."""
    click.echo(f"epsilon {EPSILON:g}, delta {DELTA:g}, {cells} cells\n")
    click.echo("| angle [degrees] | " + " | ".join(f"tilt {t:g} [dB]" for t in TILTS) + " |")
    click.echo("| --- |" + " --- |" * len(TILTS))
    found = [reflection(tilt, cells) for tilt in TILTS]
    for angle, *values in zip(ANGLES, *found, strict=True):
        click.echo(f"| {angle:.0f} | " + " | ".join(f"{v:.0f}" for v in values) + " |")


if __name__ == "__main__":
    main()
