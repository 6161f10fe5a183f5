"""The line search finds steps that fulfil the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from fwicli.inversion.optimizers.line_search import CURVATURE, DECREASE, LineSearch, Trial


def trial(f: Callable[[float], float]) -> Callable[[float], Trial]:
    def evaluate(step: float) -> Trial:
        h = 1e-6
        return Trial(step, f(step), (f(step + h) - f(step - h)) / (2 * h))

    return evaluate


# More and Thuente (1994), ACM Trans. Math. Softw. 20, 286-307: the first three test functions.
FUNCTIONS = {
    "bowl": lambda a: -a / (a * a + 2),
    "flat": lambda a: (a + 0.004) ** 5 - 2 * (a + 0.004) ** 4,
    "wavy": lambda a: a * a - a - 0.3 * math.sin(8 * a) / 8,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 10.0, 1e3])
def test_strong_wolfe(name: str, first: float) -> None:
    """Whatever the first step, the accepted one decreases enough and is flat enough."""
    evaluate = trial(FUNCTIONS[name])
    start = evaluate(0.0)
    outcome = LineSearch(evaluate, start, first, budget=40).run()
    assert outcome.wolfe
    assert outcome.accepted is not None
    a = outcome.accepted
    assert a.value <= start.value + DECREASE * a.step * start.slope
    assert abs(a.slope) <= -CURVATURE * start.slope * (1 + 1e-6)


def test_falling_misfit_is_no_failure() -> None:
    """When the budget ends while the value falls, the best step is taken."""
    evaluate = trial(lambda a: -math.log1p(a) * 1e3)
    outcome = LineSearch(evaluate, evaluate(0.0), 1e-9, budget=3).run()
    assert not outcome.wolfe
    assert outcome.evaluations == 3
    assert outcome.accepted is not None
    assert outcome.accepted.step == pytest.approx(1e-9 * 2.5**2)


def test_longest_step_is_kept() -> None:
    evaluate = trial(lambda a: -a + 1e-3 * a * a)
    outcome = LineSearch(evaluate, evaluate(0.0), 0.5, longest=1.0, budget=20).run()
    assert outcome.accepted is not None
    assert outcome.accepted.step <= 1.0


def test_infinite_values_are_backed_away_from() -> None:
    """A step into the impossible is shortened, not fatal."""
    inner = trial(lambda a: (a - 0.01) ** 2)

    def evaluate(step: float) -> Trial:
        return inner(step) if step < 0.05 else Trial(step, math.inf, math.nan)

    outcome = LineSearch(evaluate, evaluate(0.0), 1.0, budget=20).run()
    assert outcome.accepted is not None
    assert outcome.accepted.step < 0.05


def test_nothing_is_accepted_uphill() -> None:
    """A wrong slope leads to no step at all."""
    outcome = LineSearch(lambda a: Trial(a, a, -1.0), Trial(0.0, 0.0, -1.0), 1.0, budget=6).run()
    assert outcome.accepted is None


@pytest.mark.parametrize("flatness", [0.5, 1e-4])
@pytest.mark.parametrize("first", [0.1, 30.0])
@pytest.mark.parametrize("always", [False, True])
def test_slopes_lead_where_values_are_round_off(
    flatness: float, first: float, always: bool
) -> None:
    """A parabola too shallow for its values: they are equal, or wrong in the last digit."""
    level, last = 1e8, 2e-8

    def evaluate(a: float) -> Trial:
        noise = last * (bool(a) if always else math.copysign(1, math.sin(1e3 * a)))
        return Trial(a, level + 1e-9 * (a * a / 2 - a) + noise, 1e-9 * (a - 1))

    start = evaluate(0.0)
    outcome = LineSearch(evaluate, start, first, budget=12, flatness=flatness).run()
    assert outcome.wolfe
    assert outcome.accepted is not None
    assert abs(outcome.accepted.step - 1) <= flatness
