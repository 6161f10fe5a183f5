"""Reflectivity of a change of velocity, at depths of the smooth model and at its own."""

from __future__ import annotations

import numpy as np

from fwicli import EarthModel, Grid, ricker, times
from fwicli.imaging import reflectivity

GRID = Grid((3, 241), (5.0, 5.0), (0.0, 100.0))
SMOOTH = EarthModel(GRID, np.full(GRID.shape, 2000.0))
DEPTHS = GRID.coordinates(1) - GRID.origin[1]
WAVELET = ricker(times(0.002, 300), 20.0)
# Thickness of a fast layer, its velocity, and its thickness at the times of the smooth model.
TOP, THICKNESS, FAST = 400.0, 260.0, 2600.0
SQUEEZED = THICKNESS * 2000.0 / FAST


def layer() -> np.ndarray:
    """ln of the velocity of the layer to that of the smooth model, where its times put it."""
    inside = (DEPTHS > TOP) & (DEPTHS <= TOP + SQUEEZED)
    return np.tile(np.where(inside, np.log(FAST / 2000.0), 0.0), (3, 1))


def base(image: np.ndarray) -> float:
    """Depth of the strongest negative reflection of an image below the first grid point [m]."""
    return float(DEPTHS[image[1].argmin()])


def test_a_stretched_image_has_reflectors_at_depths_of_its_own_velocities() -> None:
    """The base of a fast layer, to half a point; that of the smooth model is 60 m too shallow."""
    image = reflectivity.of_change(layer(), SMOOTH, WAVELET, 0.002)
    stretched = reflectivity.of_change(layer(), SMOOTH, WAVELET, 0.002, stretched=True)
    half = 0.5 * GRID.spacing[1]  # reflectors are midway between points
    assert abs(base(image) - (TOP + SQUEEZED + half)) <= half
    assert abs(base(stretched) - (TOP + THICKNESS + half)) <= half
    assert abs(np.argmax(stretched[1]) - np.argmax(image[1])) <= 1  # smooth velocities above it
    np.testing.assert_allclose(stretched.min(), image.min(), rtol=0.03)


def test_an_image_of_the_earth_itself_is_stretched_to_its_reflectivity() -> None:
    """With layers at the times of a smooth model: all but the stretch of the pulse itself."""
    earth = np.full(GRID.shape, 2000.0)
    earth[:, (DEPTHS > TOP) & (DEPTHS <= TOP + THICKNESS)] = FAST
    expected = reflectivity.band_limited(EarthModel(GRID, earth), SMOOTH, WAVELET, 0.002)
    stretched = reflectivity.of_change(layer(), SMOOTH, WAVELET, 0.002, stretched=True)
    flat = reflectivity.of_change(layer(), SMOOTH, WAVELET, 0.002)
    everywhere = np.ones(GRID.shape, dtype=bool)
    assert (reflectivity.correlation(stretched, expected, everywhere) or 0) > 0.9
    assert abs(reflectivity.correlation(flat, expected, everywhere) or 0) < 0.6


def test_slow_layers_leave_no_image_below_the_last_reflector() -> None:
    """With velocities below the smooth ones the image ends above the bottom of the grid."""
    change = np.full(GRID.shape, -0.2)
    change[:, ::7] = 0.1
    last = reflectivity.stretched_depths(change, GRID.spacing[1])[0, -1]
    image = reflectivity.of_change(change, SMOOTH, WAVELET, 0.002, stretched=True)
    assert last < DEPTHS[-1]
    assert (image[:, last < DEPTHS] == 0).all()
    assert image[:, last >= DEPTHS].any()


def test_reflectivity_is_that_of_impedance() -> None:
    """A density makes it as a velocity does, and compensates one; constant, it changes nothing."""
    step = np.where(DEPTHS > TOP, 1.1, 1.0) * np.ones(GRID.shape)
    at = SMOOTH, WAVELET, 0.002
    flat = np.full(GRID.shape, 2000.0)
    earths = {
        "velocity": EarthModel(GRID, 2000 * step),
        "constant density": EarthModel(GRID, 2000 * step, {"rho": flat}),
        "density": EarthModel(GRID, flat, {"rho": 1000 * step}),
        "both": EarthModel(GRID, 2000 * step, {"rho": 1000 / step}),
    }
    images = {name: reflectivity.band_limited(earth, *at) for name, earth in earths.items()}
    largest = np.abs(images["velocity"]).max()
    assert largest > 0.003
    for name in ("constant density", "density"):
        assert np.abs(images[name] - images["velocity"]).max() < 1e-6 * largest, name
    assert np.abs(images["both"]).max() < 1e-6 * largest
