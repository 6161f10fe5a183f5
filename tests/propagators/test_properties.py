"""Parameters of equations from physical properties, and the chain rule back."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.properties import gradient, parameters

RNG = np.random.default_rng(2)
EARTH = {
    "vp": 1500 + 1000 * RNG.random((4, 5)),
    "rho": 1000 + 1000 * RNG.random((4, 5)),
    "epsilon": 0.2 + 0.1 * RNG.random((4, 5)),
    "delta": 0.1 + 0.1 * RNG.random((4, 5)),
    "theta": 0.5 + RNG.random((4, 5)),
    "phi": 0.5 + RNG.random((4, 5)),
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_gradient_is_the_chain_rule(equation: str) -> None:
    """Of sum_i w_i . p_i(c), against central differences in every property at every point."""
    weights = {n: RNG.random((4, 5)) / p for n, p in parameters(equation, EARTH).items()}

    def value(earth: dict[str, np.ndarray]) -> float:
        return float(sum((weights[n] * p).sum() for n, p in parameters(equation, earth).items()))

    for name in EQUATIONS[equation].properties:
        found = gradient(equation, EARTH, weights, name)
        for point in np.ndindex(4, 5):
            h = np.zeros((4, 5))
            h[point] = 1e-4 * EARTH[name][point]
            up, down = (value({**EARTH, name: EARTH[name] + side * h}) for side in (1, -1))
            difference = (up - down) / (2 * h[point])
            assert found[point] == pytest.approx(difference, rel=1e-6, abs=1e-9 / EARTH[name].max())


def test_property_that_an_equation_lacks_has_no_gradient() -> None:
    assert not gradient("acoustic", EARTH, {"m": np.ones((4, 5))}, "rho").any()
