"""`fwi rtm`, from config to image."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.workflows import rtm
from tests.equations import LARGE
from tests.workflows.test_model import StopAfter


def image(folder: Path) -> np.ndarray:
    with h5py.File(folder / "image.h5") as file:
        return np.array(file["image"])


def test_image_shows_the_reflector(survey: Path, tmp_path: Path) -> None:
    """It correlates with the reflectivity of the true model; the pictures are there."""
    summary = rtm.run(load(survey / "rtm.yaml"), tmp_path / "run")
    assert summary["correlation"] > 0.4
    assert image(tmp_path / "run").shape == (61, 41)
    for name in ("image.png", "reflectivity.png"):
        assert (tmp_path / "run" / name).stat().st_size > 5000


# What an equation may need beside vp; the records are those of an isotropic earth.
OTHERS = {"rho": 1000.0, "epsilon": 0.0, "delta": 0.0, "theta": 0.0, "phi": 0.0}


@pytest.mark.parametrize(
    "condition", ["gradient", pytest.param("correlation", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "equation",
    [
        pytest.param(e, marks=pytest.mark.slow if e in LARGE else ())
        for e in EQUATIONS
        if e != "acoustic"
    ],
)
def test_every_equation_images(survey: Path, tmp_path: Path, equation: str, condition: str) -> None:
    """Where the earth is the same, so is the image."""
    needed = [n for n in EQUATIONS[equation].properties if n != "vp"]
    settings = [f"physics.equation={equation}", f"imaging.condition={condition}"]
    settings += [f"model.{name}={OTHERS[name]}" for name in needed]
    rtm.run(load(survey / "rtm.yaml", settings=settings), tmp_path / "run")
    rtm.run(load(survey / "rtm.yaml", settings=settings[1:2]), tmp_path / "acoustic")
    found, expected = image(tmp_path / "run"), image(tmp_path / "acoustic")
    similarity = np.vdot(found, expected) / np.linalg.norm(found) / np.linalg.norm(expected)
    assert similarity > 0.99
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(expected), rel=0.05)


def test_interrupted_image_is_the_same(survey: Path, tmp_path: Path) -> None:
    """Bit for bit, with another number of workers."""
    rtm.run(load(survey / "rtm.yaml"), tmp_path / "whole")
    loaded = load(survey / "rtm.yaml", settings=["execution.workers=1"])
    with pytest.raises(KeyboardInterrupt):
        rtm.run(loaded, tmp_path / "run", progress=StopAfter(2))
    rtm.run(loaded, tmp_path / "run", resume=True)
    np.testing.assert_array_equal(image(tmp_path / "run"), image(tmp_path / "whole"))


# Too coarse for the wavelet, but enough to see the grid change.
GRID = ["imaging.spacing=20", "physics.min_points_per_wavelength=2"]


def test_options_change_the_image(survey: Path, tmp_path: Path) -> None:
    """Condition, illumination, filter, band and grid all do what they say."""
    base = load(survey / "rtm.yaml")
    rtm.run(base, tmp_path / "base")
    options = {
        "condition": "imaging.condition=gradient",
        "illumination": "imaging.illumination=0",
        "laplacian": "imaging.laplacian=false",
        "subtract": "imaging.subtract_modelled=false",
        "band": "imaging.band=[5, 15]",
    }
    for name, setting in options.items():
        rtm.run(load(survey / "rtm.yaml", settings=[setting]), tmp_path / name)
        changed, plain = image(tmp_path / name), image(tmp_path / "base")
        assert np.isfinite(changed).all()
        scale = np.vdot(changed, plain) / np.vdot(plain, plain)
        assert np.linalg.norm(changed - scale * plain) > 1e-2 * np.linalg.norm(changed), name
    rtm.run(load(survey / "rtm.yaml", settings=["imaging.mute=200"]), tmp_path / "mute")
    muted = image(tmp_path / "mute")
    assert not muted[:, :20].any()
    np.testing.assert_array_equal(muted[:, 20:], image(tmp_path / "base")[:, 20:])
    rtm.run(load(survey / "rtm.yaml", settings=GRID), tmp_path / "grid")
    assert image(tmp_path / "grid").shape == (31, 21)
