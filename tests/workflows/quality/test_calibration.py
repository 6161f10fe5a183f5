"""Kernels are measured in workers; plans have times afterwards, and the numbers are consistent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.propagators.history import HistoryOptions
from fwicli.workflows import invert
from fwicli.workflows.planning.costs import calibrations, forecast
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.quality import calibration

ONE_STAGE = "inversion.stages=[{band: [0, 8], iterations: 3, spacing: 20}]"


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Measurements that only this test has; kernels stay where they are."""
    kept: dict[str, bytes] = {}
    read, write = calibrations.cache.read, calibrations.cache.write
    mine = "calibration-of-a-test-"
    monkeypatch.setattr(calibrations, "PREFIX", mine)
    monkeypatch.setattr(
        calibrations.cache, "read", lambda n: kept.get(n) if n.startswith(mine) else read(n)
    )
    monkeypatch.setattr(
        calibrations.cache,
        "write",
        lambda n, data: kept.update({n: data}) if n.startswith(mine) else write(n, data),
    )
    return kept


def measured(
    path: Path, *settings: str, seconds: float = 0.1
) -> tuple[Any, calibrations.Calibration]:
    loaded = load(path, settings=settings)
    plan = make_plan(loaded)
    calibration.calibrate(plan, loaded.config, seconds=seconds)
    of = calibrations.key(plan.stages[0], *plan.verb.kernels(loaded.config, 0))
    found = calibrations.nearest(of, plan.stages[0], plan.workers)
    assert found is not None
    return plan, found


def test_check_calibrates(survey: Path) -> None:
    """The command measures once; the next plan has the times without measuring.

    What was measured outside of shots left no folder behind.
    """
    path = str(survey / "invert.yaml")
    for more in (["--calibrate"], []):
        outcome = CliRunner().invoke(cli, ["check", path, "--json", "--set", ONE_STAGE, *more])
        assert outcome.exit_code == 0, outcome.output
        costs = json.loads(outcome.stdout)["costs"]
        (stage,) = costs["stages"]
        assert 0 < stage["time_of_shot_s"] < stage["time_of_iteration_s"] < costs["time_s"]
        assert stage["time_s"] == pytest.approx(
            stage["time_before_iterations_s"] + 3 * stage["time_of_iteration_s"], rel=0.01
        )
        ends = costs["time_of_start_s"], costs["time_of_end_s"]
        assert costs["time_s"] == pytest.approx(stage["time_s"] + sum(ends), rel=0.01)
        assert min(*ends, stage["time_of_iteration_outside_of_shots_s"]) > 0
        assert sum(ends) < costs["time_outside_of_shots_s"] < costs["time_s"]
        assert "2 workers on" in costs["calibration"]
        assert "outside of shots" not in costs["calibration"]
    assert not [p for p in (*survey.rglob("*"), *Path("runs").glob("*")) if "rehears" in p.name]


@pytest.mark.parametrize("keep", ["stored", "checkpoints"])
def test_lines_go_through_what_was_measured(survey: Path, keep: str) -> None:
    """Whatever the history: the time of a shot of as many steps as were run is what they took."""
    history = f"physics.history={{keep: {keep}}}"
    plan, found = measured(survey / "invert.yaml", ONE_STAGE, history, seconds=30)
    assert plan.stages[0].history.kind == HistoryOptions(keep).kind
    assert found.steps == plan.stages[0].steps
    assert found.step_forward[1] > 0
    assert found.comparison[0] > 0
    assert found.workers == 2


def test_modelling_has_times_too(survey: Path) -> None:
    loaded = load(survey / "model.yaml")
    plan, found = measured(survey / "model.yaml")
    assert found.call_backward == (0.0, 0.0)
    numbers = forecast.summary(plan, loaded)
    assert numbers["time_outside_of_shots_s"] is None
    assert "without the time outside of shots" in numbers["calibration"]
    assert numbers["time_s"] > 2 * numbers["stages"][0]["time_of_shot_s"]
    assert numbers["assumption"] == ""


def test_large_grids_are_measured_on_a_part(survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The part is small enough, and the plan says so."""
    monkeypatch.setattr(calibration, "LARGEST", 2 * 4000)
    plan, found = measured(survey / "invert.yaml", ONE_STAGE.replace(", spacing: 20", ""))
    assert found.points <= 4000 < plan.stages[0].padded[0] * plan.stages[0].padded[1]
    loaded = load(survey / "invert.yaml", settings=[ONE_STAGE.replace(", spacing: 20", "")])
    assert "scaled by points" in forecast.summary(plan, loaded)["calibration"]


def test_encoded_shots_are_measured(survey: Path) -> None:
    plan, found = measured(
        survey / "invert.yaml", ONE_STAGE, "inversion.shots={encode: {sources: 2}}"
    )
    assert found.workers == plan.workers == 2


def test_the_folder_of_a_run_has_its_plan(survey: Path, tmp_path: Path) -> None:
    """With seconds of an iteration where they were measured; a second run overwrites nothing."""
    path, settings = survey / "invert.yaml", [ONE_STAGE.replace("iterations: 3", "iterations: 1")]
    for folder, expected in (("before", None), ("after", float)):
        invert.run(load(path, settings=settings), tmp_path / folder)
        plan = json.loads((tmp_path / folder / "plan.json").read_text())
        (stage,) = plan["stages"]
        seconds = stage["seconds_per_iteration"]
        assert seconds is None if expected is None else seconds > 0
        assert plan["memory_mb"] > plan["memory_per_worker_mb"] > 0
        measured(path, *settings)
    with pytest.raises(ConfigError, match="already holds a run"):
        invert.run(load(path, settings=settings), tmp_path / "after")
    invert.run(load(path, settings=settings), tmp_path / "after", force=True)
