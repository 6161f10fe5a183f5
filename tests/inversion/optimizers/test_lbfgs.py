"""L-BFGS against SciPy's, with bounds and in other convex sets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from fwicli.inversion.optimizers.lbfgs import Lbfgs, conjugate
from fwicli.inversion.optimizers.optimizer import Problem
from tests.inversion.functions import CASES, Case, matrix, quadratic, rosenbrock, run, solved

METHOD = Lbfgs(budget=15)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("damped", [False, True], ids=["plain", "damped"])
def test_minimum_is_that_of_scipy(case: Case, damped: bool) -> None:
    """The same minimum of each function in the same box."""
    state = solved(Lbfgs(budget=15, damped=damped), case)
    assert np.all((state.x >= case.low) & (state.x <= case.high))
    assert state.value == pytest.approx(case.scipy().fun, abs=1e-9)


def test_no_more_evaluations_than_scipy_on_average() -> None:
    ours = sum(solved(METHOD, case).evaluations for case in CASES)
    theirs = sum(case.scipy().nfev for case in CASES)
    assert ours <= theirs


def test_good_preconditioner_is_used() -> None:
    """With the exact inverse Hessian of a quadratic, one step and a scale are enough."""
    A = np.diag(np.logspace(0, 6, 30))
    problem = Problem(quadratic(A), precondition=lambda g: g / A.diagonal(), first_change=1.0)
    state = METHOD.start(np.zeros(30), problem)
    for _ in range(2):
        state = METHOD.step(state, problem) or state
    assert state.value < 1e-12 * A.trace()


def saddle(x: np.ndarray) -> tuple[float, np.ndarray]:
    a, b = x
    return 5 * a**2 + 0.25 * b**4 - 0.5 * b**2, np.array([10 * a, b**3 - b])


@pytest.mark.parametrize("damped", [False, True])
def test_damped_pairs_keep_the_inverse_positive(damped: bool) -> None:
    """A step along negative curvature, after a search that ended early, is remembered, too."""
    problem = Problem(saddle, first_change=0.1)
    method = Lbfgs(budget=1, damped=damped)
    state = method.start(np.array([1.0, 0.01]), problem)
    remembered = []
    for _ in range(12):
        following = method.step(state, problem)
        if following is None:
            break
        s, y = following.x - state.x, following.gradient - state.gradient
        state = following
        steps, changes = state.arrays["steps"], state.arrays["changes"]
        assert np.all(np.sum(steps * changes, axis=1) > 0)
        if np.vdot(s, y) < 0:
            remembered.append(np.array_equal(changes[-1], y))
    assert len(remembered) > 0
    assert set(remembered) == {damped}


@pytest.mark.parametrize("centre", [0.0, 0.4])
def test_minimum_in_a_ball(centre: float) -> None:
    """Of Rosenbrock's function in a ball of radius one half, as SciPy finds it."""

    def ball(x: np.ndarray) -> np.ndarray:
        away = x - centre
        return np.asarray(centre + away / max(1.0, 2 * float(np.linalg.norm(away))))

    inside = {"type": "ineq", "fun": lambda x: 0.25 - np.sum((x - centre) ** 2)}
    theirs = minimize(
        rosenbrock, np.full(3, centre), jac=True, method="SLSQP", constraints=inside, tol=1e-12
    )
    case = Case("ball", rosenbrock, np.full(3, centre), -5.0, 5.0, lambda _, v: v)
    state = run(METHOD, case, projection=ball)
    assert np.linalg.norm(state.x - centre) <= 0.5 * (1 + 1e-12)
    np.testing.assert_allclose(state.x, theirs.x, atol=1e-5)


def test_quadratic_in_few_steps_whatever_its_units() -> None:
    """The first step says how long steps are; from the second on the curvature does."""
    for unit in (1e-6, 1e6):
        A = unit * matrix(0.5, 20)
        problem = Problem(quadratic(A), first_change=0.01)
        state = METHOD.start(np.zeros(20), problem)
        for _ in range(14):
            state = METHOD.step(state, problem) or state
        assert np.abs(state.x - 1).max() < 1e-4


def ill_conditioned(seed: int, bend: float = 0.0) -> Problem:
    """Half the squared residual of 300 unknowns, with eigenvalues over six decades."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((300, 300)))[0]
    J = np.logspace(0, -3, 300)[:, None] * basis.T
    data = J @ basis @ (rng.standard_normal(300) * np.logspace(0, 0.5, 300))

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        modelled = J @ x
        residual = modelled + bend * modelled**2 - data - bend * data**2
        return 0.5 * float(residual @ residual), J.T @ ((1 + 2 * bend * modelled) * residual)

    return Problem(evaluate, first_change=0.3)


def lowest(problem: Problem, evaluations: int) -> float:
    """Lowest value after so many evaluations."""
    state = METHOD.start(np.zeros(300), problem)
    value = state.value
    while state.evaluations < evaluations:
        value = state.value
        following = METHOD.step(state, problem)
        assert following is not None
        state = following
    return state.value if state.evaluations == evaluations else value


@pytest.mark.parametrize(("bend", "gain"), [(0.0, 0.85), (0.02, 0.95), (0.15, 1.05)])
def test_conjugate_pairs_save_evaluations(
    bend: float, gain: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value falls further where a function is nearly quadratic, and as far elsewhere."""
    problems = [ill_conditioned(seed, bend) for seed in range(6)]
    with_conjugate = [lowest(problem, 16) for problem in problems]
    monkeypatch.setattr("fwicli.inversion.optimizers.lbfgs.conjugate", lambda pair, _: pair)
    plain = [lowest(problem, 16) for problem in problems]
    assert np.mean(np.log(with_conjugate) - np.log(plain)) < np.log(gain)


def test_pairs_of_a_quadratic_are_conjugate() -> None:
    """And each fulfils y = A s; those of another function stay as they are."""
    A = matrix(2, 30)
    problem = Problem(quadratic(A), first_change=0.1)
    state = METHOD.start(np.zeros(30), problem)
    for _ in range(5):
        state = METHOD.step(state, problem) or state
    steps, changes = state.arrays["steps"], state.arrays["changes"]
    np.testing.assert_allclose(changes, steps @ A, rtol=1e-9, atol=1e-12 * np.abs(changes).max())
    curvatures = np.sum(steps * changes, axis=1)
    mixed = np.sum(steps[1:] * changes[:-1], axis=1)
    assert np.all(np.abs(mixed) < 1e-10 * np.sqrt(curvatures[1:] * curvatures[:-1]))
    s, y = steps[-1], changes[-1]
    twisted = conjugate((s + steps[-2], y - 0.5 * changes[-2]), (steps[-2], changes[-2]))
    np.testing.assert_array_equal(twisted[0], s + steps[-2])
