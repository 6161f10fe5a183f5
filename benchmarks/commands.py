"""Start-up of the commands: whole processes, alternately, with warm disk.

python benchmarks/commands.py [--repeat 7]
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import click

ROOT = Path(__file__).resolve().parents[1]
FWI = Path(sys.executable).with_name("fwi")


@click.command()
@click.option("--repeat", default=7, show_default=True, help="Runs of each command.")
def main(repeat: int) -> None:
    """Print minimum and median time of each command."""
    commands = {"fwi --help": ["--help"], "fwi check demo": ["check", "configs/demo_model.yaml"]}
    if "MARMOUSI" in os.environ:
        commands["fwi check marmousi"] = ["check", "configs/marmousi_invert.yaml"]
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeat + 1):
        for name, arguments in commands.items():
            started = time.perf_counter()
            subprocess.run([FWI, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - started)
    for name, values in seconds.items():
        timed = values[1:]  # the first warms the disk
        click.echo(f"{name:<20} {min(timed):.2f} s at least, {median(timed):.2f} s in the median")


if __name__ == "__main__":
    main()
