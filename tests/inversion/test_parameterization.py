"""Changes of variable."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.parameterization import PARAMETERIZATIONS


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_there_and_back(name: str) -> None:
    """Velocity survives, x is of order one, and bounds are in order."""
    p = PARAMETERIZATIONS[name]
    vp = np.array([1000.0, 1500.0, 4700.0])
    x = p.from_property(vp)
    np.testing.assert_allclose(p.to_property(x), vp)
    assert np.all((x > 0.01) & (x < 10))
    low, high = p.bounds(1400.0, 5000.0)
    assert low < high


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_slope_is_the_derivative_of_velocity(name: str) -> None:
    p = PARAMETERIZATIONS[name]
    x = p.from_property(np.linspace(1400.0, 5000.0, 7))

    h = 1e-5 * x
    slope = (p.to_property(x + h) - p.to_property(x - h)) / (2 * h)
    np.testing.assert_allclose(p.slope(x), slope, rtol=1e-7)
