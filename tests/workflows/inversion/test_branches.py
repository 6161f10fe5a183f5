"""Branches begin from an iterate of another run, remember it, and need it no more."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

from fwicli.cli.main import cli
from fwicli.config.loader import Loaded, load
from fwicli.errors import ConfigError, DataError
from fwicli.workflows import invert
from fwicli.workflows.inversion import branches
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.viewing import status
from tests.workflows.test_invert import StopAtUpdate, result

SHORT = ["inversion.stages=[{band: [0, 16], iterations: 2}]"]


def config(survey: Path, *more: str) -> Loaded:
    return load(survey / "invert.yaml", settings=[*SHORT, *more])


@pytest.fixture(scope="module")
def parent(
    survey: Path, inverted: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A copy of a finished inversion of two stages with three iterations each."""
    folder = tmp_path_factory.mktemp("parent") / "run"
    shutil.copytree(survey / "whole", folder)
    return folder


def iterate(parent: Path, number: int) -> np.ndarray:
    with h5py.File(parent / "inversion.h5") as file:
        return np.array(file[f"iterates/{number:04d}/vp" if number else "start/vp"])


@pytest.mark.parametrize(
    ("place", "number"), [("@2", 2), ("@s1", 3), ("@s2", 6), ("", 6), ("@0", 0)]
)
def test_places(survey: Path, parent: Path, tmp_path: Path, place: str, number: int) -> None:
    """An iterate, the end of a stage, the result, the start: the model of the plan."""
    loaded = branches.begin(config(survey), tmp_path / "child", f"{parent}{place}")
    np.testing.assert_array_equal(make_plan(loaded).model.vp, iterate(parent, number))
    assert loaded.branch is not None
    assert loaded.branch["iterate"] == number
    assert not (tmp_path / "child").exists()


def test_branch_is_the_run_that_begins_from_the_file(
    survey: Path, parent: Path, tmp_path: Path
) -> None:
    """Bit for bit that of a config with the iterate for its model, also without its parent."""
    model = f"{{vp: {{file: {parent}/inversion.h5, dataset: iterates/0002/vp}}}}"
    invert.run(load(survey / "invert.yaml", settings=[*SHORT, f"model={model}"]), tmp_path / "file")
    copy, child = tmp_path / "copy", tmp_path / "child"
    shutil.copytree(parent, copy)
    loaded = branches.begin(config(survey), child, f"{copy}@2")
    with pytest.raises(KeyboardInterrupt):
        invert.run(loaded, child, progress=StopAtUpdate(11))
    line = json.loads((copy / "branches.jsonl").read_text())
    assert (line["run"], line["iterate"]) == (str(child), 2)
    shutil.rmtree(copy)
    invert.run(config(survey), child, resume=True)
    np.testing.assert_array_equal(result(child), result(tmp_path / "file"))
    # The resolved config is that of the branch.
    invert.run(load(child / "config.yaml"), tmp_path / "again")
    np.testing.assert_array_equal(result(tmp_path / "again"), result(child))
    with h5py.File(child / "inversion.h5") as file:
        assert file.attrs["begun_from"] == f"{copy}@2"
        assert file.attrs["begun_from_fingerprint"] == line["fingerprint"]
    assert "beginning from" in (child / "log.txt").read_text()


def test_ancestry_and_continuation(survey: Path, parent: Path, tmp_path: Path) -> None:
    """A branch of a branch knows both; a branch is continued with its own iterate, or none."""
    child, grandchild = tmp_path / "child", tmp_path / "grandchild"
    invert.run(branches.begin(config(survey), child, f"{parent}@s1"), child)
    invert.run(branches.begin(config(survey), grandchild, str(child)), grandchild)
    record = branches.of_folder(grandchild)
    assert record is not None
    assert [record["run"], *(a["run"] for a in record["ancestors"])] == [str(child), str(parent)]
    assert [record["iterate"], record["ancestors"][0]["iterate"]] == [2, 3]
    with h5py.File(grandchild / "inversion.h5") as file:
        assert file.attrs["begun_from"] == f"{child}@2 < {parent}@3"
    third = branches.begin(config(survey), tmp_path / "third", f"{grandchild}@1").branch
    assert third is not None
    assert [a["run"] for a in third["ancestors"]] == [str(child), str(parent)]
    again = branches.begin(config(survey), child, f"{parent}@s1", resume=True)
    invert.run(again, child, resume=True)
    with pytest.raises(ConfigError, match=f"was begun from {re.escape(str(parent))}@3"):
        branches.begin(config(survey), child, f"{parent}@2", resume=True)
    with pytest.raises(ConfigError, match="was not begun with --from"):
        branches.begin(config(survey), parent, f"{child}@2", resume=True)
    assert status.run(child).begun_from == f"{parent}@3"
    # Overwritten, it begins anew; from its own file it cannot.
    invert.run(branches.begin(config(survey), child, f"{parent}@2"), child, force=True)
    shutil.copy(child / "config.yaml", tmp_path / "own.yaml")
    with pytest.raises(ConfigError, match=r"start\.h5 is an input"):
        invert.run(load(tmp_path / "own.yaml"), child, force=True)
    moved = tmp_path / "moved"
    child.rename(moved)
    invert.run(config(survey, "inversion.stages.0.iterations=3"), moved, resume=True)
    with h5py.File(moved / "inversion.h5") as file:
        assert len(file["iterates"]) == 3


def test_smoothing_of_the_config_is_left_out(survey: Path, parent: Path, tmp_path: Path) -> None:
    """The iterate is no model to be smoothed; other units of the config do not apply to it."""
    settings = [f"model.rho={{file: {tmp_path}/rho.npy}}", "model.rho_unit=g/cm3"]
    np.save(tmp_path / "rho.npy", np.full((61, 41), 1.1, np.float32))
    loaded = branches.begin(config(survey, *settings), tmp_path / "child", f"{parent}@2")
    assert loaded.config.model.smooth is None  # of the config that can be run again
    model = make_plan(loaded).model
    np.testing.assert_array_equal(model.vp, iterate(parent, 2))
    np.testing.assert_allclose(model.properties["rho"], 1100.0, rtol=1e-6)


def test_parent_that_cannot_be_written(
    survey: Path, parent: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch is begun all the same, and its log says that the other run does not know."""

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    loaded = branches.begin(config(survey), tmp_path / "child", f"{parent}@2")
    appending = branches.ownership.appending
    monkeypatch.setattr(
        branches.ownership,
        "appending",
        lambda path: refuse(path) if path.name == "branches.jsonl" else appending(path),
    )
    with pytest.raises(KeyboardInterrupt):
        invert.run(loaded, tmp_path / "child", progress=StopAtUpdate(1))
    assert "does not know of this branch" in (tmp_path / "child" / "log.txt").read_text()


def test_a_run_that_goes_on(survey: Path, tmp_path: Path) -> None:
    """A branch begins from its last iterate; the folder lists the branch, also after --force."""
    folder, child = tmp_path / "run", tmp_path / "child"
    with pytest.raises(KeyboardInterrupt):
        invert.run(load(survey / "invert.yaml"), folder, progress=StopAtUpdate(17))
    last = max(int(n) for n in h5py.File(folder / "inversion.h5")["iterates"])
    loaded = branches.begin(config(survey), child, str(folder))
    assert loaded.branch is not None
    assert loaded.branch["iterate"] == last
    assert loaded.branch["stage"] == 1
    with pytest.raises(KeyboardInterrupt):
        invert.run(loaded, child, progress=StopAtUpdate(2))
    np.testing.assert_array_equal(make_plan(loaded).model.vp, iterate(folder, last))
    with pytest.raises(KeyboardInterrupt):
        invert.run(load(survey / "invert.yaml"), folder, force=True, progress=StopAtUpdate(2))
    assert json.loads((folder / "branches.jsonl").read_text())["run"] == str(child)


def test_mistakes_are_named(survey: Path, parent: Path, tmp_path: Path) -> None:
    """What there is, and what to type."""
    child = tmp_path / "child"

    def refused(text: str, *settings: str) -> str:
        with pytest.raises((ConfigError, DataError)) as error:
            branches.begin(config(survey, *settings), child, text)
        return str(error.value)

    assert "it holds 1 to 6, and the start as 0" in refused(f"{parent}@9")
    assert "no iterate of stage 3; it has some of [1, 2]" in refused(f"{parent}@s3")
    assert "as in" in refused(f"{parent}@last")
    assert "is not the folder of a run" in refused(f"{tmp_path}@1")
    assert "is no inversion" in refused(f"{survey}/shots@1")
    text = refused(f"{parent}@2", "model={vp: 2000, shape: [31, 21], spacing: 20}")
    assert "61 x 41 points of 10, 10 m" in text
    assert "31 x 21 points of 20, 20 m" in text
    with pytest.raises(ConfigError, match="cannot begin from itself"):
        branches.begin(config(survey), parent, f"{parent}@2")
    broken = tmp_path / "broken"
    shutil.copytree(parent, broken)
    with h5py.File(broken / "inversion.h5", "r+") as file:
        file["iterates/0002/vp"].attrs["unit"] = "km/s"
        del file["iterates/0004"], file["iterates/0005"], file["iterates/0006"]
    assert "is in km/s, and a result in m/s" in refused(f"{broken}@2")
    (broken / "status.json").unlink()
    with h5py.File(broken / "inversion.h5", "r+") as file:
        del file["iterates/0003"]
    assert f"stage 1 of {broken} has not ended: its last iterate is 2" in refused(f"{broken}@s1")
    assert not child.exists()


def test_command(survey: Path, parent: Path, tmp_path: Path) -> None:
    """The plan names the parent's model; nothing is written."""
    arguments = ["invert", str(survey / "invert.yaml"), "-n", "--json", "--from", f"{parent}@6"]
    arguments += ["-o", str(tmp_path / "child")]
    plan = json.loads(CliRunner().invoke(cli, arguments, catch_exceptions=False).output)
    low, high = iterate(parent, 6).min(), iterate(parent, 6).max()
    assert plan["vp_m_s"] == pytest.approx([low, high])
    assert not (tmp_path / "child").exists()
