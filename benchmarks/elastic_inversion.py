"""Errors of vp and vs after elastic inversions of the elastic Marmousi-II, and acoustic beside.

    ELASTIC_MARMOUSI=FILE python benchmarks/elastic_inversion.py [grid] [all] [pressure] [acoustic]
        [--spacing 30] [--duration 4.5] [--workers 2] [--folder runs/elastic]

FILE is `elastic_marmousi2.h5`: twelve shots, whose pressure, vx and vz another program modelled at
117 nodes 30 m below the sea floor, and pressure at 117 receivers at 20 m. The parts invert

    grid        nothing: residuals of pressure, vx and vz in the true model on this grid
    all         pressure of both lines, and vx and vz of the nodes
    pressure    the pressure of both lines
    acoustic    the same pressure by `variable_density`

The start is a Gaussian mean of vp over 300 m below the sea floor; from it follow, in m/s and kg/m3,

    vs = max(600, (vp - 1360) / 1.16)       Castagna et al. (1985), Geophysics 50, 571-581
    rho = 310 vp**(1/4)                     Gardner et al. (1974), Geophysics 39, 770-780

An elastic inversion has four steps. Density follows vp in all of them. In all but the second, vs is
free, so that S waves do not bend vp. Records of 4 Hz say little about vs at depth. So the second
and the last step begin with the vs of the law again, and in the second it follows vp. An acoustic
inversion has one step of as many iterations. All steps but the last take every second shot.
Gradients are smoothed over a share of the wavelength: what is finer than that, few shots do not
tell from their own footprint.

The grid is three times as coarse as that of the records. The true model leaves 2 % of the pressure
on it, but 10 and 13 % of vx and vz next to the sea floor, as the part `grid` prints. So vx and vz
count by the square of that ratio, 0.03.

Errors are relative L2 errors below the sea floor and above 2.5 km, and their change by the
inversion.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NamedTuple

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
# Lowest vs of the law, and the upper bound [m/s].
LOWEST, HIGHEST = 600.0, 3000.0
BOUNDS = {"vp": "[1400, 5500]", "vs": f"[0, {HIGHEST:g}]"}
PARTS = ("grid", "all", "pressure", "acoustic")
# Of vx and vz beside pressure.
WEIGHT = 0.03
LAWS = {"vs": f"{{law: mudrock, least: {LOWEST:g}}}", "rho": "{law: gardner}"}
COMPONENTS = ("pressure", "vx", "vz")
FREE, LAWFUL = ("vp", "vs"), ("vp",)


class Step(NamedTuple):
    """Variables, iterations by upper edges of bands [Hz], whether vs restarts from its law."""

    names: tuple[str, ...]
    stages: dict[float, int]
    restart: bool = False
    every: int = 2


STEPS = (
    Step(FREE, {2.0: 12, 3.0: 12, 4.5: 12}),
    Step(LAWFUL, {3.0: 8, 4.5: 10}, restart=True),
    Step(FREE, {4.5: 16}),
    Step(FREE, {4.5: 16, 6.0: 14}, restart=True, every=1),
)
ACOUSTIC = (Step(LAWFUL, {2.0: 12, 3.0: 20, 4.5: 38}), Step(LAWFUL, {4.5: 16, 6.0: 14}, every=1))


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
    return true, lawful(vp, water)


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
        positions = [file[name][:].astype(float) for name in ("source_x", "source_z")]
    frequencies = 2 * np.pi * np.fft.rfftfreq(4 * w.size, interval)
    rate = np.fft.irfft(1j * frequencies * np.fft.rfft(w, 4 * w.size))[:samples]
    components = [Component.named(n) for n in ("pressure", "pressure", "vx", "vz") for _ in x]
    sources = np.stack(positions, axis=1)
    acquisition = Acquisition(sources, np.concatenate([*lines, lines[1], lines[1]]), components)
    return Gathers(acquisition, interval, data, 100 * rate / WATER**2)


def config(part: str, step: Step, grid: str) -> str:
    """Config of a step of a part."""
    names = step.names
    acoustic = part == "acoustic"
    properties = ("vp", "rho") if acoustic else ("vp", "vs", "rho")
    files = ", ".join(f"{n}: {{}}_{n}.npy" for n in properties)
    shots = f', shots: "::{step.every}"'
    followers = [n for n in properties if n not in names]
    weights = f"{{vx: {WEIGHT}, vz: {WEIGHT}}}" if part == "all" else "null"
    bands = ", ".join(
        f"{{band: [0, {high:g}], iterations: {n}}}" for high, n in step.stages.items()
    )
    return (
        f"model: {{{files.replace('{}', 'start')}, {grid}}}\n"
        f"reference: {{{files.replace('{}', '../true')}, {grid}}}\n"
        f"data: {{file: ../{'pressures' if part != 'all' else 'records'}.h5{shots}}}\n"
        "physics:\n"
        f"  equation: {'variable_density' if acoustic else 'elastic'}\n"
        "  min_points_per_wavelength: 2\n"
        "inversion:\n"
        f"  component_weights: {weights}\n"
        f"  invert_for: {{{', '.join(f'{n}: {BOUNDS[n]}' for n in names)}}}\n"
        f"  follow: {{{', '.join(f'{n}: {LAWS[n]}' for n in followers)}}}\n"
        "  fixed: 480\n"
        "  preconditioning: {smoothing: {wavelengths: 0.12}}\n"
        f"  stages: [{bands}]\n"
    )


def error(values: Any, true: Any, where: Any) -> float:
    """Relative L2 difference at some points."""
    return float(np.linalg.norm((values - true)[where]) / np.linalg.norm(true[where]))


def lawful(vp: Any, water: Any) -> dict[str, Any]:
    """Properties of the laws, below water; vs stays within its bounds."""
    return {
        "vp": np.where(water, WATER, vp),
        "vs": np.where(water, 0.0, np.clip((vp - 1360) / 1.16, LOWEST, HIGHEST)),
        "rho": np.where(water, 1000.0, 310 * vp**0.25),
    }


def run(part: str, folder: Path, start: dict[str, Any], settings: tuple[str, int]) -> None:
    """Invert, and print errors and costs after each step."""
    grid, workers = settings
    true = {n: np.load(folder / f"true_{n}.npy") for n in ("vp", "vs", "rho")}
    where = (true["vs"] > 0) & (np.load(folder / "depth.npy") <= DEPTH)
    model, seconds = dict(start), 0.0
    for number, step in enumerate(ACOUSTIC if part == "acoustic" else STEPS, 1):
        place = folder / f"{part}{number}"
        place.mkdir(exist_ok=True)
        if step.restart:
            model = lawful(model["vp"], start["vs"] == 0)
        for name, values in model.items():
            np.save(place / f"start_{name}.npy", values)
        text = config(part, step, grid) + f"execution: {{workers: {workers}}}\n"
        (place / "invert.yaml").write_text(text, encoding="utf-8")
        begun = time.monotonic()
        run_inversion(load_config(place / "invert.yaml"), place / "run", force=True)
        seconds += time.monotonic() - begun
        history = read_history(place / "run/inversion.h5")
        with h5py.File(place / "run/inversion.h5") as file:
            model |= {n: file[f"result/{n}"][...].astype(float) for n in file["result"]}
        texts = []
        for name in [n for n in ("vp", "vs", "rho") if part != "acoustic" or n != "vs"]:
            before, after = (error(m[name], true[name], where) for m in (start, model))
            texts.append(
                f"{name} {before:.4f} to {after:.4f} ({100 * (after / before - 1):+.1f} %)"
            )
        click.echo(
            f"{part:9s} {' and '.join(step.names):9s} {', '.join(texts)}; misfit "
            f"{history['misfit'][0]:.4f} to {history['misfit'][-1]:.4f}, {len(history['misfit'])} "
            f"iterations; so far {seconds:.0f} s with a load of {os.getloadavg()[1]:.1f}"
        )


def residuals(folder: Path, grid: str) -> None:
    """Print the relative residual of each component in the true model, below 4.5 Hz."""
    for component in COMPONENTS:
        others = ", ".join(f"{name}: 0" for name in COMPONENTS if name != component)
        (folder / "true.yaml").write_text(
            f"model: {{vp: true_vp.npy, vs: true_vs.npy, rho: true_rho.npy, {grid}}}\n"
            'data: {file: records.h5, shots: "::6"}\n'
            "physics: {equation: elastic, min_points_per_wavelength: 2}\n"
            f"inversion:\n  component_weights: {{{others}}}\n"
            f"  invert_for: {{vp: {BOUNDS['vp']}}}\n"
            "  stages: [{band: [0, 4.5], iterations: 1}]\n"
            "execution: {workers: 1}\n",
            encoding="utf-8",
        )
        run_inversion(load_config(folder / "true.yaml"), folder / "true", force=True)
        misfit = read_history(folder / "true/inversion.h5")["misfit"][0]
        click.echo(f"grid      {component}: {100 * np.sqrt(2 * misfit):.1f} % are left")


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--spacing", default=30.0, help="Spacing of the grid [m], a multiple of 10.")
@click.option("--duration", default=4.5, help="Of the records [s].")
@click.option("--workers", default=2)
@click.option("--folder", default="runs/elastic", type=click.Path(path_type=Path))
def main(
    parts: tuple[str, ...],
    spacing: float,
    duration: float,
    workers: int,
    folder: Path,
) -> None:
    """Run the inversions; all PARTS by default."""
    if "ELASTIC_MARMOUSI" not in os.environ:
        click.echo("elastic: skipped; set ELASTIC_MARMOUSI to the file of models and records")
        return
    path = Path(os.environ["ELASTIC_MARMOUSI"])
    folder.mkdir(parents=True, exist_ok=True)
    true, start = models(path, spacing)
    for name, values in true.items():
        np.save(folder / f"true_{name}.npy", values)
    shape = true["vp"].shape
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
        if part == "grid":
            residuals(folder, f"spacing: {spacing:g}")
            continue
        run(part, folder, start, (f"spacing: {spacing:g}", workers))


if __name__ == "__main__":
    main()
