"""Parameters of equations from physical properties, and the chain rule back."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.properties import gradient, parameters

RNG = np.random.default_rng(2)
EARTH = {"vp": 1500 + 1000 * RNG.random((4, 5)), "rho": 1000 + 1000 * RNG.random((4, 5))}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_gradient_is_the_chain_rule(equation: str) -> None:
    """Of sum_i w_i . p_i(c), against central differences in every property."""
    weights = {n: RNG.random((4, 5)) / p for n, p in parameters(equation, EARTH).items()}

    def value(earth: dict[str, np.ndarray]) -> np.ndarray:
        return sum(weights[n] * p for n, p in parameters(equation, earth).items())

    for name in EQUATIONS[equation].properties:
        h = 1e-4 * EARTH[name]
        up, down = (value({**EARTH, name: EARTH[name] + side * h}) for side in (1, -1))
        found = gradient(equation, EARTH, weights, name)
        np.testing.assert_allclose(found, (up - down) / (2 * h), rtol=1e-6)


def test_property_that_an_equation_lacks_has_no_gradient() -> None:
    assert not gradient("acoustic", EARTH, {"m": np.ones((4, 5))}, "rho").any()
