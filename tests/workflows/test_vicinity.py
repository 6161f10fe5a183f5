"""Traces next to their source, from config to result: told, left out, and the same when resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwicli import hdf5
from fwicli.config.loader import ProblemsError, load
from fwicli.workflows import invert, rtm
from fwicli.workflows.plan import plan
from fwicli.workflows.runfolder import ENVIRONMENT
from tests.workflows.test_invert import StopAtUpdate, result
from tests.workflows.test_rtm import image

COARSE = "inversion.stages=[{band: [0, 8], iterations: 1, spacing: 20}]"
ONE = "execution.workers=1"


def records(survey: Path, path: Path, loud: float = 1.0, known: bool = True) -> str:
    """The survey's records, with the traces within a cell of their source so many times as loud."""
    there = hdf5.read_gathers(survey / "shots" / "shots.h5")
    data = there.data.copy()
    across = there.acquisition.sources[:, None, 0] - there.acquisition.receivers[None, :, 0]
    assert (np.abs(across) < 1).any()
    data[np.abs(across) < 1] *= loud
    said = there.point_source if known else None
    hdf5.write_gathers(path, replace(there, data=data, point_source=said), {})
    return f"data.file={path}"


def test_plan_says_what_fades(survey: Path, tmp_path: Path) -> None:
    """On a coarser grid, and on any where nobody knows how the records were modelled."""
    made = plan(load(survey / "invert.yaml"))
    coarse, own = (s.near for s in made.stages)
    assert (coarse.length, own.length) == (80.0, 0.0)
    geometry = made.acquisition
    apart = np.abs(geometry.sources[:, None, 0] - geometry.receivers[None, :, 0])
    assert coarse.traces == (apart < 80).sum()
    assert 0.2 < coarse.energy < 0.9
    said = made.summary()["near_source"]
    assert said[0]["summary"].startswith(f"{coarse.traces} of 124 traces are nearer than 80 m")
    assert said[1]["summary"] == "no trace is too near to its source"
    unknown = records(survey, tmp_path / "unknown.h5", known=False)
    made = plan(load(survey / "invert.yaml", settings=[unknown]))
    assert [s.near.length for s in made.stages] == [80.0, 40.0]


@pytest.mark.parametrize(
    ("settings", "lengths"),
    [
        (["inversion.near_source=nothing"], [0.0, 0.0]),
        (["inversion.near_source=55"], [55.0, 55.0]),
        (["inversion.near_source=nothing", "inversion.stages.0.near_source=auto"], [80.0, 0.0]),
        (["inversion.stages.1.near_source=30"], [80.0, 30.0]),
    ],
    ids=str,
)
def test_setting_is_heard(survey: Path, settings: list[str], lengths: list[float]) -> None:
    """For all stages or for one."""
    made = plan(load(survey / "invert.yaml", settings=settings))
    assert [s.near.length for s in made.stages] == lengths


@pytest.mark.parametrize("command", ["invert", "rtm"])
def test_nothing_left_is_a_problem(survey: Path, command: str) -> None:
    section = {"invert": "inversion", "rtm": "imaging"}[command]
    loaded = load(survey / f"{command}.yaml", settings=[f"{section}.near_source=1e5"])
    with pytest.raises(ProblemsError, match=rf"{section}.near_source: every trace of every shot"):
        plan(loaded)


def test_inversion_is_blind_there(survey: Path, tmp_path: Path) -> None:
    """To the bit, whatever the nearest traces hold; the log says how many they are."""
    results = []
    for loud in (1.0, -9.0):
        file = records(survey, tmp_path / "records.h5", loud)
        invert.run(load(survey / "invert.yaml", settings=[COARSE, file, ONE]), tmp_path / str(loud))
        results.append(result(tmp_path / str(loud)))
        assert "traces are nearer than 80 m" in (tmp_path / str(loud) / "log.txt").read_text()
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("condition", ["correlation", "gradient"])
def test_migration_is_blind_there(survey: Path, tmp_path: Path, condition: str) -> None:
    """To the bit, and what is subtracted from the records fades as they do."""
    images = []
    for loud in (1.0, -9.0):
        settings = [records(survey, tmp_path / "records.h5", loud), "physics.grid=15", ONE]
        settings.append(f"imaging.condition={condition}")
        rtm.run(load(survey / "rtm.yaml", settings=settings), tmp_path / str(loud))
        images.append(image(tmp_path / str(loud)))
    np.testing.assert_array_equal(*images)
    assert "traces are nearer than 60 m" in (tmp_path / "1.0" / "log.txt").read_text()


def test_runs_go_on_as_they_began(survey: Path, tmp_path: Path) -> None:
    """A run with traces that fade, to the bit; one from before they did, without."""
    stage = "inversion.stages=[{band: [0, 8], iterations: 2, spacing: 20}]"
    for name, setting in (("auto", "auto"), ("before", "nothing")):
        settings = [stage, ONE, f"inversion.near_source={setting}"]
        invert.run(load(survey / "invert.yaml", settings=settings), tmp_path / f"whole {name}")
        # A run of before knows no such setting, and has decided nothing.
        loaded = load(survey / "invert.yaml", settings=[stage, ONE])
        folder = tmp_path / name
        if name == "before":
            loaded = load(survey / "invert.yaml", settings=settings)
        with pytest.raises(KeyboardInterrupt):
            invert.run(loaded, folder, progress=StopAtUpdate(7))
        if name == "before":
            environment = json.loads((folder / ENVIRONMENT).read_text())
            del environment["decided"]["near_source"]
            (folder / ENVIRONMENT).write_text(json.dumps(environment))
            text = (folder / "config.yaml").read_text()
            (folder / "config.yaml").write_text(text.replace("  near_source: nothing\n", ""))
        loaded = load(survey / "invert.yaml", settings=[stage, ONE])
        invert.run(loaded, folder, resume=True)
        np.testing.assert_array_equal(result(folder), result(tmp_path / f"whole {name}"))
    assert not np.array_equal(result(tmp_path / "auto"), result(tmp_path / "before"))
