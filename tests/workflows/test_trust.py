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
from fwicli.execution import InProcess
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.inversion.state import InversionState
from fwicli.workflows.run_folder.finished_shots import FinishedShots
from fwicli.workflows.run_folder.folder import RunFolder

OTHER = 54321
CONFIG = """\
model: {vp: 2000, shape: [41, 41], spacing: 10}
geometry: {sources: {x: [100], z: 20}, receivers: {x: [200], z: 20}}
wavelet: {kind: ricker, frequency: 8}
time: {interval: 0.004, duration: 0.5}
"""
X = np.arange(3.0)


def one() -> np.ndarray:
    return X


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


def shots(path: Path) -> None:
    FinishedShots(path / "partial", 2).collect(InProcess(), [one, one], lambda _: None)


def sums(path: Path) -> None:
    FinishedShots(path / "partial", 2).add(InProcess(), [one, one], lambda _: None)


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
    "partial/000001.npy": shots,
    "partial/sum.npz": sums,
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
        for name in ("partial", "journal", "state.h5"):
            folder.file(name)
        folder._release()
        for write in (shots, sums, journal):
            write(path)
        InversionState(0, {"vp": X}).write(path / "state.h5")
    finally:
        os.umask(before)
    for read in READ.values():
        read(path)
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
