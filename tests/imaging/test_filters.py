"""Image filters."""

from __future__ import annotations

import numpy as np

from fwicli import EarthModel, Grid
from fwicli.imaging.filters import laplacian
from fwicli.imaging.migration import compensate


def test_laplacian_of_a_wave() -> None:
    """-laplacian(sin kx sin lz) = (k**2 + l**2) sin kx sin lz, with unequal spacings.

    The weight is vp**2 / 4, point by point.
    """
    grid = Grid((200, 300), (5.0, 2.0), (0.0, 0.0))
    k, m = 2 * np.pi / 300, 2 * np.pi / 200
    wave = np.sin(k * grid.coordinates(0))[:, None] * np.sin(m * grid.coordinates(1))
    vp = np.linspace(1500.0, 4500.0, grid.shape[1]) * np.ones(grid.shape)
    found = laplacian(wave, EarthModel(grid, vp))[2:-2, 2:-2]
    expected = ((k**2 + m**2) * vp**2 / 4 * wave)[2:-2, 2:-2]
    assert np.abs(found - expected).max() < 2e-3 * np.abs(expected).max()


def test_laplacian_removes_what_is_smooth() -> None:
    grid = Grid((30, 30), (10.0, 10.0), (0.0, 0.0))
    trend = 3.0 + grid.coordinates(0)[:, None] + 2 * grid.coordinates(1)
    assert (
        np.abs(laplacian(trend, EarthModel(grid, np.full(grid.shape, 2.0)))[1:-1, 1:-1]).max()
        < 1e-12
    )


def test_compensation_evens_out_the_sources() -> None:
    """A reflector that is lit more strongly is not imaged more strongly."""
    illumination = np.array([[1.0, 4.0, 100.0]])
    image = 2.0 * illumination
    np.testing.assert_allclose(compensate(image, illumination, 1e-9), 2.0, rtol=1e-6)
    assert np.isfinite(compensate(np.ones((2, 2)), np.array([[0.0, 1.0], [1.0, 1.0]]), 0.01)).all()
