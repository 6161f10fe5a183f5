"""`fwi invert`: it converges, and what interrupts it does not show in the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.files import hdf5
from fwicli.inversion.objective import Objective
from fwicli.propagators.history import Demand, HistoryOptions
from fwicli.workflows import invert
from fwicli.workflows.planning.plan import make_plan
from tests.workflows.test_model import StopAfter


def result(folder: Path) -> np.ndarray:
    with h5py.File(folder / "inversion.h5") as file:
        return np.array(file["result/vp"])


class StopAtUpdate(StopAfter):
    """Interrupted at the n-th report of a finished shot, over all evaluations."""

    def update(self, done: int) -> None:
        self.shots -= 1
        if self.shots == 0:
            raise KeyboardInterrupt


def test_misfit_and_error_fall(survey: Path, inverted: dict[str, Any]) -> None:
    """In every stage; the model gets nearer to the true one, and the water stays."""
    history = hdf5.read_history(survey / "whole" / "inversion.h5")
    for stage in (1, 2):
        misfits = history["misfit"][history["stage"] == stage]
        assert misfits.size == 3
        assert np.all(np.diff(misfits) < 0)
    with h5py.File(survey / "whole" / "inversion.h5") as file:
        true, start = file["reference/vp"][()], file["start/vp"][()]
        assert len(file["iterates"]) == 6
        np.testing.assert_array_equal(file["iterates/0006/vp"][()], file["result/vp"][()])
    found = result(survey / "whole")
    assert np.linalg.norm(found - true) < 0.9 * np.linalg.norm(start - true)
    assert inverted["model_error"] == pytest.approx(history["model_error"][-1])
    np.testing.assert_array_equal(found[:, :6], 1500.0)
    assert found.min() >= 1450
    assert found.max() <= 3200


def test_folder_tells_the_story(survey: Path, inverted: dict[str, Any]) -> None:
    """Pictures, a line a step, and what was said."""
    folder = survey / "whole"
    for name in ("start", "result", "difference", "convergence", "overview"):
        assert (folder / f"{name}.png").stat().st_size > 5000
    steps = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    assert [s["iteration"] for s in steps] == [0, 1, 2, 3] * 2
    assert steps[-1]["simulations"] == inverted["simulations"]
    assert "stage 2 of 2: 0 to 16 Hz" in (folder / "log.txt").read_text()


@pytest.mark.parametrize(
    "interrupts",
    [[7], [18, 9, 3], *(pytest.param(n, marks=pytest.mark.slow) for n in ([1], [13, 5]))],
)
def test_resumed_result_is_the_same(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, interrupts: list[int]
) -> None:
    """Bit for bit, wherever it was stopped, and with another number of workers."""
    folder = tmp_path / "run"
    for number, updates in enumerate(interrupts):
        workers = f"execution.workers={1 + number % 2}"
        with pytest.raises(KeyboardInterrupt):
            invert.run(
                load(survey / "invert.yaml", settings=[workers]),
                folder,
                resume=number > 0,
                progress=StopAtUpdate(updates),
            )
        if (folder / "inversion.h5").exists():
            hdf5.read_array(folder / "inversion.h5", "result/vp")
    invert.run(load(survey / "invert.yaml"), folder, resume=True)
    np.testing.assert_array_equal(result(folder), result(survey / "whole"))
    whole = hdf5.read_history(survey / "whole" / "inversion.h5")
    again = hdf5.read_history(folder / "inversion.h5")
    for column in ("misfit", "model_error", "stage", "iteration"):
        np.testing.assert_array_equal(again[column], whole[column])


def test_only_the_evaluation_in_flight_is_lost(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a line search, too; and what was spent is counted whichever process spent it."""
    calls = []
    evaluate = Objective.__call__

    def counted(self: Objective, x: np.ndarray) -> tuple[float, np.ndarray]:
        calls.append(x)
        return evaluate(self, x)

    monkeypatch.setattr(Objective, "__call__", counted)
    interrupts = (2, 6, 11, 9)
    for number, updates in enumerate(interrupts):
        with pytest.raises(KeyboardInterrupt):
            invert.run(
                load(survey / "invert.yaml"),
                tmp_path / "run",
                resume=number > 0,
                progress=StopAtUpdate(updates),
            )
    summary = invert.run(load(survey / "invert.yaml"), tmp_path / "run", resume=True)
    shots = 4
    assert len(calls) == inverted["simulations"] / (2 * shots) + len(interrupts)
    assert summary["simulations"] == inverted["simulations"]
    assert not (tmp_path / "run" / "journal").exists()
    np.testing.assert_array_equal(result(tmp_path / "run"), result(survey / "whole"))


def test_one_worker_gives_the_bits_of_two(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    loaded = load(survey / "invert.yaml", settings=["execution.workers=1"])
    invert.run(loaded, tmp_path / "run")
    np.testing.assert_array_equal(result(tmp_path / "run"), result(survey / "whole"))


def test_checkpoints_give_the_bits_of_what_is_stored(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    invert.run(
        load(survey / "invert.yaml", settings=["physics.history=checkpoints"]), tmp_path / "a"
    )
    np.testing.assert_array_equal(result(tmp_path / "a"), result(survey / "whole"))


def test_resumed_run_keeps_histories_as_it_began(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compressed ones change the result, and what fits may differ from machine to machine."""
    loaded = load(survey / "invert.yaml")
    with monkeypatch.context() as elsewhere:
        small = HistoryOptions("compressed", bits=8), "as on a machine of little memory"
        elsewhere.setattr(Demand, "choose", lambda *_: small)
        invert.run(loaded, tmp_path / "whole")
        with pytest.raises(KeyboardInterrupt):
            invert.run(loaded, tmp_path / "again", progress=StopAtUpdate(22))
    invert.run(loaded, tmp_path / "again", resume=True)
    np.testing.assert_array_equal(result(tmp_path / "again"), result(tmp_path / "whole"))
    assert (result(tmp_path / "again") != result(survey / "whole")).any()


def test_finished_run_may_be_resumed(survey: Path, inverted: dict[str, Any]) -> None:
    """It has nothing left to do, and says what it found."""
    before = result(survey / "whole")
    summary = invert.run(load(survey / "invert.yaml"), survey / "whole", resume=True)
    assert summary["misfit"] == inverted["misfit"]
    np.testing.assert_array_equal(result(survey / "whole"), before)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("inversion.stages.1.iterations=2", "inversion.stages.1.iterations: 3 -> 2"),
        ("inversion.stages.0.iterations=4", "inversion.stages.0.iterations: 3 -> 4"),
        ("inversion.stages.1.band=[0, 12]", r"inversion.stages.1.band.1: 16.0 -> 12.0"),
        ("inversion.bounds=[1450, 3300]", r"inversion.bounds.1: 3200.0 -> 3300.0"),
    ],
)
def test_changed_config_is_not_continued(
    survey: Path, inverted: dict[str, Any], setting: str, said: str
) -> None:
    """What changed is said, and what may; nothing is touched."""
    before = {p: p.read_bytes() for p in (survey / "whole").iterdir()}
    with pytest.raises(ConfigError, match=said) as refused:
        invert.run(load(survey / "invert.yaml", settings=[setting]), survey / "whole", resume=True)
    assert "iterations of the stage that was begun last" in str(refused.value)
    assert {p: p.read_bytes() for p in (survey / "whole").iterdir()} == before


def test_changed_input_is_not_continued(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    data = tmp_path / "shots.h5"
    data.write_bytes((survey / "shots" / "shots.h5").read_bytes())
    loaded = load(survey / "invert.yaml", settings=[f"data.file={data}"])
    with pytest.raises(KeyboardInterrupt):
        invert.run(loaded, tmp_path / "run", progress=StopAtUpdate(2))
    with h5py.File(data, "r+") as file:
        file["data"][0, 0, 0] = 1.0
    with pytest.raises(ConfigError, match=r"shots.h5 has changed"):
        invert.run(loaded, tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    "parameter", ["slowness", pytest.param("squared_slowness", marks=pytest.mark.slow)]
)
def test_other_variables_converge(
    survey: Path, inverted: dict[str, Any], tmp_path: Path, parameter: str
) -> None:
    settings = [f"inversion.parameter={parameter}", "inversion.model_smoothing=15"]
    loaded = load(survey / "invert.yaml", settings=settings)
    invert.run(loaded, tmp_path / "run")
    history = hdf5.read_history(tmp_path / "run" / "inversion.h5")
    for stage in (1, 2):
        assert np.all(np.diff(history["misfit"][history["stage"] == stage]) < 0)


def test_result_starts_the_next_run(survey: Path, inverted: dict[str, Any]) -> None:
    """A result knows its grid: the next config need not repeat it."""
    settings = [
        f"model={{vp: {{file: {survey}/whole/inversion.h5, dataset: result/vp}}}}",
    ]
    made = make_plan(load(survey / "invert.yaml", settings=settings))
    assert made.model.grid.spacing == (10.0, 10.0)
    np.testing.assert_array_equal(made.model.vp, result(survey / "whole"))
