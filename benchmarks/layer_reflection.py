"""Reflection of the absorbing layer with angle, beside Deepwave's layer.

Both codes propagate the same line source on the same grid, with the same time step, order 8 and
float64, and absorb at the top with the same number of cells. What comes back, E, is the difference
from the same code's records with so much more medium on top that nothing can come back in time. A
perfect mirror at the inner edge of the layer would return the waves of the source's mirror image,
I. Records along a line of receivers, transformed over x and t, give the reflection coefficient of
plane waves under the angle a, with k_x = w sin(a) / c,

    R(a) = 10 log10 (sum_w |E(k_x, w)|**2 / sum_w |I(k_x, w)|**2)    [dB]

from 0.5 to 2 times the peak frequency. Beyond 60 degrees the records are too short to separate the
angles, and the numbers are mixed with those of larger ones. The last table has source and receivers
two cells below the layer, in water over rock, whose waves graze it: the relative L2 difference of
the records.

    python benchmarks/layer_reflection.py [--cells 20]

Deepwave is no part of the program's environment: pip install torch deepwave
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import click
import numpy as np
from numpy.typing import NDArray

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, ricker, time_axis, times

Array = NDArray[np.float64]

SPACING, FREQUENCY, INTERVAL, ORDER = 10.0, 15.0, 0.001, 8
DEPTH, DURATION = 10, 2.4  # cells below the layer; [s]
ANGLES = np.array([0.0, 15.0, 30.0, 45.0, 55.0, 65.0, 70.0, 75.0])

# Velocity of the medium, and the largest in the model, for which the layer is made [m/s].
MEDIA = ((2000.0, 2000.0), (1500.0, 3500.0))

# From velocities on a grid, cells of the layer, its velocity, a wavelet, and grid points of source
# and receivers, to records of shape (receiver, time).
Code = Callable[[Array, int, float, Array, NDArray[np.int64], NDArray[np.int64]], Array]


def ours(
    vp: Array,
    cells: int,
    velocity: float,
    wavelet: Array,
    source: NDArray[np.int64],
    receivers: NDArray[np.int64],
) -> Array:
    """Records of this program, without removal of the time dispersion, as Deepwave has none."""
    grid = Grid(vp.shape, (SPACING,) * 2, (0.0, 0.0))
    axis = time_axis(INTERVAL, wavelet.size, velocity, grid.spacing, ORDER, 1, corrected=False)
    layer = AbsorbingLayer(cells, velocity, FREQUENCY)
    F = Propagator(Discretization("acoustic", grid, axis, layer, ORDER, "float64"))
    return F.forward(
        {"m": 1 / vp**2},
        wavelet[None],
        SPACING * source[None],
        SPACING * receivers,
    )


def deepwave(
    vp: Array,
    cells: int,
    velocity: float,
    wavelet: Array,
    source: NDArray[np.int64],
    receivers: NDArray[np.int64],
) -> Array:
    """Records of Deepwave's constant-density acoustic propagator."""
    import torch
    from deepwave import scalar

    out = scalar(
        torch.from_numpy(vp),
        SPACING,
        INTERVAL,
        source_amplitudes=torch.from_numpy(wavelet[None, None]),
        source_locations=torch.from_numpy(source[None, None]),
        receiver_locations=torch.from_numpy(receivers[None]),
        accuracy=ORDER,
        pml_width=cells,
        pml_freq=FREQUENCY,
        max_vel=velocity,
    )
    return np.asarray(out[-1][0].numpy(), dtype=np.float64)


def angles(code: Code, speed: float, velocity: float, cells: int) -> Array:
    """Reflection of plane waves at the angles [dB]."""
    samples = int(DURATION / INTERVAL)
    wavelet = ricker(times(INTERVAL, samples), FREQUENCY)
    reach = int(speed * DURATION / SPACING)

    def records(above: int, z: int) -> Array:
        receivers = np.arange(2 * reach + 1)
        places = np.stack([receivers, np.full(receivers.size, DEPTH + above)], axis=1)
        vp = np.full((receivers.size, 4 * DEPTH + above), speed)
        return code(vp, cells, velocity, wavelet, np.array([reach, z + above]), places)

    far = reach // 2 + DEPTH
    whole = records(far, DEPTH)
    returned = spectra(records(0, DEPTH) - whole, speed)
    image = spectra(records(far, -DEPTH), speed)
    return np.asarray(10 * np.log10(returned / image))


def spectra(records: Array, speed: float) -> Array:
    """Energy from 0.5 to 2 times the peak frequency in plane waves under the angles."""
    t = times(INTERVAL, records.shape[1])
    # Waves that graze still arrive at the end; they are faded out.
    fade = np.cos(0.5 * np.pi * np.clip(3 * t / t[-1] - 2, 0, 1)) ** 2
    spectrum = np.fft.rfft(records * fade, 2 * t.size, axis=1)
    f = np.fft.rfftfreq(2 * t.size, INTERVAL)
    x = SPACING * (np.arange(len(records)) - len(records) // 2)
    energy = np.zeros(ANGLES.size)
    for i in np.flatnonzero((f >= 0.5 * FREQUENCY) & (f <= 2 * FREQUENCY)):
        wavenumbers = 2 * np.pi * f[i] / speed * np.sin(np.radians(ANGLES))
        energy += np.abs(np.cos(wavenumbers[:, None] * x) @ spectrum[:, i]) ** 2
    return energy


def grazing(code: Code, cells: int) -> float:
    """Relative difference of records out to 2.5 km, in 300 m of water over rock."""
    samples = int((2500.0 / 1500.0 + 3 / FREQUENCY) / INTERVAL)
    wavelet = ricker(times(INTERVAL, samples), FREQUENCY)
    offsets = np.arange(10, 251, 10)

    def records(above: int) -> Array:
        receivers = np.stack([40 + offsets, np.full(offsets.size, 2 + above)], axis=1)
        vp = np.full((331, 81 + above), 1500.0)
        vp[:, 30 + above :] = 3500.0
        return code(vp, cells, 3500.0, wavelet, np.array([40, 2 + above]), receivers)

    there = records(300)
    return float(np.linalg.norm(records(0) - there) / np.linalg.norm(there))


@click.command()
@click.option("--cells", default=20, show_default=True, help="Thickness of the layer.")
def main(cells: int) -> None:
    """Print tables of both codes."""
    codes: dict[str, Code] = {"fwi": ours}
    if find_spec("deepwave"):
        codes["Deepwave"] = deepwave
    else:
        click.echo("Deepwave is missing, so only our layer is measured: pip install torch deepwave")
    for speed, velocity in MEDIA:
        found = [angles(code, speed, velocity, cells) for code in codes.values()]
        click.echo(f"\n{speed:g} m/s, {cells} cells made for {velocity:g} m/s\n")
        click.echo("| angle [degrees] | " + " | ".join(f"{n} [dB]" for n in codes) + " |")
        click.echo("| --- |" + " --- |" * len(codes))
        for angle, *values in zip(ANGLES, *found, strict=True):
            click.echo(f"| {angle:.0f} | " + " | ".join(f"{v:.0f}" for v in values) + " |")
    click.echo("\n| grazing waves in water over rock | relative L2 |\n| --- | --- |")
    for name, code in codes.items():
        click.echo(f"| {name} | {grazing(code, cells):.1e} |")


if __name__ == "__main__":
    main()
