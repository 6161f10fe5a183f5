"""Angle gathers are flat in the true velocity, and their curvature has the sign of the error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, ricker, time_axis, times
from fwicli.imaging.extended.angle_stacks import SlantStack, TimeShiftStack, local_dips
from fwicli.imaging.extended.depth_interpolation import at_rows
from fwicli.imaging.extended.fields import sparse_in_time
from fwicli.imaging.extended.gathers import DistanceBins, moveout
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


def by_angle(shots: dict[str, Any], kind: str, velocity: float) -> np.ndarray:
    """Angle gathers from lags of a kind, of up to 100 m or 0.1 s."""
    if kind == "subsurface_offset":
        offsets = GRID.spacing[0] * np.arange(-N, N + 1)
        gathers = migrated(shots, velocity, SubsurfaceOffset(N))
        return SlantStack(offsets, ANGLES, GRID).gathers(gathers)
    step = sparse_in_time(shots["discretization"])[0].time.interval / 2
    n = round(0.1 / step)
    gathers = migrated(shots, velocity, TimeShift(n))
    dips = local_dips(gathers[n], GRID, 60.0)
    stack = TimeShiftStack(
        step * np.arange(-n, n + 1), ANGLES, GRID, np.full(GRID.shape, velocity), dips
    )
    return stack.gathers(gathers)


@pytest.mark.parametrize("kind", ["subsurface_offset", "time_shift"])
@pytest.mark.parametrize("share", [1.0, pytest.param(0.95, marks=pytest.mark.slow), 1.05])
def test_moveout_tells_the_velocity(shots: dict[str, Any], kind: str, share: float) -> None:
    """Flat to half a sample at all angles in the true one; upwards where it is too low."""
    c = curvature(by_angle(shots, kind, share * TRUE), share * DEPTH)
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


def stack_of(kind: str, grid: Grid, dip: float = 0.0) -> SlantStack | TimeShiftStack:
    """A stack of lags of a kind, in a velocity that grows with depth."""
    if kind == "subsurface_offset":
        return SlantStack(grid.spacing[0] * np.arange(-N, N + 1), ANGLES, grid)
    velocity = 1500.0 + 2.0 * grid.coordinates(1) + np.zeros(grid.shape)
    return TimeShiftStack(0.008 * np.arange(-30, 31), ANGLES, grid, velocity, dip)


@pytest.mark.parametrize("kind", ["subsurface_offset", "time_shift"])
def test_angle_stacks_are_exact_pairs(kind: str) -> None:
    """<A x, y> = <x, A^T y>, with what leaves the grid above and below."""
    stack = stack_of(kind, GRID)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((len(stack.lags), *GRID.shape))
    y = rng.standard_normal((len(ANGLES), *GRID.shape))
    difference = np.vdot(stack.gathers(x), y) - np.vdot(x, stack.transpose(y))
    assert abs(difference) < 1e-13 * np.linalg.norm(x) * np.linalg.norm(y)


@pytest.mark.parametrize(
    ("kind", "dip", "slope"),
    [
        ("subsurface_offset", 0.0, np.tan(np.radians(20.0))),
        ("time_shift", 0.0, 2700.0 / np.cos(np.radians(20.0))),
        ("time_shift", 25.0, 2700.0 / np.cos(np.radians(20.0)) / np.cos(np.radians(25.0))),
    ],
)
def test_slopes_are_at_their_angle(kind: str, dip: float, slope: float) -> None:
    """20 degrees, at the depth of the reflector, where the velocity is 2700 m/s."""
    grid = Grid((5, 301), (10.0, 4.0), (0.0, 0.0))
    stack = stack_of(kind, grid, dip)
    depth = 600.0 + np.tan(np.radians(dip)) * (grid.coordinates(0) - 20.0)[:, None]
    off = [(grid.coordinates(1) - depth + lag * slope) / 8.0 for lag in stack.lags]
    gathers = stack.gathers(np.array([np.exp(-(shift**2)) * (1 - shift**2) for shift in off]))
    angle, row = np.unravel_index(gathers[:, 2].argmax(), gathers[:, 2].shape)
    assert ANGLES[angle] == 20.0
    assert grid.coordinates(1)[row] == 600.0


def test_rows_are_read_between_points() -> None:
    """As by linear interpolation; zero above the first point and below the last."""
    rng = np.random.default_rng(5)
    values, rows = rng.standard_normal((4, 3, 20)), rng.uniform(-5.0, 25.0, (4, 3, 20))
    rows[0, 0, :3] = 0.0, 19.0, 19.1
    expected = [
        np.interp(r, np.arange(20), v, left=0.0, right=0.0)
        for r, v in zip(rows.reshape(-1, 20), values.reshape(-1, 20), strict=True)
    ]
    np.testing.assert_allclose(at_rows(values, rows).reshape(-1, 20), expected, atol=1e-14)


@pytest.mark.parametrize("dip", [0.0, 25.0, -40.0])
def test_dips_are_those_of_reflectors(dip: float) -> None:
    """Within a degree in the middle, up to the largest, and none without an image."""
    grid = Grid((81, 81), (12.0, 6.0), (0.0, 0.0))
    x, z = (grid.coordinates(axis) for axis in (0, 1))
    across = (z - 240.0) - np.tan(np.radians(dip)) * (x - 480.0)[:, None]
    dips = local_dips(np.cos(across / 15.0), grid, 40.0)
    np.testing.assert_allclose(dips[20:61, 20:61], abs(dip), atol=1.0)
    assert local_dips(np.cos(across / 15.0), grid, 40.0, 10.0).max() <= 10.0
    np.testing.assert_array_equal(local_dips(np.zeros(grid.shape), grid, 40.0), 0.0)


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
