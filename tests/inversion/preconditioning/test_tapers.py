"""Fades towards regions and positions."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.preconditioning.tapers import fade, from_points, from_region, with_depth
from fwicli.survey.grid import Grid

GRID = Grid((21, 16), (10.0, 20.0), (100.0, 40.0))


def test_fade_rises_from_zero_to_one() -> None:
    """With half of it at half the length; one beyond."""
    taper = fade(np.array([0.0, 50.0, 100.0, 1e9, np.inf]), 100.0)
    np.testing.assert_allclose(taper, [0, 0.5, 1, 1, 1], atol=1e-15)
    assert np.all(fade(np.zeros(3), 0.0) == 1)


def test_from_a_region() -> None:
    """In metres, along both axes; nothing to keep away from mutes nothing."""
    region = np.zeros(GRID.shape, dtype=bool)
    region[:, :3] = True
    taper = from_region(region, GRID, 80.0)
    assert not taper[region].any()
    np.testing.assert_allclose(taper[7, 3:7], fade(np.array([20.0, 40, 60, 80]), 80.0))
    beside = np.zeros(GRID.shape, dtype=bool)
    beside[0] = True
    assert from_region(beside, GRID, 80.0)[4, 5] == pytest.approx(0.5)
    assert np.all(from_region(~region & region, GRID, 80.0) == 1)


def test_from_positions() -> None:
    """The taper is that of the nearest position, on the grid or off it."""
    points = np.array([[130.0, 80.0], [301.0, 60.0]])
    taper = from_points(points, GRID, 50.0)
    assert taper[3, 2] == 0
    assert taper[3, 3] == pytest.approx(fade(np.array(20.0), 50.0))
    assert taper[20, 1] == pytest.approx(fade(np.array(1.0), 50.0))
    assert np.all(taper[8:15] == 1)
    assert np.all(from_points(points, GRID, 0.0) == 1)


def test_with_depth() -> None:
    weight = with_depth(GRID, 1.5)
    assert weight[3, -1] == 1
    assert weight[3, 7] == pytest.approx(0.5**1.5)
    assert weight.min() > 0
    assert np.all(with_depth(GRID, 0.0) == 1)
