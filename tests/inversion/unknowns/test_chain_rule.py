"""Directional derivatives by differences are those of the calculus."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.unknowns.chain_rule import directional_derivative


@pytest.mark.parametrize("length", [1e-8, 1.0, 1e8])
def test_directional_derivatives(length: float) -> None:
    """To 1e-11 whatever the length of the direction, in blocks of different size."""
    rng = np.random.default_rng(0)
    x = np.stack([1 + rng.random(40), 1e-3 * rng.standard_normal(40)])
    v = length * np.stack([rng.standard_normal(40), 1e-3 * rng.standard_normal(40)])
    size = np.array([[2.0], [1e-3]])

    def f(y: np.ndarray) -> dict[str, np.ndarray]:
        return {"square": 1 / y[0] ** 2, "both": np.sqrt(y[0]) * (1 + y[1])}

    derivatives = directional_derivative(f, x, v, size)
    square = -2 * v[0] / x[0] ** 3
    both = 0.5 * v[0] / np.sqrt(x[0]) * (1 + x[1]) + np.sqrt(x[0]) * v[1]
    for name, expected in (("square", square), ("both", both)):
        assert np.linalg.norm(derivatives[name] - expected) < 1e-11 * np.linalg.norm(expected)


def test_no_direction() -> None:
    derivatives = directional_derivative(
        lambda y: {"a": y[0] ** 2}, np.ones((1, 3)), np.zeros((1, 3)), np.ones((1, 1))
    )
    assert not derivatives["a"].any()
