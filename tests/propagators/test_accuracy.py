"""How far the waves of a homogeneous medium are from theory, and how fast they approach it."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling.stability import stable_step
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators.test_propagator import line_source, point_source

SPEED, SPACING = 2000.0, 10.0


def records(
    grid: Grid,
    order: int,
    wavelet: np.ndarray,
    interval: float,
    source: np.ndarray,
    receivers: np.ndarray,
    precision: str = "float64",
    substeps: int | None = None,
    stencil: str = "taylor",
) -> np.ndarray:
    """Gather of one source in a homogeneous medium."""
    axis = time_axis(interval, wavelet.size, SPEED, grid.spacing, Stencil(order, stencil), substeps)
    layer = AbsorbingLayer(20, SPEED, 25.0)
    F = Propagator(Discretization("acoustic", grid, axis, layer, order, precision, stencil=stencil))
    return F.forward({"m": np.full(grid.shape, 1 / SPEED**2)}, wavelet[None], source, receivers)


@pytest.mark.parametrize(
    ("ndim", "order", "wavelengths"),
    [
        (2, 8, 1.0),
        (2, 12, 5.0),
        (3, 8, 1.0),
        pytest.param(3, 16, 5.0, marks=pytest.mark.slow),
    ],
)
def test_eight_points_in_a_wavelength(ndim: int, order: int, wavelengths: float) -> None:
    """Within 1 % of the analytic solution, along a grid axis, where the dispersion is worst.

    They are points in the wavelength of a Ricker wavelet's peak, 3.4 in the shortest of its band.
    """
    frequency = SPEED / (8 * SPACING)
    interval = 1 / (12 * frequency)
    distance = 8 * wavelengths * SPACING
    grid = Grid((int(8 * wavelengths) + 40, *[36] * (ndim - 1)), (SPACING,) * ndim, (0.0,) * ndim)
    samples = int((wavelengths + 3.5) / frequency / interval)
    wavelet = ricker(times(interval, samples), frequency)
    source = np.array([[183.7, *[176.3] * (ndim - 1)]])
    receiver = source + distance * np.eye(1, ndim)
    found = records(grid, order, wavelet, interval, source, receiver)[0]
    exact = line_source if ndim == 2 else point_source
    expected = exact(wavelet, interval, distance, SPEED)
    error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
    assert error < 0.01, error


def test_optimised_stencils_serve_coarse_grids() -> None:
    """After ten wavelengths at 3.2 points in the shortest, 1.1 % in place of 5.6 %, both ways."""
    frequency = SPEED / (8 * SPACING)
    interval = 1 / (12 * frequency)
    grid = Grid((140, 101), (SPACING,) * 2, (0.0, 0.0))
    wavelet = ricker(times(interval, int(13.5 / frequency / interval)), frequency)
    source = np.array([[300.0, 500.0]])
    receiver = source + np.array([[80 * SPACING, 0.0]])
    expected = line_source(wavelet, interval, 80 * SPACING, SPEED)
    errors = []
    for stencil in ("taylor", "optimised"):
        found = records(grid, 8, wavelet, interval, source, receiver, stencil=stencil)[0]
        errors.append(np.linalg.norm(found - expected) / np.linalg.norm(expected))
    assert 0.04 < errors[0] < 0.07, errors
    assert errors[1] < 0.015, errors


def test_order_of_the_space_differences() -> None:
    """With ever more points the error falls with the power 8 of the spacing, at order 8.

    Of a narrow-band signal at 8.3, 10 and 12.5 points per wavelength, over 2.4 wavelengths,
    relative to 16.7 points at order 12. The time steps are the same fraction of a period on
    all grids, and no wave comes back from the layer.
    """

    def trace(points: float, order: int) -> np.ndarray:
        frequency = SPEED / (points * SPACING)
        t = times(1 / (50 * frequency), 480)
        shape = np.exp(-(((t - 4.5 / frequency) * frequency / 1.2) ** 2))
        wavelet = shape * np.cos(2 * np.pi * frequency * t)
        side, distance = int(4.8 * points), round(2.4 * points)
        grid = Grid((2 * side + distance + 1, 2 * side + 1), (SPACING,) * 2, (-side * SPACING,) * 2)
        receiver = np.array([[distance * SPACING, 0.0]])
        return records(grid, order, wavelet, t[1], np.zeros((1, 2)), receiver, substeps=1)[0]

    points = np.array([25 / 3, 10.0, 12.5])
    exact = trace(50 / 3, 12)
    errors = np.array([np.linalg.norm(trace(p, 8) - exact) for p in points])
    orders = -np.diff(np.log(errors)) / np.diff(np.log(points))
    assert np.all(orders > 7.5), (orders, errors / np.linalg.norm(exact))
    assert np.all(orders < 8.2), (orders, errors / np.linalg.norm(exact))


@pytest.mark.slow
def test_hundred_periods_at_the_largest_step() -> None:
    """Time dispersion is gone at the CFL limit: 0.5 % after 100 wavelengths, at order 16.

    There are 16 points in the wavelength of the peak, and the record ends before anything could
    come back from the sides.
    """
    order, half = 16, 200
    frequency = SPEED / (16 * SPACING)
    interval = stable_step(SPEED, (SPACING,) * 2, order)
    grid = Grid((1641, 2 * half + 1), (SPACING,) * 2, (-200.0, -half * SPACING))
    wavelet = ricker(times(interval, int(103.5 / frequency / interval)), frequency)
    distances = np.array([10.0, 100.0]) * 16 * SPACING
    receivers = np.stack([distances, np.zeros(2)], axis=1)
    gather = records(grid, order, wavelet, interval, np.zeros((1, 2)), receivers, "float32", 1)
    for trace, distance in zip(gather, distances, strict=True):
        expected = line_source(wavelet, interval, distance, SPEED)
        error = np.linalg.norm(trace - expected) / np.linalg.norm(expected)
        assert error < 0.005, (distance, error)
