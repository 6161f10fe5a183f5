"""Times outside of shots come back as they were measured, and grow with the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fwicli.config.loader import load
from fwicli.workflows.planning.costs import calibrations, surroundings
from fwicli.workflows.planning.costs.surroundings import StageSurroundings, Surroundings
from fwicli.workflows.planning.plan import Plan, make_plan

MEASURED = Surroundings(
    points=1000,
    samples=500,
    imports=(1.0, 0.5),
    start=(2.0, 1.0),
    workers=(3.0, 1.5),
    end=(4.0, 2.0),
    stages=(
        StageSurroundings(100, (0.5, 0.3), (0.1, 0.05)),
        StageSurroundings(1000, (0.9, 0.6), (0.4, 0.2)),
    ),
)


@pytest.fixture
def plan(survey: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Of two stages; measurements are those of the test alone."""
    files: dict[str, bytes] = {}
    monkeypatch.setattr(calibrations, "PREFIX", "calibration-of-a-test-")
    monkeypatch.setattr(surroundings.cache, "write", files.__setitem__)
    monkeypatch.setattr(surroundings.cache, "read", files.get)
    return make_plan(load(survey / "invert.yaml"))


def test_a_measurement_comes_back(plan: Plan) -> None:
    """Unchanged for a plan of its sizes, and the last one counts."""
    assert surroundings.nearest(plan) is None
    points, samples = surroundings.sizes(plan)
    mine = replace(MEASURED, points=points, samples=samples)
    surroundings.write(plan, replace(mine, end=(9.0, 9.0)))
    surroundings.write(plan, mine)
    assert surroundings.nearest(plan) == mine


def test_the_most_similar_model_is_taken_and_scaled(plan: Plan) -> None:
    """What works on the model and on records grows with them; imports and pictures do not."""
    points, samples = surroundings.sizes(plan)
    half = replace(MEASURED, points=points // 2, samples=samples)
    surroundings.write(plan, half)
    surroundings.write(plan, replace(half, points=points // 16, start=(99.0, 99.0)))
    nearest = surroundings.nearest(plan)
    assert nearest is not None
    assert nearest.start == pytest.approx((4.0, 2.0), rel=1e-3)
    assert (nearest.imports, nearest.end) == (half.imports, half.end)


def test_smaller_models_are_not_faster() -> None:
    """Part of the time has no size: it is as measured below it."""
    smaller = MEASURED.scaled(10, 10)
    assert smaller.start == MEASURED.start
    assert MEASURED.scaled(1000, 1500).start == pytest.approx((6.0, 3.0))


def test_stages_take_those_of_similar_grids() -> None:
    """By points of the unknowns."""
    assert MEASURED.of_stage(90).turn == (0.1, 0.05)
    assert MEASURED.of_stage(4000).turn == pytest.approx((1.6, 0.8))
    assert MEASURED.of_stage(4000).first == pytest.approx((3.6, 2.4))
    assert Surroundings(10, 10).of_stage(5).turn == (0.0, 0.0)


def test_other_methods_are_other_measurements(plan: Plan, survey: Path) -> None:
    """Not other numbers of stages."""
    surroundings.write(plan, MEASURED)
    one = ["inversion.stages=[{band: [0, 8], iterations: 3, spacing: 20}]"]
    assert surroundings.nearest(make_plan(load(survey / "invert.yaml", settings=one))) is not None
    other = [*one, "inversion.optimizer={method: adam}"]
    assert surroundings.nearest(make_plan(load(survey / "invert.yaml", settings=other))) is None
