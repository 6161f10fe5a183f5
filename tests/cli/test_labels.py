"""Numbers on a terminal mean what they are, and `--json` has the names and values of programs."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from fwicli.cli import labels
from fwicli.cli.check import command, unrounded
from fwicli.cli.display import summary, table
from fwicli.config.loader import load
from fwicli.workflows.planning.plan import make_plan
from tests.conftest import ROOT

RNG = np.random.default_rng(18)
SIZES = 10.0 ** RNG.uniform(-30, 30, 400)
VALUES = [0.0005, 3.4, 5070.0, 75919.6, 999.96, 1e15, 123456789.0, 0.1 + 0.2, *SIZES, *-SIZES]
# Names of `fwi check --json`, which programs read.
PLAN = ["command", "shots", "receivers_per_shot", "samples", "sampling_interval_s", "vp_m_s"]
PLAN += ["workers", "threads_per_shot", "memory_per_shot_mb", "memory_mb"]
PLAN += ["memory_with_imports_mb", "gigapoint_steps_per_propagation", "stages", "costs"]
PLAN += ["environment", "warnings"]
STAGE = ["grid", "spacing_m", "with_layer", "time_step_s", "substeps", "steps"]
STAGE += ["highest_frequency_hz", "points_per_wavelength", "history", "history_every"]
CONFIG = ROOT / "configs" / "demo_model.yaml"


@pytest.mark.parametrize("digits", [1, 2, 4, 7])
def test_numbers_parse_back(digits: int) -> None:
    """Within half a unit of their last digit; none becomes zero or changes its sign."""
    for value in VALUES:
        shown = float(labels.number(value, digits))
        assert abs(shown - value) <= 0.5001 * 10.0 ** (1 - digits) * abs(value)
        assert math.copysign(1, shown) == math.copysign(1, value)
    assert labels.number(0.0) == "0"
    assert labels.number(351) == "351"


@pytest.mark.parametrize("name", [*PLAN, *STAGE, "seconds", "misfit", "silent_traces"])
def test_quantities_parse_back(name: str) -> None:
    """Also with their unit, which the label does not repeat."""
    for value in VALUES:
        text = labels.quantity(name, value)
        assert float(text.partition(" ")[0]) == pytest.approx(value, rel=0.501e-3)
        assert "_" not in labels.label(name)


def test_different_numbers_look_different() -> None:
    """The ends of a range, and spacings of several axes."""
    for value in VALUES:
        other = value * (1 + 1e-7)
        low, high = labels.quantity("vp_m_s", [value, other]).removesuffix(" m/s").split(" to ")
        assert low != high
        assert labels.quantity("spacing_m", [value, value]) == labels.quantity("spacing_m", value)


@pytest.mark.parametrize(
    ("name", "value", "label", "text"),
    [
        ("vp_m_s", [1500.0, 5070.0], "P velocity", "1500 to 5070 m/s"),
        ("vp_m_s", [2000.0, 2000.0], "P velocity", "2000 m/s"),
        ("spacing_m", [0.0005, 0.0005], "grid spacing", "0.0005 m"),
        ("spacing_m", [10.0, 5.0], "grid spacing", "10 x 5 m"),
        ("grid", "301x151", "grid", "301 x 151 points"),
        ("sampling_interval_s", 0.004, "sampling interval", "0.004 s"),
        ("memory_per_shot_mb", 0.01234, "memory per shot", "0.01234 MB"),
        ("temporary_folder", "/x", "temporary folder", "/x"),
        ("largest_pressure", 0.4518128, "largest pressure", "0.4518 Pa"),
        ("largest_motion", 4.518128e-9, "largest motion", "4.518e-09 SI"),
        ("model_error", 0.05940784, "model error", "0.05941"),
        ("result", "runs/1x2/shots.h5", "result", "runs/1x2/shots.h5"),
    ],
)
def test_labels_and_units(name: str, value: Any, label: str, text: str) -> None:
    assert (labels.label(name), labels.quantity(name, value)) == (label, text)


def test_plans_are_shown_unrounded() -> None:
    """A spacing of half a millimetre is not shown as one, though JSON has three decimals."""
    stage = SimpleNamespace(
        grid=SimpleNamespace(spacing=(0.0005, 0.0005)),
        highest_frequency=0.0012345,
        points_per_wavelength=3.39951,
        work=lambda: 12.0,
        summary=lambda: {"spacing_m": [0.001, 0.001], "points_per_wavelength": 3.4},
    )
    plan: Any = SimpleNamespace(
        stages=[stage], memory=123.0, at_once=2, total=SimpleNamespace(nbytes=1e3)
    )
    (shown,) = unrounded(plan)["stages"]
    assert labels.quantity("spacing_m", shown["spacing_m"]) == "0.0005 m"
    assert labels.quantity("points_per_wavelength", shown["points_per_wavelength"]) == "3.4"
    assert labels.quantity("memory_mb", unrounded(plan)["memory_mb"]) == "0.000246 MB"


def test_json_has_names_and_values_of_the_plan() -> None:
    """Names as ever, and nothing of labels and units."""
    answer = CliRunner().invoke(command, [str(CONFIG), "--json"])
    values = json.loads(answer.stdout)
    assert list(values) == PLAN
    assert list(values["stages"][0]) == STAGE
    plan = make_plan(load(CONFIG)).summary()
    for name in set(PLAN) - {"costs", "environment", "warnings"}:
        assert values[name] == json.loads(json.dumps(plan[name]))


def test_json_is_what_it_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"misfit": 1.23456789e-5, "spacing_m": [0.001, 10.0], "result": "a"}
    summary(values, as_json=True)
    assert capsys.readouterr().out == json.dumps(values, indent=2) + "\n"


def test_stages_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    table("stage", [{"steps": 7, "time_step_s": 0.5}, {"steps": 12345, "time_step_s": 0.25}])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["stage", "1", "2"],
        ["time", "steps", "7", "12345"],
        ["time", "step", "0.5", "s", "0.25", "s"],
    ]


def test_stages_need_not_have_the_same_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """As of one whose waves have the grid of the model, beside one whose grid is coarser."""
    table("stage", [{"grid": "61x41"}, {"grid": "31x21", "model_grid": "61x41"}])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["stage", "grid", "grid of the model"]
    assert lines[2].endswith("61 x 41 points")
    assert len(lines[2]) == len(lines[1])
