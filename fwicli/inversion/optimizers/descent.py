"""Descent along a direction that is bent at the bounds.

    x(a) = clip(x + a d),        phi'(a) = sum of g_i(x(a)) d_i where x_i(a) is between the bounds

A step is sought along this path with the strong Wolfe conditions. The slope jumps where an element
reaches its bound, and where none does the path is a straight line.

Reference: Ferry, Gill, Wong and Zhang (2021), arXiv:2110.08359, for searches along such a path.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.optimizers.line_search import CURVATURE, LineSearch, Trial
from fwicli.inversion.optimizers.optimizer import Problem, State

Array = NDArray[Any]

# Rounds in which variables are found that have to be held at their bounds.
ROUNDS = 10


@dataclass(frozen=True)
class Descent:
    """A step that was accepted.

    Attributes
    ----------
    trial : tuple
        x, value and gradient.
    step : float
        a.
    slope : float
        phi' at the beginning.
    evaluations : int
        Evaluations spent.
    """

    trial: tuple[Array, float, Array]
    step: float
    slope: float
    evaluations: int


def descend(
    state: State,
    problem: Problem,
    direction: Array,
    first: float,
    budget: int,
    flatness: float = CURVATURE,
    longest: float = math.inf,
) -> Descent | None:
    """Search along a direction; None if it does not descend.

    Parameters
    ----------
    first : float
        First step to try.
    budget : int
        Most evaluations.
    flatness : float
        Share of its first value that the slope has to fall below.
    longest : float
        Largest step; there, a decrease is enough.
    """
    slope = float(np.vdot(state.gradient, direction))
    if not slope < 0:
        return None

    def trial(step: float) -> Trial:
        straight = state.x + step * direction
        x = np.clip(straight, problem.lower, problem.upper)
        value, gradient = problem(x)
        along = float(np.vdot(gradient, np.where(x == straight, direction, 0.0)))
        return Trial(step, value, along, (x, gradient))

    start = Trial(0.0, state.value, slope)
    outcome = LineSearch(trial, start, first, longest, budget, flatness).run()
    taken = outcome.accepted
    if taken is None:
        return None
    x, gradient = taken.payload
    return Descent((x, taken.value, gradient), taken.step, slope, outcome.evaluations)


def downhill(state: State, problem: Problem) -> tuple[Array, NDArray[np.bool_]]:
    """-P g on the variables that are free to move, and which they are.

    P mixes neighbours, so that the direction may push a variable out of its bound that the gradient
    would not. Those are held, too, and the direction is found anew; it descends in any case.
    """
    free = problem.free(state.x, state.gradient)
    for _ in range(ROUNDS):
        direction = -np.where(free, problem.precondition(np.where(free, state.gradient, 0.0)), 0.0)
        out = outward(state.x, direction, problem)
        if not out.any():
            break
        free = free & ~out
    return np.where(out, 0.0, direction), free


def outward(x: Array, direction: Array, problem: Problem) -> NDArray[np.bool_]:
    """Variables at a bound that a direction would push out of it."""
    low = (x <= problem.lower) & (direction < 0)
    return np.asarray(low | ((x >= problem.upper) & (direction > 0)))
