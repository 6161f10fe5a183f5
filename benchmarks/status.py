"""Seconds of `fwi status` on a run of 1000 iterations and 10 000 shots: whole processes, warm disk.

The folder is that of a run in its last iteration: its progress, its log of 20 000 lines, its sign
of life and a result of 1000 iterates of a small model. A folder on a network file system takes as
long as its few small reads; `--folder` names one. Last, the memory of the process.

    python benchmarks/status.py [--repeat 20] [--folder DIR]
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import click
import h5py
import numpy as np

ITERATIONS, SHOTS = 1000, 10_000


def write(folder: Path) -> None:
    """Write the folder of a long run."""
    (folder / "config.yaml").write_text("# resolved by fwi\nmodel: {}\n", encoding="utf-8")
    status = {
        "fwicli_status": 1,
        "kind": "invert",
        "state": "running",
        "process": {"host": "node", "pid": 1},
        "iterations": [ITERATIONS // 2, ITERATIONS // 2],
        "stage": 2,
        "iteration": ITERATIONS // 2,
        "shots_done": SHOTS // 3,
        "shots": SHOTS,
        "workers": 400,
        "seconds": 3600.0 * ITERATIONS,
    }
    (folder / "status.json").write_text(json.dumps(status, indent=1), encoding="utf-8")
    with (folder / "progress.jsonl").open("w", encoding="utf-8") as file:
        for stage in (1, 2):
            for n in range(ITERATIONS // 2):
                number = n + (stage - 1) * ITERATIONS // 2
                record = {"time": 3600 * number, "stage": stage, "iteration": n}
                record |= {"misfit": 0.999**number, "evaluations": 2 * n + 1}
                record |= {"simulations": 4 * SHOTS * number, "seconds": 3600.0 * number}
                file.write(json.dumps(record) + "\n")
    line = "2026-01-01 00:00:00 stage 1 iteration 7: misfit 0.7 after 15 evaluations\n"
    (folder / "log.txt").write_text(20 * ITERATIONS * line, encoding="utf-8")
    with h5py.File(folder / "inversion.h5", "w") as result:
        for number in range(1, ITERATIONS + 1):
            result[f"iterates/{number:04d}/vp"] = np.zeros((200, 100), np.float32)


@click.command()
@click.option("--repeat", default=20, show_default=True, help="Runs of each command.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the run is written.")
def main(repeat: int, folder: Path | None) -> None:
    """Print minimum, median and largest time of the command."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        write(Path(place))
        commands = {"fwi status": [place], "fwi status --json": [place, "--json"]}
        click.echo(
            "| command | fastest [s] | median [s] | slowest [s] |\n| --- | --- | --- | --- |"
        )
        for name, arguments in commands.items():
            seconds = []
            for _ in range(repeat + 1):
                started = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-m", "fwicli", "status", *arguments],
                    check=True,
                    capture_output=True,
                    env={**os.environ, "OMP_NUM_THREADS": "1"},
                )
                seconds.append(time.perf_counter() - started)
            row = " | ".join(f"{f(seconds[1:]):.2f}" for f in (min, median, max))
            click.echo(f"| {name} | {row} |")
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
        click.echo(f"memory: {memory:.0f} MB")


if __name__ == "__main__":
    main()
