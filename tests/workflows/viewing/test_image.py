"""`fwi image`: the reflectivity of an inverted model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError, DataError
from fwicli.files import hdf5
from fwicli.imaging import reflectivity
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.signals.wavelets import ricker, times
from fwicli.workflows import lsrtm, rtm
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.viewing import image
from fwicli.workflows.viewing.image import DEPTH, DIP, ImageOptions

# Too coarse for the wavelet, but another grid.
COARSE = ["imaging.spacing=20", "physics.min_points_per_wavelength=2"]


@pytest.mark.usefixtures("drawn_pictures")
def test_image_is_the_reflectivity_of_the_model(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """In the band of the wavelet, beside migrations, with correlations; the picture is there."""
    for name, verb in (("rtm", rtm), ("lsrtm", lsrtm)):
        verb.run(load(survey / f"{name}.yaml"), tmp_path / name)
    path = tmp_path / "image.h5"
    others = tuple((name, tmp_path / name) for name in ("rtm", "lsrtm"))
    summary = image.run(survey / "whole", path, ImageOptions(others=others))
    plan = make_plan(load(survey / "invert.yaml"))
    vp = hdf5.read_array(survey / "whole" / "inversion.h5", "result/vp")[0].astype(float)
    model = EarthModel(plan.model.grid, vp)
    expected = reflectivity.of_change(np.log(vp), model, plan.wavelet, plan.interval)
    with h5py.File(path) as file:
        found = np.array(file["image"])
        beside = {name: np.array(file[name]) for name, _ in others}
        assert {"reflectivity", "vp"} <= set(file)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    for name, folder in others:
        migrated = hdf5.read_array(folder / "image.h5", "image")[0]
        np.testing.assert_array_equal(beside[name], migrated)
        assert -1 <= summary[f"correlation_{name}"] <= 1
    assert summary["correlation_lsrtm"] > summary["correlation_rtm"]
    assert summary["correlation"] > 0.3
    assert path.with_suffix(".png").stat().st_size > 5000


@pytest.mark.usefixtures("drawn_pictures")
def test_an_image_on_another_grid_is_interpolated(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    """The summary says so; at points of both grids the image is the same."""
    rtm.run(load(survey / "rtm.yaml", settings=COARSE), tmp_path / "rtm")
    others = ImageOptions(others=(("rtm", tmp_path / "rtm"),))
    summary = image.run(survey / "whole", tmp_path / "image.h5", others)
    assert summary["rtm_interpolated_from"] == "20 m"
    coarse = hdf5.read_array(tmp_path / "rtm/image.h5", "image")[0]
    fine = hdf5.read_array(tmp_path / "image.h5", "rtm")[0]
    np.testing.assert_allclose(fine[::2, ::2], coarse, atol=1e-5 * np.abs(coarse).max())


def test_band_narrows_the_image(survey: Path, inverted: dict[str, Any], tmp_path: Path) -> None:
    """A band below 6 Hz leaves longer waves along depth."""
    lengths = []
    for name, band in (("all", None), ("low", (0.0, 6.0))):
        image.run(survey / "whole", tmp_path / f"{name}.h5", ImageOptions(band=band))
        values = hdf5.read_array(tmp_path / f"{name}.h5", "image")[0]
        lengths.append(np.linalg.norm(values) / np.linalg.norm(np.diff(values, axis=-1)))
    assert lengths[1] > 1.2 * lengths[0]


@pytest.mark.parametrize("slope", [0.0, 0.6])
def test_derivative_along_the_dip(slope: float) -> None:
    """It is that along depth for level layers, and larger by 1 / cos(dip) for inclined ones."""
    x, z = np.meshgrid(10.0 * np.arange(120), 10.0 * np.arange(100), indexing="ij")
    vp = 2000 + 200 * np.tanh((z - 500 - slope * (x - 600)) / 60)
    model = EarthModel(Grid(vp.shape, (10.0, 10.0), (0.0, 0.0)), vp)
    wavelet = np.zeros(200)
    wavelet[0] = 1.0
    depth, dip = (image.reflected(model, wavelet, 0.004, along) for along in (DEPTH, DIP))
    inner = (slice(20, 100), slice(15, 85))
    ratio = np.vdot(dip[inner], depth[inner]) / np.vdot(depth[inner], depth[inner])
    assert ratio == pytest.approx(np.hypot(1.0, slope), rel=0.03)


@pytest.mark.parametrize("along", [DEPTH, DIP])
def test_image_is_that_of_impedance(along: str) -> None:
    """A density that steps as a velocity has the same image."""
    z = 10.0 * np.arange(100) * np.ones((60, 1))
    grid, share = Grid(z.shape, (10.0, 10.0), (0.0, 0.0)), 1 + 0.01 * np.tanh((z - 500) / 60)
    flat = np.full(z.shape, 2000.0)
    wavelet = ricker(times(0.004, 200), 10.0)
    of_vp, of_rho = (
        image.reflected(EarthModel(grid, vp, {"rho": rho}), wavelet, 0.004, along)
        for vp, rho in ((share * flat, flat), (flat, share * flat))
    )
    inner = (slice(10, 50), slice(15, 85))
    difference = np.linalg.norm(of_vp[inner] - of_rho[inner])
    assert difference < 0.05 * np.linalg.norm(of_vp[inner])
    assert of_rho[inner].max() > 0


def test_what_is_no_inversion_is_refused(
    survey: Path, inverted: dict[str, Any], tmp_path: Path
) -> None:
    rtm.run(load(survey / "rtm.yaml", settings=COARSE), tmp_path / "rtm")
    with pytest.raises(ConfigError, match="no inverted model"):
        image.run(tmp_path / "rtm", None, ImageOptions())
    elsewhere = tmp_path / "elsewhere.h5"
    with h5py.File(elsewhere, "w") as file:
        grid = Grid((20, 10), (10.0, 10.0), (5000.0, 0.0))
        hdf5.write_on_grid(file, "image", np.ones(grid.shape), grid, "")
    others = ImageOptions(others=(("rtm", elsewhere),))
    with pytest.raises(DataError, match="covers x = 5000 to 5190 m by z = 0 to 90 m, and"):
        image.run(survey / "whole", tmp_path / "image.h5", others)
    (tmp_path / "notes.h5").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="in the way"):
        image.run(survey / "whole", tmp_path / "notes.h5", ImageOptions())
