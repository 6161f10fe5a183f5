"""The spectral projected gradient in boxes and in other convex sets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from fwicli.inversion.optimizers.optimizer import Problem
from fwicli.inversion.optimizers.spectral_gradient import SpectralGradient
from tests.inversion.functions import CASES, TOLERANCE, Case, matrix, quadratic, run, slack

EASY = [case for case in CASES if case.name not in ("rosenbrock 50", "rosenbrock 10", "wood")]
METHOD = SpectralGradient(budget=15)


@pytest.mark.parametrize("case", EASY, ids=lambda case: case.name)
def test_minimum_is_that_of_scipy(case: Case) -> None:
    """The same minimum of each function in the same box."""
    state = run(METHOD, case)
    assert state.value == pytest.approx(case.scipy().fun, abs=1e-7)


def onto_simplex(x: np.ndarray) -> np.ndarray:
    """The nearest point with elements that are positive and sum up to one."""
    down = np.sort(x)[::-1]
    shares = (np.cumsum(down) - 1) / np.arange(1, x.size + 1)
    return np.maximum(x - shares[np.flatnonzero(down > shares)[-1]], 0)


@pytest.mark.parametrize("weighted", [False, True])
def test_minimum_in_a_convex_set(weighted: bool) -> None:
    """On the simplex, with every trial in it, whatever the preconditioner."""
    n = 12
    A, weight = matrix(2, n), np.linspace(0.2, 3, n)
    trials = []
    inner = quadratic(A)

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        trials.append(x)
        return inner(x)

    state = run(
        METHOD,
        Case("simplex", evaluate, np.full(n, 3.0), 0.0, 1.0, lambda _, v: v),
        projection=onto_simplex,
        precondition=(lambda g: weight * g) if weighted else (lambda g: g),
    )
    assert all(abs(x.sum() - 1) < 1e-12 and x.min() >= 0 for x in trials)
    theirs = minimize(
        inner,
        np.full(n, 1 / n),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * n,
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert slack(state, Problem(inner, projection=onto_simplex)) < TOLERANCE
    np.testing.assert_allclose(state.x, theirs.x, atol=1e-6)


def test_values_may_rise_within_the_window_only() -> None:
    """Never above the largest of the last values; with a window of one they fall."""
    case = next(case for case in CASES if case.name == "quadratic 1e3")
    for window in (1, 10):
        method = SpectralGradient(window=window, budget=30)
        problem = case.problem()
        state = method.start(case.start, problem)
        values = [state.value]
        for _ in range(150):
            state = method.step(state, problem) or state
            assert state.value < max(values[-window:])
            values.append(state.value)
        assert bool(np.any(np.diff(values) > 0)) == (window > 1)


def test_steps_are_inverse_rayleigh_quotients() -> None:
    """With the inverse Hessian as the preconditioner every length is one."""
    A = np.diag(np.logspace(0, 4, 20))
    problem = Problem(quadratic(A), precondition=lambda g: g / A.diagonal(), first_change=0.1)
    state = METHOD.start(np.zeros(20), problem)
    state = METHOD.step(state, problem) or state
    assert state.numbers["length"] == pytest.approx(1.0)
    state = METHOD.step(state, problem) or state
    assert np.abs(state.x - 1).max() < 1e-12


def test_gradient_itself_where_the_preconditioned_one_leads_nowhere() -> None:
    """The projection of P g may ascend; that of g does not, and has a length of its own."""

    def onto_half_plane(x: np.ndarray) -> np.ndarray:
        return x - max(0.0, 0.5 * x.sum())

    end = np.array([1.0, 0.9])
    problem = Problem(
        lambda x: (float((x - end) @ (x - end)), 2 * (x - end)),
        projection=onto_half_plane,
        precondition=lambda g: np.array([1.0, 100.0]) * g,
        first_change=0.01,
    )
    state = METHOD.start(np.zeros(2), problem)
    for _ in range(2):
        state = METHOD.step(state, problem) or state
    np.testing.assert_allclose(state.x, onto_half_plane(end), atol=1e-12)
    assert state.evaluations == 3
