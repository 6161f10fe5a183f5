"""Spectral projected gradient: descent in a convex set, of which only the projection is known.

    d = Pi(x - a M g) - x,        a = s.y / y.M y,        x' = x + t d

with Pi the projection, M the preconditioner, s and y the last changes of x and of the gradient g,
and a the inverse of a Rayleigh quotient of the Hessian. A step t <= 1 is accepted when the value
has fallen far enough below the largest of the last few, so that single steps may raise the value.
The point x + t d is feasible as the set is convex. Pi projects in another metric than M, so that
the projection of a preconditioned step need not descend; the gradient itself then replaces it.

References: Birgin, Martinez and Raydan (2000), SIAM J. Optim. 10, 1196-1211; Barzilai and Borwein
(1988), IMA J. Numer. Anal. 8, 141-148.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.optimizers.line_search import DECREASE
from fwicli.inversion.optimizers.optimizer import Optimizer, Problem, State

Array = NDArray[Any]

# Smallest angle to the gradient, as a cosine, that counts as descent.
ANGLE = 1e-6
# Smallest and largest share of a rejected step for the next trial.
SHARES = (0.1, 0.5)


@dataclass(frozen=True)
class SpectralGradient(Optimizer):
    """Settings of the method.

    Parameters
    ----------
    window : int
        Number of last values that a new one is compared with; 1 for a descent in every step.
    budget : int
        Largest number of evaluations in a line search.
    """

    sampling: ClassVar[bool] = False
    sets: ClassVar[bool] = True
    curvature: ClassVar[None] = None

    window: int = 10
    budget: int = 8

    def step(self, state: State, problem: Problem) -> State | None:
        """The next state."""
        direction = self._direction(state, problem)
        slope = float(np.vdot(state.gradient, direction))
        if not slope < 0:
            return None
        values = np.append(state.arrays.get("values", np.empty(0)), state.value)[-self.window :]
        step = 1.0
        for spent in range(1, self.budget + 1):
            x = state.x + step * direction
            value, gradient = problem(x)
            if value <= values.max() + DECREASE * step * slope:
                numbers = _lengths(state, problem, x - state.x, gradient - state.gradient)
                return state.to((x, value, gradient), spent, {"values": values}, numbers)
            step = _shorter(step, value - state.value, slope)
        return None

    def _direction(self, state: State, problem: Problem) -> Array:
        """Towards the projection of a step, preconditioned if that descends."""
        steepest = -problem.precondition(state.gradient)
        length = state.numbers.get("length") or problem.first_step(state, steepest)
        direction = problem.project(state.x + length * steepest) - state.x
        angle = -float(np.vdot(state.gradient, direction))
        if angle > ANGLE * float(np.linalg.norm(state.gradient) * np.linalg.norm(direction)):
            return direction
        length = state.numbers.get("plain") or problem.first_step(state, -state.gradient)
        return problem.project(state.x - length * state.gradient) - state.x


def _lengths(state: State, problem: Problem, s: Array, y: Array) -> dict[str, float]:
    """Inverse Rayleigh quotients of the Hessian, in the metric of P and in that of x."""
    curvature = float(np.vdot(s, y))
    if curvature > 0:
        return {
            "length": curvature / float(np.vdot(y, problem.precondition(y))),
            "plain": float(np.vdot(s, s)) / curvature,
        }
    # The value curves downwards: the next step may be longer.
    return {name: 10 * length for name, length in state.numbers.items()}


def _shorter(step: float, change: float, slope: float) -> float:
    """Minimum of the parabola through the change of the value, within `SHARES` of the step."""
    low, high = (share * step for share in SHARES)
    bend = change - step * slope
    if not (np.isfinite(bend) and bend > 0):
        return low
    return float(min(max(-0.5 * step**2 * slope / bend, low), high))
