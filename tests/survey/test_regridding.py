"""Change of grid: averages and interpolations, their transposes, and the choice of a spacing."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import EarthModel, Grid
from fwicli.errors import ModelError
from fwicli.survey.properties import WITHOUT_MEANS
from fwicli.survey.regridding import Regridding, coarsened, fitting, with_means
from tests.earths import random_earth

GRID = Grid((40, 31), (10.0, 10.0), (100.0, 0.0))


@pytest.mark.parametrize("spacing", [20.0, 25.0, 40.0])
def test_coarse_grid_covers_the_model(spacing: float) -> None:
    """Every fine point lies in a coarse cell; constants stay constant both ways."""
    regridding = Regridding(GRID, spacing)
    coarse = regridding.coarse
    assert coarse.origin == GRID.origin
    assert all(c >= f - 1e-9 for c, f in zip(coarse.end, GRID.end, strict=True))
    ones = np.ones(GRID.shape)
    np.testing.assert_allclose(regridding.to_coarse(ones), 1.0)
    np.testing.assert_allclose(regridding.to_fine(np.ones(coarse.shape)), 1.0)


def test_linear_trends_survive_interpolation() -> None:
    regridding = Regridding(GRID, 30.0)
    x = regridding.coarse.coordinates(0)[:, None] + 2 * regridding.coarse.coordinates(1)
    fine = regridding.to_fine(x)
    expected = GRID.coordinates(0)[:, None] + 2 * GRID.coordinates(1)
    np.testing.assert_allclose(fine, expected)


def test_averages_are_of_squared_slowness() -> None:
    """A fine layering becomes the medium of the same compressibility."""
    vp = np.where(np.arange(31) % 2, 1500.0, 3000.0) * np.ones((40, 1))
    coarse = Regridding(GRID, 40.0).model_to_coarse(EarthModel(GRID, vp))
    expected = 1 / np.sqrt(0.5 / 1500.0**2 + 0.5 / 3000.0**2)
    np.testing.assert_allclose(coarse.vp[2:-2, 2:-2], expected, rtol=0.02)


def test_losses_are_averaged() -> None:
    """Of layers of water and mud, that of mud counts."""
    qp = np.where(np.arange(31) % 2, 1000.0, 20.0) * np.ones((40, 1))
    fine = EarthModel(GRID, np.full(GRID.shape, 1500.0), {"qp": qp})
    coarse = Regridding(GRID, 40.0).model_to_coarse(fine).others["qp"]
    np.testing.assert_allclose(coarse[2:-2, 2:-2], 2 / (1 / 20 + 1 / 1000), rtol=0.02)


def test_same_spacing_changes_nothing() -> None:
    model = EarthModel(GRID, 1500 + 1000 * np.random.default_rng(0).random(GRID.shape))
    same = Regridding(GRID, 10.0).model_to_coarse(model)
    assert same.grid == GRID
    np.testing.assert_allclose(same.vp, model.vp)


@pytest.mark.parametrize("ndim", [2, 3])
def test_transposes_are_exact(ndim: int) -> None:
    """<A u, v> = <u, A^T v> to round-off, of averages and interpolation."""
    grid = GRID if ndim == 2 else Grid((17, 19, 23), (10.0, 12.0, 8.0), (0.0,) * 3)
    regridding = Regridding(grid, 27.0)
    rng = np.random.default_rng(1)
    fine, other = rng.standard_normal((2, *grid.shape))
    coarse, second = rng.standard_normal((2, *regridding.coarse.shape))
    pairs = [
        (regridding.to_coarse(fine), second, fine, regridding.to_coarse_transpose(second)),
        (regridding.to_fine(coarse), other, coarse, regridding.to_fine_transpose(other)),
    ]
    for image, other_image, origin, back in pairs:
        error = abs(np.vdot(image, other_image) - np.vdot(origin, back))
        assert error < 1e-14 * np.linalg.norm(image) * np.linalg.norm(other_image)


def random_model() -> EarthModel:
    """All properties that have means."""
    earth = random_earth(GRID.shape, 2)
    others = {n: v for n, v in earth.items() if n not in ("vp", *WITHOUT_MEANS)}
    return EarthModel(GRID, earth["vp"], others)


@pytest.mark.parametrize("vp_alone", [False, True])
def test_gradient_of_the_averaged_model(vp_alone: bool) -> None:
    """The derivative by every property of the fine model, against central differences."""
    whole = random_model()
    model = EarthModel(GRID, whole.vp, {} if vp_alone else whole.others)
    regridding = Regridding(GRID, 27.0)
    rng = np.random.default_rng(3)
    # phi = sum of weights times products of the coarse properties, each of order one.
    weights = {n: rng.standard_normal(regridding.coarse.shape) for n in model.properties}
    scale = {n: np.abs(p).max() for n, p in model.properties.items()}

    def phi(earth: EarthModel) -> float:
        averaged = regridding.model_to_coarse(earth).properties
        return float(sum((w * (averaged[n] / scale[n]) ** 2).sum() for n, w in weights.items()))

    averaged = regridding.model_to_coarse(model).properties

    def by(name: str) -> np.ndarray:
        return 2 * weights[name] * averaged[name] / scale[name] ** 2

    for name, values in model.properties.items():
        change = 1e-4 * values * rng.standard_normal(GRID.shape)
        ends = [phi(model.changed({name: values + s * change})) for s in (1, -1)]
        gradient = regridding.gradient_to_fine(model, by, name)
        assert np.vdot(gradient, change) == pytest.approx((ends[0] - ends[1]) / 2, rel=1e-6)


def test_averages_stay_within_the_model() -> None:
    """Waves get no faster and no slower, and delta stays below epsilon."""
    model = random_model()
    coarse = Regridding(GRID, 33.0).model_to_coarse(model)
    assert coarse.fastest <= model.fastest
    assert coarse.slowest >= model.slowest
    assert (coarse.others["delta"] <= coarse.others["epsilon"]).all()


def test_interface_stays_between_the_points() -> None:
    """Vertical travel of long waves, the integral of compressibility, is that of the model."""
    for depth in (95.0, 105.0, 115.0, 125.0):
        vp = np.where(GRID.coordinates(1) < depth, 1500.0, 3000.0) * np.ones((40, 1))
        coarse = Regridding(GRID, 30.0).model_to_coarse(EarthModel(GRID, vp))
        sums = [(h / column**2).sum() for h, column in ((10.0, vp[20]), (30.0, coarse.vp[5]))]
        # Both have half a cell more at each end than they reach.
        sums[1] -= 10.0 / 1500.0**2 + 10.0 / 3000.0**2
        assert sums[1] == pytest.approx(sums[0], rel=1e-12)


def test_spacing_fits_the_band_and_the_model() -> None:
    """Never coarser than allowed, nor finer than the model; equal where possible."""
    grid = Grid((1601, 401), (7.5, 7.5), (0.0, 0.0))
    assert fitting(grid, 38.6, (False, False)) == (38.6, 38.6)
    across, down = fitting(grid, 38.6, (False, True))
    assert across == down <= 38.6
    assert 3000 / down == pytest.approx(round(3000 / down), abs=1e-9)
    assert Regridding(grid, (across, down)).coarse.end[1] == pytest.approx(3000.0)
    # Two ends that must stay, along lengths that no spacing divides both of.
    both = Regridding(GRID, fitting(GRID, 15.0, (True, True)))
    assert both.coarse.spacing == pytest.approx((390 / 26, 300 / 20))
    both = Regridding(GRID, fitting(GRID, 14.0, (True, True)))
    assert both.coarse.spacing == pytest.approx((390 / 28, 300 / 22))
    np.testing.assert_allclose(both.coarse.end, GRID.end)
    # Little is gained by cells that are hardly longer, nothing by shorter ones.
    assert fitting(grid, 8.0, (True, True)) == grid.spacing
    assert fitting(grid, 5.0, (False, False)) == grid.spacing
    flat = Grid((1601, 401), (7.5, 15.0), (0.0, 0.0))
    assert fitting(flat, 12.0, (False, False)) == (12.0, 15.0)
    # A small model keeps some points.
    assert Regridding(grid, fitting(grid, 1e4, (False, False))).coarse.shape[1] == 17


def test_shear_velocities_are_not_averaged() -> None:
    """Fluids and solids have no mean of vs; a uniform one needs none."""
    fine = Grid((13, 9), (5.0, 5.0), (0.0, 0.0))
    vp, one = (np.broadcast_to(v, fine.shape) for v in (2000.0, 900.0))
    regridding = Regridding(fine, (10.0, 10.0))
    assert regridding.model_to_coarse(EarthModel(fine, vp, {"vs": one})).others["vs"].max() == 900
    vs = np.where(np.arange(9) < 4, 0.0, one)
    model = EarthModel(fine, vp, {"vs": vs})
    with pytest.raises(ModelError, match="averages of vs"):
        regridding.model_to_coarse(model)
    # On its own grid nothing is averaged, and equations without vs need no mean of it.
    same = Regridding(fine, fine.spacing).model_to_coarse(model)
    np.testing.assert_array_equal(same.others["vs"], vs)
    assert with_means(model, ("vp", "vs")) is model
    assert not regridding.model_to_coarse(with_means(model, ("vp", "rho"))).others


@pytest.mark.parametrize("spacing", [20.0, 27.0])
def test_ends_are_those_of_the_model(spacing: float) -> None:
    """The absorbing layer goes on with the values at the sides, and the trend up to there stays."""
    squared = 1 / (1500 + 0.9 * GRID.coordinates(1)) ** 2 * np.ones((40, 1))
    regridding = Regridding(GRID, spacing)
    coarse = regridding.to_coarse(squared)
    np.testing.assert_allclose(
        coarse[:, [0, -1]], squared[0, [0, -1]] * np.ones_like(coarse[:, :2])
    )
    depth = np.minimum(regridding.coarse.coordinates(1), GRID.end[1])
    np.testing.assert_allclose(coarse[0], 1 / (1500 + 0.9 * depth) ** 2, rtol=3e-3)


def test_coarse_model_has_the_extent_of_the_fine_one() -> None:
    """Whatever the shape of the grid that names the spacing."""
    model = EarthModel(GRID, np.full(GRID.shape, 2000.0))
    coarse = coarsened(model, Grid((2, 2), (27.0, 27.0), GRID.origin))
    assert coarse.grid == Regridding(GRID, 27.0).coarse
    np.testing.assert_allclose(coarse.vp, 2000.0)
    assert coarsened(model, GRID) is model


def test_nearest_points_of_a_grid() -> None:
    """The nearest along each axis, and at the ends for positions outside."""
    grid = Grid((4, 3), (10.0, 20.0), (5.0, -20.0))
    at = grid.nearest(np.array([[5.0, -20.0], [19.0, 9.0], [500.0, 500.0], [-90.0, 11.0]]))
    assert [axis.tolist() for axis in at] == [[0, 1, 3, 0], [0, 1, 2, 2]]
