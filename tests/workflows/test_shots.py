"""Inversions of some of the shots, and of shots that fire together; what the first look tells."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.errors import DataError
from fwicli.files import hdf5
from fwicli.inversion.shots.selection import ShotSelection
from fwicli.survey.acquisition import towed
from fwicli.workflows import invert
from fwicli.workflows.planning.plan import make_plan
from tests.workflows.test_invert import StopAtUpdate, result

ONE_STAGE = "inversion.stages=[{band: [0, 8], iterations: 4, spacing: 20}]"


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("shots", "simulated"),
    [("{batch: 2}", 2), ("{encode: {sources: 2, realisations: 2}, seed: 1}", 4)],
    ids=["batches", "encoded"],
)
def test_some_shots_lead_there_too(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shots: str, simulated: int
) -> None:
    """The model gets nearer; a stop within an iteration does not show in the result."""
    asked, of = [], ShotSelection.select

    def drawn(self: ShotSelection, stage: int, iteration: int) -> Any:
        asked.append((stage, iteration))
        return of(self, stage, iteration)

    monkeypatch.setattr(ShotSelection, "select", drawn)
    loaded = load(survey / "invert.yaml", settings=[ONE_STAGE, f"inversion.shots={shots}"])
    summary = invert.run(loaded, tmp_path / "whole")
    assert asked == [(0, 0), (0, 0), (0, 1), (0, 2), (0, 3)]
    steps = records(tmp_path / "whole")
    first, last = steps[0], steps[-1]
    assert last["model_error"] < 0.98 * first["model_error"]
    assert last["misfit"] < 0.75 * first["misfit"]
    assert first["simulations"] == 2 * simulated
    # A step with other shots begins with their value and gradient at the present model.
    spent = np.diff([step["simulations"] for step in steps]) / (2 * simulated)
    assert spent[0] >= 1
    assert (spent[1:] >= 2).all()
    for updates in (simulated + 1, 3 * simulated + 1):
        with pytest.raises(KeyboardInterrupt):
            invert.run(
                loaded,
                tmp_path / "parts",
                resume=updates > simulated + 1,
                progress=StopAtUpdate(updates),
            )
    again = invert.run(loaded, tmp_path / "parts", resume=True)
    np.testing.assert_array_equal(result(tmp_path / "parts"), result(tmp_path / "whole"))
    assert again["simulations"] == summary["simulations"]


def test_impossible_codes_are_refused(survey: Path, tmp_path: Path) -> None:
    """Moving receivers, windows and other misfits, each with what to do; batches may have them."""
    there = hdf5.read_gathers(survey / "shots" / "shots.h5")
    sources = there.acquisition.sources
    spread = towed(sources, np.array([[-40.0, 0.0], [40.0, 0.0]]))
    acquisition = replace(there.acquisition, receivers=spread)
    moving = replace(there, acquisition=acquisition, data=there.data[:, :2])
    hdf5.write_gathers(tmp_path / "moving.h5", moving, {})
    settings = [
        f"data.file={tmp_path}/moving.h5",
        "physics.aperture=200",
        "inversion.misfit=huber",
    ]
    encoded = load(survey / "invert.yaml", settings=[*settings, "inversion.shots={encode: {}}"])
    with pytest.raises(ProblemsError) as refused:
        make_plan(encoded)
    said = str(refused.value)
    assert "receivers of shot 1 lie elsewhere" in said
    assert "physics.aperture: whole" in said
    assert "by `least_squares` alone, not by `huber`" in said
    make_plan(load(survey / "invert.yaml", settings=[*settings, "inversion.shots={batch: 2}"]))


@pytest.mark.usefixtures("drawn_pictures")
def test_wrong_polarity_is_told(survey: Path, tmp_path: Path) -> None:
    """In the log, in the progress and as a picture; numbers of every stage's first evaluation."""
    wavelet = f"{{kind: file, file: {survey}/shots/shots.h5, scale: -10}}"
    settings = [ONE_STAGE.replace("4", "1"), f"wavelet={wavelet}"]
    invert.run(load(survey / "invert.yaml", settings=settings), tmp_path / "run")
    said = (tmp_path / "run" / "log.txt").read_text()
    assert "of the first arrivals have the opposite polarity" in said
    assert "scale the wavelet by 0.1" in said
    first, second = records(tmp_path / "run")
    assert first["reversed_share"] > 0.9
    assert first["amplitude_ratio"] == pytest.approx(10, rel=0.2)
    assert "reversed_share" not in second
    for record in (first, second):
        assert record["points_per_wavelength"] > 4
    assert (tmp_path / "run" / "diagnosis_1.png").stat().st_size > 5000


def test_waves_that_become_too_short_are_told(survey: Path, tmp_path: Path) -> None:
    """Once, in a model that has become slower than the start, where the water may change."""
    settings = [ONE_STAGE, "inversion.fixed=nothing", "inversion.bounds=[1300, 3200]"]
    points = (
        make_plan(load(survey / "invert.yaml", settings=settings)).stages[0].points_per_wavelength
    )
    settings += [f"physics.min_points_per_wavelength={points - 1e-6}"]
    invert.run(load(survey / "invert.yaml", settings=settings), tmp_path / "run")
    assert (tmp_path / "run" / "log.txt").read_text().count("its shortest wave has") == 1
    assert records(tmp_path / "run")[-1]["points_per_wavelength"] < points


def test_a_gradient_of_nothing_is_explained(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Receivers on a free surface hear nothing, and the user is told to look there."""
    monkeypatch.setattr("fwicli.workflows.planning.placement.sounding", lambda *_: None)
    monkeypatch.setattr("fwicli.propagators.checks.sides.check_sounding", lambda *_: None)
    there = hdf5.read_gathers(survey / "shots" / "shots.h5")
    surface = there.acquisition.receivers.copy()
    surface[:, -1] = 0.0
    acquisition = replace(there.acquisition, receivers=surface)
    hdf5.write_gathers(tmp_path / "silent.h5", replace(there, acquisition=acquisition), {})
    settings = [f"data.file={tmp_path}/silent.h5", "physics.free_surface=true"]
    settings += ["inversion.stages=[{band: [0, 8], iterations: 4}]"]
    # The kernels of other tests below a free surface.
    settings += [f"{model}.spacing=[10, 12]" for model in ("model", "reference")]
    settings += ["physics.order=4", "physics.precision=float64"]
    settings.append("execution.workers=1")  # in this process, where nothing refuses them
    with pytest.raises(DataError, match=r"stage 1 is zero everywhere.*on the free surface"):
        invert.run(load(survey / "invert.yaml", settings=settings), tmp_path / "run")
