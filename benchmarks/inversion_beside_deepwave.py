"""Time and model error of Marmousi-II beside the loop that a user of Deepwave would write.

    MARMOUSI=DATA python benchmarks/inversion_beside_deepwave.py [--gradients 6] [--spacing 20]

Both have the same records of another program, start, bands and gradients a band, and all cores.
Theirs is on one grid (see `deepwave_inversion.py`); ours is `configs/marmousi_invert.yaml` with
these stages. Errors are of vp below the water and above 2.5 km, relative L2 and structural
similarity (Wang et al. 2004, IEEE Trans. Image Process. 13, 600-612, Gaussian windows of 100 m,
slowest to fastest velocity as range), on the 7.5 m grid. A model counts when its misfit is the
lowest of its band so far. Deepwave has to be installed: `pip install torch deepwave==0.1.0`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from fwicli import cores, earth_model, load_config, read_history, run_inversion

Array = NDArray[Any]

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "marmousi_invert.yaml"
SPACING, DEPTH, WINDOW = 7.5, 2500.0, 100.0


class Judge:
    """Errors of a velocity model against the true one."""

    def __init__(self) -> None:
        sections = load_config(CONFIG).config
        self.start = earth_model(sections.model)
        self.true = earth_model(sections.reference)
        self.where = ~self.start.water() & self.start.above(DEPTH)

    def __call__(self, vp: Array) -> tuple[float, float]:
        """Relative L2 error and structural similarity."""
        true, where = self.true.vp.astype(float), self.where
        found = vp.astype(float)
        error = np.linalg.norm((found - true)[where]) / np.linalg.norm(true[where])
        return float(error), float(similarity(found, true)[where].mean())


def similarity(a: Array, b: Array) -> Array:
    """Structural similarity at every point."""

    def mean(values: Array) -> Array:
        return np.asarray(gaussian_filter(values, WINDOW / SPACING))

    span = b.max() - b.min()
    small, smaller = (0.01 * span) ** 2, (0.03 * span) ** 2
    mean_a, mean_b = mean(a), mean(b)
    var_a, var_b = mean(a**2) - mean_a**2, mean(b**2) - mean_b**2
    both = mean(a * b) - mean_a * mean_b
    return np.asarray(
        (2 * mean_a * mean_b + small)
        * (2 * both + smaller)
        / ((mean_a**2 + mean_b**2 + small) * (var_a + var_b + smaller))
    )


def theirs(folder: Path, task: dict[str, Any], judge: Judge) -> list[dict[str, float]]:
    """Time and errors after every gradient that lowered the misfit of its band."""
    folder.mkdir(parents=True, exist_ok=True)
    ratio = SPACING / task["spacing"]
    # The start is smooth; the water is where the coarse points are.
    coarse = zoom(judge.start.vp, ratio, order=1, grid_mode=True, mode="nearest")
    water = zoom(judge.start.water().astype(float), ratio, order=0, grid_mode=True, mode="nearest")
    np.save(folder / "start.npy", coarse)
    np.save(folder / "free.npy", water < 0.5)
    task |= {"start": str(folder / "start.npy"), "free": str(folder / "free.npy")}
    task |= {"folder": str(folder)}
    script = Path(__file__).with_name("deepwave_inversion.py")
    found, best = [], dict.fromkeys(task["bands"], np.inf)
    with subprocess.Popen(
        [sys.executable, str(script), json.dumps(task)], stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            record = json.loads(line)
            if record["misfit"] >= best[record["band"]]:
                continue
            best[record["band"]] = record["misfit"]
            vp = _fine(np.load(record["model"]), judge.true.vp.shape)
            vp = np.where(judge.start.water(), judge.start.vp, vp)
            error, likeness = judge(vp)
            found.append({"seconds": record["seconds"], "error": error, "ssim": likeness})
            click.echo(f"  Deepwave {record['seconds']:7.0f} s: {error:.4f}, {likeness:.3f}")
    return found


def _fine(vp: Array, shape: tuple[int, ...]) -> Array:
    """A model on the grid of the true one."""
    factors = [n / m for n, m in zip(shape, vp.shape, strict=True)]
    return np.asarray(zoom(vp, factors, order=1, grid_mode=True, mode="nearest"))


def ours(folder: Path, task: dict[str, Any], judge: Judge) -> list[dict[str, float]]:
    """Time and errors after every iteration; time counts from the command's first line."""
    stages = ", ".join(
        f"{{band: [0, {corner}], iterations: {task['gradients'] - 2}, spacing: auto}}"
        for corner in task["bands"]
    )
    settings = (f"inversion.stages=[{stages}]", f"data.shots='::{task['every']}'")
    begun = time.perf_counter()
    run_inversion(load_config(CONFIG, "invert", settings), folder, force=True)
    whole = time.perf_counter() - begun
    history = read_history(folder / "inversion.h5")
    extra = whole - history["seconds"][-1]  # plan and pictures
    found = []
    with h5py.File(folder / "inversion.h5") as file:
        for number, name in enumerate(sorted(file["iterates"])):
            error, likeness = judge(file["iterates"][name]["vp"][...])
            seconds = float(history["seconds"][number] + extra)
            gradients = float(history["simulations"][number] / 2 / len(task["shots"]))
            found.append(
                {"seconds": seconds, "error": error, "ssim": likeness, "gradients": gradients}
            )
    return found


def first_as_good(runs: list[dict[str, float]], key: str, goal: float) -> float | None:
    """Seconds to the first model as good as the goal."""
    sign = -1 if key == "ssim" else 1
    good = [r["seconds"] for r in runs if sign * r[key] <= sign * goal]
    return good[0] if good else None


@click.command()
@click.option("--bands", default="3,5,7.5", show_default=True, help="Upper edges [Hz].")
@click.option("--gradients", default=6, show_default=True, help="Of all shots, in each band.")
@click.option("--spacing", default=20.0, show_default=True, help="Of Deepwave's grid [m].")
@click.option("--every", default=1, show_default=True, help="Take every so manieth shot.")
@click.option("--only", type=click.Choice(["ours"]), help="Do not run Deepwave's side.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the numbers here.")
@click.option("--folder", default="runs/race", type=click.Path(path_type=Path))
def main(
    bands: str,
    gradients: int,
    spacing: float,
    every: int,
    only: str | None,
    path: Path | None,
    folder: Path,
) -> None:
    """Run both, and print how long each took to which error."""
    if "MARMOUSI" not in os.environ:
        click.echo("race: skipped; set MARMOUSI to the folder of the model and the records")
        return
    if only is None and find_spec("deepwave") is None:
        click.echo("race: skipped; pip install torch deepwave==0.1.0")
        return
    records = Path(os.environ["MARMOUSI"]) / "marmousi2_shots.h5"
    with h5py.File(records) as file:
        shots = list(range(0, file["data"].shape[0], every))
    task: dict[str, Any] = {
        "records": str(records),
        "bands": [float(b) for b in bands.split(",")],
        "gradients": gradients,
        "spacing": spacing,
        "recorded_spacing": SPACING,
        "every": every,
        "shots": shots,
        "threads": cores(),
    }
    judge = Judge()
    error, likeness = judge(judge.start.vp)
    click.echo(f"start: error {error:.4f}, similarity {likeness:.3f}")
    us = ours(folder / "ours", task, judge)
    for r in us:
        click.echo(f"  fwi      {r['seconds']:7.0f} s: {r['error']:.4f}, {r['ssim']:.3f}")
    last = us[-1]
    click.echo(
        f"ours: error {last['error']:.4f}, similarity {last['ssim']:.3f} after "
        f"{last['gradients']:.0f} gradients"
    )
    them = theirs(folder / "deepwave", task, judge) if only is None else []
    for key in ("error", "ssim") if them else ():
        goal, spent = them[-1][key], them[-1]["seconds"]
        ready = first_as_good(us, key, goal)
        click.echo(
            f"{key}: ours {us[-1][key]:.4f} after {us[-1]['gradients']:.0f} gradients and "
            f"{us[-1]['seconds']:.0f} s, Deepwave's {goal:.4f} after {spent:.0f} s; "
            + (
                f"reached by ours in 1/{spent / ready:.0f} of it"
                if ready
                else "not reached by ours"
            )
        )
    if path is not None:
        path.write_text(json.dumps({"task": task, "ours": us, "theirs": them}, indent=1))


if __name__ == "__main__":
    main()
