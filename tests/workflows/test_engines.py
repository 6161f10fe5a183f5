"""One inversion by every engine, and what ends workers, jobs and clients of it: the same bits.

The runs are those of `benchmarks/engines.py`, which prints them as a table.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.conftest import ROOT
from tests.slurm import Slurm

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

with mock.patch.object(sys, "path", [str(ROOT / "benchmarks"), *sys.path]):
    PROGRAM: Any = importlib.import_module("engines")


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with 16 shots and their inversion in two stages by processes, in `whole`."""
    folder = tmp_path_factory.mktemp("engines")
    PROGRAM.prepare(folder)
    return folder


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("engine", PROGRAM.ENGINES)
def test_bits_of_any_number_of_workers(
    shots: Path, tmp_path: Path, slurm: Slurm, engine: str, workers: int
) -> None:
    assert PROGRAM.measured(shots, tmp_path, engine, workers, None)["same"]


@pytest.mark.parametrize(
    ("engine", "event"), [(e, v) for e in PROGRAM.ENGINES for v in PROGRAM.events(e)]
)
def test_events_do_not_show(
    shots: Path, tmp_path: Path, slurm: Slurm, engine: str, event: str
) -> None:
    assert PROGRAM.measured(shots, tmp_path, engine, 2, event)["same"]
