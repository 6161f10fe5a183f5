"""Errors of vp and vs after elastic inversions of the elastic Marmousi-II, and acoustic beside.

    ELASTIC_MARMOUSI=FILE python benchmarks/elastic_inversion.py [all] [pressure] [acoustic]
        [--spacing 20] [--band 4] [--iterations 10] [--duration 4.5] [--folder runs/elastic]

FILE is `elastic_marmousi2.h5`: twelve shots, whose pressure, vx and vz another program modelled at
117 nodes 30 m below the sea floor, and pressure at 117 receivers at 20 m. The parts invert

    all         pressure of both lines, and vx and vz of the nodes, for vp, vs and rho
    pressure    the pressure of both lines, for vp, vs and rho
    acoustic    the same pressure by `variable_density`, for vp and rho

The start is a Gaussian mean of vp over 300 m below the sea floor; from it follow, in m/s and kg/m3,

    vs = max(600, (vp - 1360) / 1.16)       Castagna et al. (1985), Geophysics 50, 571-581
    rho = 310 vp**(1/4)                     Gardner et al. (1974), Geophysics 39, 770-780

Errors are relative L2 errors below the sea floor and above 2.5 km, and their change by the
inversion.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np
from scipy.ndimage import gaussian_filter

from fwicli import (
    Acquisition,
    Component,
    Gathers,
    load_config,
    read_history,
    run_inversion,
    write_gathers,
)

DEPTH, LENGTH, WATER = 2500.0, 300.0, 1500.0
BOUNDS = {"vp": "[1400, 5500]", "vs": "[0, 3200]", "rho": "[900, 2900]"}
PARTS = ("all", "pressure", "acoustic")


def models(path: Path, spacing: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """True and starting properties on a grid of a multiple of the spacing of the file."""
    with h5py.File(path) as file:
        every = round(spacing / float(file.attrs["spacing"]))
        names = ("vp", "vs", "rho")
        true = {n: file[f"model/{n}"][::every, ::every].astype(float) for n in names}
    water = true["vs"] == 0
    # Normalised, so that no water is mixed into the sediments.
    inside = gaussian_filter((~water).astype(float), LENGTH / spacing, mode="nearest")
    smooth = gaussian_filter(np.where(water, 0.0, true["vp"]), LENGTH / spacing, mode="nearest")
    vp = np.where(water, WATER, smooth / np.maximum(inside, 1e-9))
    start = {
        "vp": vp,
        "vs": np.where(water, 0.0, np.maximum(600.0, (vp - 1360) / 1.16)),
        "rho": np.where(water, 1000.0, 310 * vp**0.25),
    }
    return true, start


def records(path: Path, duration: float) -> Gathers:
    """All records; the source of the file is a rate of pressure w, ours q = 100 w' / vp**2."""
    with h5py.File(path) as file:
        interval = float(file.attrs["dt"])
        samples = round(duration / interval) + 1
        w = file["wavelet"][:].astype(float)
        x = file["receiver_x"][:].astype(float)
        lines = [np.stack([x, file[name][:]], axis=1) for name in ("streamer_z", "node_z")]
        names = ("streamer_p", "node_p", "node_vx", "node_vz")
        data = np.concatenate([file[name][:, :, :samples] for name in names], axis=1)
        sources = np.stack([file["source_x"][:], file["source_z"][:]], axis=1).astype(float)
    frequencies = 2 * np.pi * np.fft.rfftfreq(4 * w.size, interval)
    rate = np.fft.irfft(1j * frequencies * np.fft.rfft(w, 4 * w.size))[:samples]
    components = [Component.named(n) for n in ("pressure", "pressure", "vx", "vz") for _ in x]
    acquisition = Acquisition(sources, np.concatenate([*lines, lines[1], lines[1]]), components)
    return Gathers(acquisition, interval, data, 100 * rate / WATER**2)


def config(part: str, spacing: float, band: float, iterations: int) -> str:
    """Config of a part."""
    acoustic = part == "acoustic"
    names = ("vp", "rho") if acoustic else ("vp", "vs", "rho")
    files = ", ".join(f"{n}: {{}}_{n}.npy" for n in names)
    weights = "" if part == "all" else "  component_weights: {vx: 0, vz: 0}\n"
    return (
        f"model: {{{files.replace('{}', 'start')}, spacing: {spacing:g}}}\n"
        f"reference: {{{files.replace('{}', 'true')}, spacing: {spacing:g}}}\n"
        f"data: {{file: {'pressures' if acoustic else 'records'}.h5}}\n"
        "physics:\n"
        f"  equation: {'variable_density' if acoustic else 'elastic'}\n"
        f"  min_points_per_wavelength: 3\n"
        "inversion:\n"
        f"  invert_for: {{{', '.join(f'{n}: {BOUNDS[n]}' for n in names)}}}\n"
        "  fixed: 480\n"
        f"{'' if acoustic else weights}"
        f"  stages: [{{band: [0, {band:g}], iterations: {iterations}}}]\n"
        "execution: {workers: 2}\n"
    )


def error(values: Any, true: Any, where: Any) -> float:
    """Relative L2 difference at some points."""
    return float(np.linalg.norm((values - true)[where]) / np.linalg.norm(true[where]))


def run(part: str, folder: Path, text: str) -> None:
    """Invert, and print errors and costs."""
    path = folder / f"{part}.yaml"
    path.write_text(text, encoding="utf-8")
    begun = time.monotonic()
    run_inversion(load_config(path), folder / part, force=True)
    elapsed = time.monotonic() - begun
    history = read_history(folder / part / "inversion.h5")
    true = {n: np.load(folder / f"true_{n}.npy") for n in ("vp", "vs", "rho")}
    depth = np.load(folder / "depth.npy")
    where = (true["vs"] > 0) & (depth <= DEPTH)
    texts = []
    with h5py.File(folder / part / "inversion.h5") as file:
        for name in file["result"]:
            before, after = (
                error(file[f"{group}/{name}"][...], true[name], where)
                for group in ("start", "result")
            )
            texts.append(
                f"{name} {before:.4f} to {after:.4f} ({100 * (after / before - 1):+.1f} %)"
            )
    click.echo(
        f"{part:9s} {', '.join(texts)}; misfit {history['misfit'][0]:.4f} to "
        f"{history['misfit'][-1]:.4f}, {int(history['evaluations'][-1])} evaluations, "
        f"{elapsed:.0f} s with a load of {os.getloadavg()[1]:.1f}"
    )


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--spacing", default=20.0, help="Spacing of the grid [m], a multiple of 10.")
@click.option("--band", default=4.0, help="Upper edge of the band [Hz].")
@click.option("--iterations", default=10)
@click.option("--duration", default=4.5, help="Of the records [s].")
@click.option("--folder", default="runs/elastic", type=click.Path(path_type=Path))
def main(
    parts: tuple[str, ...],
    spacing: float,
    band: float,
    iterations: int,
    duration: float,
    folder: Path,
) -> None:
    """Run the inversions; all PARTS by default."""
    if "ELASTIC_MARMOUSI" not in os.environ:
        click.echo("elastic: skipped; set ELASTIC_MARMOUSI to the file of models and records")
        return
    path = Path(os.environ["ELASTIC_MARMOUSI"])
    folder.mkdir(parents=True, exist_ok=True)
    for group, properties in zip(("true", "start"), models(path, spacing), strict=True):
        for name, values in properties.items():
            np.save(folder / f"{group}_{name}.npy", values)
    shape = values.shape
    np.save(folder / "depth.npy", np.broadcast_to(spacing * np.arange(shape[1]), shape))
    gathers = records(path, duration)
    write_gathers(folder / "records.h5", gathers, {})
    count = gathers.acquisition.receivers.shape[0] // 2
    pressures = Acquisition(gathers.acquisition.sources, gathers.acquisition.receivers[:count])
    data = gathers.data[:, :count]
    write_gathers(
        folder / "pressures.h5", Gathers(pressures, gathers.interval, data, gathers.wavelet), {}
    )
    for part in parts or PARTS:
        run(part, folder, config(part, spacing, band, iterations))


if __name__ == "__main__":
    main()
