"""A run without waves does all that a run does but its shots, whose time is not on its clock."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import Loaded, load
from fwicli.files import hdf5
from fwicli.propagators.propagator import Propagator
from fwicli.workflows.planning.costs import calibrations, surroundings
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.quality import rehearsal
from fwicli.workflows.quality.rehearsal import Marks
from fwicli.workflows.quality.stand_in import Clock, StandIn

TWO_STAGES = (
    "inversion.stages=[{band: [0, 8], iterations: 3, spacing: 20}, {band: [0, 8], iterations: 9}]"
)
ONE_GRID = TWO_STAGES.replace(", spacing: 20", "")


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Measurements that only this test has."""
    kept: dict[str, bytes] = {}
    monkeypatch.setattr(calibrations, "PREFIX", "calibration-of-a-test-")
    monkeypatch.setattr(surroundings.cache, "read", kept.get)
    monkeypatch.setattr(surroundings.cache, "write", kept.__setitem__)
    return kept


@pytest.fixture
def without_waves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Propagators that would be noticed."""

    def propagated(*_: object, **__: object) -> None:
        raise AssertionError("waves were propagated")

    for name in ("images", "forward", "curvature"):
        monkeypatch.setattr(Propagator, name, propagated)


def rehearsed(loaded: Loaded, folder: Path) -> Marks:
    return rehearsal.rehearse(rehearsal._shortened(loaded), folder, time.monotonic())


@pytest.mark.usefixtures("without_waves")
@pytest.mark.parametrize(
    "settings",
    [
        [],
        # On one grid: kernels of products are compiled before it.
        ["inversion.optimizer={method: gauss_newton, inner: 3}", ONE_GRID],
        ["inversion.source={estimate: common}", "inversion.shots={batch: 2}"],
    ],
)
def test_an_inversion_is_rehearsed(survey: Path, tmp_path: Path, settings: list[str]) -> None:
    """All stages with at most so many iterations, results and pictures; and no wave."""
    loaded = load(survey / "invert.yaml", settings=[TWO_STAGES, *settings])
    marks = rehearsed(loaded, tmp_path / "run")
    assert [len(stage) for stage in marks.stages] == [2 + 3, 2 + rehearsal.ITERATIONS]
    lines = (tmp_path / "run" / "progress.jsonl").read_text().splitlines()
    misfits = [json.loads(line)["misfit"] for line in lines]
    assert misfits[3] < misfits[0]
    assert len(hdf5.read_history(tmp_path / "run" / "inversion.h5")["misfit"]) == 7
    assert (tmp_path / "run" / "convergence.png").exists()
    plan = make_plan(loaded)
    times = marks.surroundings(plan, time.monotonic())
    assert [s.points for s in times.stages] == [surroundings.unknowns(plan, n) for n in (0, 1)]
    for pair in (times.start, times.end, *(s.turn for s in times.stages)):
        assert min(pair) > 0


@pytest.mark.usefixtures("without_waves")
@pytest.mark.parametrize("kind", ["model", "rtm"])
def test_records_and_images_are_rehearsed(survey: Path, tmp_path: Path, kind: str) -> None:
    """Their shots have times of their own."""
    loaded = load(survey / f"{kind}.yaml")
    marks = rehearsed(loaded, tmp_path / "run")
    times = marks.surroundings(make_plan(loaded), time.monotonic())
    assert times.stages == ()
    assert times.shot[0] > 0
    assert times.end[0] > 0


@pytest.mark.usefixtures("without_waves")
@pytest.mark.parametrize(
    ("settings", "turns"),
    [
        ([], [1] * 5),
        (["least_squares.source={estimate: common}"], [1] * 5),
        (["least_squares.solver={kind: bregman, batch: 2}"], [1] * 4 + [0]),
        (["least_squares.solver={kind: fista}"], [1] * 8),
    ],
)
def test_a_least_squares_migration_is_rehearsed(
    survey: Path, tmp_path: Path, settings: list[str], turns: list[int]
) -> None:
    """Each sum over shots is one turn, also where a search for a step follows it."""
    loaded = load(survey / "lsrtm.yaml", settings=["least_squares.iterations=9", *settings])
    marks = rehearsed(loaded, tmp_path / "run")
    (stage,) = marks.stages
    assert [later[1] - earlier[1] for earlier, later in pairwise(stage)] == turns
    lines = (tmp_path / "run" / "progress.jsonl").read_text().splitlines()
    assert len(lines) == 1 + rehearsal.ITERATIONS
    misfits = [json.loads(line)["misfit"] for line in lines]
    assert misfits[0] == 1
    assert min(misfits) < 1
    assert (tmp_path / "run" / "residual.png").exists()
    times = marks.surroundings(make_plan(loaded), time.monotonic())
    for pair in (times.start, times.end, *(s.turn for s in times.stages)):
        assert min(pair) > 0
    assert len(times.stages) == 1


def test_time_of_shots_is_not_on_the_clock() -> None:
    """That of the process is; marks of a run become its parts."""
    clock = Clock(time.monotonic())
    stand_in = StandIn(clock, lambda _: np.zeros(0))
    for _ in stand_in.map([lambda: time.sleep(0.2)]):
        pass
    inside = clock.read()[0]
    time.sleep(0.2)
    assert clock.read()[0] >= inside + 0.2
    assert time.monotonic() - clock._begun[0] >= clock.read()[0] + 0.2


def test_parts_of_a_run(survey: Path) -> None:
    """An iteration is the median for each of its evaluations; what lies between stages counts."""
    plan = make_plan(load(survey / "invert.yaml", settings=[TWO_STAGES]))
    readings = [(2.0, 1), (5.0, 1), (6.0, 2), (8.0, 4), (17.0, 5)], [(20.0, 5), (24.0, 6)]
    stages = [[((t, t / 2), turns) for t, turns in stage] for stage in readings]
    marks = Marks((0.5, 0.25), (30.0, 15.0), stages, (1.0, 0.5), wall=100.0)
    times = marks.surroundings(plan, ended=100.5)
    assert (times.imports, times.start, times.workers) == ((0.5, 0.25), (1.5, 0.75), (1.0, 0.5))
    first, second = times.stages
    assert (first.first, first.turn) == ((3.0, 1.5), (1.0, 0.5))
    assert second.first == (7.0, 3.5)
    assert times.end == (6.5, 3.0)


def test_what_cannot_be_rehearsed_is_said(
    survey: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that fails, or a model that is too large: the plan goes on without."""
    loaded = load(survey / "invert.yaml")
    plan = make_plan(loaded)
    monkeypatch.setattr(rehearsal, "PROGRAM", "raise SystemExit('no disk')")
    rehearsal.measure(plan, loaded)
    assert "no disk" in caplog.text
    monkeypatch.setattr(surroundings, "POINTS", 10)
    rehearsal.measure(plan, loaded)
    assert "10 points" in caplog.text
    assert surroundings.nearest(plan) is None
