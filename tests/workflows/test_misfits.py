"""`fwi invert` with other misfits than least squares, one a stage, one of them the user's."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError, FwiError
from fwicli.files import hdf5
from fwicli.inversion.misfits.registry import MISFITS
from fwicli.workflows import invert
from fwicli.workflows.planning.plan import make_plan

OWN = """\
def fourth(synthetic, observed, interval):
    peak = abs(observed).max()
    residual = (synthetic - observed) / peak
    return interval * (residual**4).sum() / 4, interval * residual**3 / peak
"""


@pytest.fixture
def folder(survey: Path, tmp_path: Path) -> Path:
    """Folder with the config of the survey, as a file that may be changed, and a misfit."""
    (tmp_path / "my.py").write_text(OWN, encoding="utf-8")
    text = (survey / "invert.yaml").read_text()
    for name in ("true.npy", "shots/shots.h5"):
        text = text.replace(name, str(survey / name))
    (tmp_path / "invert.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def stages(*misfits: str) -> list[str]:
    """Settings of a stage of 0 to 8 Hz for each misfit."""
    each = [f"{{band: [0, 8], iterations: 1, spacing: 20, misfit: {m}}}" for m in misfits]
    return ["execution.workers=1", "data.shots=0:4:2", f"inversion.stages=[{', '.join(each)}]"]


def test_stages_of_all_misfits(folder: Path) -> None:
    """The misfit falls in every stage."""
    own = f"{{file: {folder / 'my.py'}, name: fourth}}"
    loaded = load(folder / "invert.yaml", settings=stages(*MISFITS, own))
    invert.run(loaded, folder / "run")
    history = hdf5.read_history(folder / "run" / "inversion.h5")
    for stage in range(1, len(MISFITS) + 2):
        values = history["misfit"][history["stage"] == stage]
        assert values.size == 1
    steps = (folder / "run" / "progress.jsonl").read_text().splitlines()
    values = [json.loads(step)["misfit"] for step in steps]
    assert len(values) == 2 * (len(MISFITS) + 1)
    assert all(after < before for before, after in list(pairwise(values))[::2])


def test_changed_misfit_is_not_continued(folder: Path) -> None:
    """Neither another one nor another content of its file."""
    own = f"{{file: {folder / 'my.py'}, name: fourth}}"
    once = stages(own)
    invert.run(load(folder / "invert.yaml", settings=once), folder / "run")
    other = load(folder / "invert.yaml", settings=stages("huber"))
    with pytest.raises(ConfigError, match=r"inversion.stages.0.misfit"):
        invert.run(other, folder / "run", resume=True)
    (folder / "my.py").write_text(OWN.replace("**4", "**6"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"my.py has changed"):
        invert.run(load(folder / "invert.yaml", settings=once), folder / "run", resume=True)


def test_check_finds_what_is_wrong_with_the_file(folder: Path) -> None:
    """Before anything is run: no file, no function, no derivative."""
    for name, message in (("my.py", "has no function `fifth`"), ("none.py", "cannot read")):
        own = f"{{file: {folder / name}, name: fifth}}"
        with pytest.raises(FwiError, match=message):
            make_plan(load(folder / "invert.yaml", settings=stages("huber", own)))
