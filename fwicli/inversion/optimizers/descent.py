"""Descent along a path that bends at the bounds.

    x(a) = clip(x + a d),        phi'(a) = sum of g_i(x(a)) d_i where x_i(a) is between the bounds

The step a fulfils the strong Wolfe conditions along this path. The slope jumps where an element
reaches its bound; as long as none does, the path is a straight line.

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

# Rounds in which variables are added to those that stay at their bounds.
ROUNDS = 10


@dataclass(frozen=True)
class Search:
    """Settings of a search along a direction.

    Parameters
    ----------
    first : float
        First step to try.
    budget : int
        Largest number of evaluations.
    flatness : float
        The accepted slope is smaller than this share of the first one.
    longest : float
        Largest step; a sufficient decrease is enough there.
    """

    first: float
    budget: int
    flatness: float = CURVATURE
    longest: float = math.inf


@dataclass(frozen=True)
class Descent:
    """An accepted step.

    Attributes
    ----------
    trial : tuple
        x, value and gradient.
    step : float
        a.
    slope : float
        phi' at a = 0.
    evaluations : int
        Evaluations in the search.
    """

    trial: tuple[Array, float, Array]
    step: float
    slope: float
    evaluations: int


def descend(
    state: State,
    problem: Problem,
    direction: Array,
    search: Search,
) -> Descent | None:
    """Search a step along a direction.

    Parameters
    ----------
    state : State
        The present state.
    problem : Problem
        Objective and bounds.
    direction : ndarray of shape (n_blocks, *grid.shape)
        d.
    search : Search
        Settings of the search.

    Returns
    -------
    descent : Descent or None
        None if the direction does not descend, or no step decreases the value.
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
    outcome = LineSearch(
        trial, start, search.first, search.longest, search.budget, search.flatness
    ).run()
    accepted = outcome.accepted
    if accepted is None:
        return None
    x, gradient = accepted.payload
    return Descent((x, accepted.value, gradient), accepted.step, slope, outcome.evaluations)


def downhill(state: State, problem: Problem) -> tuple[Array, NDArray[np.bool_]]:
    """Preconditioned steepest descent, -P g, on the variables that are free to move.

    P mixes neighbours. Its direction may therefore push a variable out of a bound although the
    gradient does not. Such variables are fixed as well, and the direction is computed again without
    them; it descends in any case.

    Parameters
    ----------
    state : State
        The present state.
    problem : Problem
        Objective, bounds and preconditioner.

    Returns
    -------
    direction : ndarray of shape (n_blocks, *grid.shape)
        Zero for variables that stay at a bound.
    free : ndarray of bool, of shape (n_blocks, *grid.shape)
        Variables that the gradient was preconditioned on.
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
    """Variables at a bound that a direction would push out of it.

    Parameters
    ----------
    x, direction : ndarray of shape (n_blocks, *grid.shape)
        Variable and direction.
    problem : Problem
        Bounds.

    Returns
    -------
    outward : ndarray of bool, of shape (n_blocks, *grid.shape)
    """
    low = (x <= problem.lower) & (direction < 0)
    return np.asarray(low | ((x >= problem.upper) & (direction > 0)))
