"""Grids by an error of the records: chosen, estimated, measured, and cured."""

from __future__ import annotations

import re
from dataclasses import replace
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


def file_of(vp: Path) -> str:
    """A model of velocities in a file, on cells of 10 m."""
    return f"model={{vp: {{file: {vp}}}, spacing: 10}}"


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
    for error in (0.012, 0.02, 0.05, 0.15):
        plan = make_plan(load(long, settings=[asked(error)]))
        assert 0.9 * error <= accuracy(plan).estimated <= error
        assert accuracy(plan).length == pytest.approx(1600)
        assert plan.warnings == []
        spacings.append(plan.stages[0].grid.spacing[0])
    assert (np.diff(spacings) > 0.5).all()
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
    plan = make_plan(config(survey, "invert", asked(0.05), stages))
    low, high = plan.stages
    assert low.grid.spacing[0] > 1.2 * high.grid.spacing[0] > 10
    for number in (0, 1):
        assert accuracy(plan, number).estimated <= 0.05
    coarse = "inversion.stages=[{band: [0, 16], spacing: 16}]"
    (warning,) = make_plan(config(survey, "invert", asked(0.02), coarse)).warnings
    assert "on a spacing of 16 m, that of the unknowns or the image" in warning
    (finer,) = re.findall(r"`inversion.stages.0.spacing: (\S+)` or less", warning)
    better = f"inversion.stages=[{{band: [0, 16], spacing: {finer}}}]"
    assert make_plan(config(survey, "invert", asked(0.02), better)).warnings == []


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


def test_names_of_measured_errors_have_no_subnormal_numbers(survey: Path) -> None:
    """Processors that flush these keep the name, others the wavelet's."""
    plan = make_plan(config(survey, "model", asked(0.02)))
    wavelet = np.asarray(plan.wavelet).copy()
    wavelet[-5:] = 0.0
    names = []
    for value in (0.0, 1e-310, 1e-5 * np.abs(wavelet).max()):
        wavelet[-1] = value
        names.append(grid_errors._name(replace(plan, wavelet=wavelet.copy()), 0))
    assert names[0] == names[1] != names[2]


def measured(path: Path, *settings: str) -> tuple[GridAccuracy, GridError]:
    """Estimate and measurement of a config."""
    loaded = load(path, settings=settings)
    plan = make_plan(loaded)
    fine: Any = make_plan(grid_error._on_grid_of_model(loaded))
    return accuracy(plan), grid_error._error(plan, fine, 0, 0)


def test_estimates_in_uniform_models(long: Path) -> None:
    """The error of the farthest traces, whose paths are the longest, on a grid of 20 m."""
    estimated, found = measured(long, "physics.grid=20", "wavelet.frequency=12")
    assert 0.02 < estimated.estimated < 0.2
    assert found.error < found.far == pytest.approx(estimated.estimated, rel=0.05)
    assert estimated.dispersion == pytest.approx(estimated.estimated, rel=0.1)
    assert grid_error_of_shot(
        make_plan(load(long, settings=["physics.grid=20", "wavelet.frequency=12"])),
        load(long, settings=["physics.grid=20", "wavelet.frequency=12"]),
        0,
        0,
    ) == pytest.approx(found.error, rel=1e-6)


@pytest.mark.parametrize("frequency", [6, 8])
def test_contrasts_are_in_the_estimate(long: Path, frequency: float) -> None:
    """Over a hard floor, and where beds are thinner than the coarse cells."""
    depth = 10.0 * np.arange(61)
    beds = np.where(depth // 50 % 2 == 0, 3200.0, 2200.0)
    vp = np.broadcast_to(np.where(depth < 335, 1500.0, beds), (181, 61)).astype(np.float32)
    np.save(long.parent / "beds.npy", vp)
    model = file_of(long.parent / "beds.npy")
    settings = model, "physics.grid=20", f"wavelet.frequency={frequency}"
    estimated, found = measured(long, *settings)
    largest = max(found.error, found.far)
    assert estimated.dispersion < 0.35 * largest
    assert estimated.estimated == pytest.approx(largest, rel=0.2)
    dispersion, contrasts = estimated.shares
    assert dispersion == estimated.dispersion
    assert contrasts == pytest.approx(np.sqrt(estimated.estimated**2 - dispersion**2))


def test_what_has_no_layers_has_dispersion_alone(long: Path) -> None:
    """Tilted axes: a note says so."""
    tilted = ["model.epsilon=0.1", "model.delta=0", "model.theta=0.3", "physics.grid=12"]
    plan = make_plan(load(long, settings=["physics.equation=tti", "wavelet.frequency=8", *tilted]))
    assert accuracy(plan).estimated == accuracy(plan).dispersion
    assert any("`tti` is estimated without contrasts" in note for note in plan.notes)


def test_columns_are_those_of_the_places_of_the_shot(long: Path) -> None:
    """A change of the model far from the shot changes nothing, one below its receivers does."""
    vp = np.full((181, 61), 2000.0, dtype=np.float32)
    errors = []
    for part in (slice(0), slice(0, 2), slice(80, 100)):
        changed = vp.copy()
        changed[part, 40:] = 3500.0
        np.save(long.parent / "part.npy", changed)
        model = file_of(long.parent / "part.npy")
        errors.append(accuracy(make_plan(load(long, settings=[model, "physics.grid=16"]))))
    assert errors[0].estimated == pytest.approx(errors[1].estimated, rel=0.02)
    assert errors[2].estimated > 1.1 * errors[0].estimated


MARMOUSI = (
    "vp: {{file: {}/marmousi2_vp_1601x401_7.5m.f32, shape: [1601, 401], dtype: float32}}, "
    "unit: km/s, spacing: 7.5"
)
# Models of 4 km by 1.5 km, in which waves of 8 Hz run along the top.
EARTHS = {
    "uniform": lambda z: 2000 + 0 * z,
    "growing with depth": lambda z: 1500 + 0.9 * z,
    "layers": lambda z: np.where(z < 250, 1800, np.where(z < 600, 2200, 2600)),
    "hard floor": lambda z: np.where(z < 305, 1500, 2500 + 0.5 * z),
    "thin beds": lambda z: np.where(z < 200, 1500, np.where(z // 40 % 2 == 0, 2600, 1900)),
}
# Settings beside a model.
DENSITY = "physics.equation=variable_density"


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


@pytest.mark.slow  # four to twelve seconds each: kernels for every grid
@pytest.mark.parametrize("more", ["physics.stencil=taylor", "physics.stencil=optimised", DENSITY])
@pytest.mark.parametrize("earth", EARTHS)
def test_errors_are_as_allowed(earths: Path, earth: str, more: str) -> None:
    """As estimated in layers, with contrasts of density as well."""
    rho = [] if more != DENSITY else [f"model.rho={{file: {earths}/rho.npy}}"]
    vp = np.load(earths / f"{earth}.npy")
    np.save(earths / "rho.npy", np.where(vp < 1900, 1000.0, 2000.0).astype(np.float32))
    allowed = 0.1 if rho or earth == "thin beds" else 0.03
    estimated, found = measured(earths / f"{earth}.yaml", more, asked(allowed), *rho)
    largest = max(found.error, found.far)
    assert 0.85 * allowed < estimated.estimated <= 1.05 * allowed
    assert 0.67 * estimated.estimated < largest < 1.33 * estimated.estimated


@pytest.mark.slow  # a minute: the whole of Marmousi-II on its own grid
def test_errors_of_marmousi(shared_data: Path, earths: Path) -> None:
    """Where layers bend and break, at least half of the error is in the estimate."""
    path = earths / "marmousi.yaml"
    text = LONG.replace("vp: 2000, shape: [181, 61], spacing: 10", MARMOUSI.format(shared_data))
    for old, new in (
        ("x: 100, z: 300", "x: 7000, z: 15"),
        ("start: 400, stop: 1700, step: 20}, z: 300", "start: 0, stop: 11970, step: 45}, z: 15"),
        ("frequency: 16", "frequency: 6"),
        ("duration: 1.1", "duration: 4.0"),
    ):
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    for spacing in (15, 25):
        estimated, found = measured(path, f"physics.grid={spacing}")
        largest = max(found.error, found.far)
        assert 0.5 * largest < estimated.estimated < 1.5 * largest
        assert estimated.dispersion < estimated.estimated


@pytest.mark.slow
def test_cures_of_measured_errors_are_cures(earths: Path) -> None:
    """The grid that a warning names has the error that was allowed."""
    path, error = earths / "hard floor.yaml", 0.02
    estimated, found = measured(path, asked(error))
    largest = max(found.error, found.far)
    assert largest > error
    spacing, smaller = estimated.spacing_for(largest)
    for setting in (f"physics.grid={spacing}", asked(smaller)):
        _, cured = measured(path, setting)
        assert max(cured.error, cured.far) <= error
