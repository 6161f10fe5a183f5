"""Stochastic methods: their formulas, and their way through noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fwicli.inversion.optimizers.optimizer import Problem
from fwicli.inversion.optimizers.stochastic import HALVINGS, Adam, Momentum

RNG = np.random.default_rng(5)
MATRICES, TRUE = RNG.standard_normal((12, 4, 6)), RNG.standard_normal(6)


def batch(number: int) -> Problem:
    """Three of twelve terms of a least-squares problem with a common minimum."""
    A = np.concatenate(MATRICES[np.random.default_rng(number).permutation(12)[:3]])

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        r = A @ (x - TRUE)
        return 0.5 * float(r @ r), A.T @ r

    return Problem(evaluate, -3.0, 3.0, first_change=0.05)


@pytest.mark.parametrize(
    "method", [Adam(decay=0.01), Momentum(0.5)], ids=lambda m: type(m).__name__
)
def test_minimum_is_found_from_batches(method: Adam | Momentum) -> None:
    """With one evaluation in a step, each of another batch."""
    state = method.start(np.zeros(6), batch(0))
    for number in range(600):
        following = method.step(state, batch(number + 1))
        assert following is not None
        state = following
    assert state.evaluations == 601
    assert np.abs(state.x - TRUE).max() < 0.02


def test_adam_is_that_of_the_paper() -> None:
    """Kingma and Ba's algorithm 1, with a floor relative to the largest size."""
    gradients = RNG.standard_normal((8, 4)) * np.array([1e-6, 1, 1e3, 1])
    rate, b1, b2, e = 0.05, 0.8, 0.99, 1e-4
    m, v, x = np.zeros(4), np.zeros(4), np.zeros(4)
    queue = iter([*gradients[1:], np.zeros(4)])
    problem = Problem(lambda x: (1.0, next(queue)), first_change=rate)
    method = Adam(b1, b2, e)
    state = method.start(x, Problem(lambda x: (1.0, gradients[0])))
    for k, g in enumerate(gradients, 1):
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g * g
        root = np.sqrt(v / (1 - b2**k))
        step = m / (1 - b1**k) / (root + e * root.max())
        if k == 1:
            rate = 0.05 / np.abs(step).max()
        x = x - rate * step
        state = method.step(state, problem) or state
        np.testing.assert_allclose(state.x, x, rtol=1e-12)


def test_momentum_gathers_speed() -> None:
    """Under a constant gradient the steps grow to 1 / (1 - b) of the first, which is known."""
    slope = np.array([2.0, -1.0])
    problem = Problem(lambda x: (float(slope @ x), slope), first_change=0.1)
    method = Momentum(0.75)
    state, places = method.start(np.zeros(2), problem), [np.zeros(2)]
    for _ in range(40):
        state = method.step(state, problem) or state
        places.append(state.x)
    steps = np.diff(places, axis=0)
    np.testing.assert_allclose(steps[0], [-0.1, 0.05])
    np.testing.assert_allclose(steps[-1], 4 * steps[0], rtol=1e-4)


@pytest.mark.parametrize("method", [Adam(decay=0.5), Momentum(0.0, decay=0.5)])
def test_rate_decays(method: Adam | Momentum) -> None:
    """Halved after 1 / decay steps."""
    slope = np.array([2.0, -1.0])
    problem = Problem(lambda x: (float(slope @ x), slope), first_change=0.1)
    state, places = method.start(np.zeros(2), problem), [np.zeros(2)]
    for _ in range(3):
        state = method.step(state, problem) or state
        places.append(state.x)
    steps = np.diff(places, axis=0)
    np.testing.assert_allclose(steps[2], 0.5 * steps[0], rtol=1e-2)


@pytest.mark.parametrize("method", [Adam(), Momentum()])
def test_steps_into_the_impossible_are_shortened(method: Adam | Momentum) -> None:
    slope = np.array([1.0])

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        return (float(x[0]), slope) if x[0] > -0.03 else (math.inf, 0 * slope)

    problem = Problem(evaluate, first_change=0.1)
    state = method.step(method.start(np.zeros(1), problem), problem)
    assert state is not None
    assert state.evaluations == 4
    assert state.x[0] == pytest.approx(-0.025, rel=1e-2)
    nowhere = Problem(lambda x: (math.inf, slope), first_change=0.1)
    assert method.step(state, nowhere) is None
    assert HALVINGS < 10
