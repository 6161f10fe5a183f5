"""Plans of waves that lose energy: the reference frequency, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.workflows.planning.plan import make_plan

MODEL = """
model: {vp: 2000, rho: 1800, qp: 40, shape: [61, 41], spacing: 10}
physics: {equation: viscoacoustic, reference_frequency: 8}
geometry:
  sources: {x: 300, z: 100}
  receivers: {x: {start: 0, stop: 600, step: 60}, z: 60, component: [pressure, vx, vz]}
wavelet: {kind: ricker, frequency: 8}
time: {duration: 0.4, interval: 0.002}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "model.yaml"
    path.write_text(MODEL)
    return path


def test_reference_frequency_reaches_the_waves(config: Path) -> None:
    """And the plan tells the band of constant Q; the fastest waves are those without relaxation."""
    plan = make_plan(load(config))
    (stage,) = plan.stages
    assert stage.discretization().signature("forward").reference_frequency == 8
    assert stage.summary()["constant_q_hz"] == [3.27, 19.6]
    assert 2000 < stage.layer.velocity < 2060
    assert (
        "constant_q_hz"
        not in make_plan(load(config, settings=["physics={equation: velocity_pressure}"]))
        .stages[0]
        .summary()
    )


def test_band_elsewhere_is_warned_of(config: Path) -> None:
    plan = make_plan(load(config, settings=["physics.reference_frequency=2"]))
    assert any("constant from 0.816 to 4.9 Hz" in text for text in plan.warnings)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("physics={equation: viscoacoustic}", "needs `physics.reference_frequency`.*: 8"),
        ("physics.equation=acoustic", "`acoustic` have one velocity at all frequencies"),
        ("model.qp=4", "qp must be at least 5"),
        ("model={vp: 2000, rho: 1800, shape: [61, 41], spacing: 10}", "needs `qp`"),
    ],
)
def test_refusals(config: Path, setting: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(config, settings=[setting]))
