"""Limited-memory BFGS with bounds and a preconditioner.

The direction is -H g with the two-loop recursion, started from the preconditioner P in place of a
multiple of the identity. Bounds are kept by projection: variables at a bound that the gradient
pushes outwards are held there, the others move, and the search runs along the straight line to

    x + d,        d = clip(x - H g) - x,

so that every step up to 1 is feasible and the Wolfe conditions keep their meaning.

A step is a pure function from one state to the next, and a state is plain arrays and numbers: it
can be written to a file and continued bit for bit.

References: Nocedal and Wright (2006), Numerical Optimization, algorithm 7.4; Bertsekas (1982),
SIAM J. Control Optim. 20, 221-246, for the projection.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.linesearch import LineSearch, Trial

Array = NDArray[Any]
Evaluate = Callable[[Array], tuple[float, Array]]


@dataclass(frozen=True)
class State:
    """Where an inversion stands.

    Attributes
    ----------
    x, gradient : ndarray
        Variable and gradient of the objective there.
    value : float
        Objective.
    steps, changes : tuple of ndarray
        Latest differences of x and of the gradient.
    iteration : int
        Steps taken.
    evaluations : int
        Evaluations of the objective spent.
    """

    x: Array
    value: float
    gradient: Array
    steps: tuple[Array, ...] = ()
    changes: tuple[Array, ...] = ()
    iteration: int = 0
    evaluations: int = 1


@dataclass(frozen=True)
class Lbfgs:
    """Settings of the method.

    Parameters
    ----------
    lower, upper : float or ndarray
        Bounds of x.
    precondition : callable
        P, symmetric and positive.
    memory : int
        Number of pairs kept.
    first_change : float or ndarray
        Largest change of x in the first trial step; of each of its elements, if it is an array.
    budget : int
        Most evaluations in a line search.
    """

    lower: Array | float
    upper: Array | float
    precondition: Callable[[Array], Array] = field(default=lambda g: g)
    memory: int = 10
    first_change: Array | float = 0.05
    budget: int = 8

    def start(self, x: Array, evaluate: Evaluate) -> State:
        """The first state, at the nearest feasible x."""
        x = np.clip(x, self.lower, self.upper)
        value, gradient = evaluate(x)
        return State(x, value, gradient)

    def step(self, state: State, evaluate: Evaluate) -> State | None:
        """The next state; None if no descent is found, even along the gradient."""
        found = self._descend(state, evaluate)
        if found is None and state.steps:
            return self._descend(replace(state, steps=(), changes=()), evaluate)
        return found

    def _descend(self, state: State, evaluate: Evaluate) -> State | None:
        direction = self._feasible_direction(state)
        slope = float(np.vdot(state.gradient, direction))
        if not slope < 0:
            return None
        first, longest = 1.0, 1.0
        if not state.steps:
            # Nothing is known of the curvature yet: a step of a length that makes sense.
            with np.errstate(divide="ignore"):
                first = min(1.0, float(np.min(self.first_change / np.abs(direction))))
        spent = 0

        def trial(step: float) -> Trial:
            nonlocal spent
            spent += 1
            x = np.clip(state.x + step * direction, self.lower, self.upper)
            value, gradient = evaluate(x)
            return Trial(step, value, float(np.vdot(gradient, direction)), (x, gradient))

        start = Trial(0.0, state.value, slope)
        outcome = LineSearch(trial, start, first, longest, self.budget).run()
        if outcome.accepted is None:
            return None
        x, gradient = outcome.accepted.payload
        return self._remember(state, x, outcome.accepted.value, gradient, spent)

    def _remember(self, state: State, x: Array, value: float, gradient: Array, spent: int) -> State:
        step, change = x - state.x, gradient - state.gradient
        steps, changes = state.steps, state.changes
        curvature = float(np.vdot(step, change))
        if curvature > 1e-10 * float(np.linalg.norm(step) * np.linalg.norm(change)):
            steps = (*steps, step)[-self.memory :]
            changes = (*changes, change)[-self.memory :]
        return State(
            x, value, gradient, steps, changes, state.iteration + 1, state.evaluations + spent
        )

    def _feasible_direction(self, state: State) -> Array:
        """Direction to a feasible point.

        Variables that would cross a bound go to it, and the direction of the others is found
        anew without them: a direction that is merely cut off need not descend.
        """
        low = (state.x <= self.lower) & (state.gradient > 0)
        high = (state.x >= self.upper) & (state.gradient < 0)
        free = ~(low | high)
        target = state.x + self._direction(state, free)
        crossing = (target < self.lower) | (target > self.upper)
        if crossing.any():
            inside = state.x + self._direction(state, free & ~crossing)
            target = np.where(crossing, target, inside)
        return np.asarray(np.clip(target, self.lower, self.upper) - state.x)

    def _direction(self, state: State, free: NDArray[np.bool_]) -> Array:
        """-H g on the variables that are free to move."""
        q = np.where(free, state.gradient, 0.0)
        pairs = [
            (np.where(free, s, 0.0), np.where(free, y, 0.0))
            for s, y in zip(state.steps, state.changes, strict=True)
        ]
        pairs = [(s, y) for s, y in pairs if float(np.vdot(s, y)) > 0]
        weights = []
        for s, y in reversed(pairs):
            weight = float(np.vdot(s, q)) / float(np.vdot(s, y))
            q = q - weight * y
            weights.append(weight)
        r = np.where(free, self.precondition(q), 0.0)
        if pairs:
            s, y = pairs[-1]
            r = r * (float(np.vdot(s, y)) / float(np.vdot(y, self.precondition(y))))
        else:
            # Only the direction counts; of unit size it cannot overflow.
            r = r / (float(np.abs(r).max()) or 1.0)
        for (s, y), weight in zip(pairs, reversed(weights), strict=True):
            r = r + s * (weight - float(np.vdot(y, r)) / float(np.vdot(s, y)))
        return np.where(free, -r, 0.0)
