"""Image filters."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import EarthModel, Grid
from fwicli.imaging import filters
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


GRID = Grid((120, 160), (10.0, 5.0), (0.0, 0.0))


def plane_wave(dip: float, wavelength: float) -> np.ndarray:
    """A plane reflector of some dip [deg], with a period along its normal [m]."""
    k = 2 * np.pi / wavelength
    x, z = np.meshgrid(GRID.coordinates(0), GRID.coordinates(1), indexing="ij")
    return np.cos(k * (x * np.sin(np.radians(dip)) + z * np.cos(np.radians(dip))))


def passed(filtered: np.ndarray, image: np.ndarray) -> float:
    """Share of the amplitude that a filter leaves, away from the sides."""
    inside = np.s_[20:-20, 25:-25]
    return float(np.linalg.norm(filtered[inside]) / np.linalg.norm(image[inside]))


def test_low_cut_is_by_wavelength() -> None:
    """Half is left of the wavelength itself; of twice that nothing, of half that all."""
    for wavelength, share in ((100.0, 0.5), (200.0, 0.0), (50.0, 1.0)):
        wave = plane_wave(0.0, wavelength)
        assert passed(filters.low_cut(wave, GRID, 100.0), wave) == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("sign", [-1, 1])
def test_dips_are_cut_by_their_angle(sign: int) -> None:
    """Flatter reflectors stay, steeper ones by more than the taper go, on either side."""
    for dip, share in ((20.0, 1.0), (50.0, 0.0)):
        wave = plane_wave(sign * dip, 60.0)
        assert passed(filters.dips(wave, GRID, 30.0), wave) == pytest.approx(share, abs=0.06)


def test_spectral_filters_are_symmetric() -> None:
    """<A x, y> = <x, A y> to round-off."""
    x, y = np.random.default_rng(0).standard_normal((2, *GRID.shape))
    for name, value in (("low_cut", 90.0), ("dips", 35.0)):
        cut = getattr(filters, name)
        difference = np.vdot(cut(x, GRID, value), y) - np.vdot(x, cut(y, GRID, value))
        assert abs(difference) < 1e-13 * np.linalg.norm(x) * np.linalg.norm(y)


def test_mute_rises_below_the_region() -> None:
    """Zero in it, half at half the taper, one beyond; without a taper one at once."""
    muted = np.zeros(GRID.shape, dtype=bool)
    muted[:, :40] = True
    weights = filters.mute_weights(muted, GRID, 100.0)
    assert not weights[:, :40].any()
    np.testing.assert_allclose(weights[:, 40 + 10 - 1], 0.5)
    assert (weights[:, 60:] == 1).all()
    np.testing.assert_array_equal(filters.mute_weights(muted, GRID, 0.0), ~muted)


def test_balanced_amplitudes_are_even() -> None:
    """Reflectors of a tenth of the amplitude are drawn nearly as strong; zeros stay zero."""
    wave = plane_wave(0.0, 50.0)
    wave[:60] *= 0.1
    drawn = filters.balanced(wave, GRID, 80.0)
    weak, strong = np.abs(drawn[10:40]).max(), np.abs(drawn[80:110]).max()
    assert 0.7 < weak / strong < 1.0
    assert not filters.balanced(np.zeros(GRID.shape), GRID, 80.0).any()
