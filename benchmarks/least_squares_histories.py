"""Images of least-squares migration with histories that are not exact, beside the stored one.

    python benchmarks/least_squares_histories.py [--iterations 20]

121 x 51 points of 10 m, 2000 m/s above 2040 m/s and a block of 2100 m/s, 6 shots, Ricker wavelet of
12 Hz, 0.8 s; 20 steps of each solver, without a threshold. The residual is that of the progress,
relative to that without an image; the correlation is that with the reflectivity of the true model,
and the error that of the image beside the one of the history of every step.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import h5py
import numpy as np

RECORDS = """\
model: {vp: {file: true.npy}, spacing: 10}
geometry:
  sources: {x: {start: 100, stop: 1100, count: 6}, z: 20}
  receivers: {x: {start: 0, stop: 1200, step: 20}, z: 20}
wavelet: {kind: ricker, frequency: 12}
time: {interval: 0.004, duration: 0.8}
"""
MIGRATION = """\
model: {vp: 2000.0, shape: [121, 51], spacing: 10}
reference: {vp: {file: true.npy}, spacing: 10}
data: {file: shots/shots.h5}
least_squares: {mute: 100}
"""
WHOLE = ["full", "subsampled", "{keep: compressed, bits: 8}", "fourier"]
FEW = [
    "{keep: fourier, count: 16}",
    "{keep: fourier, count: 40}",
    *(f"{{keep: probes, count: {count}}}" for count in (4, 8, 16, 32)),
]
# Conjugate gradients refuse few frequencies.
RUNS = {
    "{kind: conjugate_gradients}": WHOLE,
    "{kind: bregman, quantile: 0.0, transform: {kind: none}}": [*WHOLE, *FEW],
    "{kind: fista, weight: 0.0001, transform: {kind: none}}": [*WHOLE, *FEW],
}


def earth() -> np.ndarray:
    """Velocity of the true model [m/s]."""
    vp = np.full((121, 51), 2000.0, np.float32)
    vp[:, 25:] = 2040.0
    vp[40:80, 35:] = 2100.0
    return vp


def command(*words: str) -> None:
    """Run a command of `fwi`."""
    fwi = [sys.executable, "-m", "fwicli", *words]
    subprocess.run(fwi, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def migrate(folder: Path, settings: list[str]) -> tuple[dict[str, float], np.ndarray]:
    """Last line of the progress, and the image."""
    out = folder / "lsrtm"
    choices = [word for setting in settings for word in ("--set", setting)]
    command("lsrtm", str(folder / "lsrtm.yaml"), "-o", str(out), "--force", *choices)
    last = json.loads((out / "progress.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    with h5py.File(out / "image.h5") as file:
        return last, np.array(file["image"])


@click.command()
@click.option("--iterations", default=20, show_default=True)
def main(iterations: int) -> None:
    """Print residual, correlation and error of the images."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "true.npy", earth())
        (folder / "model.yaml").write_text(RECORDS, encoding="utf-8")
        (folder / "lsrtm.yaml").write_text(MIGRATION, encoding="utf-8")
        command("model", str(folder / "model.yaml"), "-o", str(folder / "shots"))
        for solver, histories in RUNS.items():
            exact = None
            for history in histories:
                steps = f"least_squares.iterations={iterations}"
                chosen = [steps, f"least_squares.solver={solver}", f"physics.history={history}"]
                last, image = migrate(folder, chosen)
                exact = image if exact is None else exact
                error = np.linalg.norm(image - exact) / np.linalg.norm(exact)
                click.echo(
                    f"{solver.split(',')[0].strip('{}'):26} {history:28} "
                    f"residual {last['residual']:.3f}  correlation {last['correlation']:.3f}  "
                    f"error {error:.4f}"
                )


if __name__ == "__main__":
    main()
