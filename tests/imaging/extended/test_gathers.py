"""Angle gathers are flat in the true velocity, and their curvature has the sign of the error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, ricker, time_axis, times
from fwicli.imaging.extended.gathers import DistanceBins, SlantStack, moveout
from fwicli.imaging.extended.lags import SubsurfaceOffset, TimeShift
from fwicli.imaging.extended.migration import ExtendedMigrationTask

GRID = Grid((121, 61), (10.0, 10.0), (0.0, 0.0))
ANGLES = np.arange(0.0, 32.5, 2.5)
N = 10
SAMPLES, INTERVAL = 110, 0.008
TRUE, DEPTH = 2000.0, 395.0


@pytest.fixture(scope="module")
def shots() -> dict[str, Any]:
    """Records of a flat reflector below even rock."""
    axis = time_axis(INTERVAL, SAMPLES, 2400.0, GRID.spacing, 8)
    layer = AbsorbingLayer(12, 2400.0, 15.0)
    # No parameter is differentiated: the kernels are those of migrations.
    discretization = Discretization("acoustic", GRID, axis, layer, parameters=())
    propagator = Propagator(discretization)
    wavelet = ricker(times(INTERVAL, SAMPLES), 14.0)[None]
    vp = np.full(GRID.shape, TRUE)
    even = {"m": 1 / vp**2}
    vp = vp.copy()
    vp[:, 40:] = 2300.0
    receivers = np.stack([np.arange(0.0, 1201.0, 20.0), np.full(61, 20.0)], axis=1)
    records = []
    for x in np.arange(60.0, 1200.0, 90.0):
        source = np.array([[x, 20.0]])
        at = wavelet, source, receivers
        reflected = propagator.forward({"m": 1 / vp**2}, *at) - propagator.forward(even, *at)
        records.append((source, reflected))
    return {"discretization": discretization, "wavelet": wavelet, "receivers": receivers} | {
        "records": records
    }


def migrated(shots: dict[str, Any], velocity: float, lags: Any) -> np.ndarray:
    """Gathers of the sum over shots."""
    total = 0.0
    for source, reflected in shots["records"]:
        task = ExtendedMigrationTask(
            shots["discretization"],
            {"m": np.full(GRID.shape, 1 / velocity**2)},
            shots["wavelet"],
            source,
            shots["receivers"],
            reflected,
            "correlation",
            False,
            lags=lags,
        )
        total = total + np.stack(list(task().gathers.values()))
    return total


def curvature(gathers: np.ndarray, depth: float) -> float:
    """Residual moveout around a depth, in the middle of the line [m]."""
    found = moveout(gathers, ANGLES, GRID, np.linspace(-60.0, 60.0, 121), 30.0)
    middle = slice(45, 76)
    points = slice(int(depth / 10) - 10, int(depth / 10) + 10)
    weights = (found.energy * found.semblance**2)[middle, points]
    return float((weights * found.curvature[middle, points]).sum() / weights.sum())


@pytest.mark.parametrize("share", [1.0, pytest.param(0.95, marks=pytest.mark.slow), 1.05])
def test_moveout_tells_the_velocity(shots: dict[str, Any], share: float) -> None:
    """Flat to half a sample at all angles in the true one; upwards where it is too low."""
    offsets = GRID.spacing[0] * np.arange(-N, N + 1)
    lags = migrated(shots, share * TRUE, SubsurfaceOffset(N))
    c = curvature(SlantStack(offsets, ANGLES, GRID).gathers(lags), share * DEPTH)
    deepest = c * np.tan(np.radians(ANGLES[-1])) ** 2
    if share == 1.0:
        assert abs(deepest) < 0.5 * GRID.spacing[1]
    else:
        assert np.sign(c) == np.sign(share - 1.0)
        assert abs(c) > 10.0


@pytest.mark.slow
def test_image_is_focused_at_no_lag(shots: dict[str, Any]) -> None:
    """In the true velocity, the energy near the reflector is largest at no time shift."""
    gathers = migrated(shots, TRUE, TimeShift(3))
    energy = (gathers[:, 45:76, 35:45] ** 2).sum(axis=(1, 2))
    assert energy.argmax() == 3


def test_shares_by_distance_sum_to_the_image(shots: dict[str, Any]) -> None:
    """Within the largest distance, bin by bin where the source is."""
    bins = DistanceBins(400.0, 9)
    image = np.random.default_rng(0).standard_normal(GRID.shape)
    shares = bins.shares(image, GRID, np.array([[600.0, 20.0]]))
    np.testing.assert_allclose(shares.sum(axis=0)[20:101], image[20:101], atol=1e-12)
    np.testing.assert_array_equal(shares[4][60], image[60])
    assert not shares[4][:50].any()


def test_slant_stack_is_an_exact_pair() -> None:
    """<A x, y> = <x, A^T y>; a flat event stays at its depth, and a slope is found at its angle."""
    offsets = GRID.spacing[0] * np.arange(-N, N + 1)
    stack = SlantStack(offsets, ANGLES, GRID)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((len(offsets), *GRID.shape))
    y = rng.standard_normal((len(ANGLES), *GRID.shape))
    difference = np.vdot(stack.gathers(x), y) - np.vdot(x, stack.transpose(y))
    assert abs(difference) < 1e-13 * np.linalg.norm(x) * np.linalg.norm(y)
    z = GRID.coordinates(1)
    slope = np.tan(np.radians(20.0))
    line = np.exp(-(((z - 300.0 + offsets[:, None] * slope) / 15.0) ** 2))
    gathers = stack.gathers(np.repeat(line[:, None], GRID.shape[0], axis=1))
    angle, depth = np.unravel_index(gathers[:, 60].argmax(), gathers[:, 60].shape)
    assert ANGLES[angle] == 20.0
    assert z[depth] == 300.0


@pytest.mark.parametrize("c", [-20.0, 0.0, 30.0])
def test_moveout_finds_the_curvature(c: float) -> None:
    """Of synthetic events at z + c tan(angle)**2, to the step of the scan."""
    z = GRID.coordinates(1)
    depths = 300.0 + c * np.tan(np.radians(ANGLES)) ** 2
    events = np.exp(-(((z - depths[:, None]) / 15.0) ** 2))
    gathers = np.repeat(events[:, None], GRID.shape[0], axis=1)
    scanned = moveout(gathers, ANGLES, GRID, np.arange(-40.0, 41.0, 2.0), 30.0)
    assert scanned.curvature[60, 30] == pytest.approx(c, abs=2.0)
    assert scanned.semblance[60, 30] > 0.95
    assert scanned.at(slice(20, 40)) == pytest.approx(c, abs=4.0)
