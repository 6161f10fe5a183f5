"""Errors of records, inversion and image of Marmousi-II, whose data another program made.

    MARMOUSI=DATA python benchmarks/marmousi_accuracy.py [records] [inversion] [image]

The folder holds `marmousi2_vp_1601x401_7.5m.f32` and `marmousi2_shots.h5`, records that another
program made. An inversion that is there already, in the folder given by --folder, is only read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np

from fwicli import (
    EarthModel,
    LoadedConfig,
    earth_model,
    load_config,
    read_gathers,
    read_history,
    reflectivity_correlation,
    run_inversion,
    run_migration,
    run_model,
)

CONFIGS = Path(__file__).resolve().parents[1] / "configs"

# Depth that errors are measured above [m].
DEPTH = 2500.0


def records(folder: Path) -> None:
    """Relative L2 difference of modelled records from the other program's, with no fitted scale."""
    summary = run_model(load_config(CONFIGS / "marmousi_model.yaml"), folder, force=True)
    ours = read_gathers(folder / "shots.h5").data.astype(float)
    theirs = read_gathers(Path(os.environ["MARMOUSI"]) / "marmousi2_shots.h5").data
    shots = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(ours, theirs, strict=True)]
    click.echo(
        f"records: relative L2 difference {np.linalg.norm(ours - theirs) / norm(theirs):.4f} over "
        f"{len(shots)} shots, {min(shots):.4f} to {max(shots):.4f} per shot, "
        f"{summary['seconds']:.0f} s"
    )


def inversion(folder: Path) -> None:
    """Model error, misfit, simulations and time at the end of each band."""
    config = load_config(CONFIGS / "marmousi_invert.yaml")
    path = folder / "inversion.h5"
    if not path.exists():
        run_inversion(config, folder)
    start, true = models(config)
    where = ~start.water() & start.above(DEPTH)
    history = read_history(path)
    click.echo("inversion: relative L2 model error below the water and above 2.5 km")
    click.echo("  stage     band [Hz]  error   misfit  simulations  time [s]")
    click.echo(f"  start                {error(start.vp, true.vp, where):.4f}")
    with h5py.File(path) as file:
        iterates = [file["iterates"][name]["vp"] for name in sorted(file["iterates"])]
        for number, stage in enumerate(config.config.inversion.stages, start=1):
            last = int(np.flatnonzero(history["stage"] == number)[-1])
            low, high = stage.band
            click.echo(
                f"  {number:5d}  {low:5g} to {high:4g}"
                f"  {error(iterates[last][...], true.vp, where):.4f}"
                f"  {history['misfit'][last]:.5f}  {history['simulations'][last]:11d}"
                f"  {history['seconds'][last]:8.0f}"
            )


def image(folder: Path) -> None:
    """Correlation of the image with the band-limited reflectivity of the true model."""
    config = load_config(CONFIGS / "marmousi_rtm.yaml")
    summary = run_migration(config, folder, force=True)
    smooth, _ = models(config)
    below = ~smooth.water()
    with h5py.File(folder / "image.h5") as file:
        found, expected = file["image"][...], file["reflectivity"][...]
    whole = reflectivity_correlation(found, expected, below)
    upper = reflectivity_correlation(found, expected, below & smooth.above(DEPTH))
    click.echo(
        f"image: correlation with the reflectivity {whole:.3f} below the water, {upper:.3f} of it "
        f"above 2.5 km, {summary['seconds']:.0f} s"
    )


def models(config: LoadedConfig) -> tuple[EarthModel, EarthModel]:
    """Smooth and true model of a config."""
    smooth, true = config.config.model, config.config.reference
    return earth_model(smooth), earth_model(true)


def norm(values: Any) -> float:
    """Euclidean norm in double precision."""
    return float(np.linalg.norm(values.astype(float)))


def error(found: Any, true: Any, where: Any) -> float:
    """Relative L2 difference at some points."""
    return norm((found - true)[where]) / norm(true[where])


PARTS: dict[str, Callable[[Path], None]] = {
    "records": records,
    "inversion": inversion,
    "image": image,
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--folder", default="runs/marmousi", type=click.Path(path_type=Path))
def main(parts: tuple[str, ...], folder: Path) -> None:
    """Run the comparisons; all PARTS by default."""
    if "MARMOUSI" not in os.environ:
        click.echo("marmousi: skipped; set MARMOUSI to the folder of the model and the records")
        return
    for part in parts or PARTS:
        PARTS[part](folder / part)


if __name__ == "__main__":
    main()
