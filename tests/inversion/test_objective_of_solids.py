"""The gradient of pressures that elastic waves leave below water."""

from __future__ import annotations

import numpy as np
import pytest

from tests.inversion.test_objective import GRID, objective, slope

NAMES = ("vp", "vs", "rho")


# Slow: two kernels of solids. `test_components` has pressures and velocities below water every day.
@pytest.mark.slow
def test_gradient_below_water() -> None:
    """To 1e-6 in vp, vs and rho; vs stays 0 in the water, where nothing depends on it."""
    f, x = objective("slowness", "elastic", names=NAMES)
    water = np.zeros(GRID.shape, dtype=bool)
    water[:, :6] = True
    x[1][water] = 0.0
    value, gradient = f(x)
    assert 0.01 < value < 2
    assert not gradient[1][water].any()
    for block in range(len(NAMES)):
        direction = np.zeros(x.shape)
        direction[block] = 0.02 * x[block] * np.random.default_rng(9).standard_normal(GRID.shape)
        expected = slope(f, x, direction, 1e-3)
        assert np.vdot(gradient, direction) == pytest.approx(expected, rel=1e-6, abs=1e-12)
