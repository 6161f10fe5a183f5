"""Paths of waves: which way they take, and for how long."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.survey.wave_paths import between, down_and_back, of_shots

SOURCE, RECEIVER = np.array([0.0, 40.0]), np.array([3000.0, 40.0])


def growing(positions: np.ndarray) -> np.ndarray:
    """1500 m/s at the source, 0.9 m/s more a metre of depth."""
    return 1500 + 0.9 * (positions[:, -1] - SOURCE[1])


def over_a_hard_floor(positions: np.ndarray) -> np.ndarray:
    return np.where(positions[:, -1] < 300, 1500.0, 2500.0)


def test_diving_waves() -> None:
    """The time is that of the circle that the ray is, T = 2 / g arsinh(g X / 2 c)."""
    path = between(SOURCE, RECEIVER, growing, 100.0)
    expected = 2 / 0.9 * np.arcsinh(0.9 * 3000 / 2 / 1500)
    assert path.time.sum() == pytest.approx(expected, rel=5e-3)
    assert path.time.sum() >= expected * (1 - 1e-6)
    assert path.velocity.max() > 1800


def test_direct_waves_stay_in_the_water() -> None:
    """Although the first arrival, along the floor, comes before."""
    path = between(SOURCE, RECEIVER, over_a_hard_floor, 100.0)
    assert path.time.sum() == pytest.approx(2.0)
    assert path.length == pytest.approx(3000)
    head = 2 * 260 / 1500 * 0.8 + 3000 / 2500
    assert head < path.time.sum()


def test_reflections_go_down_and_back() -> None:
    path = down_and_back(SOURCE, 540.0, over_a_hard_floor)
    assert path.length == pytest.approx(1000)
    assert path.time.sum() == pytest.approx(2 * (260 / 1500 + 240 / 2500), rel=0.01)


def test_records_end() -> None:
    """Waves run for the time that there is; the last of their way is left out."""
    path = between(SOURCE, RECEIVER, growing, 100.0)
    half = path.within(path.time.sum() / 2)
    assert half.time.sum() == pytest.approx(path.time.sum() / 2)
    assert half.length == pytest.approx(path.length / 2, rel=0.01)
    whole = path.within(10.0)
    np.testing.assert_allclose(whole.time, path.time)


def test_paths_of_a_shot() -> None:
    """To the farthest receiver, to nearer ones, and down."""
    receivers = np.column_stack([np.arange(0, 3001, 100.0), np.full(31, 40.0)])
    paths = of_shots(iter([(7, SOURCE, receivers)]), 540.0, over_a_hard_floor, 100.0)
    lengths = sorted(round(path.length) for path in paths)
    assert lengths == [800, 1000, 1500, 3000] or lengths == [700, 1000, 1500, 3000]
    assert {path.shot for path in paths} == {7}
