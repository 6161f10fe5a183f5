"""`fwi invert` for several properties: it converges, goes on where it was, says what it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.schema import InvertConfig
from fwicli.errors import ModelError
from fwicli.files import hdf5
from fwicli.inversion.objective import Objective
from fwicli.inversion.unknowns.parameterization import PARAMETERIZATIONS
from fwicli.workflows import invert, model
from fwicli.workflows.assembly.inversion import InversionObjects
from fwicli.workflows.assembly.survey import earth_model
from fwicli.workflows.planning.plan import make_plan
from tests import pictures
from tests.survey_fixtures import MODEL
from tests.workflows.planning.test_plan import impossible
from tests.workflows.test_invert import StopAtUpdate

# Spacing and precision are those of `make_setting`, so that kernels are compiled once for both.
EARTH = "{vp: {file: true.npy}, rho: {file: rho.npy}, spacing: [10, 12]"
PHYSICS = "physics: {equation: variable_density, order: 4, precision: float64}\n"
INVERT = f"""\
model: {EARTH}, smooth: {{length: 60, keep: water}}}}
reference: {EARTH}}}
data: {{file: shots/shots.h5}}
inversion:
  invert_for: {{vp: [1450, 3200], rho: [900, 2600]}}
  stages:
    - {{band: [0, 12], iterations: 2}}
    - {{band: [0, 15], iterations: 3}}
execution: {{workers: 1}}
{PHYSICS}"""
IMPEDANCE = "inversion.invert_for={impedance: [1.4e6, 6.5e6], vp: [1450, 3200]}"


def quantity(folder: Path, name: str) -> np.ndarray:
    with h5py.File(folder / "inversion.h5") as file:
        return np.array(file[name])


def error(folder: Path, which: str, name: str) -> float:
    """Relative error of a model below the water."""
    found, true = (quantity(folder, f"{w}/{name}")[:, 6:] for w in (which, "reference"))
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a survey over an earth whose density does not follow its velocity."""
    folder = tmp_path_factory.mktemp("dense")
    x, z = np.meshgrid(10.0 * np.arange(61), 10.0 * np.arange(41), indexing="ij")
    vp = np.where(z < 60, 1500.0, 1900 + 1.5 * z)
    rho = np.where(z < 60, 1000.0, 1700 + 0.5 * z)
    vp = np.where((z > 220) & (z > 150 + 0.2 * x), 2700.0, vp)
    rho = np.where((np.abs(z - 150) < 30) & (np.abs(x - 300) < 200), 2300.0, rho)
    np.save(folder / "true.npy", vp)
    np.save(folder / "rho.npy", rho)
    text = MODEL.replace("vp: {file: true.npy}", "vp: {file: true.npy}, rho: {file: rho.npy}")
    text = text.replace("workers: 2", "workers: 1").replace("frequency: 12", "frequency: 8")
    text = text.replace("spacing: 10", "spacing: [10, 12]")
    (folder / "model.yaml").write_text(text + PHYSICS, encoding="utf-8")
    (folder / "invert.yaml").write_text(INVERT, encoding="utf-8")
    model.run(load(folder / "model.yaml"), folder / "shots")
    return folder


@pytest.fixture(scope="module")
def inverted(dense: Path) -> dict[str, Any]:
    """Summary of an inversion for vp and rho that was never interrupted, in `whole`."""
    with pictures.drawn():
        return invert.run(load(dense / "invert.yaml"), dense / "whole")


def test_both_properties_improve(dense: Path, inverted: dict[str, Any]) -> None:
    """The misfit falls; both models get nearer to the true ones, and the water stays."""
    folder = dense / "whole"
    history = hdf5.read_history(folder / "inversion.h5")
    for stage in (1, 2):
        assert np.all(np.diff(history["misfit"][history["stage"] == stage]) < 0)
    for name, column in (("vp", "model_error"), ("rho", "model_error_rho")):
        found, true = quantity(folder, f"result/{name}"), quantity(folder, f"reference/{name}")
        np.testing.assert_array_equal(found, quantity(folder, f"iterates/0005/{name}"))
        np.testing.assert_array_equal(found[:, :6], true[:, :6])
        assert inverted[column] == history[column][-1]
        assert inverted[column] == pytest.approx(error(folder, "result", name), rel=1e-5)
        assert inverted[column] < 0.95 * error(folder, "start", name)
    assert quantity(folder, "result/rho").max() <= 2600


def test_folder_has_pictures_of_both(dense: Path, inverted: dict[str, Any]) -> None:
    for name in ("start", "result", "difference", "overview"):
        for end in ("", "_rho"):
            assert (dense / "whole" / f"{name}{end}.png").stat().st_size > 5000
    text = (dense / "whole" / "log.txt").read_text()
    assert "model error rho 0." in text


def test_resumed_result_is_the_same(dense: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """Bit for bit, in both properties, stopped in both stages, and with more workers."""
    folder = tmp_path / "run"
    for number, updates in enumerate((7, 18)):
        loaded = load(dense / "invert.yaml", settings=[f"execution.workers={2 - number}"])
        with pytest.raises(KeyboardInterrupt):
            invert.run(loaded, folder, resume=number > 0, progress=StopAtUpdate(updates))
    steps = [json.loads(s) for s in (folder / "progress.jsonl").read_text().splitlines()]
    assert steps[-1]["stage"] == 2
    invert.run(load(dense / "invert.yaml"), folder, resume=True)
    for name in ("result/vp", "result/rho", "iterates/0002/rho", "history/misfit"):
        np.testing.assert_array_equal(quantity(folder, name), quantity(dense / "whole", name))


def test_impedance(dense: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """The same earth by other variables; the density is what the two leave."""
    loaded = load(dense / "invert.yaml", settings=[IMPEDANCE])
    summary = invert.run(loaded, tmp_path / "run")
    history = hdf5.read_history(tmp_path / "run" / "inversion.h5")
    for stage in (1, 2):
        assert np.all(np.diff(history["misfit"][history["stage"] == stage]) < 0)
    vp, rho, z = (quantity(tmp_path / "run", f"result/{n}") for n in ("vp", "rho", "impedance"))
    np.testing.assert_allclose(vp * rho, z, rtol=1e-6)
    assert z.min() >= 1.4e6
    for name, column in (("vp", "model_error"), ("impedance", "model_error_impedance")):
        assert summary[column] == pytest.approx(error(tmp_path / "run", "result", name), rel=1e-5)
        assert summary[column] < 0.95 * error(tmp_path / "run", "start", name)
    assert (tmp_path / "run" / "overview_impedance.png").exists()


def test_other_properties_stay(dense: Path, tmp_path: Path) -> None:
    """Density alone, and impedance alone, leave the velocity as it is."""
    for name, bounds in (("rho", "[900, 2600]"), ("impedance", "[1.4e6, 6.5e6]")):
        settings = [
            f"inversion.invert_for={{{name}: {bounds}}}",
            "inversion.stages=[{band: [0, 12], iterations: 1}]",
            "inversion.preconditioning.smoothing=10",
            "inversion.model_smoothing=5",
        ]
        summary = invert.run(load(dense / "invert.yaml", settings=settings), tmp_path / name)
        with h5py.File(tmp_path / name / "inversion.h5") as file:
            assert "vp" not in file["result"]
            assert np.any(file["result/rho"][()] != file["start/rho"][()])
        assert "model_error" not in summary
        assert summary["model_error_rho"] > 0
    first, second = (quantity(tmp_path / n, "result/rho") for n in ("rho", "impedance"))
    assert np.any(first != second)


def test_simple_form_has_the_bits_of_the_other(dense: Path, tmp_path: Path) -> None:
    """vp alone, with its bounds said in one way or the other."""
    stages = "inversion.stages=[{band: [0, 12], iterations: 2}]"
    simple = (
        (dense / "invert.yaml")
        .read_text()
        .replace(
            "invert_for: {vp: [1450, 3200], rho: [900, 2600]}",
            "bounds: [1450, 3200]\n  parameter: slowness",
        )
    )
    path = dense / "simple.yaml"
    path.write_text(simple, encoding="utf-8")
    named = "inversion.invert_for={vp: {bounds: [1450, 3200], parameter: slowness}}"
    invert.run(load(path, settings=[stages]), tmp_path / "simple")
    invert.run(load(dense / "invert.yaml", settings=[stages, named]), tmp_path / "named")
    first, second = (quantity(tmp_path / n, "result/vp") for n in ("simple", "named"))
    np.testing.assert_array_equal(first, second)
    assert "rho" not in h5py.File(tmp_path / "simple" / "inversion.h5")["result"]
    # What the folder keeps of the config can be run again.
    for name in ("simple", "named"):
        assert load(tmp_path / name / "config.yaml").config.inversion.inverted().keys() == {"vp"}


@pytest.mark.parametrize("parameter", ["vp", "slowness"])
def test_blocks_are_balanced(parameter: str) -> None:
    """The bounds of all blocks are equally wide; the order of the config does not matter."""
    velocity = {"bounds": [1450, 3200], "parameter": parameter}
    sections = [
        InvertConfig.model_validate(
            {
                "model": {"vp": 2000.0, "shape": [6, 4], "spacing": 10.0},
                "data": {"file": "shots.h5"},
                "physics": {"equation": "variable_density"},
                "inversion": {"stages": [{"band": [0, 8]}], "invert_for": chosen},
            }
        )
        for chosen in (
            {"vp": velocity, "rho": {"bounds": [900, 2600], "first_change": 17}},
            {"impedance": [1.4e6, 6.5e6], "vp": velocity},
            {"rho": [900, 2600]},
        )
    ]
    first, second, alone = (InversionObjects(s, earth_model(s.model)).variables for s in sections)
    assert (first.names, second.names) == (("vp", "rho"), ("vp", "impedance"))
    for made in (first, second):
        low, high = (side[:, 0, 0] for side in made.bounds({"vp": np.ones((6, 4))}))
        assert np.ptp(high - low) == pytest.approx(0, abs=1e-12)
        assert high[0] - low[0] == pytest.approx(
            np.ptp(PARAMETERIZATIONS[parameter].bounds(1450, 3200))
        )
    low, high = (side[0, 0, 0] for side in alone.bounds({"vp": np.ones((6, 4))}))
    assert high - low == pytest.approx(1)
    assert [b.first_change for b in first.blocks] == [100.0, 17.0]
    assert second.blocks[1].first_change == pytest.approx(0.02 * 5.1e6)


def test_plan_says_what_is_inverted_for(dense: Path) -> None:
    made = make_plan(load(dense / "invert.yaml"))
    assert made.summary()["inverts_for"] == [
        "vp from 1450 to 3200 m/s",
        "rho from 900 to 2600 kg/m3",
    ]
    slow = "inversion.invert_for={vp: {bounds: [1450, 3200], parameter: slowness}}"
    (words,) = make_plan(load(dense / "invert.yaml", settings=[slow])).summary()["inverts_for"]
    assert words == "vp from 1450 to 3200 m/s as slowness"
    fixed = make_plan(
        load(dense / "invert.yaml", settings=["inversion.invert_for={rho: [900, 2600]}"])
    )
    fast = make_plan(
        load(dense / "invert.yaml", settings=["inversion.invert_for={vp: [900, 6000]}"])
    )
    assert fixed.stages[-1].time.step > 1.5 * fast.stages[-1].time.step
    assert fixed.stages[-1].layer.velocity == fixed.model.fastest


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["inversion.invert_for={vs: [900, 2600]}"],
            "has no vs; it may be inverted for vp, rho, impedance: choose among these",
        ),
        (
            ["inversion.invert_for={impedance: [1e6, 8e6]}", "physics.equation=acoustic"],
            "the equation `acoustic` has no impedance; it may be inverted for vp: choose",
        ),
        (
            ["inversion.invert_for={rho: [1500, 2600], vp: [1450, 3200]}"],
            "the starting model has rho from 1406 to 1965 kg/m3 where it may change",
        ),
        (
            ["inversion.invert_for={impedance: [4e6, 8e6], vp: [1450, 3200]}"],
            "outside the bounds 4e+06 to 8e+06 kg/(m2 s); widen them, as to `inversion.invert_for.",
        ),
    ],
)
def test_impossible_choices(dense: Path, settings: list[str], message: str) -> None:
    (found,) = impossible(dense / "invert.yaml", *settings)
    assert message in found
    assert "inversion.invert_for" in found


def test_density_must_have_a_start(dense: Path) -> None:
    setting = f"model={{vp: {{file: {dense}/true.npy}}, spacing: 10}}"
    for name in ("rho", "impedance"):
        chosen = f"inversion.invert_for={{{name}: [900, 1.0e7]}}"
        found = impossible(dense / "invert.yaml", setting, chosen)
        assert any(f"the model has no {name} to start from" in problem for problem in found)


def test_impossible_trials_are_told(
    dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is a step that was too long, with a warning; where none is possible the run ends."""
    true = Objective.__call__
    calls: list[float] = []

    def refusing(last: int) -> None:
        calls.clear()

        def call(self: Objective, x: np.ndarray) -> tuple[float, np.ndarray]:
            calls.append(float(x[1].max()))
            if 1 < len(calls) <= last:
                raise ModelError("no waves with such densities")
            return true(self, x)

        monkeypatch.setattr(Objective, "__call__", call)

    settings = ["inversion.stages=[{band: [0, 12], iterations: 1}]", "execution.workers=1"]
    loaded = load(dense / "invert.yaml", settings=settings)
    refusing(last=2)
    assert invert.run(loaded, tmp_path / "short")["iterates"] == 1
    told = (tmp_path / "short" / "log.txt").read_text()
    assert "no waves with such densities; a shorter step is tried" in told
    refusing(last=10**6)
    with pytest.raises(ModelError, match="no waves with such densities"):
        invert.run(loaded, tmp_path / "none")
    steps = (tmp_path / "none" / "progress.jsonl").read_text().splitlines()
    assert [json.loads(s)["iteration"] for s in steps] == [0]
