"""Grids by an error of the records: chosen, estimated, measured, and cured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli import grid_error_of_shot
from fwicli.config.loader import Loaded, ProblemsError, load
from fwicli.propagators.sampling import stability
from fwicli.workflows.planning.costs import grid_errors
from fwicli.workflows.planning.costs.grid_errors import GridError
from fwicli.workflows.planning.grid_accuracy import GridAccuracy
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.quality import grid_error

# Deeper than the layer's waves matter, over a path of many wavelengths.
LONG = """\
model: {vp: 2000, shape: [181, 61], spacing: 10}
geometry:
  sources: {x: 100, z: 300}
  receivers: {x: {start: 400, stop: 1700, step: 20}, z: 300}
wavelet: {kind: ricker, frequency: 16}
time: {interval: 0.004, duration: 1.1}
execution: {workers: 1}
physics: {min_points_per_wavelength: 2}
"""


def asked(error: float) -> str:
    return f"physics.grid={{error: {error}}}"


def config(survey: Path, command: str, *settings: str) -> Loaded:
    return load(survey / f"{command}.yaml", settings=settings)


def accuracy(plan: Plan, stage: int = 0) -> GridAccuracy:
    estimated = plan.stages[stage].accuracy
    assert estimated is not None
    return estimated


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A config of a uniform model with a long path."""
    path = tmp_path / "long.yaml"
    path.write_text(LONG, encoding="utf-8")
    return path


def test_grid_is_the_coarsest_of_the_error(long: Path) -> None:
    """Its error is that which is allowed; a smaller error takes a finer grid."""
    spacings = []
    for error in (0.008, 0.02, 0.05, 0.15):
        plan = make_plan(load(long, settings=[asked(error)]))
        assert 0.9 * error <= accuracy(plan).estimated <= error
        assert accuracy(plan).length == pytest.approx(1600)
        assert plan.warnings == []
        spacings.append(plan.stages[0].grid.spacing[0])
    assert (np.diff(spacings) > 1).all()
    assert spacings[0] > 10
    short = make_plan(load(long, settings=[asked(0.02), "time.duration=0.4"]))
    assert short.stages[0].grid.spacing[0] > spacings[1]
    finer = make_plan(load(long, settings=[asked(0.02), "physics.stencil=optimised"]))
    assert finer.stages[0].grid.spacing[0] > 1.1 * spacings[1]


def test_never_coarser_than_the_band_allows(survey: Path) -> None:
    """As `auto`, however large an error is allowed."""
    auto, loose = (
        make_plan(config(survey, "model", s)).stages[0] for s in ("physics.grid=auto", asked(0.9))
    )
    assert loose.grid == auto.grid
    assert loose.points_per_wavelength >= stability.fewest_points(8)
    assert auto.accuracy is not None
    assert auto.accuracy.asked_for is None
    assert "grid_error_allowed_percent" not in auto.summary()
    estimated = auto.summary()["grid_error_estimated_percent"]
    assert estimated == pytest.approx(100 * auto.accuracy.estimated, rel=5e-3)
    assert make_plan(config(survey, "model")).stages[0].accuracy is None


def test_never_finer_than_the_model(long: Path) -> None:
    """A warning says so, and every way out that it names is one."""
    plan = make_plan(load(long, settings=[asked(0.002)]))
    assert plan.stages[0].grid == plan.model.grid
    (warning,) = plan.warnings
    assert "on a spacing of 10 m, that of the model, 0.31 % by dispersion over 1600 m" in warning
    assert "(0.8 s) and 0 % by contrasts, and `physics.grid.error` allows 0.2 %" in warning
    settings = [s.replace(": ", "=", 1) for s in re.findall(r"`(physics[^`]*: [^`]*)`", warning)]
    assert len(settings) >= 2
    for setting in settings:
        assert make_plan(load(long, settings=[asked(0.002), setting])).warnings == [], setting
    (spacing,) = re.findall(r"a model with a spacing of (\S+) m", warning)
    shape = [int(length // float(spacing)) + 1 for length in (1800, 600)]
    finer = [f"model.spacing={spacing}", f"model.shape={shape}"]
    assert make_plan(load(long, settings=[asked(0.002), *finer])).warnings == []


@pytest.mark.parametrize(
    "settings", [["physics.time_correction=false"], ["physics.equation=tti", "model.rho=1000"]]
)
def test_more_dispersion_takes_finer_grids(long: Path, settings: list[str]) -> None:
    """That of the time where it stays, and that of slopes on the points."""
    settings = [s for s in settings if not s.startswith("model.rho")]
    anisotropy = ["model.epsilon=0", "model.delta=0", "model.theta=0"]
    settings += anisotropy if "tti" in settings[0] else []
    plan = make_plan(load(long, settings=[asked(0.1)]))
    other = make_plan(load(long, settings=[asked(0.1), *settings]))
    assert other.stages[0].grid.spacing[0] < 0.95 * plan.stages[0].grid.spacing[0]


def test_each_stage_has_the_grid_of_its_band(survey: Path) -> None:
    """Unknowns that are coarser than the waves may be are named."""
    stages = "inversion.stages=[{band: [0, 8]}, {band: [0, 16]}]"
    plan = make_plan(config(survey, "invert", asked(0.005), stages))
    low, high = plan.stages
    assert low.grid.spacing[0] > 1.2 * high.grid.spacing[0] > 10
    for number in (0, 1):
        assert accuracy(plan, number).estimated <= 0.005 * (1 + 1e-6)
    coarse = "inversion.stages=[{band: [0, 16], spacing: 16}]"
    (warning,) = make_plan(config(survey, "invert", asked(1e-4), coarse)).warnings
    assert "on a spacing of 16 m, that of the unknowns or the image" in warning
    (finer,) = re.findall(r"`inversion.stages.0.spacing: (\S+)` or less", warning)
    better = f"inversion.stages=[{{band: [0, 16], spacing: {finer}}}]"
    assert make_plan(config(survey, "invert", asked(1e-4), better)).warnings == []


@pytest.mark.parametrize("command", ["rtm", "lsrtm"])
def test_images(survey: Path, command: str) -> None:
    (numerics,) = make_plan(config(survey, command, asked(0.002))).stages
    assert numerics.accuracy is not None
    assert numerics.accuracy.estimated <= 0.002 * (1 + 1e-6)
    assert numerics.points_per_wavelength >= 4


def test_solids_keep_the_grid_of_the_model(survey: Path) -> None:
    """Their shear waves have no coarser one; the error is that of these waves."""
    solid = ["physics.equation=elastic", "model.vs=800", "model.rho=2000", "wavelet.frequency=6"]
    plan = make_plan(config(survey, "model", asked(0.5), *solid))
    assert plan.stages[0].grid == plan.model.grid
    assert any("keeps the grid of the model: vs has no mean" in note for note in plan.notes)
    fluid = make_plan(config(survey, "model", "physics.grid=10.001", "wavelet.frequency=6"))
    assert accuracy(plan).estimated > accuracy(fluid).estimated


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{error: 0}", r"grid\.error: must be greater than 0"),
        ("{error: 1}", r"grid\.error: must be less than 1"),
        ("{error: 2%}", r"grid\.error: must be a number alone, without a unit"),
        ("{errors: 0.02}", r"did you mean `error`"),
        ("2%", r"or a length \[m\], or \{error: 0\.02\} for 2 %"),
        ("true", "must be text or a number or a section"),
        ("{}", r"grid\.error: this key is required"),
    ],
)
def test_errors_that_cannot_be(survey: Path, value: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        config(survey, "model", f"physics.grid={value}")


def test_measured_errors_have_a_cure(survey: Path) -> None:
    """Beyond the error that is allowed, a grid is named that is finer, and has its estimate."""
    loaded = config(survey, "model", asked(0.02))
    plan = make_plan(loaded)
    spacing = plan.stages[0].grid.spacing[0]
    assert grid_errors.warnings(plan) == []
    try:
        grid_errors.write(plan, 0, GridError(0.01, 0.019))
        assert grid_errors.warnings(plan) == []
        grid_errors.write(plan, 0, GridError(0.03, 0.01))
        (warning,) = grid_errors.warnings(plan)
        assert "an error of 3.00 % in all traces" in warning.replace(" 3 %", " 3.00 %")
        (finer,) = re.findall(r"`physics.grid: ([0-9.]+)`", warning)
        (smaller,) = re.findall(r"`physics.grid: {error: (\S+)}`", warning)
        other = make_plan(config(survey, "model", asked(float(smaller)))).stages[0].grid.spacing[0]
        # The part of 3 % that was not estimated falls like the square.
        for h in (float(finer), other):
            assert h < spacing
        rest = 0.03 - accuracy(plan).estimated
        of_finer = accuracy(make_plan(config(survey, "model", f"physics.grid={finer}"))).estimated
        assert of_finer + rest * (float(finer) / spacing) ** 2 <= 0.02
        grid_errors.write(plan, 0, GridError(0.01, 0.9))
        (warning,) = grid_errors.warnings(plan)
        assert "the farthest tenth of its traces" in warning
        assert warning.endswith("use `physics.grid: model`")
    finally:
        grid_errors.write(plan, 0, GridError(0.0, 0.0))


def measured(path: Path, *settings: str) -> tuple[GridAccuracy, GridError]:
    """Estimate and measurement of a config."""
    loaded = load(path, settings=settings)
    plan = make_plan(loaded)
    fine: Any = make_plan(grid_error._on_grid_of_model(loaded))
    return accuracy(plan), grid_error._error(plan, fine, 0, 0)


def test_estimates_are_not_optimistic_in_uniform_models(long: Path) -> None:
    """The error of the farthest traces, whose paths are the longest, on a grid of 20 m."""
    estimated, found = measured(long, "physics.grid=20", "wavelet.frequency=12")
    assert 0.02 < estimated.estimated < 0.2
    assert found.far == pytest.approx(estimated.estimated, rel=0.25)
    assert found.error < found.far < 1.02 * estimated.estimated
    assert grid_error_of_shot(
        make_plan(load(long, settings=["physics.grid=20", "wavelet.frequency=12"])),
        load(long, settings=["physics.grid=20", "wavelet.frequency=12"]),
        0,
        0,
    ) == pytest.approx(found.error, rel=1e-6)


# Models of 4 km by 1.5 km, in which waves of 8 Hz run along the top.
EARTHS = {
    "uniform": lambda z: 2000 + 0 * z,
    "growing with depth": lambda z: 1500 + 0.9 * z,
    "layers": lambda z: np.where(z < 250, 1800, np.where(z < 600, 2200, 2600)),
    "hard floor": lambda z: np.where(z < 305, 1500, 2500 + 0.5 * z),
}


@pytest.fixture
def earths(tmp_path: Path) -> Path:
    """Folder with the models and their configs."""
    for name, velocity in EARTHS.items():
        vp = np.broadcast_to(velocity(10.0 * np.arange(151)), (401, 151)).astype(np.float32)
        np.save(tmp_path / f"{name}.npy", vp)
        text = LONG.replace("{vp: 2000, shape: [181, 61]", f"{{vp: {{file: {name}.npy}}")
        for old, new in (
            ("z: 300", "z: 60"),
            ("start: 400, stop: 1700", "start: 0, stop: 4000"),
            ("frequency: 16", "frequency: 8"),
            ("duration: 1.1", "duration: 3.2"),
        ):
            text = text.replace(old, new)
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("stencil", ["taylor", "optimised"])
@pytest.mark.parametrize("earth", EARTHS)
def test_errors_are_as_allowed(earths: Path, earth: str, stencil: str) -> None:
    """In uniform models at most as large; elsewhere within a factor of 2.5 of the estimate."""
    settings = f"physics.stencil={stencil}", asked(0.03)
    estimated, found = measured(earths / f"{earth}.yaml", *settings)
    largest = max(found.error, found.far)
    assert estimated.estimated == pytest.approx(0.03, rel=0.02)
    assert estimated.estimated / 2.5 < largest < 2 * estimated.estimated
    if earth == "uniform":
        assert largest <= estimated.estimated


@pytest.mark.slow
def test_cures_of_measured_errors_are_cures(earths: Path) -> None:
    """The grid that a warning names has the error that was allowed."""
    path, error = earths / "hard floor.yaml", 0.015
    estimated, found = measured(path, asked(error))
    largest = max(found.error, found.far)
    assert largest > error
    spacing, smaller = estimated.spacing_for(largest)
    for setting in (f"physics.grid={spacing}", asked(smaller)):
        _, cured = measured(path, setting)
        assert max(cured.error, cured.far) <= error
