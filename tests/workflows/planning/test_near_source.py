"""Traces next to their source, from config to result: told, and the same when resumed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.files import hdf5
from fwicli.survey.acquisition import Acquisition
from fwicli.workflows import invert, rtm
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder.folder import DECIDES, ENVIRONMENT
from tests.workflows.test_invert import StopAtUpdate, result
from tests.workflows.test_rtm import image

COARSE = "inversion.stages=[{band: [0, 8], iterations: 1, spacing: 20}]"
ONE = "execution.workers=1"
# Too coarse for the wavelet, but that of the first stage of inversions, whose kernels it shares.
COARSE_GRID = ("physics.grid=20", "physics.min_points_per_wavelength=2")


def records(survey: Path, path: Path, added: float = 0.0, known: bool = True) -> str:
    """The survey's records, with more of the wavelet in traces within a cell of their source."""
    there = hdf5.read_gathers(survey / "shots" / "shots.h5")
    data = there.data.copy()
    across = there.acquisition.sources[:, None, 0] - there.acquisition.receivers[None, :, 0]
    assert (np.abs(across) < 1).any()
    data[np.abs(across) < 1] += added * there.wavelet.astype(data.dtype)
    said = there.point_source if known else None
    hdf5.write_gathers(path, replace(there, data=data, point_source=said), {})
    return f"data.file={path}"


def test_plan_says_what_is_near(survey: Path, tmp_path: Path) -> None:
    """On a coarser grid, and on any where nobody knows how the records were modelled."""
    made = make_plan(load(survey / "invert.yaml"))
    coarse, own = (s.near for s in made.stages)
    assert (coarse.length, own.length) == (80.0, 0.0)
    geometry = made.acquisition
    apart = np.abs(geometry.sources[:, None, 0] - geometry.receivers[None, :, 0])
    assert coarse.traces == (apart < 80).sum()
    assert 0.2 < coarse.energy < 0.9
    said = made.summary()["near_source"]
    assert said[0]["summary"].startswith(
        f"{coarse.traces} of 124 traces are nearer than 80 m to their source"
    )
    assert said[1]["summary"] == "no trace is so near to its source that it depends on the grid"
    unknown = records(survey, tmp_path / "unknown.h5", known=False)
    made = make_plan(load(survey / "invert.yaml", settings=[unknown]))
    assert [s.near.length for s in made.stages] == [80.0, 40.0]


def test_silent_traces_are_not_counted(survey: Path, tmp_path: Path) -> None:
    """Traces that fill up a shot, with positions that nobody knows or at the source."""
    original = hdf5.read_gathers(survey / "shots" / "shots.h5")
    geometry = original.acquisition
    coarse = "inversion.stages=[{band: [0, 8], iterations: 1, spacing: 20}]"
    (short,) = make_plan(load(survey / "invert.yaml", settings=[coarse])).stages
    receivers = np.stack([geometry.receivers_of(n) for n in range(geometry.shots)])
    data = np.pad(original.data, ((0, 0), (0, 3), (0, 0)))
    for position in (np.nan, geometry.sources[:, None]):
        filling = np.broadcast_to(position, (len(receivers), 3, receivers.shape[-1]))
        filled = Acquisition(geometry.sources, np.concatenate([receivers, filling], axis=1))
        file = tmp_path / "filled.h5"
        hdf5.write_gathers(file, replace(original, acquisition=filled, data=data), {})
        given = [coarse, f"data.file={file}"]
        (stage,) = make_plan(load(survey / "invert.yaml", settings=given)).stages
        energy = pytest.approx(short.near.energy, rel=1e-12)
        assert replace(stage.near, energy=0.0) == replace(short.near, energy=0.0)
        assert stage.near.energy == energy


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
    made = make_plan(load(survey / "invert.yaml", settings=settings))
    assert [s.near.length for s in made.stages] == lengths


def test_nothing_left_of_unknown_sources_is_a_problem(survey: Path) -> None:
    settings = ["inversion.near_source=1e5", "inversion.source=true"]
    loaded = load(survey / "invert.yaml", settings=settings)
    with pytest.raises(ProblemsError, match=r"inversion.near_source: every trace of every shot"):
        make_plan(loaded)
    make_plan(load(survey / "invert.yaml", settings=settings[:1]))


def test_inversion_is_blind_for_what_grids_add(survey: Path, tmp_path: Path) -> None:
    """However much of the wavelet the nearest traces hold; the log says how many they are."""
    results = []
    for added in (0.0, 0.7):
        folder, file = tmp_path / str(added), records(survey, tmp_path / "records.h5", added)
        invert.run(load(survey / "invert.yaml", settings=[COARSE, file, ONE]), folder)
        results.append(result(folder))
        assert "are nearer than 80 m to their source" in (folder / "log.txt").read_text()
    start = hdf5.read_array(tmp_path / "0.0" / invert.RESULT, "start/vp")[0]
    change = np.linalg.norm(results[0] - start)
    assert np.linalg.norm(results[1] - results[0]) < 1e-2 * change


@pytest.mark.parametrize(
    "condition", ["gradient", pytest.param("correlation", marks=pytest.mark.slow)]
)
def test_migration_is_blind_for_what_grids_add(
    survey: Path, tmp_path: Path, condition: str
) -> None:
    """So is the image."""
    images = []
    for added in (0.0, 0.7):
        settings = [records(survey, tmp_path / "records.h5", added), *COARSE_GRID, ONE]
        settings.append(f"imaging.condition={condition}")
        rtm.run(load(survey / "rtm.yaml", settings=settings), tmp_path / str(added))
        images.append(image(tmp_path / str(added)))
    assert np.linalg.norm(images[1] - images[0]) < 1e-3 * np.linalg.norm(images[0])
    assert "are nearer than 80 m to their source" in (tmp_path / "0.0" / "log.txt").read_text()


def test_runs_go_on_as_they_began(survey: Path, tmp_path: Path) -> None:
    """A run that knows of near traces, to the bit; one from before, without."""
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
            del environment["decided"]["near_source"], environment[DECIDES]
            (folder / ENVIRONMENT).write_text(json.dumps(environment))
            text = (folder / "config.yaml").read_text()
            (folder / "config.yaml").write_text(text.replace("  near_source: nothing\n", ""))
        loaded = load(survey / "invert.yaml", settings=[stage, ONE])
        invert.run(loaded, folder, resume=True)
        np.testing.assert_array_equal(result(folder), result(tmp_path / f"whole {name}"))
    assert not np.array_equal(result(tmp_path / "auto"), result(tmp_path / "before"))
