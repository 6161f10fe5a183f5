"""Truncated Newton against SciPy's; quadratics, saddles, and how exactly a step is solved for."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.optimizers.lbfgs import Lbfgs
from fwicli.inversion.optimizers.newton import Newton
from fwicli.inversion.optimizers.optimizer import Kind, Problem
from tests.inversion.functions import CASES, UNBOUNDED, Case, matrix, quadratic, run, solved

METHOD = Newton("full", inner=60, budget=15)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_minimum_is_that_of_scipy(case: Case) -> None:
    """The same minimum of each function in the same box."""
    state = solved(METHOD, case)
    assert np.all((state.x >= case.low) & (state.x <= case.high))
    assert state.value == pytest.approx(case.scipy().fun, abs=1e-9)


def test_no_more_evaluations_than_scipy() -> None:
    """Than truncated Newton there, and than L-BFGS-B; products are counted."""
    ours = [solved(METHOD, case) for case in UNBOUNDED]
    evaluations = sum(state.evaluations for state in ours)
    assert evaluations <= sum(case.scipy().nfev for case in UNBOUNDED)
    newton = [case.scipy("Newton-CG", xtol=1e-8) for case in UNBOUNDED]
    assert evaluations <= sum(solution.nfev for solution in newton)
    assert sum(state.numbers["products"] for state in ours) <= sum(
        solution.nhev for solution in newton
    )


def test_fewer_steps_than_lbfgs() -> None:
    quadratics = [case for case in UNBOUNDED if "quadratic" in case.name]
    newton = sum(solved(METHOD, case).iteration for case in quadratics)
    assert 5 * newton < sum(solved(Lbfgs(budget=15), case).iteration for case in quadratics)


@pytest.mark.parametrize("kind", ["full", "gauss_newton"])
def test_the_kind_is_asked_for(kind: Kind) -> None:
    """The second derivative of the kind that was chosen, at the place of the step."""
    A, asked = matrix(1, 5), []

    def product(x: np.ndarray, v: np.ndarray, of: Kind) -> np.ndarray:
        asked.append((of, x))
        return np.asarray(A @ v)

    problem = Problem(quadratic(A), curvature=product)
    method = Newton(kind, inner=3)
    state = method.start(np.zeros(5), problem)
    following = method.step(state, problem)
    assert following is not None
    assert following.numbers["products"] == len(asked) <= 3
    assert all(of == kind and np.array_equal(x, state.x) for of, x in asked)


def test_preconditioner_saves_products() -> None:
    """The exact inverse solves the step in one product."""
    A = np.diag(np.logspace(0, 6, 30))

    def product(x: np.ndarray, v: np.ndarray, kind: Kind) -> np.ndarray:
        return np.asarray(A @ v)

    problem = Problem(quadratic(A), precondition=lambda g: g / A.diagonal(), curvature=product)
    state = METHOD.start(np.zeros(30), problem)
    state = METHOD.step(state, problem) or state
    assert state.numbers["products"] == 1
    assert np.abs(state.x - 1).max() < 1e-10


def test_saddles_are_left() -> None:
    """From where the gradient leads to a saddle, along negative curvature to a minimum."""

    def function(x: np.ndarray) -> tuple[float, np.ndarray]:
        a, b = x
        return a**2 + 0.25 * b**4 - 0.5 * b**2, np.array([2 * a, b**3 - b])

    def product(x: np.ndarray, v: np.ndarray, kind: Kind) -> np.ndarray:
        return np.array([2 * v[0], (3 * x[1] ** 2 - 1) * v[1]])

    problem = Problem(function, curvature=product)
    state = METHOD.start(np.array([1.0, 1e-3]), problem)
    for _ in range(12):
        state = METHOD.step(state, problem) or state
    assert state.value == pytest.approx(-0.25, abs=1e-12)


def test_steps_are_solved_for_as_exactly_as_the_model_tells() -> None:
    """Loosely far from the minimum, ever more exactly near it, so that the end is fast."""
    case = next(c for c in UNBOUNDED if c.name == "rosenbrock 10")
    problem = case.problem()
    state = METHOD.start(case.start, problem)
    forcing, sizes = [], []
    for _ in range(100):
        forcing.append(state.numbers["forcing"])
        sizes.append(np.linalg.norm(state.gradient))
        following = METHOD.step(state, problem)
        if following is None or sizes[-1] < 1e-9:
            break
        state = following
    assert max(forcing) > 0.3
    assert forcing[-1] < 1e-2
    assert sizes[-1] < 1e-3 * sizes[-2]


def test_directions_of_one_step_precondition_the_next() -> None:
    """On a quadratic, directions of the first solution speed up the second."""
    case = next(c for c in UNBOUNDED if c.name == "quadratic 1e3")
    spent = {}
    for memory in (1, 60):
        method = Newton("full", inner=60, budget=15, memory=memory)
        state = run(method, case)
        spent[memory] = state.numbers["products"]
        assert state.value < 1e-10
        assert len(state.arrays["steps"]) <= memory
    assert spent[60] < 0.8 * spent[1]
