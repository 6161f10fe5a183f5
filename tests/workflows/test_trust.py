"""A run believes what it wrote itself, and nothing that another user could have put there."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError, TrustError
from fwicli.survey.grid import Grid
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import whole
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.inversion.state import InversionState
from fwicli.workflows.run_folder.finished_records import FinishedRecords
from fwicli.workflows.run_folder.finished_sums import FinishedSums
from fwicli.workflows.run_folder.folder import RunFolder
from tests.workflows.run_folder.test_finished_records import announced, survey

OTHER = 54321
CONFIG = """\
model: {vp: 2000, shape: [41, 41], spacing: 10}
geometry: {sources: {x: [100], z: 20}, receivers: {x: [200], z: 20}}
wavelet: {kind: ricker, frequency: 8}
time: {interval: 0.004, duration: 0.5}
"""
X = np.arange(3.0)
GRID = Grid((3, 4), (10.0, 10.0), (0.0, 0.0))


def folder_of_run(path: Path) -> RunFolder:
    config = path.parent / "model.yaml"
    config.write_text(CONFIG)
    return RunFolder(path, load(config, "model"))


def again(path: Path) -> None:
    folder = folder_of_run(path)
    try:
        folder.open(resume=True, force=False)
        folder.rewind(lambda _: True)
    finally:
        folder._release()


def records(path: Path, name: str = "shots") -> FinishedRecords:
    finished = FinishedRecords(path / "partial", path / f"{name}.h5.part", path / f"{name}.h5")
    finished.open(announced(survey()), lambda: {"fwicli": "0"})
    finished.close()
    return finished


def shots(path: Path) -> None:
    """Begin records, or go on with them."""
    finished = records(path)
    finished.add(0, survey().data[0])
    finished.close()


def earlier(path: Path) -> None:
    """Take over a record that a version with a file for each shot has left, and put it back."""
    for name in ("earlier.h5.part", "partial/records.txt"):
        (path / name).unlink(missing_ok=True)
    manifest = records(path, "earlier").manifest
    path = manifest.claim("000001.npy")
    np.save(path, survey().data[1])
    path.chmod(0o644)


def sums(path: Path) -> None:
    finished = FinishedSums(path / "partial", 1, GRID)
    if not finished.nodes:
        finished.put((0, 1), Stack(whole(GRID), {"image": np.ones(GRID.shape)}))
    finished.load((0, 1))


def sequence(path: Path) -> None:
    """Sum of a version that kept one sum of all."""
    finished = FinishedSums(path / "partial", 1, GRID)
    if not finished._is_there("sum.npz"):
        path = finished.manifest.claim("sum.npz")
        np.savez(path, done=1, total=np.ones((2, *GRID.shape)))
        path.chmod(0o644)
    finished.total()


def journal(path: Path) -> None:
    EvaluationCache(path / "journal").recall("what", (X,), lambda: {"value": X})


def state(path: Path) -> None:
    InversionState.read(path / "state.h5")


# What is read of a run folder, and who reads it.
READ: dict[str, Callable[[Path], None]] = {
    "config.yaml": again,
    "environment.json": again,
    "progress.jsonl": again,
    "partial": again,
    "journal": again,
    "shots.h5.part": shots,
    "partial/records.txt": shots,
    "partial/000001.npy": earlier,
    "partial/000000-000001.npz": sums,
    "partial/sum.npz": sequence,
    "journal/*.npz": journal,
    "state.h5": state,
}


def theirs(path: Path) -> None:
    os.chown(path, OTHER, OTHER)


def writable(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o022)


def link(path: Path) -> None:
    real = path.rename(path.with_name(f"real-{path.name}"))
    path.symlink_to(real)
    os.chown(path, OTHER, OTHER, follow_symlinks=False)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with everything that one may read, none of which others can write."""
    path = tmp_path / "run"
    before = os.umask(0o002)
    try:
        folder = folder_of_run(path)
        folder.open(resume=False, force=False)
        folder.step({"stage": 0})
        for name in ("partial", "journal", "state.h5", "shots.h5.part"):
            folder.file(name)
        folder._release()
        for write in (earlier, shots, sums, sequence, journal):
            write(path)
        InversionState(0, {"vp": X}).write(path / "state.h5")
    finally:
        os.umask(before)
    for read in READ.values():
        read(path)
    earlier(path)  # others have taken its record over
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("plant", [theirs, writable, link], ids=lambda p: p.__name__)
@pytest.mark.parametrize("name", READ)
def test_what_others_could_have_written_is_refused_by_name(
    name: str, plant: Callable[[Path], None], run: Path
) -> None:
    """Files, folders and links, of another user or open to all; the advice helps."""
    path = next(run.glob(name))
    plant(path)
    with pytest.raises(TrustError, match=path.name) as refusal:
        READ[name](run)
    advice = str(refusal.value).split("`")[-2]
    copy = run.with_name("copy")
    subprocess.run(
        advice.replace("FOLDER", shlex.quote(str(run))).replace("COPY", shlex.quote(str(copy))),
        shell=True,
        check=True,
    )
    READ[name](copy)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("plant", [theirs, lambda p: p.chmod(0o777), link])
def test_folder_of_others_is_refused(
    plant: Callable[[Path], None], resume: bool, run: Path
) -> None:
    """Whoever can write a folder can put another run in it."""
    plant(run)
    with pytest.raises(TrustError, match="run is not used"):
        folder_of_run(run).open(resume=resume, force=not resume)


@pytest.mark.parametrize("name", [".config.yaml.new", ".environment.json.new", "progress.jsonl"])
def test_links_are_not_written_through(name: str, tmp_path: Path) -> None:
    """A file elsewhere stays as it is, whatever leads to it from a run folder."""
    (tmp_path / "run").mkdir()
    precious = tmp_path / "precious"
    precious.write_text("precious")
    (tmp_path / "run" / name).symlink_to(precious)
    folder = folder_of_run(tmp_path / "run")
    with suppress(OSError, ConfigError):
        folder.open(resume=False, force=True)
        folder.step({"stage": 0})
    folder._release()
    assert precious.read_text() == "precious"
