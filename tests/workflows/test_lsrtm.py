"""`fwi lsrtm`, from config to image."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError
from fwicli.workflows import lsrtm
from fwicli.workflows.run_folder.progress import Silent
from fwicli.workflows.viewing import status
from fwicli.workflows.viewing.report import run as report
from tests import pictures


class StopAt(Silent):
    """Interrupts a run when so many shots are done, those of all gradients and products."""

    def __init__(self, shots: int) -> None:
        self.left = shots

    def update(self, done: int) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def dataset(folder: Path, name: str = "image") -> np.ndarray:
    with h5py.File(folder / "image.h5") as file:
        return np.array(file[name])


def steps(folder: Path) -> list[dict[str, float]]:
    text = (folder / "progress.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def whole(survey: Path) -> Path:
    """Folder of a run that was never interrupted."""
    with pictures.drawn():
        lsrtm.run(load(survey / "lsrtm.yaml"), survey / "lsrtm")
    return survey / "lsrtm"


def test_residual_falls_and_the_image_shows_the_reflector(whole: Path) -> None:
    """Step by step; the image correlates with the reflectivity; the pictures are there."""
    residuals = [step["residual"] for step in steps(whole)]
    assert len(residuals) == 4
    assert residuals[0] == pytest.approx(1.0)
    assert (np.diff(residuals) < 0).all()
    assert steps(whole)[-1]["correlation"] > 0.4
    for name in ("image.png", "reflectivity.png", "convergence.png", "residual.png"):
        assert (whole / name).stat().st_size > 2000, name


def test_status_tells_the_iteration(whole: Path) -> None:
    report = status.run(whole)
    assert (report.kind, report.state, report.iteration) == ("lsrtm", "finished", 3)
    assert report.iterations == [3]


@pytest.mark.parametrize("after", [2, 7])
def test_interrupted_image_is_the_same(
    survey: Path, whole: Path, tmp_path: Path, after: int
) -> None:
    """Bit for bit, with another number of workers; in the first gradient, and in a step."""
    loaded = load(survey / "lsrtm.yaml", settings=["execution.workers=1"])
    with pytest.raises(KeyboardInterrupt):
        lsrtm.run(loaded, tmp_path / "run", progress=StopAt(after))
    lsrtm.run(loaded, tmp_path / "run", resume=True)
    for name in ("image", "perturbation", "illumination"):
        np.testing.assert_array_equal(dataset(tmp_path / "run", name), dataset(whole, name))
    assert [s["residual"] for s in steps(tmp_path / "run")] == [s["residual"] for s in steps(whole)]


def test_more_iterations_extend_a_run(survey: Path, whole: Path, tmp_path: Path) -> None:
    """As if it had been begun with them; fewer are refused."""
    path, fewer = survey / "lsrtm.yaml", "least_squares.iterations=1"
    lsrtm.run(load(path, settings=[fewer]), tmp_path / "run")
    lsrtm.run(load(path), tmp_path / "run", resume=True)
    np.testing.assert_array_equal(dataset(tmp_path / "run"), dataset(whole))
    with pytest.raises(ConfigError, match="to more of them"):
        lsrtm.run(load(path, settings=[fewer]), tmp_path / "run", resume=True)


def test_report_shows_course_and_image(whole: Path, tmp_path: Path) -> None:
    """With the records of a shot in the smooth model, as those of a migration."""
    summary = report.run(whole, tmp_path / "page.html", shots=1)
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Residual by step" in text
    assert "Image of the reflectors" in text
    assert summary["shots_modelled"]
