"""Sources and receivers off the grid."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.propagators.points import interpolation, transpose


def dense(rows: object, size: int, ndim: int) -> np.ndarray:
    """Interpolation as a matrix, (points, grid)."""
    indices, weights = rows.indices, rows.weights  # type: ignore[attr-defined]
    matrix = np.zeros((weights.shape[0], *[size] * ndim))
    for point in range(weights.shape[0]):
        for column in range(weights.shape[1]):
            matrix[(point, *indices[:, point, column])] += weights[point, column]
    return matrix.reshape(weights.shape[0], -1)


@pytest.mark.parametrize("ndim", [2, 3])
def test_injection_is_the_transpose(ndim: int) -> None:
    """Rows of grid points hold the same weights as rows of receivers."""
    rng = np.random.default_rng(0)
    positions = 5 + 5 * rng.random((7, ndim))
    positions[3] = 7.0
    rows = interpolation(positions)
    matrix = dense(rows, 16, ndim)
    injection = transpose(rows)
    back = np.zeros_like(matrix.T).reshape(*[16] * ndim, 7)
    for row in range(injection.members.shape[0]):
        for column in range(injection.members.shape[1]):
            place = (*injection.indices[:, row], injection.members[row, column])
            back[place] += injection.weights[row, column]
    np.testing.assert_allclose(back.reshape(-1, 7), matrix.T, atol=1e-15)


def test_no_grid_point_is_written_twice() -> None:
    """Rows of an injection are distinct: threads may take them in any order."""
    injection = transpose(interpolation(np.array([[5.2, 6.1], [5.9, 6.1], [5.2, 6.1]])))
    assert np.unique(injection.indices, axis=1).shape == injection.indices.shape


def test_point_on_the_grid_is_one_point() -> None:
    """No smearing where none is needed, with some tolerance for round-off in metres."""
    rows = interpolation(np.array([[6.0, 7.0 + 1e-9]]))
    assert rows.weights.shape == (1, 1)
    assert rows.weights[0, 0] == pytest.approx(1.0)
    assert rows.indices[:, 0, 0].tolist() == [6, 7]


@pytest.mark.parametrize("points", [4.0, 6.0, 10.0])
def test_waves_are_interpolated(points: float) -> None:
    """A plane wave is sampled between the grid points to 0.3 %, down to 4 points a wavelength."""
    rng = np.random.default_rng(1)
    positions = 8 + 8 * rng.random((50, 2))
    matrix = dense(interpolation(positions), 24, 2)
    x, z = np.meshgrid(np.arange(24), np.arange(24), indexing="ij")
    for angle in (0.0, 0.4, np.pi / 4):
        k = 2 * np.pi / points * np.array([np.cos(angle), np.sin(angle)])
        wave = np.exp(1j * (k[0] * x + k[1] * z)).ravel()
        error = np.abs(matrix @ wave - np.exp(1j * positions @ k)).max()
        assert error < 3e-3
