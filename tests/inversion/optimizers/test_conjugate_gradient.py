"""Nonlinear conjugate gradients against SciPy's, and on quadratics."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.optimizers import conjugate_gradient
from fwicli.inversion.optimizers.conjugate_gradient import ConjugateGradient, Formula
from fwicli.inversion.optimizers.optimizer import Problem
from tests.inversion.functions import CASES, UNBOUNDED, Case, matrix, quadratic, run

SMALL = [case for case in CASES if case.start.size <= 10]
FORMULAS: list[Formula] = ["hybrid", "polak_ribiere"]


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
@pytest.mark.parametrize("formula", FORMULAS)
def test_minimum_is_that_of_scipy(case: Case, formula: Formula) -> None:
    """The same minimum of each function in the same box."""
    state = run(ConjugateGradient(formula, budget=15), case, 3000)
    assert np.all((state.x >= case.low) & (state.x <= case.high))
    assert state.value == pytest.approx(case.scipy().fun, abs=1e-8)


def test_no_more_evaluations_than_scipy_on_quadratics() -> None:
    """Of SciPy's conjugate gradients, where both are near what the method is made for."""
    quadratics = [case for case in UNBOUNDED if "quadratic" in case.name]
    ours = [run(ConjugateGradient(budget=15), case).evaluations for case in quadratics]
    theirs = [case.scipy("CG", gtol=1e-6).nfev for case in quadratics]
    assert sum(ours) <= 1.05 * sum(theirs)


@pytest.mark.parametrize("formula", FORMULAS)
def test_directions_are_conjugate(formula: Formula, monkeypatch: pytest.MonkeyPatch) -> None:
    """d_i.A d_j = 0 on a quadratic when the searches are exact, and n steps are enough."""
    monkeypatch.setattr(conjugate_gradient, "FLATNESS", 1e-9)
    n = 6
    A, weight = matrix(1, n), np.linspace(0.5, 2, n)
    problem = Problem(quadratic(A), precondition=lambda g: weight * g, first_change=0.1)
    method = ConjugateGradient(formula, budget=40)
    state, directions = method.start(np.zeros(n), problem), []
    first = state.value
    for _ in range(n):
        following = method.step(state, problem)
        assert following is not None
        state = following
        directions.append(state.arrays["direction"])
    products = np.array([[np.vdot(a, A @ b) for a in directions] for b in directions])
    sizes = np.sqrt(np.outer(products.diagonal(), products.diagonal()))
    np.testing.assert_allclose(products / sizes, np.eye(n), atol=1e-6)
    assert state.value < 1e-14 * first
