"""Correlation of images of Marmousi-II with its reflectivity: migration, and least squares by pass.

    MARMOUSI=/path/to/data python benchmarks/least_squares_images.py [--shots 0:25:3] [--passes 20]
        [--spacing 15] [--highest 12] [--inversion] [--plain]

A pass is one run over the shots: the first gradient, and each product after it. Fewer
shots, a larger spacing [m] and a lower highest frequency [Hz] are quicker.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import h5py
import numpy as np

CONFIGS = Path(__file__).parents[1] / "configs"
# The earth: file, points, and their distance [m].
EARTH, SHAPE, STEP = "marmousi2_vp_1601x401_7.5m.f32", (1601, 401), 7.5
# A first guess of another frequency, amplitude, sign and delay; the direct wave in the water, which
# ends before the sea floor reflects, tells the wavelet of each shot.
WINDOW = (
    "[{kind: offsets, farthest: 700, taper: 200}, "
    "{kind: moveout, velocity: 1500, before: 0.5, taper: 0.1}]"
)
UNKNOWN = [
    "wavelet={kind: ricker, frequency: 10}",
    f"least_squares.source={{estimate: shot, lags: [-0.1, 0.3], window: {WINDOW}}}",
    "least_squares.iterations=1",
]
# Correlations without what `fwi rtm` has by the config: aperture, dips, illumination, Laplacian.
CORRELATION = ["imaging.condition=correlation", "imaging.max_angle=null", "imaging.max_dip=null"]
PLAIN = {
    "plain correlation": ["imaging.illumination=0", "imaging.laplacian=false"],
    "with illumination": ["imaging.illumination=0.01", "imaging.laplacian=false"],
    "with the Laplacian": ["imaging.illumination=0", "imaging.laplacian=true"],
    "with both": ["imaging.illumination=0.01", "imaging.laplacian=true"],
}
# An inversion up to 10 Hz, with every second shot and few iterations.
STAGES = (
    "inversion.stages=[{band: [0, 4], iterations: 8, spacing: 37.5}, "
    "{band: [0, 7], iterations: 8, spacing: 30}, {band: [0, 10], iterations: 10, spacing: 22.5}]"
)


def settings(options: argparse.Namespace, section: str) -> list[str]:
    """Settings of the config from those of the command line."""
    chosen = [f"{section}.spacing={options.spacing}"]
    if options.shots:
        chosen.append(f"data.shots='{options.shots}'")
    if options.highest:
        chosen.append(f"{section}.band=[0, {options.highest}]")
    return chosen


def correlations(command: str, folder: Path, chosen: list[str]) -> list[float]:
    """Correlation of the image of a run, after each step."""
    config = CONFIGS / f"marmousi_{command}.yaml"
    choices = [part for setting in chosen for part in ("--set", setting)]
    fwi = [sys.executable, "-m", "fwicli", command, str(config), "-o", str(folder), *choices]
    subprocess.run(fwi, check=True, stdout=subprocess.DEVNULL)
    lines = (folder / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    steps = [json.loads(line) for line in lines]
    return [step["correlation"] for step in steps if "correlation" in step]


def inverted(folder: Path) -> float:
    """Correlation of the image of an inverted model in the band up to 10 Hz."""
    fwi = [sys.executable, "-m", "fwicli"]
    chosen = ["--set", STAGES, "--set", "data.shots='0:25:2'"]
    config = str(CONFIGS / "marmousi_invert.yaml")
    run = [*fwi, "invert", config, "-o", str(folder), *chosen]
    subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
    image = [*fwi, "image", str(folder), "--band", "0", "10", "--json"]
    summary = subprocess.run(image, check=True, capture_output=True).stdout
    return float(json.loads(summary)["correlation"])


def perfect(result: Path) -> float:
    """Correlation of a perfect image with reflectors where the smooth model puts their times.

    Each column of the reflectivity is taken from vertical travel time in the earth to depth in the
    smooth model. No migration in that model has reflectors at other depths.
    """
    with h5py.File(result) as file:
        expected, smooth = np.array(file["reflectivity"]), np.array(file["vp"])
        spacing = float(file["vp"].attrs["spacing"][-1])
    earth = np.fromfile(Path(os.environ["MARMOUSI"]) / EARTH, "<f4").reshape(SHAPE) * 1000
    columns = np.minimum(np.rint(np.arange(len(smooth)) * spacing / STEP).astype(int), SHAPE[0] - 1)
    depths, true_depths = spacing * np.arange(smooth.shape[1]), STEP * np.arange(SHAPE[1])
    true_times, times = vertical_times(earth[columns], STEP), vertical_times(smooth, spacing)
    image = np.zeros(expected.shape)
    for column in range(len(image)):
        sources = np.interp(times[column], true_times[column], true_depths)
        image[column] = np.interp(sources, depths, expected[column])
    below = np.cumsum(smooth != smooth[:, :1], axis=1) > 0
    return float(np.corrcoef(image[below], expected[below])[0, 1])


def vertical_times(vp: np.ndarray, step: float) -> np.ndarray:
    """Two-way travel times from the top [s], of the shape of the velocities [m/s]."""
    slowness = 1 / vp.astype(float)
    return np.pad(np.cumsum(step * (slowness[:, 1:] + slowness[:, :-1]), axis=1), [(0, 0), (1, 0)])


def main() -> None:
    """Run the migrations and print their correlations."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shots", default="", help="start:stop:step; all by default")
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--spacing", type=float, default=15.0, help="of the image [m]")
    parser.add_argument("--highest", type=float, default=0.0, help="frequency [Hz]; 0 for all")
    parser.add_argument("--inversion", action="store_true", help="image an inverted model, too")
    parser.add_argument("--plain", action="store_true", help="migrate by correlation, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        image = correlations("rtm", folder / "rtm", settings(options, "imaging"))[-1]
        best = perfect(folder / "rtm" / "image.h5")
        click.echo(f"a perfect image at the times of the smooth model: {best:.3f}")
        click.echo(f"fwi rtm: {image:.3f}")
        for number, (name, choices) in enumerate(PLAIN.items() if options.plain else ()):
            chosen = [*settings(options, "imaging"), *CORRELATION, *choices]
            value = correlations("rtm", folder / f"plain_{number}", chosen)[-1]
            click.echo(f"{name}: {value:.3f}, {value - image:+.3f}")
        chosen = settings(options, "least_squares")
        steps = [f"least_squares.iterations={options.passes - 1}"]
        by_pass = correlations("lsrtm", folder / "known", [*chosen, *steps])
        for number, value in enumerate(by_pass, start=2):
            click.echo(f"least squares, {number} passes: {value:.3f}, {value - image:+.3f}")
        value = correlations("lsrtm", folder / "unknown", [*chosen, *UNKNOWN])[-1]
        click.echo(f"2 passes, wavelet unknown: {value:.3f}, {value - image:+.3f}")
        if options.inversion:
            click.echo(f"fwi image, up to 10 Hz: {inverted(folder / 'inverted'):.3f}")


if __name__ == "__main__":
    main()
