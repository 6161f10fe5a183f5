"""Memory of a run does not depend on the number of its shots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Long records, so that those of all shots are larger than all else.
RUN = """\
import resource, sys
from pathlib import Path
import numpy as np
from fwicli.config.loader import load
from fwicli.plotting import pictures
from fwicli.workflows import model

CONFIG = '''\\
model: {vp: 2000, shape: [31, 31], spacing: 10}
geometry:
  sources: {x: {start: 100, stop: 200, count: 2}, z: 20}
  receivers: {x: {start: 0, stop: 300, count: 401}, z: 20}
wavelet: {kind: ricker, frequency: 12}
time: {interval: 0.004, duration: 2}
execution: {workers: 1}
'''
folder, pictures.DPI = Path(sys.argv[1]), 20
(folder / "model.yaml").write_text(CONFIG)
peaks = []
for shots in (2, 4, 40):
    setting = f"geometry.sources.x.count={shots}"
    model.run(load(folder / "model.yaml", settings=[setting]), folder / str(shots))
    peaks.append(1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(peaks[1], peaks[2], (folder / "40" / "shots.h5").stat().st_size)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are in bytes elsewhere")
def test_modelling_holds_few_records(tmp_path: Path) -> None:
    """Ten times as many shots take as much memory: less than a fifth of their records more."""
    process = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    before, after, records = map(int, process.stdout.split())
    assert records > 30e6
    assert after - before < 0.2 * records
