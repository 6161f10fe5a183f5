"""Earth models: what is refused, the water and smoothing."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import EarthModel, Grid
from fwicli.errors import GeometryError, ModelError

GRID = Grid((40, 31), (10.0, 10.0), (100.0, 0.0))


def with_water() -> EarthModel:
    vp = np.full(GRID.shape, 2000.0) + 10 * np.arange(31)
    vp[:20, :5], vp[20:, :8] = 1500.0, 1500.0
    vp[10:15, 20:25] = 1500.0  # as slow as water, but below rock
    return EarthModel(GRID, vp)


@pytest.mark.parametrize("bad", [np.nan, -1500.0, 0.0, np.inf])
def test_impossible_velocity_is_named(bad: float) -> None:
    """The message says the value and where it is, in metres."""
    vp = np.full(GRID.shape, 2000.0)
    vp[3, 4] = bad
    with pytest.raises(ModelError, match=r"at x = 130 m, z = 40 m"):
        EarthModel(GRID, vp)


def test_wrong_shape_is_refused() -> None:
    with pytest.raises(ModelError, match=r"\(31, 40\)"):
        EarthModel(GRID, np.full((31, 40), 2000.0))


def test_grid_must_make_sense() -> None:
    with pytest.raises(GeometryError, match="positive spacing"):
        Grid((10, 10), (10.0, -1.0), (0.0, 0.0))
    with pytest.raises(GeometryError, match="2 or 3 axes"):
        Grid((10,), (10.0,), (0.0,))


def test_water_is_what_lies_on_top() -> None:
    """Rock ends the water layer; what is as slow below it is no water."""
    water = with_water().water()
    assert water[:20].sum(axis=1).tolist() == [5] * 20
    assert water[20:].sum(axis=1).tolist() == [8] * 20


def test_rock_is_no_water() -> None:
    """On land the first points have the velocity of the top as well, and may change."""
    model = with_water()
    fluid = model.water()
    rock = EarthModel(GRID, model.vp, {"vs": np.full(GRID.shape, 300.0)})
    assert not rock.water().any()
    even = EarthModel(GRID, np.full(GRID.shape, 800.0), {"vs": np.full(GRID.shape, 300.0)})
    assert not even.water().any()
    sea = EarthModel(GRID, model.vp, {"vs": np.where(fluid, 0.0, 300.0)})
    np.testing.assert_array_equal(sea.water(), fluid)


def test_smoothing_keeps_travel_time_and_water() -> None:
    """Slowness is smoothed: its mean stays, and the water is left alone."""
    model = with_water()
    water = model.water()
    smooth = model.smoothed(50.0, water)
    np.testing.assert_array_equal(smooth.vp[water], model.vp[water])
    assert np.abs(np.diff(smooth.vp[5, 12:])).max() < 40
    free = model.smoothed(30.0)
    assert (1 / free.vp).mean() == pytest.approx((1 / model.vp).mean(), rel=5e-3)
