"""Pictures are made, of 2D and 3D models, and are not blank."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from fwicli import Acquisition, EarthModel, Gathers, Grid
from fwicli.inversion.quality.diagnosis import ArrivalComparison, Diagnosis
from fwicli.plotting import curves, greys, pictures
from fwicli.survey.components import Component
from fwicli.survey.signals.wavelets import ricker, times

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def few_dots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes time by the dot."""
    monkeypatch.setattr(pictures, "DPI", 75)


def picture(path: Path) -> np.ndarray:
    pixels = imread(path)
    assert pixels.shape[0] > 150
    assert pixels.shape[1] > 300
    assert pixels[..., :3].std() > 0.02
    return pixels


@pytest.mark.parametrize("ndim", [2, 3])
def test_models_and_images(tmp_path: Path, ndim: int) -> None:
    grid = Grid((30, 20, 25)[:ndim], (10.0,) * ndim, (0.0,) * ndim)
    rho = {"rho": 1000 + 500 * RNG.random(grid.shape)}
    earth = EarthModel(grid, 2000 + 500 * RNG.random(grid.shape), rho)
    points = 100 * RNG.random((3, ndim))
    pictures.model(tmp_path / "m.png", earth, Acquisition(points, points))
    pictures.properties(tmp_path / "p.png", earth, Acquisition(points, points))
    pictures.difference(tmp_path / "d.png", earth, EarthModel(grid, earth.vp + 1))
    pictures.overview(tmp_path / "o.png", earth, earth, earth)
    pictures.model(tmp_path / "r.png", earth, name="rho")
    pictures.overview(tmp_path / "z.png", earth, earth, None, name="impedance")
    pictures.image(tmp_path / "i.png", RNG.standard_normal(grid.shape), earth)
    for name in "mdroiz":
        picture(tmp_path / f"{name}.png")
    # A panel more for the density.
    assert len(picture(tmp_path / "p.png")) > 1.9 * len(picture(tmp_path / "m.png"))


def test_constant_model_has_a_scale(tmp_path: Path) -> None:
    grid = Grid((30, 20), (10.0, 10.0), (0.0, 0.0))
    earth = EarthModel(grid, np.full(grid.shape, 2000.0))
    pictures.model(tmp_path / "m.png", earth)
    pictures.difference(tmp_path / "d.png", earth, earth)
    picture(tmp_path / "m.png")


def test_scale_of_combinations_is_that_of_solids() -> None:
    """Fluids have no ratio of velocities, which is 0 there; that of fluids alone is 0."""
    grid = Grid((30, 20), (10.0, 10.0), (0.0, 0.0))
    vs = np.linspace(800, 1000, 600).reshape(grid.shape)
    vs[:, :5] = 0.0
    earth = EarthModel(grid, np.full(grid.shape, 2000.0), {"vs": vs})
    lowest = 2000 / vs.max()
    assert pictures.scale_of(earth, name="vp_vs_ratio") == pytest.approx((lowest, 2000 / vs[0, 5]))
    assert pictures.scale_of(earth, name="vs")[0] == 0
    fluid = earth.changed({"vs": 0 * vs})
    assert pictures.scale_of(fluid, name="vp_vs_ratio") == (0, 0)
    assert pictures.scale_of(earth, fluid, name="vp_vs_ratio")[0] == pytest.approx(lowest)


def test_image_over_nothing_but_water(tmp_path: Path) -> None:
    """Its scale is that of all points, where none lies below the water."""
    grid = Grid((31, 21), (25.0, 25.0), (0.0, 0.0))
    earth = EarthModel(grid, np.full(grid.shape, 1600.0))
    pictures.image(tmp_path / "i.png", RNG.standard_normal(grid.shape), earth)
    picture(tmp_path / "i.png")


def test_gathers_wavelet_and_convergence(tmp_path: Path) -> None:
    points = np.zeros((4, 2))
    data = RNG.standard_normal((4, 4, 60))
    pictures.gathers(tmp_path / "g.png", Gathers(Acquisition(points, points), 0.004, data))
    pictures.wavelet(tmp_path / "w.png", ricker(times(0.004, 60), 10.0), 0.004)
    history = {"stage": np.array([1, 1, 2]), "misfit": np.array([1.0, 0.5, 0.2])}
    pictures.convergence(tmp_path / "c.png", history)
    widths = [picture(tmp_path / "c.png").shape[1]]
    for column in ("model_error", "model_error_rho"):
        history[column] = np.array([0.2, 0.15, 0.1])
        pictures.convergence(tmp_path / "e.png", history)
        widths.append(picture(tmp_path / "e.png").shape[1])
    assert widths == sorted(set(widths))
    for name in "gw":
        picture(tmp_path / f"{name}.png")


def test_components_are_below_each_other(tmp_path: Path) -> None:
    """A row each, so that pictures are no wider; every panel says its component and its unit."""
    points = np.zeros((4, 2))
    components = [Component.named(n) for n in ("vx", "vz", "pressure", "pressure")]
    data = RNG.standard_normal((4, 4, 60))
    for name, sensors in (("one", ()), ("three", components)):
        geometry = Acquisition(points, points, *([sensors] if sensors else []))
        pictures.gathers(tmp_path / f"{name}.png", Gathers(geometry, 0.004, data))
    one, three = (picture(tmp_path / f"{name}.png").shape for name in ("one", "three"))
    assert three[1] == one[1]
    assert three[0] == 3 * one[0]


def test_axes_of_courses_say_what_they_are() -> None:
    """Iterations are whole numbers, also where there are few; each stage has its own times."""
    history = {"stage": np.array([1, 1, 1]), "misfit": np.array([1.0, 0.5, 0.2])}
    (axes,) = curves.convergence(history).axes
    ticks = axes.get_xticks()
    assert np.array_equal(ticks, np.rint(ticks))
    wavelet = ricker(times(0.004, 60), 10.0)
    stages = {n: (wavelet[None], wavelet, 0.004 / n) for n in (1, 2)}
    assert [axes.get_xlabel() for axes in curves.estimated(stages).axes] == 2 * ["time [s]"]


def test_diagnosis_shows_what_is_off(tmp_path: Path) -> None:
    """Red where observed arrivals are late, blue where they are early, grey where unknown."""
    rng = np.random.default_rng(1)
    cycles = np.repeat(np.linspace(-0.9, 0.9, 12)[:, None], 30, axis=1)
    correlation = np.where(np.arange(30) < 20, 0.9, 0.1) * np.ones((12, 1))
    amplitude = np.exp(0.3 * rng.standard_normal((12, 30)))
    amplitude[3] = np.nan
    found = Diagnosis(ArrivalComparison(amplitude, cycles, correlation, np.ones(cycles.shape)), 6.0)
    pictures.diagnosis(tmp_path / "d.png", found, "stage 1")
    pixels = picture(tmp_path / "d.png")
    left = pixels[:, : pixels.shape[1] // 3, :3]
    assert ((left[..., 0] > 0.7) & (left[..., 2] < 0.2)).mean() > 0.02
    assert ((left[..., 2] > 0.7) & (left[..., 0] < 0.2)).mean() > 0.02
    assert (abs(left - 0.8).max(axis=-1) < 0.02).mean() > 0.1
    unknown = Diagnosis(ArrivalComparison(*np.full((4, 2, 4), np.nan)), 6.0)
    pictures.diagnosis(tmp_path / "u.png", unknown)
    assert (tmp_path / "u.png").exists()


@pytest.mark.parametrize("water", [False, True])
def test_sources_in_rock_do_not_hide_reflectors(water: bool) -> None:
    """The end of the scale follows all depths; without loud ones it is exceeded by 1 %."""
    values = RNG.standard_normal((60, 40))
    counted = np.ones(values.shape, dtype=bool)
    if water:
        values[:, :10], counted[:, :10] = 1e6, False
    usual = greys.end_of_greys(values, counted)
    assert usual == pytest.approx(np.percentile(np.abs(values[counted]), 99), rel=0.05)
    loud = values.copy()
    loud[:, 12:15] *= 1e4
    assert usual < greys.end_of_greys(loud, counted) < 1.1 * greys.LOUDEST * usual
    assert np.percentile(np.abs(loud[counted]), 99) > 100 * usual
    assert greys.end_of_greys(0 * values, counted) == 1.0
    assert greys.end_of_greys(values, ~(counted | True)) > 0
