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


def test_a_measurement_of_a_later_version(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comes back without what is not known here, as caches are shared between versions."""
    points, samples = surroundings.sizes(plan)
    mine = replace(MEASURED, points=points, samples=samples)
    as_dictionary = surroundings.asdict
    monkeypatch.setattr(surroundings, "asdict", lambda s: as_dictionary(s) | {"weather": [1, 2]})
    surroundings.write(plan, mine)
    assert surroundings.nearest(plan) == mine


def test_larger_models_take_longer_by_a_line(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the most similar model and a smaller one; imports and pictures do not grow."""
    monkeypatch.setattr(surroundings, "SMALL", 1)
    points, samples = surroundings.sizes(plan)
    half = replace(MEASURED, points=points // 2, samples=samples)
    surroundings.write(plan, half)
    alone = surroundings.nearest(plan)
    assert alone is not None
    assert alone.start == half.start
    small = replace(half, points=points // 10, start=(1.2, 0.6))
    surroundings.write(plan, small)
    nearest = surroundings.nearest(plan)
    assert nearest is not None
    assert nearest.start == pytest.approx((3.0, 1.5), rel=1e-2)
    assert (nearest.imports, nearest.end) == (half.imports, half.end)


@pytest.mark.parametrize("kind", ["model", "rtm"])
def test_larger_shots_leave_more(plan: Plan, survey: Path, kind: str) -> None:
    """Records by their samples, images by the points of a large model."""
    del plan
    other = make_plan(load(survey / f"{kind}.yaml"))
    points, samples = surroundings.sizes(other)
    small = replace(MEASURED, points=points, samples=samples, shot=(0.2, 0.1), stages=())
    surroundings.write(other, replace(small, traces=surroundings.traces(other) // 4))
    nearest = surroundings.nearest(other)
    assert nearest is not None
    assert nearest.shot == pytest.approx((0.8, 0.4) if kind == "model" else (0.2, 0.1), rel=1e-2)


def test_stages_take_longer_by_a_line() -> None:
    """By points of the unknowns; a smaller stage is not faster than the smallest one."""
    assert MEASURED.of_stage(1000).turn == pytest.approx((0.4, 0.2))
    assert MEASURED.of_stage(4000).turn == pytest.approx((1.4, 0.7))
    assert MEASURED.of_stage(550).first == pytest.approx((0.7, 0.45))
    assert MEASURED.of_stage(20).turn == (0.1, 0.05)
    assert Surroundings(10, 10).of_stage(5).turn == (0.0, 0.0)


def test_one_stage_alone_grows_where_arrays_take_the_time() -> None:
    """Up to 100 000 points, files and pictures do."""
    one = replace(MEASURED, stages=MEASURED.stages[1:])
    assert one.of_stage(90_000).turn == (0.4, 0.2)
    assert one.of_stage(300_000).turn == pytest.approx((1.2, 0.6))


def test_a_line_never_falls() -> None:
    """Where noise made the smaller model slower, the times are those of the larger one."""
    stages = (replace(MEASURED.stages[0], turn=(0.9, 0.9)), MEASURED.stages[1])
    assert replace(MEASURED, stages=stages).of_stage(4000).turn == (0.4, 0.2)
    assert replace(MEASURED, stages=stages).of_stage(800).turn == (0.4, 0.2)


def test_other_methods_are_other_measurements(plan: Plan, survey: Path) -> None:
    """Not other numbers of stages."""
    surroundings.write(plan, MEASURED)
    one = ["inversion.stages=[{band: [0, 8], iterations: 3, spacing: 20}]"]
    assert surroundings.nearest(make_plan(load(survey / "invert.yaml", settings=one))) is not None
    other = [*one, "inversion.optimizer={method: adam}"]
    assert surroundings.nearest(make_plan(load(survey / "invert.yaml", settings=other))) is None
