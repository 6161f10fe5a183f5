"""Changes of variable."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.unknowns.parameterization import (
    PARAMETERIZATIONS,
    Parameterization,
    linear,
    logarithm,
)

OTHERS = {"linear": linear(700.0), "log": logarithm(700.0, 2.5)}


@pytest.mark.parametrize("name", PARAMETERIZATIONS)
def test_there_and_back(name: str) -> None:
    """Velocity survives, x is of order one, and bounds are in order."""
    p = PARAMETERIZATIONS[name]
    vp = np.array([1000.0, 1500.0, 4700.0])
    x = p.from_property(vp)
    np.testing.assert_allclose(p.to_property(x), vp)
    assert np.all((x >= 0) & (x < 10))
    assert np.ptp(x) > 0.1
    low, high = p.bounds(1400.0, 5000.0)
    assert low < high


@pytest.mark.parametrize("name", OTHERS)
def test_others_survive(name: str) -> None:
    rho = np.array([1000.0, 1500.0, 2700.0])
    np.testing.assert_allclose(OTHERS[name].to_property(OTHERS[name].from_property(rho)), rho)


@pytest.mark.parametrize(
    "p", [*PARAMETERIZATIONS.values(), *OTHERS.values()], ids=[*PARAMETERIZATIONS, *OTHERS]
)
def test_slope_is_the_derivative_of_the_property(p: Parameterization) -> None:
    x = p.from_property(np.linspace(1400.0, 5000.0, 7))
    h = 1e-5 * x
    slope = (p.to_property(x + h) - p.to_property(x - h)) / (2 * h)
    np.testing.assert_allclose(p.slope(x), slope, rtol=1e-7)
