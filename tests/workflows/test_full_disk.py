"""A disk that is full at every write in turn: nothing is lost, and the run goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.full_disk import shim
from tests.pictures import PROGRAM

RUN = """\
import logging, os, shutil, sys
from pathlib import Path
import h5py
import numpy as np
from fwicli.config.loader import load
from fwicli.errors import FwiError
from fwicli.workflows.verbs import find
from tests.full_disk import Disk

kind, config, place, stride = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
settings = ["execution.workers=1", "execution.memory=4"]
if kind == "invert":
    settings.append("inversion.stages=[{band: [0, 8], iterations: 2, spacing: 20}]")
result = {"model": "shots.h5", "rtm": "image.h5", "invert": "inversion.h5"}[kind]
dataset = {"model": "data", "rtm": "image", "invert": "result/vp"}[kind]
disk, loaded = Disk(os.environ["LD_PRELOAD"]), load(config, settings=settings)


def values(folder):
    with h5py.File(folder / result) as file:
        return file[dataset][()].tobytes()


def readable(folder):
    return all(h5py.is_hdf5(path) for path in folder.glob("*.h5"))


disk.fill(place / "whole", 1 << 40)
find(kind).run(loaded, place / "whole")
expected, writes = values(place / "whole"), disk.writes
print(writes, flush=True)
for after in range(0, writes, stride):
    folder = place / f"{kind}{after}"
    disk.fill(folder, after)
    try:
        find(kind).run(loaded, folder)
    except OSError as error:
        assert error.errno == 28, error
        failed = True
    else:  # of the last signs of life and lines of the log alone
        failed = False
        assert after > writes // 2 and values(folder) == expected, after
    disk.empty()
    assert readable(folder), after
    if (folder / result).exists() and kind != "invert":
        assert values(folder) == expected, after
    begun = (folder / "config.yaml").exists()
    if failed:
        find(kind).run(loaded, folder, resume=begun, force=not begun)
    assert values(folder) == expected, after
    left = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    assert not left, (after, left)
    shutil.rmtree(folder)
    print(after, failed, flush=True)
"""


def check(survey: Path, tmp_path: Path, kind: str, stride: int) -> None:
    """Run a command with a full disk again and again, and go on each time."""
    library = shim(tmp_path)
    if library is None:
        pytest.skip("no C compiler makes the shim, or the system does not tell of open files")
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM + RUN, kind, survey / f"{kind}.yaml", tmp_path, str(stride)],
        env=os.environ | {"LD_PRELOAD": str(library)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, f"{process.stdout}\n{process.stderr[-3000:]}"
    assert int(process.stdout.split()[0]) > 20


@pytest.mark.parametrize("kind", ["model", "rtm"])
def test_full_at_some_writes(survey: Path, tmp_path: Path, kind: str) -> None:
    check(survey, tmp_path, kind, stride=29)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "rtm", "invert"])
def test_full_at_every_write(survey: Path, tmp_path: Path, kind: str) -> None:
    check(survey, tmp_path, kind, stride=1)
