"""Plans of elastic waves: their slowest wave, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.workflows.planning.plan import make_plan

MODEL = """
model: {vp: 2.5, vs: 1.2, unit: km/s, rho: 2000, shape: [61, 41], spacing: 10}
physics: {equation: elastic}
geometry:
  sources: {x: 300, z: 100, component: fz}
  receivers: {x: {start: 0, stop: 600, step: 60}, z: 60, component: [pressure, vx, vz]}
wavelet: {kind: ricker, frequency: 8}
time: {duration: 0.4, interval: 0.002}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "model.yaml"
    path.write_text(MODEL)
    return path


def test_shear_waves_are_the_slowest(config: Path) -> None:
    plan = make_plan(load(config))
    assert plan.model.properties["vs"].max() == pytest.approx(1200)
    assert plan.receivers == 33
    with pytest.raises(ProblemsError, match="for the slowest wave, 1200 m/s"):
        make_plan(load(config, settings=["wavelet.frequency=25"]))
    # A fluid has no shear waves.
    make_plan(load(config, settings=["wavelet.frequency=12", "model.vs=0"]))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("physics.free_surface=true", "`elastic` has no free surface"),
        ("physics.absorbing.sides=[left, right]", "`elastic` has no free surface"),
        ("model.vs=2.4", "vp must be at least 1.1548 vs"),
        ("geometry.receivers.component=ax", "cannot record ax, only pressure, vx, vz"),
    ],
)
def test_refusals(config: Path, setting: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(config, settings=[setting]))
