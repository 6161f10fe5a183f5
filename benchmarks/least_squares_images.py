"""Correlation of images of Marmousi-II with its reflectivity: migration, and least squares by pass.

    MARMOUSI=/path/to/data python benchmarks/least_squares_images.py [--shots 0:25:3] [--passes 20]
        [--spacing 15] [--highest 12]

A pass is one run over the shots: the first gradient, and each product or batch after it. Fewer
shots, a larger spacing [m] and a lower highest frequency [Hz] are quicker.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import click

CONFIGS = Path(__file__).parents[1] / "configs"
# Two passes over the data: the first step takes all shots, and five batches of five as many.
BATCHES = "least_squares.solver={kind: bregman, batch: 5, quantile: 0, transform: {kind: none}}"
UNKNOWN = [BATCHES, "least_squares.iterations=6", "least_squares.source={estimate: common}"]


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


def main() -> None:
    """Run the migrations and print their correlations."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shots", default="", help="start:stop:step; all by default")
    parser.add_argument("--passes", type=int, default=20)
    parser.add_argument("--spacing", type=float, default=15.0, help="of the image [m]")
    parser.add_argument("--highest", type=float, default=0.0, help="frequency [Hz]; 0 for all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = correlations("rtm", folder / "rtm", settings(options, "imaging"))[-1]
        click.echo(f"fwi rtm: {image:.3f}")
        chosen = settings(options, "least_squares")
        steps = [f"least_squares.iterations={options.passes - 1}"]
        by_pass = correlations("lsrtm", folder / "known", [*chosen, *steps])
        for number, value in enumerate(by_pass, start=2):
            click.echo(f"least squares, {number} passes: {value:.3f}, {value - image:+.3f}")
        value = correlations("lsrtm", folder / "unknown", [*chosen, *UNKNOWN])[-1]
        click.echo(f"2 passes, wavelet unknown: {value:.3f}, {value - image:+.3f}")


if __name__ == "__main__":
    main()
