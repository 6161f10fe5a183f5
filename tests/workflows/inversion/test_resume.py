"""A continued inversion may be extended, and is then that of one run with the new config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.workflows import invert
from fwicli.workflows.inversion.resume import ResumeRule
from tests.workflows.test_invert import StopAtUpdate, result

EXTENDED = (
    "inversion.stages=[{band: [0, 8], iterations: 3, spacing: 20}, {band: [0, 16], iterations: 5},"
    " {band: [0, 20], iterations: 1}]"
)


def steps(folder: Path) -> list[tuple[int, int]]:
    lines = (folder / "progress.jsonl").read_text().splitlines()
    return [(s["stage"], s["iteration"]) for s in map(json.loads, lines)]


def test_extended_result_is_that_of_one_run(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """Bit for bit, by iterations and by a stage, of a run that was stopped now and then."""
    config = survey / "invert.yaml"
    invert.run(load(config, settings=[EXTENDED]), tmp_path / "one")
    parts = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        invert.run(load(config), parts, progress=StopAtUpdate(25))
    invert.run(load(config), parts, resume=True)
    with pytest.raises(KeyboardInterrupt):
        invert.run(load(config, settings=[EXTENDED]), parts, resume=True, progress=StopAtUpdate(6))
    with pytest.raises(ConfigError, match="differs from the one"):
        invert.run(load(config), parts, resume=True)
    invert.run(load(config, settings=[EXTENDED]), parts, resume=True)
    assert (result(parts) == result(tmp_path / "one")).all()
    assert (result(parts) != result(survey / "whole")).any()
    assert steps(parts) == steps(tmp_path / "one")
    assert "the run is extended: inversion.stages." in (parts / "log.txt").read_text()


@pytest.mark.parametrize(
    ("key", "old", "new", "allowed"),
    [
        ("inversion.stages.0.iterations", 5, 6, False),
        ("inversion.stages.1.iterations", 5, 9, True),
        ("inversion.stages.1.iterations", 5, 3, True),
        ("inversion.stages.1.iterations", 5, 2, False),
        ("inversion.stages.2.iterations", 5, 1, True),
        ("inversion.stages.2", None, {"band": [0, 9]}, True),
        ("inversion.stages.2", {"band": [0, 9]}, None, False),
        ("inversion.stages.2.band.1", 9.0, 8.0, False),
        ("inversion.optimizer.memory", 5, 6, False),
        ("inversion.stages.1.iterations", 5, None, False),
    ],
)
def test_what_is_done_cannot_change(key: str, old: Any, new: Any, allowed: bool) -> None:
    """In the second stage, with three iterations done."""
    assert ResumeRule(1, 3).allows(key, old, new) is allowed


def test_everything_may_be_extended_before_the_first_evaluation(tmp_path: Path) -> None:
    resume_rule = ResumeRule.read(tmp_path / "state.h5")
    assert resume_rule.allows("inversion.stages.0.iterations", 5, 1)
