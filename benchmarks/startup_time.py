"""Seconds of commands and of a process's first shot: whole processes, alternately, warm disk.

The first run of each warms the disk and the kernel cache, and is not counted. A new process whose
kernels are on disk then tells how long its imports take, and its first and second shot: a gradient
of the 441 x 681 points of `speed_beside_deepwave.py`, 500 steps. What the second does not take of
the first is loading kernels and touching memory. A third process shoots on the 61 x 41 points of
the tutorials, 240 steps, again and again: the fastest of a hundred shots. Last, for each command,
what it imports of the large libraries, and their share.

    python benchmarks/startup_time.py [--repeat 7]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click

ROOT = Path(__file__).resolve().parents[1]
FWI = Path(sys.executable).with_name("fwi")
LARGE = ("devito", "h5py", "matplotlib", "numpy", "pydantic", "rich", "scipy", "sympy")

ONE_SHOT = """
model: {vp: 2000, shape: [301, 151], spacing: 10}
geometry: {sources: {x: 1500, z: 20}, receivers: {x: {start: 0, stop: 3000, step: 20}, z: 20}}
wavelet: {kind: ricker, frequency: 10}
time: {interval: 0.004, duration: 1}
execution: {workers: 1}
"""

FIRST = """
import time
started = time.perf_counter()
from importlib import import_module
import timed_operators
from fwicli.execution.server import PRELOAD
for module in PRELOAD:
    import_module(module)
problem = timed_operators.Problem((441, 681), 500)
imported = time.perf_counter()
gradient = timed_operators.ours(problem, "gradient")
gradient()
first = time.perf_counter()
gradient()
print(imported - started, first - imported, time.perf_counter() - first)
"""

SMALL = """
import time
import timed_operators
problem = timed_operators.Problem((61, 41), 240)
for kind in ("forward", "gradient"):
    shot, seconds = timed_operators.ours(problem, kind), []
    for _ in range(100):
        started = time.perf_counter()
        shot()
        seconds.append(time.perf_counter() - started)
    print(1e3 * min(seconds))
"""


def run(arguments: list[str | Path], **options: str) -> subprocess.CompletedProcess[str]:
    """Run a process to its end."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **options}
    return subprocess.run(
        arguments, cwd=ROOT, check=True, capture_output=True, text=True, env=environment
    )


def numbers(program: str) -> list[float]:
    """Numbers that a program prints, in a new process."""
    folders = os.pathsep.join([str(ROOT), str(ROOT / "benchmarks")])
    printed = run([sys.executable, "-c", program], PYTHONPATH=folders).stdout
    return [float(number) for number in printed.split()]


def imports(arguments: list[str | Path]) -> dict[str, float]:
    """Seconds that each large library takes of the imports of a command."""
    command = [sys.executable, "-X", "importtime", "-m", "fwicli", *arguments]
    own = re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", run(command).stderr)
    found: dict[str, float] = {}
    for microseconds, module in own:
        library = module.split(".")[0]
        if library in LARGE:
            found[library] = found.get(library, 0.0) + 1e-6 * float(microseconds)
    return found


@click.command()
@click.option("--repeat", default=7, show_default=True, help="Runs of each command.")
def main(repeat: int) -> None:
    """Print minimum and median time of each command."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "model.yaml"
        config.write_text(ONE_SHOT)
        commands: dict[str, list[str | Path]] = {
            "fwi --help": ["--help"],
            "fwi check demo": ["check", "configs/demo_model.yaml"],
            "fwi model, one shot": ["model", config, "-o", Path(folder) / "run", "--force"],
        }
        if "MARMOUSI" in os.environ:
            commands["fwi check marmousi"] = ["check", "configs/marmousi_invert.yaml"]
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        shots, small = [], []
        for _ in range(repeat + 1):
            for name, arguments in commands.items():
                started = time.perf_counter()
                run([FWI, *arguments])
                seconds[name].append(time.perf_counter() - started)
            shots.append(numbers(FIRST))
            small.append(numbers(SMALL))
        heavy = {name: imports(arguments) for name, arguments in commands.items()}
    click.echo("| command | fastest [s] | median [s] | imports [s] |\n| --- | --- | --- | --- |")
    for name, values in seconds.items():
        libraries = ", ".join(f"{n} {s:.2f}" for n, s in sorted(heavy[name].items()))
        row = f"{min(values[1:]):.2f} | {median(values[1:]):.2f} | {libraries or 'none of these'}"
        click.echo(f"| {name} | {row} |")
    click.echo(
        "\n| new process, warm kernel cache | fastest [s] | median [s] |\n| --- | --- | --- |"
    )
    for name, values in zip(
        ("imports", "first shot", "second shot"), zip(*shots[1:], strict=True), strict=True
    ):
        click.echo(f"| {name} | {min(values):.2f} | {median(values):.2f} |")
    click.echo("\n| 61 x 41 points, 240 steps | fastest [ms] | median [ms] |\n| --- | --- | --- |")
    for name, values in zip(("forward", "gradient"), zip(*small[1:], strict=True), strict=True):
        click.echo(f"| {name} | {min(values):.1f} | {median(values):.1f} |")


if __name__ == "__main__":
    main()
