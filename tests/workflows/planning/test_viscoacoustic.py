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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "needs `qs`"),
        (["model.qs=4"], "qs must be at least 5 where vs is not 0"),
        # Below a Q of S waves of 1/3 of 40.
        (["model.qs=13"], r"at least 4/3 \(vs / vp\)\*\*2 qp: changes of volume gain energy"),
        (
            ["model.qs=30", "physics.absorbing.sides=[left, right]"],
            "`viscoelastic` has a free surface on top only",
        ),
        (["model.qs=30", "geometry.receivers.component=ax"], "cannot record ax, only pressure, vx"),
    ],
)
def test_refusals_of_solids(config: Path, settings: list[str], message: str) -> None:
    solid = ["physics.equation=viscoelastic", "model.vs=1000"]
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(config, settings=[*solid, *settings]))


def test_qs_of_fluids_is_free(config: Path) -> None:
    """Where vs is zero, neither the fit nor the bulk modulus limits it."""
    solid = ["physics.equation=viscoelastic", "model.vs=0", "model.qs=0.1"]
    plan = make_plan(load(config, settings=solid))
    assert plan.stages[0].summary()["constant_q_hz"] == [3.27, 19.6]
