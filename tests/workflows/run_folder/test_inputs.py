"""Inputs and decisions of a run: a run goes on with those of its beginning, or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.workflows.run_folder import inputs
from fwicli.workflows.run_folder.folder import DECIDES, ENVIRONMENT, RunFolder

ENDS = 1 << 20


def large(path: Path, size: int) -> Path:
    """A file of random bytes."""
    path.write_bytes(np.random.default_rng(1).bytes(size))
    return path


def alter(path: Path, place: int) -> None:
    """Change one byte, and put the times back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("size", [10, ENDS, 2 * ENDS, 2 * ENDS + 1, 5 * ENDS])
def test_any_byte_of_a_file_counts(tmp_path: Path, size: int) -> None:
    """Up to 66 MiB; of a larger one the ends and blocks between them."""
    path = large(tmp_path / "x", size)
    before = inputs.fingerprint(path)
    assert before.count(":") == (2 if size > 2 * ENDS else 1)
    for place in (0, size // 2, size - 1, min(size - 1, ENDS)):
        alter(path, place)
        assert not inputs.is_same(before, inputs.fingerprint(path)), place
        alter(path, place)
        assert inputs.is_same(before, inputs.fingerprint(path))


def test_large_files_are_sampled(tmp_path: Path) -> None:
    """With blocks of 64 KiB at equal distances; a file that is written anew always differs."""
    path = tmp_path / "x"
    path.touch()
    os.truncate(path, 200 << 20)
    before = inputs.fingerprint(path)
    distance = ((200 << 20) - 2 * ENDS) // inputs.BLOCKS
    alter(path, ENDS + 500 * distance + 7)
    assert not inputs.is_same(before, inputs.fingerprint(path))


def test_fingerprints_of_other_versions(tmp_path: Path) -> None:
    """They lack the blocks between the ends."""
    mark = inputs.fingerprint(large(tmp_path / "x", 3 * ENDS))
    assert inputs.is_same(mark.rpartition(":")[0], mark)
    assert not inputs.is_same(f"1{mark}", mark)


CONFIG = """\
model: {vp: {file: vp.npy}, spacing: 10}
geometry: {sources: {x: [100], z: 20}, receivers: {x: [200], z: 20}}
wavelet: {kind: ricker, frequency: 8}
time: {interval: 0.004, duration: 0.3}
"""


@pytest.fixture
def begun(tmp_path: Path) -> RunFolder:
    """A run that has ended before it has decided anything."""
    np.save(tmp_path / "vp.npy", np.full((1201, 601), 2000.0, np.float32))
    (tmp_path / "m.yaml").write_text(CONFIG)
    folder = RunFolder(tmp_path / "run", load(tmp_path / "m.yaml"))
    folder.open(resume=False, force=False)
    folder._release()
    return folder


def middle(path: Path) -> None:
    alter(path, path.stat().st_size // 2)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"0")


@pytest.mark.parametrize("change", [middle, cut, longer], ids=lambda c: c.__name__)
def test_inputs_that_changed_are_refused_by_name(
    begun: RunFolder, change: Callable[[Path], None]
) -> None:
    """Also in the middle, with the same size and time."""
    change(begun.path.parent / "vp.npy")
    with pytest.raises(ConfigError, match=r"vp\.npy has changed since the run"):
        RunFolder(begun.path, begun.loaded).open(resume=True, force=False)


def test_decisions_of_a_run_that_ended_before_them(begun: RunFolder) -> None:
    """They are made when it goes on; a run of a version without them keeps to that."""
    again = RunFolder(begun.path, begun.loaded)
    again.open(resume=True, force=False)
    assert again.decided("near_source", [80.0], before=[0.0]) == [80.0]
    again._release()
    environment = json.loads((begun.path / ENVIRONMENT).read_text())
    del environment[DECIDES], environment["decided"]
    (begun.path / ENVIRONMENT).write_text(json.dumps(environment))
    earlier = RunFolder(begun.path, begun.loaded)
    earlier.open(resume=True, force=False)
    assert earlier.decided("near_source", [80.0], before=[0.0]) == [0.0]
    earlier._release()
