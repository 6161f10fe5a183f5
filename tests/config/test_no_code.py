"""A config runs no code but that of the Python files which it names, nor does what it names."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import FwiError
from fwicli.survey.grid import Grid
from fwicli.workflows.inversion.evaluations import EvaluationCache
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.run_folder.finished_records import FinishedRecords
from fwicli.workflows.run_folder.finished_sums import FinishedSums
from fwicli.workflows.run_folder.folder import RunFolder
from tests.workflows.run_folder.test_finished_records import announced, survey

CONFIG = """\
model: {vp: 2000, shape: [41, 41], spacing: 10}
geometry: {sources: {x: [100], z: 20}, receivers: {x: [200], z: 20}}
wavelet: {kind: ricker, frequency: 8}
time: {interval: 0.004, duration: 0.3}
"""


class Evil:
    """Runs a program when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch marker",)


def pickled(path: Path) -> Path:
    np.save(path, np.array([Evil()], dtype=object), allow_pickle=True)
    return path


def checked(folder: Path, *settings: str, text: str = CONFIG) -> None:
    (folder / "m.yaml").write_text(text)
    make_plan(load(folder / "m.yaml", "model", settings))


def model_file(folder: Path) -> None:
    checked(folder, f"model.vp={{file: {pickled(folder / 'e.npy')}}}")


def wavelet_file(folder: Path) -> None:
    checked(folder, f"wavelet={{kind: file, file: {pickled(folder / 'e.npy')}, interval: 0.004}}")


def archive(folder: Path) -> None:
    np.savez(folder / "e.npz", vp=np.array([Evil()], dtype=object), allow_pickle=True)
    checked(folder, f"model.vp={{file: {folder / 'e.npz'}}}")


def bare_pickle(folder: Path) -> None:
    import pickle

    (folder / "e.npy").write_bytes(pickle.dumps(Evil()))
    checked(folder, f"model.vp={{file: {folder / 'e.npy'}}}")


def tag(folder: Path) -> None:
    evil = "!!python/object/apply:os.system ['touch marker']"
    checked(folder, text=CONFIG.replace("2000", evil))


def tag_of_a_setting(folder: Path) -> None:
    checked(folder, "model.vp=!!python/object/apply:os.system ['touch marker']")


def tag_in_a_run(folder: Path) -> None:
    checked(folder)
    run = RunFolder(folder / "run", load(folder / "m.yaml", "model"))
    run.open(resume=False, force=False)
    run._release()
    (folder / "run" / "config.yaml").write_text(
        "model: !!python/object/apply:os.system ['touch marker']"
    )
    run.open(resume=True, force=False)


def partial(folder: Path) -> None:
    (folder / "partial").mkdir()
    finished = FinishedRecords(folder / "partial", folder / "a.part", folder / "a.h5")
    pickled(finished.manifest.claim("000000.npy"))
    finished.open(announced(survey()), dict)


def total(folder: Path) -> None:
    (folder / "partial").mkdir()
    evil = np.array([Evil()], dtype=object)
    finished = FinishedSums(folder / "partial", 1, Grid((2, 2), (10.0, 10.0), (0.0, 0.0)))
    np.savez(finished.manifest.claim("sum.npz"), done=1, total=evil, allow_pickle=True)
    finished.total()


def node(folder: Path) -> None:
    (folder / "partial").mkdir()
    evil = np.array([Evil()], dtype=object)
    grid = Grid((2, 2), (10.0, 10.0), (0.0, 0.0))
    path = FinishedSums(folder / "partial", 1, grid).manifest.claim("000000-000001.npz")
    np.savez(path, start=np.zeros(2, int), sum_image=evil, allow_pickle=True)
    FinishedSums(folder / "partial", 1, grid).total()


def journal(folder: Path) -> None:
    book = EvaluationCache(folder / "journal")
    book.recall("what", (), lambda: {"value": np.ones(1)})
    (entry,) = (folder / "journal").glob("*.npz")
    np.savez(entry, value=np.array([Evil()], dtype=object), allow_pickle=True)
    book.recall("what", (), lambda: {"value": np.ones(1)})


READERS = [
    model_file,
    wavelet_file,
    archive,
    bare_pickle,
    tag,
    tag_of_a_setting,
    tag_in_a_run,
    partial,
    total,
    node,
    journal,
]


@pytest.mark.parametrize("reader", READERS, ids=lambda r: r.__name__)
def test_nothing_that_is_read_runs(
    reader: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pickles in arrays, and tags of YAML that name a function."""
    monkeypatch.chdir(tmp_path)
    with suppress(FwiError):
        reader(tmp_path)
    assert not (tmp_path / "marker").exists()
