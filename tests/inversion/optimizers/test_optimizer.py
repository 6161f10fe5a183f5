"""Properties of every optimizer: bounds, states on disk, preconditioners, the end."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fwicli.files import hdf5
from fwicli.inversion.optimizers.conjugate_gradient import ConjugateGradient
from fwicli.inversion.optimizers.lbfgs import Lbfgs
from fwicli.inversion.optimizers.newton import Newton
from fwicli.inversion.optimizers.optimizer import Optimizer, Problem, State, refreshed
from fwicli.inversion.optimizers.spectral_gradient import SpectralGradient
from fwicli.inversion.optimizers.stochastic import Adam, Momentum
from tests.inversion.functions import CASES, slack

SEARCHING: list[Optimizer] = [
    Lbfgs(),
    Lbfgs(damped=True),
    ConjugateGradient(),
    ConjugateGradient("hybrid"),
    SpectralGradient(),
    Newton("full"),
]
METHODS = [*SEARCHING, Adam(), Momentum()]
BOUNDED = next(c for c in CASES if c.name == "rosenbrock 10" and c.high < 1)

each = pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)
each_searching = pytest.mark.parametrize("method", SEARCHING, ids=lambda m: type(m).__name__)


@each
def test_state_continues_bit_for_bit(method: Optimizer, tmp_path: Path) -> None:
    """From a file, whatever the method keeps."""
    problem = BOUNDED.problem()
    state = method.start(BOUNDED.start, problem)
    for _ in range(7):
        state = method.step(state, problem) or state
    arrays = {"x": state.x, "gradient": state.gradient, **state.arrays}
    numbers = {"value": state.value, "iteration": state.iteration, **state.numbers}
    hdf5.write_state(tmp_path / "state.h5", arrays, numbers)
    arrays, numbers = hdf5.read_state(tmp_path / "state.h5")
    copy = State(
        arrays.pop("x"),
        numbers.pop("value"),
        arrays.pop("gradient"),
        int(numbers.pop("iteration")),
        state.evaluations,
        arrays,
        numbers,
    )
    for _ in range(5):
        state, copy = (method.step(s, problem) or s for s in (state, copy))
    assert state.iteration == 12
    assert state.evaluations == copy.evaluations
    np.testing.assert_array_equal(state.x, copy.x)


@each
def test_every_trial_is_feasible_and_counted(method: Optimizer) -> None:
    trials = []

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        trials.append(x)
        return BOUNDED.function(x)

    problem = BOUNDED.problem(evaluate=evaluate)
    state = method.start(BOUNDED.start + 9, problem)
    for _ in range(20):
        state = method.step(state, problem) or state
    assert state.evaluations == len(trials)
    assert state.iteration == 20
    tried = np.stack(trials)
    assert np.all((tried >= BOUNDED.low) & (tried <= BOUNDED.high))


@each
def test_fixed_elements_stay(method: Optimizer) -> None:
    """Where the bounds leave no room and the gradient is zero, as at fixed points of a model."""
    fixed = np.arange(10) % 3 == 0

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = BOUNDED.function(x)
        return value, np.where(fixed, 0.0, gradient)

    def mixed(g: np.ndarray) -> np.ndarray:
        return g + 0.2 * (np.roll(g, 1) + np.roll(g, -1))

    low = np.where(fixed, BOUNDED.start, BOUNDED.low)
    high = np.where(fixed, BOUNDED.start, BOUNDED.high)
    problem = BOUNDED.problem(evaluate=evaluate, lower=low, upper=high, precondition=mixed)
    state = method.start(BOUNDED.start, problem)
    first = state.value
    for _ in range(15):
        state = method.step(state, problem) or state
    np.testing.assert_array_equal(state.x[fixed], BOUNDED.start[fixed])
    assert state.value < 0.5 * first


@each_searching
def test_preconditioner_changes_the_way_not_the_end(method: Optimizer) -> None:
    """A dense one, at bounds: the same minimum."""
    root = np.eye(10) + 0.3 * np.random.default_rng(2).standard_normal((10, 10))
    P = root @ root.T
    problem = BOUNDED.problem(precondition=lambda g: P @ g)
    state = method.start(BOUNDED.start, problem)
    for _ in range(3000):
        following = method.step(state, problem)
        if following is None or slack(state, problem) < 1e-7:
            break
        state = following
    assert state.value == pytest.approx(BOUNDED.scipy().fun, abs=1e-8)


@each
def test_end_is_recognised(method: Optimizer) -> None:
    """At a minimum there is no further step."""
    problem = BOUNDED.problem(upper=5.0)
    state = method.start(np.ones(10), problem)
    assert method.step(state, problem) is None


@each
def test_impossible_places_are_backed_away_from(method: Optimizer) -> None:
    """A step into a model without waves is shortened."""

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        if np.abs(x - BOUNDED.start).max() > 0.02:
            return math.inf, np.zeros_like(x)
        return BOUNDED.function(x)

    problem = BOUNDED.problem(evaluate=evaluate, first_change=0.3)
    state = method.start(BOUNDED.start, problem)
    following = method.step(state, problem)
    assert following is not None
    assert following.evaluations > 2
    assert following.value < math.inf


def test_what_is_free() -> None:
    """All but what a descent would push out of its bound."""
    problem = Problem(lambda x: (0.0, x), 0.0, np.array([1.0, 1.0, 1.0, 1.0, 0.0]))
    x, gradient = np.array([0.0, 0.0, 1.0, 1.0, 0.0]), np.array([1.0, -1.0, 1.0, -1.0, -1.0])
    assert problem.free(x, gradient).tolist() == [False, True, True, False, False]
    assert problem.free(x, 0 * gradient).all()


def test_refreshed_state_is_that_of_the_other_problem() -> None:
    """Value and gradient of other shots at the same place; what was learnt is kept."""
    problem, method = BOUNDED.problem(), Lbfgs()
    state = method.start(BOUNDED.start, problem)
    state = method.step(state, problem) or state
    other = Problem(lambda x: (7.0, 2 * x))
    new = refreshed(state, other)
    expected = replace(state, value=7.0, gradient=2 * state.x, evaluations=state.evaluations + 1)
    np.testing.assert_array_equal(new.gradient, expected.gradient)
    assert (new.value, new.evaluations) == (7.0, expected.evaluations)
    assert new.arrays is state.arrays


GRADIENT_METHODS = [m for m in SEARCHING if not isinstance(m, Newton)]


@pytest.mark.parametrize("method", GRADIENT_METHODS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("height", [1e-3, 1.0, 1e3])
def test_first_step_is_a_share_of_the_longest(method: Optimizer, height: float) -> None:
    """A tenth of that of a parabola that falls to zero, or `first_change` where it is shorter."""
    start, tried = np.array([3.0, -4.0]), []

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        tried.append(np.array(x))
        return 0.5 * height * float(x @ x), height * x

    for first_change, expected in [(100.0, 0.1 * 5.0), (0.1, 0.1 * 5.0 / 4.0)]:
        tried.clear()
        problem = Problem(evaluate, first_change=first_change)
        method.step(method.start(start, problem), problem)
        assert np.linalg.norm(tried[1] - start) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_first_step_of_values_without_a_bound(value: float) -> None:
    """They may fall below zero: nothing but `first_change` is known."""
    problem = Problem(lambda x: (value, x), first_change=0.25)
    state = State(np.ones(3), value, np.ones(3))
    assert problem.first_step(state, -np.ones(3)) == 0.25
