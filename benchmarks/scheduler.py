"""Time and memory of Dask's scheduler and of the sums on workers, without any waves.

    python benchmarks/scheduler.py [--shots 5000] [--workers 8] [--megabytes 0.1 1 10 100]
                                   [--images empty window whole] [--json FILE]

Shots do nothing and share a model of float32 numbers. Their images are empty, or ones in a tenth of
the model that moves along the line, or ones everywhere. Sums are in double precision. Printed are,
for each size of the model, the time per shot, the part of it that the process of client and
scheduler computes, the memory that this process takes for the evaluation, also in models, and the
size of the sum. Whole images are made of few shots: the memory bus is the limit, as the workers
write, send and add them on few cores.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from fwicli import ExecutionSection, Executor, Grid, Stack, Window, start_workers, sum_tasks

# Part of the model in a window; shots whose images fill the whole model, and windows, at most [MB].
WINDOW, WHOLE, MOST = 0.1, 64, 5000.0
IMAGES = ("empty", "window", "whole")


@dataclass(frozen=True)
class Nothing:
    """A shot without waves, as a function of the model."""

    position: float
    image: str

    def __call__(self, model: dict[str, Any]) -> Stack:
        """Run it; its position is from 0 to 1."""
        columns, depth = model["vp"].shape
        width = {"empty": 1, "window": int(WINDOW * columns), "whole": columns}[self.image]
        shape = width, 1 if self.image == "empty" else depth
        first = 0 if self.image == "empty" else int(self.position * (columns - width))
        window = Window(Grid((columns, depth), (1.0, 1.0), (0.0, 0.0)), (first, 0), shape)
        return Stack(window, {"vp": np.ones(shape, dtype=np.float32)})


@dataclass(frozen=True)
class Shot:
    """A shot without waves."""

    common: dict[str, Any]
    position: float
    image: str

    def detached(self) -> Nothing:
        """The shot without the model."""
        return Nothing(self.position, self.image)

    def __call__(self) -> Stack:
        """Run it."""
        return self.detached()(self.common)


def peak() -> float:
    """Largest memory of this process since `forget` [bytes]."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return 1024.0 * int(line.split()[1])
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def forget() -> float:
    """Let the memory that there is be the largest; it is returned [bytes]."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def measured(executor: Executor, shots: int, megabytes: float, image: str) -> dict[str, Any]:
    """One evaluation."""
    before = forget()
    side = int((megabytes * 1e6 / 4) ** 0.5)
    model = {"vp": np.ones((side, side), dtype=np.float32)}
    began, cpu = time.perf_counter(), time.process_time()
    tasks = [Shot(model, number / shots, image) for number in range(shots)]
    stack = sum_tasks(executor, tasks)
    seconds, computed = time.perf_counter() - began, time.process_time() - cpu
    (values,) = stack.values.values()
    return {
        "model_mb": megabytes,
        "image": image,
        "shots": shots,
        "seconds": round(seconds, 2),
        "ms_per_shot": round(1e3 * seconds / shots, 3),
        "cpu_ms_per_shot": round(1e3 * computed / shots, 3),
        "client_models": round((peak() - before) / model["vp"].nbytes, 2),
        "client_mb": round((peak() - before) / 1e6, 1),
        "sum_mb": round(values.nbytes / 1e6, 1),
    }


def main() -> None:
    """Print a row for each size and kind of image."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--shots", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--megabytes", type=float, nargs="+", default=[0.1, 1.0, 10.0, 100.0])
    parser.add_argument("--images", nargs="+", choices=IMAGES, default=IMAGES)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    rows = []
    click.echo(f"{chosen.workers} workers on {os.cpu_count()} cores")
    click.echo(
        f"{'model':>9}{'image':>8}{'shots':>7}{'ms/shot':>9}{'CPU':>7}{'client':>18}{'sum':>9}"
    )
    with start_workers(ExecutionSection(engine="dask"), chosen.workers) as executor:
        measured(executor, 64, 0.1, "empty")  # the first call starts connections
        for megabytes in chosen.megabytes:
            for image in chosen.images:
                most = {"whole": WHOLE, "window": int(MOST / megabytes / WINDOW)}
                shots = min(chosen.shots, most.get(image, chosen.shots))
                row = measured(executor, shots, megabytes, image)
                rows.append(row)
                click.echo(
                    f"{megabytes:>6g} MB{image:>8}{shots:>7}{row['ms_per_shot']:>9}"
                    f"{row['cpu_ms_per_shot']:>7}"
                    f"{row['client_mb']:>8} MB ={row['client_models']:>6}"
                    f"{row['sum_mb']:>6} MB"
                )
    if chosen.json:
        chosen.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    row = next((r for r in rows[::-1] if r["image"] == "empty"), rows[-1])
    click.echo(
        f"{row['model_mb']:g} MB, {row['image']} images: {row['ms_per_shot']} ms a shot, of "
        f"which client and scheduler compute {row['cpu_ms_per_shot']} ms; "
        f"{row['client_models']} models in the client"
    )


if __name__ == "__main__":
    main()
