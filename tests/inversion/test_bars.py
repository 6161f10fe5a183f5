"""The bars of the diagnosis, with records of true models (`diagnosis_false_alarms.py`)."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["layers", "demo", "marmousi", "line"])
def test_diagnosis_of_known_models(
    name: str, tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is off in the model that made the data; planted delays are found, of their size."""
    monkeypatch.setenv("MARMOUSI", str(shared_data))
    monkeypatch.setattr(sys, "argv", ["diagnosis"])
    tried = runpy.run_path(str(ROOT / "benchmarks" / "diagnosis_false_alarms.py"))["tried"]
    for case, numbers in tried(name, tmp_path):
        if name == "line":
            assert numbers["warnings"] == 1, case
            continue
        cycles = float(case.split()[-2])
        clean = "no noise" in case
        planted = numbers["drawn_share" if clean else "planted_share"]
        expected = planted if abs(cycles) > 0.5 else 0.0
        assert numbers["skipped_share"] == pytest.approx(expected, abs=0.03), case
        if cycles == 0:
            assert numbers["skipped_share"] == numbers["reversed_share"] == 0, case
            assert numbers["warnings"] == 0, case
        else:
            assert numbers["planted_cycles"] == pytest.approx(cycles, abs=0.1), case
