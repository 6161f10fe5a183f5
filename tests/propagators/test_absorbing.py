"""What comes back from the absorbing layer."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.survey.wavelets import ricker, times

SPEED, SPACING, FREQUENCY = 1500.0, 7.5, 10.0


def grazing(cells: int, above: int, velocity: float = 4500.0) -> np.ndarray:
    """Records along the top of a medium, with so many cells of it above the receivers."""
    grid = Grid((361, 31 + above), (SPACING,) * 2, (0.0, -above * SPACING))
    axis = time_axis(0.004, 550, velocity, grid.spacing, 8)
    layer = AbsorbingLayer(cells, velocity, FREQUENCY)
    propagator = Propagator(Discretization("acoustic", grid, axis, layer))
    receivers = np.array([[x, 15.0] for x in np.arange(150.0, 2600.0, 150.0)])
    return propagator.forward(
        {"m": np.full(grid.shape, 1 / SPEED**2)},
        ricker(times(0.004, 550), FREQUENCY)[None],
        np.array([[75.0, 15.0]]),
        receivers,
    ).astype(float)


@pytest.mark.parametrize(("cells", "bound"), [(20, 1e-3), (10, 1e-2)])
def test_waves_along_the_layer_are_left_alone(cells: int, bound: float) -> None:
    """Sources and receivers two cells below the layer: the records are those without it.

    A wave at grazing incidence is what a layer does worst. The damping is made for 4500 m/s, as
    for rocks below, while the waves travel at 1500 m/s.
    """
    reference = grazing(20, above=250)
    error = np.linalg.norm(grazing(cells, above=0) - reference) / np.linalg.norm(reference)
    assert error < bound, error


def test_layer_is_stable() -> None:
    """After the waves have left, 20 000 steps bring nothing back."""
    grid = Grid((41, 41), (10.0, 10.0), (0.0, 0.0))
    rng = np.random.default_rng(0)
    vp = 1500 + 2500 * rng.random(grid.shape)
    vp[20, 20] = 4000.0
    samples = 10000
    axis = time_axis(0.002, samples, 4000.0, grid.spacing, 8, corrected=False)
    assert axis.substeps * samples >= 20000
    propagator = Propagator(
        Discretization("acoustic", grid, axis, AbsorbingLayer(12, 4000.0, 15.0))
    )
    gather = propagator.forward(
        {"m": 1 / vp**2},
        ricker(times(0.002, samples), 15.0)[None],
        np.array([[200.0, 200.0]]),
        np.array([[300.0, 120.0]]),
    )[0]
    loudest = [np.abs(part).max() for part in np.split(gather, 4)]
    assert loudest[2] < 1e-4 * loudest[0]
    assert loudest[1] > loudest[2] > loudest[3]


def test_coefficients_are_mirror_images() -> None:
    """Both ends of an axis are treated alike, at points and half points."""
    layer = AbsorbingLayer(10, 3000.0, 10.0)
    for offset in (0.0, 0.5):
        b, c = layer.coefficients(50, 10.0, 1e-3, offset)
        last = 50 if offset == 0 else 49
        np.testing.assert_allclose(b[:last], b[:last][::-1], rtol=1e-12)
        np.testing.assert_allclose(c[:last], c[:last][::-1], rtol=1e-12)
        assert np.all(c <= 0)
        assert np.all((b > 0) & (b <= 1))
    assert np.all(layer.coefficients(50, 10.0, 1e-3, 0.0)[1][10:40] == 0)
