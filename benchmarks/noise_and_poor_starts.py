"""Model error of Marmousi-II with noise, and from a poor start.

    MARMOUSI=DATA python benchmarks/noise_and_poor_starts.py [CASE ...] [--folder F]

Cases have three bands of six iterations, as `inversion_beside_deepwave.py` has, and the records of
another program. Noise has the amplitude spectrum of the records and, over all of them, a tenth of
their energy (10 dB); beside it, a hundredth of the traces are spikes thirty times as strong. The
poor start is a gradient of velocity below the water, the straight line that fits the true model
best. From there some cases begin at 2 Hz with steps that are smoothed, or with another misfit, and
take more iterations. Runs that are in the folder are only read.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np
from inversion_beside_deepwave import CONFIG, Judge
from numpy.typing import NDArray

from fwicli import load_config, read_history, run_inversion

Array = NDArray[Any]


def stages(*bands: tuple[float, int]) -> str:
    """Bands from 0 Hz to an upper edge, and how many iterations each has."""
    made = (f"{{band: [0, {top}], iterations: {n}, spacing: auto}}" for top, n in bands)
    return f"inversion.stages=[{', '.join(made)}]"


PLAIN = stages((3, 6), (5, 6), (7.5, 6))
# Smoothing keeps the first steps from the depths, where low frequencies see next to nothing.
SMOOTH = "inversion.preconditioning={illumination: {exponent: 1}, smoothing: {wavelengths: 0.3}}"
SLOW = stages((2, 20), (3, 12), (5, 12), (7.5, 8))
NOISY, SPIKY, LINE = "noise.h5", "spikes.h5", "line.npy"


def first(misfit: str) -> tuple[str, ...]:
    """Another misfit, with a higher band, in the first of these stages."""
    return SMOOTH, SLOW, "inversion.stages.0.band=[0, 3]", f"inversion.stages.0.misfit={misfit}"


# Settings, records and start of the cases.
CASES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "clean": ((PLAIN,), "", ""),
    "noise, least squares": ((PLAIN,), NOISY, ""),
    "noise, Student": ((PLAIN, "inversion.misfit=student_t"), NOISY, ""),
    "noise, Huber": ((PLAIN, "inversion.misfit=huber"), NOISY, ""),
    "spikes, least squares": ((PLAIN,), SPIKY, ""),
    "spikes, Student": ((PLAIN, "inversion.misfit=student_t"), SPIKY, ""),
    "line, least squares": ((PLAIN,), "", LINE),
    "line, smooth from 2 Hz": ((SMOOTH, SLOW), "", LINE),
    "line, envelope first": (first("envelope"), "", LINE),
    "line, adaptive first": (first("{kind: adaptive, max_lag: 1.0}"), "", LINE),
    "line, Wasserstein first": (first("wasserstein"), "", LINE),
}


def noisy(records: Path, path: Path, spikes: bool) -> None:
    """Records with noise of their own spectrum, 10 dB below them; and with strong traces."""
    shutil.copy(records, path)
    rng = np.random.default_rng(0)
    with h5py.File(path, "r+") as file:
        clean = file["data"][...].astype(float)
        spectrum = np.sqrt((np.abs(np.fft.rfft(clean, axis=-1)) ** 2).mean(axis=(0, 1)))
        phases = np.fft.rfft(rng.standard_normal(clean.shape), axis=-1)
        noise = np.fft.irfft(phases * spectrum, n=clean.shape[-1], axis=-1)
        noise *= np.sqrt(0.1 * np.sum(clean**2) / np.sum(noise**2))
        if spikes:
            noise[rng.random(clean.shape[:2]) < 0.01] *= 30
        file["data"][...] = clean + noise


def line(judge: Judge, path: Path) -> None:
    """The start with the line below the water that fits the true model best."""
    start, true = judge.start, judge.true
    depth = np.broadcast_to(np.arange(true.vp.shape[1]) * true.grid.spacing[1], true.vp.shape)
    below = ~start.water()
    slope, intercept = np.polyfit(depth[below], true.vp[below], 1)
    click.echo(f"line: {intercept:.0f} m/s + {slope:.3f} / s times depth")
    np.save(path, np.where(below, intercept + slope * depth, true.vp).astype(np.float32))


@click.command()
@click.argument("cases", nargs=-1, type=click.Choice(list(CASES)))
@click.option("--folder", default="runs/robustness", type=click.Path(path_type=Path))
def main(cases: tuple[str, ...], folder: Path) -> None:
    """Run the cases; all of them by default."""
    if "MARMOUSI" not in os.environ:
        click.echo("robustness: skipped; set MARMOUSI to the folder of the model and the records")
        return
    folder.mkdir(parents=True, exist_ok=True)
    records, judge = Path(os.environ["MARMOUSI"]) / "marmousi2_shots.h5", Judge()
    for name in (NOISY, SPIKY):
        if not (folder / name).exists():
            noisy(records, folder / name, name == SPIKY)
    line(judge, folder / LINE)
    click.echo(f"{'case':28s}  error: start, after each band          similarity")
    for case in cases or CASES:
        settings, data, start = CASES[case]
        path = folder / case.replace(", ", "-").replace(" ", "_")
        more = [f"data.file={(folder / data).resolve()}"] if data else []
        if start:
            vp = f"{{file: {(folder / start).resolve()}}}"
            more.append(f"model={{vp: {vp}, spacing: 7.5}}")
        if not (path / "inversion.h5").exists():
            run_inversion(load_config(CONFIG, "invert", (*settings, *more)), path, force=True)
        report(case, path / "inversion.h5", judge)


def report(case: str, path: Path, judge: Judge) -> None:
    """A line of errors."""
    history = read_history(path)
    with h5py.File(path) as file:
        models = [file["iterates"][name]["vp"][...] for name in sorted(file["iterates"])]
        start, ready = file["start"]["vp"][...], file["result"]["vp"][...]
    stages = np.asarray(history["stage"])
    last = [int(np.flatnonzero(stages == n)[-1]) for n in sorted(set(stages) - {0})]
    errors = [judge(start)[0], *(judge(models[i])[0] for i in last)]
    said = ", ".join(f"{e:.4f}" for e in errors)
    click.echo(f"{case:28s}  {said:38s}  {judge(start)[1]:.3f} to {judge(ready)[1]:.3f}")


if __name__ == "__main__":
    main()
