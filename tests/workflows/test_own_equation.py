"""Configs with an equation in a file: workers read it, a run goes on with the same file alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.errors import FwiError
from fwicli.files import hdf5
from fwicli.workflows import model
from fwicli.workflows.planning.plan import make_plan
from tests.propagators.equations.test_own import STATED

MODEL = """\
model: {shape: [41, 31], spacing: 10, vp: 2000}
geometry: {sources: {x: [100, 300], z: 40}, receivers: {x: {start: 0, stop: 400, step: 40}, z: 40}}
wavelet: {kind: ricker, frequency: 12}
time: {interval: 0.004, duration: 0.2}
physics: {order: 4, equation: {file: waves.py}}
execution: {workers: 2}
"""


def test_workers_read_the_file(tmp_path: Path) -> None:
    """Records have the bits of `acoustic`; a changed file is refused where a run is continued."""
    (tmp_path / "waves.py").write_text(STATED)
    (tmp_path / "model.yaml").write_text(MODEL)
    loaded = load(tmp_path / "model.yaml", "model")
    model.run(loaded, tmp_path / "own")
    settings = ("physics.equation=acoustic", "execution.workers=1")
    model.run(load(tmp_path / "model.yaml", "model", settings), tmp_path / "theirs")
    own, theirs = (hdf5.read_gathers(tmp_path / n / "shots.h5") for n in ("own", "theirs"))
    for ours, expected in zip(own.data, theirs.data, strict=True):
        np.testing.assert_array_equal(ours, expected)
    (tmp_path / "waves.py").write_text(STATED.replace("1 / vp", "2 / vp"))
    with pytest.raises(FwiError, match=r"waves\.py has changed since the run"):
        model.run(load(tmp_path / "model.yaml", "model"), tmp_path / "own", resume=True)


RTM = """\
model: {shape: [41, 31], spacing: 10, vp: 2000}
data: {file: none.h5}
physics: {order: 4, equation: {file: waves.py}}
"""


@pytest.mark.parametrize("text", [MODEL, RTM], ids=["model", "rtm"])
@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (None, "cannot be read: No such file"),
        ("x = (", "SyntaxError.* line 1 of"),
        (STATED.replace("EQUATION =", "equation ="), "called `EQUATION`, and has none"),
        (STATED.replace("laplacian", "laplacean"), "no attribute.* line 7 of"),
    ],
    ids=["missing", "broken", "empty", "wrong"],
)
def test_faults_of_the_file_are_problems_of_the_config(
    tmp_path: Path, text: str, stated: str | None, said: str
) -> None:
    """At their key, whatever is planned."""
    if stated is not None:
        (tmp_path / "waves.py").write_text(stated)
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(ProblemsError, match=rf"(?s)run\.yaml:\d:\d+: physics\.equation: .*{said}"):
        make_plan(load(tmp_path / "run.yaml"))
