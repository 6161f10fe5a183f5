"""Second differences in single precision: no potential, and the curvature of smooth waves."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest
from sympy import finite_diff_weights

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.propagators.equations.differences import second_difference
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.stencils import Stencil
from fwicli.survey.signals.wavelets import ricker, times

SPACINGS = (0.01, 5.0, 7.5, 10.0, 12.5, 100 / 3, 1e4)
ORDERS = (2, 4, 8, 12, 16)


@pytest.mark.parametrize("order", ORDERS)
def test_weights(order: int) -> None:
    reach = order // 2
    offsets = np.arange(-reach, reach + 1)
    exact = np.array(
        [float(w) for w in finite_diff_weights(2, offsets.tolist(), 0)[-1][-1]], dtype=float
    )
    for spacing in SPACINGS:
        weights = second_difference(Stencil(order), [spacing, 2 * spacing], 0)
        assert all(float(np.float32(w)) == w for w in weights)
        assert weights == weights[::-1]
        scaled = np.array(weights) * spacing**2
        assert abs(math.fsum(weights)) * spacing**2 < 1e-11
        np.testing.assert_allclose(scaled, exact, rtol=1e-5)
        assert scaled @ offsets**2 == pytest.approx(2, rel=2e-6)
        # Of a wave of five points.
        assert scaled @ np.cos(0.4 * np.pi * offsets) == pytest.approx(
            exact @ np.cos(0.4 * np.pi * offsets), rel=5e-6
        )


@pytest.mark.parametrize("order", ORDERS)
def test_sums_over_axes_are_exact(order: int) -> None:
    """The weights in the middle, added up by the compiler in single precision."""
    for spacings in combinations_with_replacement(SPACINGS[1:6], 3):
        middles = [
            second_difference(Stencil(order), spacings, axis)[order // 2] for axis in range(3)
        ]
        for count in (2, 3):
            total = np.sum(np.float32(middles[:count]), dtype=np.float32)
            assert float(total) == math.fsum(middles[:count])


def test_long_waves_are_those_of_double_precision() -> None:
    """At 200 points per wavelength; with weights rounded one by one the difference is 1e-3."""
    shape, spacing, frequency, samples = (201, 101), 10.0, 1.0, 400
    grid = Grid(shape, (spacing, spacing), (0.0, 0.0))
    axis = time_axis(0.008, samples, 2800.0, grid.spacing, 8)
    layer = AbsorbingLayer(20, 2800.0, frequency)
    wavelet = ricker(times(0.008, samples), frequency)[None]
    source, receivers = np.array([[400.0, 500.0]]), np.array([[1600.0, 500.0], [1200.0, 100.0]])
    records = {}
    for precision in ("float32", "float64"):
        F = Propagator(Discretization("acoustic", grid, axis, layer, precision=precision))
        model = parameters("acoustic", {"vp": np.full(shape, 2000.0)})
        records[precision] = F.forward(model, wavelet, source, receivers).astype(float)
    difference = records["float32"] - records["float64"]
    assert np.linalg.norm(difference) < 5e-5 * np.linalg.norm(records["float64"])
