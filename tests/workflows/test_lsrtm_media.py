"""`fwi lsrtm` with every equation, in 3D, and as a linear problem with all that a config adds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fwicli.config.loader import load
from fwicli.execution import Local
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.workflows import lsrtm, model, rtm
from fwicli.workflows.inversion.migration.problem import MigrationProblem
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder.progress import Silent
from tests.earths import plain
from tests.equations import LARGE
from tests.workflows.test_lsrtm import dataset, steps


@pytest.mark.parametrize(
    "equation",
    [
        pytest.param(e, marks=pytest.mark.slow if e in LARGE else ())
        for e, stated in EQUATIONS.items()
        if e != "acoustic" and "vp" in stated.properties
    ],
)
def test_every_equation_images(survey: Path, tmp_path: Path, equation: str) -> None:
    """Where the earth is the same, so is the image, and what remains of the records."""
    common = ["least_squares.band=[3, 12]", "physics.order=4", "physics.precision=float64"]
    common += [f"{model}.spacing=[10, 12]" for model in ("model", "reference")]
    settings = [*common, f"physics.equation={equation}"]
    settings += [f"model.{n}={plain(n)}" for n in EQUATIONS[equation].properties if n != "vp"]
    if EQUATIONS[equation].constant_q:
        settings.append("physics.reference_frequency=20")
    lsrtm.run(load(survey / "lsrtm.yaml", settings=settings), tmp_path / "run")
    lsrtm.run(load(survey / "lsrtm.yaml", settings=common), tmp_path / "acoustic")
    one, other = dataset(tmp_path / "run"), dataset(tmp_path / "acoustic")
    assert np.vdot(one, other) > 0.99 * np.linalg.norm(one) * np.linalg.norm(other)
    assert np.linalg.norm(one) == pytest.approx(np.linalg.norm(other), rel=0.05)
    residuals = [steps(tmp_path / name)[-1]["residual"] for name in ("run", "acoustic")]
    assert residuals[0] == pytest.approx(residuals[1], rel=0.05)


DENSITY = """\
model: {vp: {file: vp.npy}, rho: 1000, spacing: [10, 12]}
reference: {vp: {file: vp.npy}, rho: {file: rho.npy}, spacing: [10, 12]}
data: {file: shots/shots.h5}
physics: {equation: variable_density, order: 4, precision: float64}
least_squares: {iterations: 4, band: [3, 12], mute: 100}
"""
DENSE_RECORDS = """\
model: {vp: {file: vp.npy}, rho: {file: rho.npy}, spacing: [10, 12]}
geometry:
  sources: {x: {start: 60, stop: 540, count: 4}, z: 24}
  receivers: {x: {start: 0, stop: 600, step: 20}, z: 24}
wavelet: {kind: ricker, frequency: 10}
time: {interval: 0.004, duration: 0.6}
physics: {equation: variable_density, order: 4, precision: float64}
"""


def test_a_reflector_of_density_is_compared_with_its_impedance(tmp_path: Path) -> None:
    """By both migrations, where vp is the same below what is taken for the water."""
    vp, rho = np.full((61, 41), 2000.0), np.full((61, 41), 1000.0)
    vp[:, :4] = 1990.0
    rho[:, 20:] = 1200.0
    np.save(tmp_path / "vp.npy", vp)
    np.save(tmp_path / "rho.npy", rho)
    (tmp_path / "model.yaml").write_text(DENSE_RECORDS, encoding="utf-8")
    (tmp_path / "lsrtm.yaml").write_text(DENSITY, encoding="utf-8")
    imaging = DENSITY.replace("least_squares: {iterations: 4,", "imaging: {condition: density,")
    (tmp_path / "rtm.yaml").write_text(imaging, encoding="utf-8")
    model.run(load(tmp_path / "model.yaml"), tmp_path / "shots")
    for name, verb in (("rtm", rtm), ("lsrtm", lsrtm)):
        summary = verb.run(load(tmp_path / f"{name}.yaml"), tmp_path / name)
        assert summary["correlation"] > 0.5, name


# What lies between the unknown and the records, beside the waves.
EXACT = {
    "plain": [],
    "grid of the waves": ["physics.grid=20"],
    "grid of the image": ["least_squares.spacing=20"],
    "windows": ["physics.aperture=150"],
    "both": ["physics.aperture=150", "physics.grid=20", "least_squares.mute=water"],
    "free surface": ["physics.free_surface=true", "least_squares.subtract_modelled=water"],
    "records": [
        "least_squares.line_source={velocity: 2000}",
        "least_squares.conditioning=[{kind: moveout, velocity: 1500, after: 0.2, taper: 0.05}, "
        "{kind: offsets, farthest: 400}, {kind: time_derivative, order: -0.5}]",
    ],
    "density": ["physics.equation=variable_density", "model.rho=1000", "least_squares.mute=100"],
}


@pytest.mark.parametrize("choice", EXACT)
def test_gradient_and_product_are_those_of_the_residual(survey: Path, choice: str) -> None:
    """phi is quadratic: its differences along p are exactly 2 g . p, and its curvature p . A^T A p.

    In float64, with every step in the history.
    """
    common = ["least_squares.band=[2, 9]", "physics.precision=float64", "physics.history=full"]
    common += ["physics.order=4", "physics.min_points_per_wavelength=2", "execution.workers=1"]
    loaded = load(survey / "lsrtm.yaml", settings=[*common, *EXACT[choice]])
    plan = make_plan(loaded)
    with Local(1) as executor:
        problem = MigrationProblem(plan, loaded.config.least_squares, executor, Silent())
        shape = problem.smooth.grid.shape
        start = problem.evaluate(np.zeros(shape), 0, None)
        random = np.random.default_rng(4)
        y, p = (
            gaussian_filter(random.standard_normal(shape), 1.0) * problem.free for _ in range(2)
        )
        here, ahead, behind = (problem.evaluate(y + s * p, 0, start.filters) for s in (0, 1, -1))
        product, energy = problem.product(p, start.filters)
    assert here.energy > 0
    slope = np.vdot(here.gradient, p)
    assert (ahead.energy - behind.energy) / 4 == pytest.approx(slope, rel=1e-9, abs=0)
    assert np.vdot(p, product) == pytest.approx(energy, rel=1e-9, abs=0)
    curvature = ahead.energy - 2 * here.energy + behind.energy
    assert curvature / 2 == pytest.approx(energy, rel=1e-6, abs=0)


CUBE = """\
model: {vp: 2000.0, shape: [25, 21, 19], spacing: 20}
reference: {vp: {file: cube.npy}, spacing: 20}
data: {file: shots/shots.h5}
physics: {order: 4}
"""
CUBE_RECORDS = """\
model: {vp: {file: cube.npy}, spacing: 20}
geometry:
  sources: {x: {start: 120, stop: 360, count: 2}, y: 200, z: 40}
  receivers:
    layout: grid
    x: {start: 40, stop: 440, step: 80}
    y: {start: 40, stop: 360, step: 80}
    z: 40
wavelet: {kind: ricker, frequency: 7}
time: {interval: 0.004, duration: 0.5}
physics: {order: 4}
execution: {workers: 1}
"""


@pytest.mark.slow
def test_a_cube_is_imaged_by_both(tmp_path: Path) -> None:
    """A reflector at 200 m is there; least squares resolve it better, and explain its records."""
    vp = np.full((25, 21, 19), 2000.0, np.float32)
    vp[:, :, 10:] = 2100.0
    np.save(tmp_path / "cube.npy", vp)
    settings = "imaging: {condition: inverse_scattering, mute: 80}\n"
    least_squares = "least_squares: {iterations: 8, mute: 80}\n"
    for name, text in (
        ("model", CUBE_RECORDS),
        ("rtm", CUBE + settings),
        ("lsrtm", CUBE + least_squares),
    ):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    model.run(load(tmp_path / "model.yaml"), tmp_path / "shots")
    migrated = rtm.run(load(tmp_path / "rtm.yaml"), tmp_path / "rtm")
    fitted = lsrtm.run(load(tmp_path / "lsrtm.yaml"), tmp_path / "lsrtm")
    assert migrated["correlation"] > 0.4
    assert fitted["correlation"] > migrated["correlation"] + 0.1
    assert fitted["residual"] < 0.2
    depths = [np.abs(dataset(tmp_path / n)[12, 10]).argmax() for n in ("rtm", "lsrtm")]
    assert depths == [10, 10]
