"""L-BFGS against SciPy's, with bounds, and from a stored state."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize, rosen, rosen_der

from fwicli.inversion.lbfgs import Lbfgs, State

BOUNDS = [(-5.0, 5.0), (-5.0, 0.8), (-0.5, 5.0)]


def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
    return float(rosen(x)), np.asarray(rosen_der(x))


def start(n: int) -> np.ndarray:
    x = np.full(n, -0.4)
    x[::2] = 0.7
    return x


def run(method: Lbfgs, x: np.ndarray, steps: int = 400) -> State:
    state = method.start(x, evaluate)
    for _ in range(steps):
        following = method.step(state, evaluate)
        if following is None:
            break
        state = following
        projected = np.clip(state.x - state.gradient, method.lower, method.upper) - state.x
        if np.abs(projected).max() < 1e-6:
            break
    return state


@pytest.mark.parametrize("n", [2, 10, 50])
@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_minimum_is_that_of_scipy(n: int, low: float, high: float) -> None:
    """The same minimum of Rosenbrock's function in the same box."""
    found = run(Lbfgs(low, high, first_change=0.1, budget=15), start(n))
    assert np.all((found.x >= low) & (found.x <= high))
    options = {"gtol": 1e-7, "ftol": 0, "maxiter": 9999, "maxfun": 9999}
    theirs = minimize(
        rosen, start(n), jac=rosen_der, method="L-BFGS-B", bounds=[(low, high)] * n, options=options
    )
    assert found.value == pytest.approx(theirs.fun, abs=1e-9)


def test_no_more_evaluations_than_scipy_on_average() -> None:
    ours, theirs = 0, 0
    for n in (2, 10, 50):
        ours += run(Lbfgs(-5.0, 5.0, first_change=0.1, budget=15), start(n)).evaluations
        options = {"gtol": 1e-6, "ftol": 0, "maxiter": 9999, "maxfun": 9999}
        found = minimize(rosen, start(n), jac=rosen_der, method="L-BFGS-B", options=options)
        theirs += found.nfev
    assert ours <= theirs


def test_preconditioner_changes_the_way_not_the_end() -> None:
    weight = np.linspace(0.1, 3.0, 10)
    found = run(Lbfgs(-5.0, 5.0, lambda g: weight * g, first_change=0.1, budget=15), start(10))
    np.testing.assert_allclose(found.x, 1.0, atol=1e-4)


def test_good_preconditioner_is_used() -> None:
    """With the exact inverse Hessian of a quadratic, one step and a scale are enough."""
    diagonal = np.logspace(0, 6, 30)

    def quadratic(x: np.ndarray) -> tuple[float, np.ndarray]:
        return 0.5 * float(x @ (diagonal * x)), diagonal * x

    method = Lbfgs(-1e9, 1e9, lambda g: g / diagonal, first_change=1.0)
    state = method.start(np.ones(30), quadratic)
    for _ in range(2):
        state = method.step(state, quadratic) or state
    assert state.value < 1e-12 * diagonal.sum()


def test_state_continues_bit_for_bit() -> None:
    """A step depends on the state alone."""
    method = Lbfgs(-5.0, 0.9, first_change=0.1)
    state = method.start(start(10), evaluate)
    for _ in range(7):
        state = method.step(state, evaluate) or state
    copy = replace(
        state,
        x=state.x.copy(),
        gradient=state.gradient.copy(),
        steps=tuple(np.stack(state.steps)),
        changes=tuple(np.stack(state.changes)),
    )
    for _ in range(5):
        state = method.step(state, evaluate) or state
        copy = method.step(copy, evaluate) or copy
    np.testing.assert_array_equal(state.x, copy.x)
    assert state.evaluations == copy.evaluations


def test_end_is_recognised() -> None:
    """At a minimum there is no further step."""
    method = Lbfgs(-5.0, 5.0)
    assert method.step(method.start(np.ones(4), evaluate), evaluate) is None
