"""Topography: equality by a digest that is computed once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fwicli import Grid
from fwicli.survey.topography import Topography

GRID = Grid((41, 21), (10.0, 5.0), (0.0, -20.0))
DEPTHS = 20.0 - 10.0 * np.exp(-(((np.arange(41) - 20.0) / 8.0) ** 2))


def test_surfaces_are_equal_by_grid_and_depths() -> None:
    """Also after pickling, and where a zero is negative."""
    surface, same = Topography.on(GRID, DEPTHS), Topography.on(GRID, DEPTHS.copy())
    assert surface == same
    assert hash(surface) == hash(same)
    copy = pickle.loads(pickle.dumps(surface))
    assert copy == surface
    assert copy.depths == surface.depths
    np.testing.assert_array_equal(copy.columns, DEPTHS)
    assert not copy.columns.flags.writeable
    zeros = [Topography(GRID, (sign * 0.0,) * 41) for sign in (1, -1)]
    assert zeros[0] == zeros[1]
    assert hash(zeros[0]) == hash(zeros[1])
    changed = DEPTHS.copy()
    changed[17] = np.nextafter(changed[17], 99.0)
    assert Topography.on(GRID, changed) != surface
    moved = Grid(GRID.shape, GRID.spacing, (10.0, -20.0))
    assert Topography.on(moved, DEPTHS) != surface
    assert surface != DEPTHS.tolist()


def test_places_that_are_no_numbers_have_no_depth() -> None:
    """And are not in the air."""
    surface = Topography.on(GRID, DEPTHS)
    positions = np.array([[np.nan, np.nan], [205.0, 5.0], [1e30, 19.0]])
    depths = surface.at(positions[:, :1])
    assert np.isnan(depths[0])
    assert depths[2] == DEPTHS[-1]
    assert surface.in_air(positions).tolist() == [False, True, True]


def test_digest_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing and comparing again reads no depths."""
    surface, same = Topography.on(GRID, DEPTHS), Topography.on(GRID, DEPTHS)
    assert hash(surface) == hash(same)
    for each in (surface, same):
        monkeypatch.setitem(each.__dict__, "columns", None)
        monkeypatch.setitem(each.__dict__, "depths", None)
    assert hash(surface) == hash(same)
    assert surface == same
