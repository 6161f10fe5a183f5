"""Second-order optimizers beside L-BFGS, for velocity and density at once.

    python benchmarks/optimizer_cost.py [--target 3.5e-7] [--shots 6] [--json FILE]

Waves go through a square of 500 m from sources on all sides to receivers on all sides, 12 Hz,
with inclusions of velocity and of density at different places; the start is the background. Every
method inverts the same records by `fwi invert`, in its own folder, until the share of the data that
is not explained falls below the target. What counts is printed: outer iterations, evaluations of
the gradient, products with a second derivative, propagations of a shot (two for a gradient, three
for a product of Gauss and Newton, four for a full one), seconds, and the errors of the models
relative to that of the start.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from fwicli import Silent, load_config, read_state, run_inversion, run_model

METHODS = {
    "L-BFGS": "{method: lbfgs, memory: 20}",
    "L-BFGS, damped": "{method: lbfgs, memory: 20, damped: true}",
    "conjugate gradients": "{method: conjugate_gradient}",
    "spectral gradient": "{method: spectral_gradient}",
    "Gauss-Newton": "{method: gauss_newton, inner: 30}",
    "truncated Newton": "{method: newton, inner: 30}",
}
MOST = 150

MODEL = """\
model: {{vp: {{file: vp.npy}}, rho: {{file: rho.npy}}, spacing: 10}}
geometry:
  sources: {{x: {sx}, z: {sz}}}
  receivers: {{x: {rx}, z: {rz}}}
wavelet: {{kind: ricker, frequency: 12}}
time: {{interval: 0.004, duration: 0.5}}
physics: {{equation: variable_density}}
execution: {{workers: 1}}
"""
INVERT = """\
model: {{vp: 2000, rho: 1800, shape: [51, 51], spacing: 10}}
reference: {{vp: {{file: vp.npy}}, rho: {{file: rho.npy}}, spacing: 10}}
data: {{file: shots/shots.h5}}
inversion:
  invert_for: {{vp: [1600, 2600], rho: [1300, 2500]}}
  fixed: nothing
  stages: [{{band: [0, 30], iterations: {most}}}]
  optimizer: {method}
physics: {{equation: variable_density}}
execution: {{workers: 1}}
"""


@dataclass(frozen=True)
class Outcome:
    """What a method took to reach the target.

    Attributes
    ----------
    iterations : int
        Steps.
    reached : bool
        Whether the misfit fell below the target.
    evaluations : int
        Values with gradients.
    products : int
        Products with a second derivative.
    propagations : float
        Of one shot.
    misfit : float
        Share of the data that is left.
    error_vp, error_rho : float
        Errors of the models, relative to those of the start.
    """

    iterations: int
    reached: bool
    evaluations: int
    products: int
    propagations: float
    seconds: float
    misfit: float
    error_vp: float
    error_rho: float


def inclusions() -> tuple[np.ndarray, np.ndarray]:
    """Velocity [m/s] and density [kg/m3]."""
    x, z = np.meshgrid(10.0 * np.arange(51), 10.0 * np.arange(51), indexing="ij")

    def disc(x0: float, z0: float, radius: float) -> np.ndarray:
        return 1 / (1 + np.exp((np.hypot(x - x0, z - z0) - radius) / 8))

    vp = 2000 + 300 * disc(170, 200, 70) - 200 * disc(340, 320, 60)
    rho = 1800 + 400 * disc(330, 160, 60) - 250 * disc(180, 350, 60)
    return vp, rho


def around(count: int, inset: float) -> tuple[str, str]:
    """Positions [m] on the sides of the square, as lists for a config."""
    side = 500 - 2 * inset
    turn = np.arange(count) / count * 4
    leg, share = np.divmod(turn, 1)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    first, last = corners[leg.astype(int)], corners[leg.astype(int) + 1]
    places = inset + side * (first + (last - first) * share[:, None])
    x, z = (json.dumps([round(float(v), 3) for v in axis]) for axis in places.T)
    return x, z


def prepare(folder: Path, shots: int) -> None:
    """Models and records."""
    vp, rho = inclusions()
    np.save(folder / "vp.npy", vp)
    np.save(folder / "rho.npy", rho)
    sx, sz = around(shots, 33.0)
    rx, rz = around(72, 22.0)
    text = MODEL.format(sx=sx, sz=sz, rx=rx, rz=rz)
    (folder / "model.yaml").write_text(text, encoding="utf-8")
    run_model(load_config(folder / "model.yaml"), folder / "shots")


class ReachedError(Exception):
    """The target is reached."""


class Until(Silent):
    """Ends an inversion when its misfit is below a target."""

    def __init__(self, folder: Path, target: float) -> None:
        self.path = folder / "progress.jsonl"
        self.target = target

    def start(self, title: str, total: int) -> None:  # noqa: ARG002
        """End it here, between two iterations."""
        if self.path.exists() and records(self.path)[-1]["misfit"] < self.target:
            raise ReachedError


def records(path: Path) -> list[dict[str, float]]:
    """Progress of a run."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(folder: Path, name: str, target: float, shots: int) -> Outcome:
    """Invert with one method until the target is reached."""
    config = folder / f"{name.replace(' ', '_').replace(',', '')}.yaml"
    config.write_text(INVERT.format(most=MOST, method=METHODS[name]), encoding="utf-8")
    output = folder / config.stem
    begun, reached = time.perf_counter(), False
    try:
        run_inversion(load_config(config), output, progress=Until(output, target))
    except ReachedError:
        reached = True
    seconds = time.perf_counter() - begun
    found = records(output / "progress.jsonl")
    first, last = found[0], found[-1]
    reached = reached or last["misfit"] < target
    return Outcome(
        int(last["iteration"]),
        reached,
        int(last["evaluations"]),
        int(read_state(output / "state.h5")[1].get("method_products", 0)),
        last["simulations"] / shots,
        round(seconds, 1),
        last["misfit"],
        last["model_error"] / first["model_error"],
        last["model_error_rho"] / first["model_error_rho"],
    )


def table(found: dict[str, Outcome]) -> str:
    """In Markdown; what did not reach the target is marked."""
    head = (
        "method",
        "iterations",
        "gradients",
        "products",
        "propagations of a shot",
        "seconds",
        "misfit",
        "error of vp",
        "error of rho",
    )
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for name, o in found.items():
        steps = f"{o.iterations}" if o.reached else f"not in {o.iterations}"
        cells = (name, steps, o.evaluations, o.products, f"{o.propagations:.0f}", o.seconds)
        errors = f"{o.misfit:.2e} | {o.error_vp:.3f} | {o.error_rho:.3f}"
        lines.append(f"| {' | '.join(map(str, cells))} | {errors} |")
    return "\n".join(lines)


@click.command()
@click.option("--target", default=3.5e-7, show_default=True, help="Share of the data unexplained.")
@click.option("--shots", default=6, show_default=True)
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path), default=None)
@click.option("--only", multiple=True, help="A method; all by default.")
def main(target: float, shots: int, path: Path | None, only: tuple[str, ...]) -> None:
    """Second-order optimizers beside L-BFGS, for velocity and density at once."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder, shots)
        found = {name: run(folder, name, target, shots) for name in only or METHODS}
    print(table(found))  # noqa: T201
    if path is not None:
        path.write_text(json.dumps({n: asdict(o) for n, o in found.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
