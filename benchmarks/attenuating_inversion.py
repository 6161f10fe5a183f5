"""Errors of vp after inversions of attenuating cross-well records with and without Q.

    python benchmarks/attenuating_inversion.py [with] [start] [without] [--quality 40]
        [--iterations 30] [--folder runs/attenuating]

Sources are in one well, receivers in another 400 m away; records have a Ricker wavelet of 40 Hz.
Velocity has anomalies of 10 % in 2000 m/s, and the Q of the rocks is `--quality`, but a third of it
in a layer and three times as much in another. Records are modelled on a grid of 2.5 m, and inverted
on one of 5 m. The parts start with 2000 m/s and invert

    with        for vp and qp, with `viscoacoustic`; Q starts at that of the rocks
    start       for vp, with `viscoacoustic`, and Q as `with` starts
    without     for vp, with `velocity_pressure`

Errors are relative L2 errors between the wells, of the start and of the result.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np

from fwicli import load_config, read_history, run_inversion, run_model

PARTS = ("with", "start", "without")
VP, RHO, FREQUENCY = 2000.0, 2000.0, 40.0
WIDTH, DEPTH, FINE, COARSE = 400.0, 600.0, 2.5, 5.0
# Of anomalies: x, z and radius [m], and their share of the velocity.
ANOMALIES = ((130.0, 180.0, 50.0, 0.1), (270.0, 300.0, 60.0, -0.1), (140.0, 430.0, 50.0, 0.08))
# Ends in depth of layers [m], and their Q in that of the rocks.
LAYERS = ((230.0, 330.0, 1 / 3), (430.0, 500.0, 3.0))


def earth(quality: float, spacing: float) -> dict[str, np.ndarray]:
    """The true vp and qp."""
    x = spacing * np.arange(round(WIDTH / spacing) + 1)[:, None]
    z = spacing * np.arange(round(DEPTH / spacing) + 1)
    share = sum(
        size * np.exp(-((x - x0) ** 2 + (z - z0) ** 2) / (2 * radius**2))
        for x0, z0, radius, size in ANOMALIES
    )
    qp = np.full(share.shape, quality)
    for top, bottom, factor in LAYERS:
        qp[:, (z >= top) & (z < bottom)] *= factor
    return {"vp": VP * (1 + share), "qp": qp}


def physics(equation: str) -> dict[str, Any]:
    """Settings of an equation on the grid of its model."""
    losses = {"reference_frequency": FREQUENCY} if equation == "viscoacoustic" else {}
    return {"equation": equation, "grid": "model", **losses}


def model(folder: Path, quality: float) -> None:
    """Model the records of the true earth."""
    for name, values in earth(quality, FINE).items():
        np.save(folder / f"true_{name}.npy", values)
    wells = {"start": 20.0, "stop": DEPTH - 20.0}
    config = {
        "model": {"vp": "true_vp.npy", "qp": "true_qp.npy", "rho": RHO, "spacing": FINE},
        "physics": physics("viscoacoustic"),
        "geometry": {
            "sources": {"x": 20.0, "z": {**wells, "step": 40.0}},
            "receivers": {"x": WIDTH - 20.0, "z": {**wells, "step": 10.0}},
        },
        "wavelet": {"kind": "ricker", "frequency": FREQUENCY},
        "time": {"interval": 0.001, "duration": 0.45},
        "execution": {"workers": 2},
    }
    path = folder / "model.yaml"  # JSON is YAML
    path.write_text(json.dumps(config), encoding="utf-8")
    run_model(load_config(path), folder / "records", force=True)


def inversion(part: str, quality: float, iterations: int) -> dict[str, Any]:
    """Config of a part."""
    shape = earth(quality, COARSE)["vp"].shape
    start: dict[str, Any] = {"vp": VP, "rho": RHO, "shape": list(shape), "spacing": COARSE}
    bounds: dict[str, Any] = {"vp": [1500, 2600]}
    if part != "without":
        start["qp"] = quality
    if part == "with":
        bounds["qp"] = {"bounds": [5, 20 * quality], "parameter": "log"}
    reference = {"vp": "vp.npy", "qp": "qp.npy", "rho": RHO, "spacing": COARSE}
    return {
        "model": start,
        "reference": reference,
        "data": {"file": "records/shots.h5"},
        "physics": physics("velocity_pressure" if part == "without" else "viscoacoustic"),
        "inversion": {
            "invert_for": bounds,
            "fixed": "nothing",
            "preconditioning": {"mutes": {"sources": 20, "receivers": 20}},
            "stages": [
                {"band": [0, 25], "iterations": iterations // 2},
                {"band": [0, 50], "iterations": iterations - iterations // 2},
            ],
        },
        "execution": {"workers": 2},
    }


def error(values: Any, true: Any) -> float:
    """Relative L2 error between the wells."""
    x = COARSE * np.arange(true.shape[0])
    where = (x > 40.0) & (x < WIDTH - 40.0)
    return float(np.linalg.norm((values - true)[where]) / np.linalg.norm(true[where]))


def run(part: str, folder: Path, quality: float, iterations: int) -> float:
    """Invert, print errors and costs; returns the error of vp."""
    path = folder / f"{part}.yaml"
    path.write_text(json.dumps(inversion(part, quality, iterations)), encoding="utf-8")
    begun = time.monotonic()
    run_inversion(load_config(path), folder / part, force=True)
    elapsed = time.monotonic() - begun
    history = read_history(folder / part / "inversion.h5")
    true, texts, last = earth(quality, COARSE), [], 0.0
    with h5py.File(folder / part / "inversion.h5") as file:
        for name in file["result"]:
            ends = [
                error(file[f"{group}/{name}"][...], true[name]) for group in ("start", "result")
            ]
            texts.append(f"{name} {ends[0]:.4f} to {ends[1]:.4f}")
            last = ends[1] if name == "vp" else last
    click.echo(
        f"{part:8s} {', '.join(texts)}; misfit {history['misfit'][-1]:.5f} of the data, "
        f"{int(history['evaluations'][-1])} evaluations, {elapsed:.0f} s with a load of "
        f"{os.getloadavg()[1]:.1f}"
    )
    return last


@click.command(help=__doc__)
@click.argument("parts", nargs=-1, type=click.Choice(PARTS))
@click.option("--quality", default=40.0, help="Q of the rocks.", show_default=True)
@click.option("--iterations", default=30, show_default=True)
@click.option("--folder", default="runs/attenuating", type=click.Path(path_type=Path))
def main(parts: tuple[str, ...], quality: float, iterations: int, folder: Path) -> None:
    """Model the records, and invert them part by part."""
    folder.mkdir(parents=True, exist_ok=True)
    model(folder, quality)
    for name, values in earth(quality, COARSE).items():
        np.save(folder / f"{name}.npy", values)
    errors = {part: run(part, folder, quality, iterations) for part in parts or PARTS}
    if errors.keys() >= {"with", "without"}:
        click.echo(f"error of vp with Q / without: {errors['with'] / errors['without']:.2f}")


if __name__ == "__main__":
    main()
