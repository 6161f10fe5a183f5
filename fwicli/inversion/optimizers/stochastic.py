"""Methods for gradients of a few shots at a time, which change in every step.

    momentum   v' = b v + P g,              x' = Pi(x - a_k v')
    adam       m' = b1 m + (1 - b1) P g,    v' = b2 v + (1 - b2) (P g)**2
               x' = Pi(x - a_k m_k / (sqrt(v_k) + e)),    m_k = m' / (1 - b1**k), v_k likewise

with P g the preconditioned gradient, Pi the projection onto the feasible set and the rate
a_k = a / (1 + decay k). The rate a is such that the first step changes x by at most `first_change`;
e is relative to the largest sqrt(v_k), so that the units of the objective do not matter. There is
no line search, because values of different shots cannot be compared. A step into a model without
waves is shortened.

References: Kingma and Ba (2015), arXiv:1412.6980; van Leeuwen, Aravkin and Herrmann (2011), Int. J.
Geophys. 689041, for random subsets of shots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.optimizers.optimizer import Optimizer, Problem, State

Array = NDArray[Any]

# Largest number of halvings of a step into a model without waves.
HALVINGS = 5


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Stochastic gradient descent with momentum.

    Parameters
    ----------
    momentum : float
        b, from 0 (no momentum) to below 1.
    decay : float
        Decay of the rate, which is halved after 1 / decay steps.
    """

    sampling: ClassVar[bool] = True
    sets: ClassVar[bool] = True
    curvature: ClassVar[None] = None

    momentum: float = 0.9
    decay: float = 0.0

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
            The next state; None if the direction is zero, or no step leads to a model with waves.
        """
        gradient = problem.precondition(state.gradient)
        velocity = self.momentum * state.arrays.get("velocity", np.zeros_like(gradient)) + gradient
        if not velocity.any():
            return None
        rate = state.numbers.get("rate") or problem.short(velocity)
        step = -rate / (1 + self.decay * state.iteration) * velocity
        return _shortened(state, problem, step, {"velocity": velocity}, {"rate": rate})


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adaptive moments: each element of x has a rate of its own.

    Parameters
    ----------
    first_memory, second_memory : float
        b1 and b2.
    floor : float
        e, as a share of the largest root mean square gradient.
    decay : float
        Decay of the rate, which is halved after 1 / decay steps.
    """

    sampling: ClassVar[bool] = True
    sets: ClassVar[bool] = True
    curvature: ClassVar[None] = None

    first_memory: float = 0.9
    second_memory: float = 0.999
    floor: float = 1e-3
    decay: float = 0.0

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
            The next state; None if the direction is zero, or no step leads to a model with waves.
        """
        gradient = problem.precondition(state.gradient)
        zero = np.zeros_like(gradient)
        first = self.first_memory * state.arrays.get("first", zero)
        first = first + (1 - self.first_memory) * gradient
        second = self.second_memory * state.arrays.get("second", zero)
        second = second + (1 - self.second_memory) * gradient**2
        if not second.any():
            return None
        k = state.iteration + 1
        size = np.sqrt(second / (1 - self.second_memory**k))
        size = size + self.floor * size.max()
        direction = -first / (1 - self.first_memory**k) / size
        rate = state.numbers.get("rate") or problem.short(direction)
        step = rate / (1 + self.decay * state.iteration) * direction
        return _shortened(state, problem, step, {"first": first, "second": second}, {"rate": rate})


def _shortened(
    state: State,
    problem: Problem,
    step: Array,
    arrays: dict[str, Array],
    numbers: dict[str, float],
) -> State | None:
    """The state after a step, shortened until the model has waves."""
    for spent in range(1, HALVINGS + 2):
        x = problem.project(state.x + step)
        value, gradient = problem(x)
        if math.isfinite(value):
            return state.to((x, value, gradient), spent, arrays, numbers)
        step = 0.5 * step
    return None
