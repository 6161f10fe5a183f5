"""The Marmousi-II configs, on records that another program made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import Loaded, load
from fwicli.execution import InProcess
from fwicli.files import hdf5
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.objective import Objective
from fwicli.inversion.shots.experiments import experiments
from fwicli.survey.regridding import Regridding
from fwicli.survey.signals.bands import Band
from fwicli.workflows import invert, model, rtm
from fwicli.workflows.planning.plan import make_plan
from tests.conftest import ROOT


@pytest.fixture(autouse=True)
def _environment(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARMOUSI", str(shared_data))


def config(command: str, *settings: str) -> Loaded:
    return load(ROOT / "configs" / f"marmousi_{command}.yaml", command, settings)


def test_records_are_those_of_an_independent_code(tmp_path: Path, shared_data: Path) -> None:
    """Two shots differ by less than 2 %, with no fitted scale."""
    shots = [0, 12]
    x = [420 + 465 * shot for shot in shots]
    model.run(config("model", f"geometry.sources.x={x}"), tmp_path / "run")
    ours = hdf5.read_gathers(tmp_path / "run" / model.RESULT)
    theirs = hdf5.read_gathers(shared_data / "marmousi2_shots.h5")
    np.testing.assert_allclose(ours.acquisition.sources, theirs.acquisition.sources[shots])
    for found, expected in zip(ours.data, theirs.data[shots], strict=True):
        difference = np.linalg.norm(found.astype(float) - expected)
        assert difference < 0.02 * np.linalg.norm(expected)


def test_inversion_and_image_are_planned() -> None:
    """Both configs pass every check; the start is as far from the truth as is known."""
    made = make_plan(config("invert"))
    assert made.reference is not None
    where = ~made.model.water() & made.model.above(2500)
    change = (made.model.vp - made.reference.vp)[where]
    error = np.linalg.norm(change) / np.linalg.norm(made.reference.vp[where])
    assert error == pytest.approx(0.145, abs=0.001)
    assert len(made.stages) == 4
    for name in ("rtm", "lsrtm"):
        assert make_plan(config(name)).reference is not None


@pytest.mark.slow
def test_inversion_improves_the_model(tmp_path: Path) -> None:
    """The first band alone takes a tenth off the error."""
    stage = "inversion.stages=[{band: [0, 3], iterations: 6, spacing: 30}]"
    invert.run(config("invert", stage), tmp_path / "run")
    errors = hdf5.read_history(tmp_path / "run" / invert.RESULT)["model_error"]
    assert errors[-1] < 0.9 * errors[0]


@pytest.mark.slow
def test_gradient_on_the_grid_of_the_band() -> None:
    """The lowest band's gradient points where that on the model's grid does, below the water."""
    fine, coarse = (gradient(f"physics.grid={grid}") for grid in ("model", "auto"))
    assert np.vdot(fine, coarse) > 0.99 * np.linalg.norm(fine) * np.linalg.norm(coarse)


def gradient(setting: str) -> np.ndarray:
    """Of one shot, by vp at the points of the coarse grid."""
    loaded = config("invert", "data.shots='12'", "inversion.stages=[{band: [0, 4]}]", setting)
    made = make_plan(loaded)
    assert made.gathers is not None
    assert made.inversion is not None
    band = Band(0, 4)
    records = replace(
        made.gathers,
        data=band.apply(made.gathers.data, made.interval),
        wavelet=band.apply(made.wavelet, made.interval),
    )
    (numerics,) = made.stages
    objective = Objective(
        numerics.discretization(),
        made.inversion.variables,
        made.model.properties,
        experiments(records, LeastSquares()),
        InProcess(),
        regridding=numerics.regridding,
    )
    found = objective(objective.variables.pack(made.model.properties))[1][0]
    found[made.model.water()] = 0
    return Regridding(made.model.grid, 38.5).to_fine_transpose(found)


@pytest.mark.slow
def test_image_correlates_with_the_reflectivity(tmp_path: Path) -> None:
    summary = rtm.run(config("rtm", "imaging.spacing=15"), tmp_path / "run")
    assert summary["correlation"] > 0.6
