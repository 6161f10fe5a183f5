"""How a minimisation is divided: problem, optimizer, descent and line search.

    minimise phi(x) over x in C,        C = {lower <= x <= upper} or a convex set within

    Problem      phi, its gradient and products with its Hessian; the projection Pi onto C, and the
                 preconditioner P
    Optimizer    the direction d, from the present state and the steps before: one module a method
    descent      the path x(a) along d that stays in C, and the state at its accepted step
    line_search  the step a, by the Wolfe conditions on phi(x(a)): a problem of one dimension

Each part uses only those below it in this list, and the problem. A new method therefore writes its
direction and calls `descend`; bounds are handled in one place, and the search knows neither x nor
C. Two kinds of methods do without the search. `spectral_gradient` compares a value with several
before, along straight lines between feasible points. `stochastic` takes steps at a given rate, as
values of different shots cannot be compared.

An optimizer is a frozen dataclass of its settings. Its `step` is a pure function of the state and
of the answers of the problem. A state holds plain arrays and numbers: written to a file and read
again, it continues bit for bit.

First steps. A parabola of slope phi'(0) < 0 that does not fall below zero has its minimum at

    a <= -2 phi(0) / phi'(0),

and the closer to this bound, the more of phi the step explains. Along a direction of unknown
length, a tenth of the bound is tried first: in inversions, minima lay at 0.1 to 0.8 of it. Values
that are not positive have no such bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Evaluate = Callable[[Array], tuple[float, Array]]
# Share of the longest step of a parabola that does not fall below zero, for the first trial.
SHARE = 0.1
# Second derivative: complete, or its positive semi-definite part J^T W J.
Kind = Literal["full", "gauss_newton"]


@dataclass(frozen=True)
class State:
    """State of a minimisation between two steps.

    Attributes
    ----------
    x, gradient : ndarray
        Variable, and gradient of the objective there.
    value : float
        Value of the objective.
    iteration : int
        Steps so far.
    evaluations : int
        Evaluations of the objective so far.
    arrays, numbers : mapping
        Memory of the method, by name.
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
        """The state after one more step.

        Parameters
        ----------
        trial : tuple
            x, value and gradient after the step.
        spent : int
            Evaluations of the objective in the step.
        arrays, numbers : mapping, optional
            Memory of the method, by name.

        Returns
        -------
        state : State
        """
        return State(
            *trial, self.iteration + 1, self.evaluations + spent, arrays or {}, numbers or {}
        )


def _same(gradient: Array) -> Array:
    return gradient


@dataclass(frozen=True)
class Problem:
    """An objective, with the feasible set and the scales of its variable.

    Parameters
    ----------
    evaluate : callable
        Value and gradient at x; the value is infinite where the model has no waves.
    lower, upper : float or ndarray
        Bounds of x.
    precondition : callable
        P, symmetric and positive: from a gradient to a direction.
    first_change : float or ndarray
        Largest change of x in a step of unknown length; of each element, if it is an array.
    projection : callable, optional
        Nearest point of the convex set C, which includes the bounds; without it, C is the bounds.
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

        Parameters
        ----------
        x, v : ndarray of shape (n_blocks, *grid.shape)
            Variable and direction.
        kind : str
            "full" or "gauss_newton".

        Returns
        -------
        product : ndarray of shape (n_blocks, *grid.shape)

        Raises
        ------
        NotImplementedError
            If the problem has no second derivatives.
        """
        if self.curvature is None:
            raise NotImplementedError("second derivatives of this objective are not known")
        return self.curvature(x, v, kind)

    def free(self, x: Array, gradient: Array) -> NDArray[np.bool_]:
        """Elements of x that a descent may change: all but those at a bound that it would push out.

        Parameters
        ----------
        x, gradient : ndarray of shape (n_blocks, *grid.shape)
            Variable and gradient there.

        Returns
        -------
        free : ndarray of bool, of shape (n_blocks, *grid.shape)
        """
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
        """First step to try along a direction of unknown length.

        Parameters
        ----------
        state : State
            The present state.
        direction : ndarray of shape (n_blocks, *grid.shape)
            A direction that descends.

        Returns
        -------
        step : float
            Multiple of the direction.
        """
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
        Whether a step makes one evaluation and compares no values, so that every step may have
        other shots; the other methods then need `refreshed`.
    sets : bool
        Whether the method stays in any convex set with a projection, not only within bounds.
    curvature : str or None
        Kind of the second derivative whose products the method needs.
    """

    sampling: ClassVar[bool]
    sets: ClassVar[bool]

    @property
    def curvature(self) -> Kind | None:
        """Kind of the second derivative whose products are needed."""
        ...

    def start(self, x: Array, problem: Problem) -> State:
        """The first state, at the nearest feasible x.

        Parameters
        ----------
        x : ndarray of shape (n_blocks, *grid.shape)
            Starting point.
        problem : Problem
            Objective, feasible set and preconditioner.

        Returns
        -------
        state : State
            After one evaluation.
        """
        x = problem.project(x)
        value, gradient = problem(x)
        return State(x, value, gradient)

    def step(self, state: State, problem: Problem) -> State | None:
        """The next state.

        Parameters
        ----------
        state : State
            The present state.
        problem : Problem
            Objective, feasible set and preconditioner.

        Returns
        -------
        state : State or None
            The next state; None if no step decreases the value, even along the gradient.
        """


def refreshed(state: State, problem: Problem) -> State:
    """The state at the same x in another problem, for methods that compare values, at new shots.

    Parameters
    ----------
    state : State
        A state of the problem before.
    problem : Problem
        The problem with the new shots.

    Returns
    -------
    state : State
        After one more evaluation.
    """
    value, gradient = problem(state.x)
    return replace(state, value=value, gradient=gradient, evaluations=state.evaluations + 1)
