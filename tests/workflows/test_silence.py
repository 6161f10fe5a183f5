"""Silent traces of a data file: found by the check, and no part of any run."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli import Acquisition, Gathers
from fwicli.config.loader import ProblemsError, load
from fwicli.files import hdf5
from fwicli.survey.signals import wavelets
from fwicli.workflows import rtm
from fwicli.workflows.inversion.migration.records import MigrationRecords
from fwicli.workflows.planning.plan import Plan, make_plan

EARTH = "model: {vp: 2000, shape: [41, 31], spacing: 10}\ndata: {file: shots.h5}\n"
INVERT = (
    EARTH
    + "inversion: {fixed: nothing, bounds: [1500, 2500], stages: [{band: [0, 8], iterations: 1}]}\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Direct waves of three shots at eight receivers, with configs."""
    sources = np.array([[50.0, 20.0], [200.0, 20.0], [350.0, 20.0]])
    receivers = np.stack([50.0 * np.arange(8) + 5, np.full(8, 40.0)], axis=-1)
    t = wavelets.times(0.004, 101)
    away = np.linalg.norm(receivers - sources[:, None], axis=-1)
    data = wavelets.ricker(t - away[..., None] / 2000, 8.0).astype("f4")
    gathers = Gathers(Acquisition(sources, receivers), 0.004, data, wavelets.ricker(t, 8.0))
    hdf5.write_gathers(tmp_path / "shots.h5", gathers, {})
    (tmp_path / "invert.yaml").write_text(INVERT)
    (tmp_path / "rtm.yaml").write_text(EARTH)
    return tmp_path


def planned(folder: Path, kind: str, *settings: str) -> Plan:
    return make_plan(load(folder / f"{kind}.yaml", kind, settings))


def silent(made: Plan) -> list[str]:
    return [warning for warning in made.warnings if "silent" in warning]


def spoil(folder: Path) -> None:
    """A shot of zeros, a trace of NaN, and one whose receiver is nowhere."""
    with h5py.File(folder / "shots.h5", "r+") as file:
        file["data"][1] = 0
        file["data"][0, 5] = np.nan
        file["data"][2, 7] = 0
        for axis in ("receiver_x", "receiver_z"):
            positions = np.broadcast_to(file[axis][()], (3, 8)).copy()
            positions[2, 7] = np.nan
            del file[axis]
            file[axis] = positions


@pytest.mark.parametrize("kind", ["invert", "rtm"])
def test_check_counts_silent_traces(folder: Path, kind: str) -> None:
    made = planned(folder, kind)
    assert not silent(made)
    assert "silent_traces" not in made.summary()
    spoil(folder)
    made = planned(folder, kind)
    (said,) = silent(made)
    assert "10 of 24 traces are silent" in said
    assert "1 with values that are no numbers (the first of shot 0, receiver 5)" in said
    assert "all of shot 1;" in said
    assert made.summary()["silent_traces"] == 10
    assert made.gathers is not None
    assert np.isfinite(made.gathers.data).all()


def test_image_has_no_silent_traces(folder: Path) -> None:
    """Nor the waves of shots without others."""
    spoil(folder)
    loaded = load(folder / "rtm.yaml", "rtm", ())
    plan = make_plan(loaded)
    tasks = rtm._tasks(loaded.config.imaging, plan, MigrationRecords(plan, loaded.config.imaging))
    assert [len(t.task.task.receivers) for t in tasks] == [7, 7]
    assert [len(t.task.task.observed) for t in tasks] == [7, 7]


def test_zeros_are_compared_if_told(folder: Path) -> None:
    spoil(folder)
    made = planned(folder, "invert", "data.silent=compare")
    assert made.summary()["silent_traces"] == 1
    assert "they are compared" in silent(made)[0] or "no numbers are compared" in silent(made)[0]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_records_of_nothing_are_refused(folder: Path, value: float) -> None:
    with h5py.File(folder / "shots.h5", "r+") as file:
        file["data"][...] = value
    with pytest.raises(ProblemsError, match="all traces"):
        planned(folder, "invert")


def test_shots_that_fire_together_need_all_traces(folder: Path) -> None:
    """And the advice works: batches, or other shots."""
    with h5py.File(folder / "shots.h5", "r+") as file:
        file["data"][0, 5] = np.nan
    with pytest.raises(ProblemsError, match="1 traces are silent, and shots that fire together"):
        planned(folder, "invert", "inversion.shots={encode: {}}")
    planned(folder, "invert", "inversion.shots={batch: 2}")
    planned(folder, "invert", "inversion.shots={encode: {}}", "data.shots=1:3")
