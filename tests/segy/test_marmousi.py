"""Marmousi-II records as a field file: two guns, dead traces, spreads of different length."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from fwicli import read_gathers
from tests.conftest import ROOT


def test_marmousi_records_come_back(shared_data: Path, tmp_path: Path) -> None:
    program = runpy.run_path(str(ROOT / "benchmarks" / "marmousi_segy.py"))
    records = read_gathers(shared_data / "marmousi2_shots.h5", wavelet=False).select(range(7))
    program["write"](tmp_path / "m.sgy", records)
    words = program["compare"](tmp_path / "m.sgy", records)
    assert "7 shots of 1" in words
    assert "0 traces more or less than were live; positions differ by 0 m" in words
    assert float(re.search(r"share of at most (\S+)", words)[1]) <= 4.8e-7  # 2**-21, rounded
    assert "24 of 1" in words
