"""Sources and receivers off the grid."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.propagators.sampling.interpolation import condensed, interpolation, transpose


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


@pytest.mark.parametrize("kind", ["sinc", "linear"])
@pytest.mark.parametrize("orders", [(0, 1), (1, 0), (1, 1), (2, 1), (0, 4)])
def test_slopes_are_derivatives_by_position(kind: str, orders: tuple[int, int]) -> None:
    """Against central differences of the weights, one order below."""
    if kind == "linear" and max(orders) > 1:
        pytest.skip("linear interpolation has no second derivative")
    positions = 5 + 5 * np.random.default_rng(3).random((7, 2))
    axis = int(np.argmax(orders))
    step = 1e-5 * np.eye(2)[axis]

    def weights(positions: np.ndarray, less: int = 0) -> np.ndarray:
        orders_of_all = np.tile(orders, (7, 1)) - less * np.eye(2, dtype=int)[axis]
        return dense(interpolation(positions, kind, orders=orders_of_all), 16, 2)

    found = weights(positions)
    expected = (weights(positions + step, 1) - weights(positions - step, 1)) / 2e-5
    np.testing.assert_allclose(found, expected, atol=2e-8 * abs(found).max())


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


def test_linear_interpolation_is_exact_for_linear_fields() -> None:
    """And reads the two nearest points along each axis only, none where one is met."""
    rng = np.random.default_rng(2)
    positions = 3 + 8 * rng.random((20, 3))
    positions[0] = 5.0
    rows = interpolation(positions, "linear")
    assert rows.weights.shape[1] == 8
    assert np.count_nonzero(rows.weights[0]) == 1
    x, y, z = np.meshgrid(*[np.arange(14.0)] * 3, indexing="ij")
    field = 2 - 3 * x + 0.5 * y + 7 * z
    expected = 2 + positions @ np.array([-3, 0.5, 7])
    found = dense(rows, 14, 3) @ field.ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", ["sinc", "linear"])
def test_weights_are_mirrored_at_free_sides(kind: str) -> None:
    """Inside, they act on a field as those of the whole space on its odd continuation."""
    rng = np.random.default_rng(3)
    shape, reach = (12, 15), 6
    positions = rng.random((30, 2)) * (np.array(shape) - 1)
    inner = rng.standard_normal(shape)
    inner[[0, -1]] = inner[:, [0, -1]] = 0
    x, z = (
        np.concatenate([-np.arange(-reach, 0), np.arange(n), n - 2 - np.arange(reach)])
        for n in shape
    )
    signs = [
        np.where(np.arange(-reach, n + reach) < 0, -1, 1)
        * np.where(np.arange(-reach, n + reach) > n - 1, -1, 1)
        for n in shape
    ]
    whole = inner[np.ix_(x, z)] * np.outer(*signs)
    size = max(whole.shape)
    padded = np.zeros((size, size))
    padded[: whole.shape[0], : whole.shape[1]] = whole
    expected = dense(interpolation(positions + reach, kind), size, 2) @ padded.ravel()
    closed = ((True, True), (True, True))
    rows = interpolation(positions, kind, closed, shape)
    assert rows.indices.min() >= 0
    assert np.all(rows.indices.max(axis=(1, 2)) < shape)
    square = np.zeros((15, 15))
    square[:12] = inner
    np.testing.assert_allclose(dense(rows, 15, 2) @ square.ravel(), expected, atol=1e-12)


@pytest.mark.parametrize("depths", ["one", "any"])
@pytest.mark.parametrize("kind", ["sinc", "linear"])
@pytest.mark.parametrize("ndim", [2, 3])
def test_condensed_points_are_the_same_interpolation(kind: str, ndim: int, depths: str) -> None:
    """Fewer points and a matrix do what the rows do, also next to free sides."""
    rng = np.random.default_rng(4)
    positions = 11 * rng.random((500, ndim))
    positions[:3] = np.array([[0.0], [11.0], [4.0]])
    if depths == "one":
        positions[:, -1] = 2.3
    closed = (((True, True),) * ndim, (12,) * ndim)
    rows = interpolation(positions, kind, *closed)
    visited, matrix = condensed(positions, kind, *closed)
    columns = 12**ndim if depths == "any" else 12 ** (ndim - 1)
    assert visited.weights.shape[0] <= columns
    both = matrix @ dense(visited, 12, ndim)
    np.testing.assert_allclose(both, dense(rows, 12, ndim), atol=1e-15)


def test_few_points_are_left_alone() -> None:
    """Where points share nothing, the time loop does the interpolation."""
    for positions in ([[5.5, 6.5]], [[5.0, 6.0], [7.0, 6.0]], [[5.5, 6.5], [15.5, 9.3]]):
        visited, matrix = condensed(np.array(positions))
        assert matrix is None
        assert visited.weights.shape[0] == len(positions)
