"""What an optimizer is, and what it may ask: states and problems.

    minimise phi(x) over x in C,        C = {lower <= x <= upper} or a convex set within

First steps. A parabola of slope phi'(0) < 0 that does not fall below zero has its minimum at

    a <= -2 phi(0) / phi'(0),

the longer, the more of phi the step explains. Of a direction whose length nothing is known of, a
tenth of this step is tried first: in inversions, minima were met at 0.1 to 0.8 of it. Values that
are not positive have no such bound.

An optimizer takes one state to the next. It is a pure function of the state and of what the problem
answers, and a state is plain arrays and numbers: written to a file and read again, it continues
bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Evaluate = Callable[[Array], tuple[float, Array]]
# Of the longest step of a parabola that does not fall below zero: what is tried first.
SHARE = 0.1
# Second derivatives: of all, or the positive semi-definite part J^T W J.
Kind = Literal["full", "gauss_newton"]


@dataclass(frozen=True)
class State:
    """Where an inversion stands.

    Attributes
    ----------
    x, gradient : ndarray
        Variable and gradient of the objective there.
    value : float
        Objective.
    iteration : int
        Steps taken.
    evaluations : int
        Evaluations of the objective spent.
    arrays, numbers : mapping
        What else the method has to know, by name.
    """

    x: Array
    value: float
    gradient: Array
    iteration: int = 0
    evaluations: int = 1
    arrays: Mapping[str, Array] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)

    def to(
        self,
        trial: tuple[Array, float, Array],
        spent: int,
        arrays: Mapping[str, Array] | None = None,
        numbers: Mapping[str, float] | None = None,
    ) -> State:
        """The state one step on, at (x, value, gradient), after `spent` evaluations."""
        return State(
            *trial, self.iteration + 1, self.evaluations + spent, arrays or {}, numbers or {}
        )


def _same(gradient: Array) -> Array:
    return gradient


@dataclass(frozen=True)
class Problem:
    """An objective, and all that is known of its variable.

    Parameters
    ----------
    evaluate : callable
        Value and gradient at x; the value is infinite where x is impossible.
    lower, upper : float or ndarray
        Bounds of x.
    precondition : callable
        P, symmetric and positive: from a gradient to a direction.
    first_change : float or ndarray
        Largest change of x in a step of which nothing is known yet; of each of its elements, if
        it is an array.
    projection : callable, optional
        The nearest point of the convex set that x has to stay in, which keeps the bounds, too.
    curvature : callable, optional
        Second derivative at x, times v, of a kind: (x, v, kind) -> ndarray.
    """

    evaluate: Evaluate
    lower: Array | float = -np.inf
    upper: Array | float = np.inf
    precondition: Callable[[Array], Array] = _same
    first_change: Array | float = 0.05
    projection: Callable[[Array], Array] | None = None
    curvature: Callable[[Array, Array, Kind], Array] | None = None

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Value and gradient."""
        return self.evaluate(x)

    def project(self, x: Array) -> Array:
        """The nearest feasible point."""
        if self.projection is None:
            return np.clip(x, self.lower, self.upper)
        return self.projection(x)

    def product(self, x: Array, v: Array, kind: Kind) -> Array:
        """Second derivative at x, times v.

        Raises
        ------
        NotImplementedError
            If the problem knows none.
        """
        if self.curvature is None:
            raise NotImplementedError("second derivatives of this objective are not known")
        return self.curvature(x, v, kind)

    def free(self, x: Array, gradient: Array) -> NDArray[np.bool_]:
        """Variables that a descent may move: all but those that it would push out of bounds."""
        low = (x <= self.lower) & (gradient > 0)
        high = (x >= self.upper) & (gradient < 0)
        return ~(low | high)

    def short(self, direction: Array) -> float:
        """Step along a direction of unknown length that changes x by `first_change`."""
        if not direction.any():
            return 1.0
        with np.errstate(divide="ignore"):
            return float(np.min(self.first_change / np.abs(direction)))

    def first_step(self, state: State, direction: Array) -> float:
        """The step to try first along a direction of unknown length."""
        fall = -float(np.vdot(state.gradient, direction))
        longest = self.short(direction)
        if not (fall > 0 and state.value > 0):
            return longest
        return min(longest, SHARE * 2 * state.value / fall)


class Optimizer(Protocol):
    """A method, as a frozen dataclass of its settings.

    Attributes
    ----------
    sampling : bool
        It makes one evaluation in a step and compares none, so that every step may have other
        shots; for the other methods see `refreshed`.
    sets : bool
        It stays in any convex set that can be projected onto, not only within bounds.
    curvature : str or None
        Kind of the second derivative that it needs the products with.
    """

    sampling: ClassVar[bool]
    sets: ClassVar[bool]

    @property
    def curvature(self) -> Kind | None:
        """Kind of the second derivative whose products are needed."""
        ...

    def start(self, x: Array, problem: Problem) -> State:
        """The first state, at the nearest feasible x."""

    def step(self, state: State, problem: Problem) -> State | None:
        """The next state; None if no descent is found, even along the gradient."""


def begin(x: Array, problem: Problem) -> State:
    """The first state of any method, at the nearest feasible x."""
    x = problem.project(x)
    value, gradient = problem(x)
    return State(x, value, gradient)


def refreshed(state: State, problem: Problem) -> State:
    """The same place in another problem: what methods that compare values need for new shots."""
    value, gradient = problem(state.x)
    return replace(state, value=value, gradient=gradient, evaluations=state.evaluations + 1)
