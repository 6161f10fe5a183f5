"""Results that are zero or no numbers: refused before the run, or else before they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.loader import ProblemsError, load
from fwicli.errors import DataError
from fwicli.imaging import reflectivity
from fwicli.imaging.migration import compensate
from fwicli.survey.signals.wavelets import times
from fwicli.workflows import model, rtm
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder import results
from fwicli.workflows.run_folder.finished_sums import FinishedSums

SIDES = {"left": ("x", 0.0), "right": ("x", 600.0), "top": ("z", 0.0), "bottom": ("z", 400.0)}


def refused(path: Path, *settings: str) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        make_plan(load(path, settings=settings))
    assert caught.value.exit_code == 3
    return [str(p) for p in caught.value.problems]


def altered(survey: Path, folder: Path, **datasets: Any) -> str:
    """The records with other values in some datasets."""
    path = folder / "altered.h5"
    path.write_bytes((survey / "shots" / "shots.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        for name, values in datasets.items():
            file[name][...] = values
    return f"data.file={path}"


@pytest.mark.parametrize("name", ["source", "receiver"])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("command", ["model", "invert", "rtm"])
def test_points_where_the_pressure_is_zero_are_refused(
    survey: Path, tmp_path: Path, command: str, side: str, name: str
) -> None:
    """On every side that can be free, in configs and in data files; half a cell inwards they go."""
    axis, end = SIDES[side]
    others = [s for s in SIDES if s != side]
    settings = [f"physics.absorbing.sides=[{', '.join(others)}]"]
    if side == "top":
        settings = ["physics.free_surface=true"]
    inside = "{start: 20, stop: 580, step: 20}"

    def placed(at: float) -> list[str]:
        if command == "model":
            return [f"geometry.receivers.x={inside}", f"geometry.{name}s.{axis}={at}"]
        clear = {"receiver_x": np.linspace(20, 580, 31)}
        return [altered(survey, tmp_path, **(clear | {f"{name}_{axis}": at}))]

    told = refused(survey / f"{command}.yaml", *settings, *placed(end))
    assert len(told) == 1
    assert f"lie on the side `{side}`, at {axis} = {end:g} m, where the pressure is zero" in told[0]
    inward = 5.0 if end == 0 else end - 5
    assert f"{axis} = {inward:g} m" in told[0]
    make_plan(load(survey / f"{command}.yaml", settings=[*settings, *placed(inward)]))


def test_silent_traces_may_lie_there(survey: Path, tmp_path: Path) -> None:
    """They are compared with nothing."""
    with h5py.File(survey / "shots" / "shots.h5") as file:
        data, x = file["data"][()], file["receiver_x"][()]
    data[:, x == 600] = 0
    settings = ["physics.absorbing.sides=[left, top, bottom]", altered(survey, tmp_path, data=data)]
    make_plan(load(survey / "invert.yaml", settings=settings))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
@pytest.mark.parametrize("command", ["model", "rtm"])
def test_nothing_is_written_of_a_run_without_a_result(
    survey: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, value: float
) -> None:
    """Whatever the waves gave: the command ends with exit code 3 and the likely causes."""
    gather = np.full((31, 151), value, np.float32)
    sums = {name: np.full((61, 41), value) for name in ("image", "illumination")}
    monkeypatch.setattr(model, "modelling_tasks", lambda *_: [lambda: gather] * 4)
    monkeypatch.setattr(FinishedSums, "add", lambda *_: None)
    monkeypatch.setattr(FinishedSums, "total", lambda *_: sums)
    run = {"model": model.run, "rtm": rtm.run}[command]
    settings = ["imaging.laplacian=false"] if command == "rtm" else ["execution.workers=1"]
    with pytest.raises(DataError, match=r"zero everywhere|are no numbers") as caught:
        run(load(survey / f"{command}.yaml", settings=settings), tmp_path / "run")
    assert caught.value.exit_code == 3
    assert "units of velocity" in str(caught.value)
    assert not list((tmp_path / "run").glob("*.h5"))


def test_shots_that_recorded_nothing_are_said() -> None:
    assert results.silent_shots([], 4) == ""
    assert results.silent_shots([1, 3], 4).startswith("2 of 4 shots recorded nothing (1, 3)")
    with pytest.raises(DataError, match="zero everywhere"):
        results.silent_shots([0, 1], 2)


def test_models_are_checked_before_they_are_written() -> None:
    """A parameter of anisotropy may be zero; nothing may be NaN."""
    results.check({"epsilon": np.zeros(4)}, results.NO_MODEL, may_be_zero=True)
    with pytest.raises(
        DataError, match=r"1 of 4 values of the model are no numbers.*nan at \(2,\)"
    ):
        results.check({"model": np.array([1, 2, np.nan, 4])}, results.NO_MODEL, may_be_zero=True)


def test_division_by_no_energy() -> None:
    """Where no source shines nothing is imaged; where none shines at all it is an error."""
    image, energy = np.ones((3, 4)), np.zeros((3, 4))
    energy[0] = 2
    divided = compensate(image, energy, 1e-3)
    np.testing.assert_array_equal(divided, image / (energy + 1e-3 * energy.mean()))
    assert not compensate(image, energy, 0.0)[1:].any()
    with pytest.raises(DataError, match="source fields are zero everywhere"):
        compensate(image, np.zeros((3, 4)), 0.01)


def test_correlation_of_what_does_not_vary() -> None:
    image, everywhere = np.arange(12.0).reshape(3, 4), np.ones((3, 4), dtype=bool)
    assert reflectivity.correlation(image, np.ones((3, 4)), everywhere) is None
    assert reflectivity.correlation(image, image, ~everywhere) is None
    assert reflectivity.correlation(image, image, everywhere) == pytest.approx(1)


def test_bands_without_data_are_refused(survey: Path, tmp_path: Path) -> None:
    """Also where the wavelet has energy there."""
    t = times(0.004, 151)
    burst = np.cos(2 * np.pi * 25 * t) * np.exp(-(((t - 0.3) / 0.07) ** 2))
    changed = altered(survey, tmp_path, data=burst)
    # The likely cause comes first: the wavelet is of another band than the burst.
    cause, told = refused(survey / "invert.yaml", changed, "inversion.stages=[{band: [0, 5]}]")
    assert "the wavelet is of another band than the records" in cause
    assert "the records hold" in told
    assert "from 0 to 5 Hz" in told
    cause, told = refused(survey / "rtm.yaml", changed, "imaging.band=[1, 5]")
    assert "the wavelet is of another band than the records" in cause
    assert "from 1 to 5 Hz" in told
    make_plan(
        load(survey / "invert.yaml", settings=[changed, "inversion.stages=[{band: [15, 25]}]"])
    )


def test_mutes_that_leave_nothing_are_refused(survey: Path) -> None:
    (told,) = refused(survey / "rtm.yaml", "imaging.mute=1000")
    assert "imaging.mute" in told
    assert "leaves out all of the image" in told
    mute = "inversion.conditioning=[{kind: offsets, nearest: 10000}]"
    assert "mutes every trace" in "".join(refused(survey / "invert.yaml", mute))


def test_receivers_out_of_reach_are_refused(survey: Path, tmp_path: Path) -> None:
    """In a record that ends before the fastest wave comes."""
    where = ["geometry.sources.x=0", "geometry.receivers.x=[590, 600]", "time.duration=0.2"]
    (told,) = refused(survey / "model.yaml", *where)
    assert "the nearest is 590 m from its source, and in 0.2 s the fastest wave" in told
    make_plan(load(survey / "model.yaml", settings=[*where[:2], "time.duration=0.3"]))
    changed = altered(survey, tmp_path, source_x=0.0, receiver_x=600.0)
    for command in ("invert", "rtm"):
        told = refused(survey / f"{command}.yaml", changed, "data.duration=0.16")[0]
        assert "no wave comes to any receiver within the record" in told
