"""A migrated image shows reflectors where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, EarthModel, Grid, Propagator, time_axis
from fwicli.imaging import filters, reflectivity
from fwicli.imaging.migration import MigrationTask, compensate, with_earth
from fwicli.survey.signals.wavelets import ricker, times

GRID = Grid((121, 61), (10.0, 10.0), (0.0, 0.0))
SAMPLES = 250
SMOOTH = np.full(GRID.shape, 2000.0)


@pytest.fixture(scope="module")
def scene() -> dict[str, Any]:
    """One reflector at 300 m, from 2000 to 2400 m/s, below five shots."""
    true = np.full(GRID.shape, 2000.0)
    true[:, 30:] = 2400.0
    axis = time_axis(0.004, SAMPLES, 2500.0, GRID.spacing, 8)
    made = Discretization("acoustic", GRID, axis, AbsorbingLayer(12, 2500.0, 15.0), history_step=3)
    wavelet = ricker(times(0.004, SAMPLES), 15.0)
    receivers = np.array([[x, 20.0] for x in np.arange(0.0, 1201.0, 20.0)])
    propagator = Propagator(made)
    shots = []
    for x in (200.0, 400.0, 600.0, 800.0, 1000.0):
        source = np.array([[x, 20.0]])
        observed = propagator.forward({"m": 1 / true**2}, wavelet[None], source, receivers)
        shots.append((source, observed))
    return {"made": made, "wavelet": wavelet, "receivers": receivers, "shots": shots, "true": true}


@pytest.mark.parametrize("condition", ["velocity", "inverse_scattering"])
@pytest.mark.parametrize("energy", ["source", "both"])
def test_contrasts_are_where_the_reflector_is(
    scene: dict[str, Any], condition: str, energy: str
) -> None:
    """Zero phase and positive without another filter; the impedance has no smooth part above."""
    image, illumination = np.zeros(GRID.shape), np.zeros(GRID.shape)
    model = with_earth({"m": 1 / SMOOTH**2}, {"vp": SMOOTH})
    for number, (source, observed) in enumerate(scene["shots"]):
        shot = scene["made"], model, scene["wavelet"], source, scene["receivers"], observed
        result = MigrationTask(*shot, condition, True, energy=energy, seed=number)()
        image += result.image
        illumination += result.illumination
    image = compensate(image, illumination, 0.01)
    below = image[30:91, 10:55]
    depth = 10 * (10 + below.argmax(axis=1))
    assert np.abs(np.median(depth) - 295.0) <= 10.0
    rms = np.sqrt((below**2).mean(axis=0))
    # Reflected waves that go along with those of the source, above the reflector.
    if condition == "inverse_scattering":
        assert rms[:12].max() < 0.3 * rms.max()


def migrated(scene: dict[str, Any], condition: str) -> np.ndarray:
    """Compensated and filtered image of all shots in the smooth model."""
    image, illumination = np.zeros(GRID.shape), np.zeros(GRID.shape)
    for source, observed in scene["shots"]:
        result = MigrationTask(
            scene["made"],
            {"m": 1 / SMOOTH**2},
            scene["wavelet"],
            source,
            scene["receivers"],
            observed,
            condition,
            True,
        )()
        image += result.image
        illumination += result.illumination
    return filters.laplacian(compensate(image, illumination, 0.01), EarthModel(GRID, SMOOTH))


@pytest.mark.parametrize("condition", ["correlation", "gradient"])
def test_reflector_is_at_its_depth(scene: dict[str, Any], condition: str) -> None:
    """The strongest event of the filtered image is within a cell of 300 m."""
    image = migrated(scene, condition)
    below = np.abs(image[30:91, 10:55])
    depth = 10 * (10 + below.argmax(axis=1))
    # The gradient has the phase of its operators, a quarter of a wavelength off in 2D.
    assert np.abs(np.median(depth) - 295.0) <= (10.0 if condition == "correlation" else 25.0)
    assert below[:, 15:26].max() > 3 * below[:, 32:].max()


def test_image_correlates_with_the_reflectivity(scene: dict[str, Any]) -> None:
    """Sign and place agree with the band-limited reflectivity of the true model."""
    image = migrated(scene, "correlation")
    smooth = EarthModel(GRID, SMOOTH)
    true = EarthModel(GRID, scene["true"])
    expected = reflectivity.band_limited(true, smooth, scene["wavelet"], 0.004)
    where = np.zeros(GRID.shape, dtype=bool)
    where[30:91, 12:50] = True
    assert reflectivity.correlation(image, expected, where) > 0.8


def test_reflectivity_is_a_wavelet_at_the_interface() -> None:
    """Zero phase: its peak is at the interface, and positive for an increase of velocity."""
    vp = np.full(GRID.shape, 2000.0)
    vp[:, 30:] = 2400.0
    model = EarthModel(GRID, vp)
    found = reflectivity.band_limited(model, model, ricker(times(0.004, 250), 15.0), 0.004)
    # The interface lies between two points, which share the peak.
    np.testing.assert_allclose(found[:, 29], found[:, 30], rtol=0.02)
    assert np.all(np.isin(found.argmax(axis=1), (29, 30)))
    assert np.all(found[:, 30] > 0)


def test_modelled_part_is_subtracted(
    scene: dict[str, Any], make_setting: Callable[..., Any]
) -> None:
    """With the true model nothing is left to migrate; without subtraction there is."""
    source, observed = scene["shots"][2]
    m = 1 / scene["true"] ** 2
    images = {}
    for subtract in (True, False):
        images[subtract] = MigrationTask(
            scene["made"],
            {"m": m},
            scene["wavelet"],
            source,
            scene["receivers"],
            observed,
            "correlation",
            subtract,
        )().image
    assert np.abs(images[True]).max() < 1e-3 * np.abs(images[False]).max()


def test_only_recorded_samples_are_migrated(scene: dict[str, Any]) -> None:
    """Waves of the smooth model where nothing was recorded are no part of the image."""
    source, observed = scene["shots"][2]
    span, model = slice(40, 180), {"m": 1 / SMOOTH**2}
    parts = scene["made"], model, scene["wavelet"], source, scene["receivers"]
    modelled = Propagator(scene["made"]).forward(
        model, scene["wavelet"][None], source, scene["receivers"]
    )
    residual = np.zeros_like(observed)
    residual[:, span] = (observed - modelled)[:, span]
    expected = MigrationTask(*parts, residual, "correlation", False)()
    recorded = np.zeros_like(observed)
    recorded[:, span] = observed[:, span]
    result = MigrationTask(*parts, recorded, "correlation", True, None, span)()
    np.testing.assert_array_equal(result.image, expected.image)
    assert np.abs(result.image).max() > 0
