"""Nonlinear conjugate gradients, preconditioned.

    d' = -P g' + beta d,        y = g' - g

    polak_ribiere      beta = max(0, y.P g' / g.P g)
    hybrid             beta = max(0, min(y.P g' / y.d, g'.P g' / y.d))

with g the gradient before a step along d, g' that after it and P the preconditioner. The hybrid
takes the smaller of the formulas of Hestenes and Stiefel and of Dai and Yuan, and descends after
any step with the Wolfe conditions. A direction that does not descend is replaced by -P g.

References: Gilbert and Nocedal (1992), SIAM J. Optim. 2, 21-42, for the first; Dai and Yuan (2001),
Ann. Oper. Res. 103, 33-47, for the hybrid.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.optimizers.descent import Descent, Search, descend, downhill, outward
from fwicli.inversion.optimizers.optimizer import Optimizer, Problem, State

Array = NDArray[Any]
Formula = Literal["hybrid", "polak_ribiere"]

# Conjugacy needs better line searches than quasi-Newton methods do.
FLATNESS = 0.1
# Largest growth of the first trial step from one search to the next.
GROWTH = 10.0


@dataclass(frozen=True)
class ConjugateGradient(Optimizer):
    """Settings of the method.

    Parameters
    ----------
    formula : str
        "polak_ribiere" or "hybrid", for beta.
    budget : int
        Largest number of evaluations in a line search.
    """

    sampling: ClassVar[bool] = False
    sets: ClassVar[bool] = False
    curvature: ClassVar[None] = None

    formula: Formula = "polak_ribiere"
    budget: int = 8

    def step(self, state: State, problem: Problem) -> State | None:
        """The next state."""
        following = self._descend(state, problem)
        if following is None and state.arrays:
            return self._descend(replace(state, arrays={}, numbers={}), problem)
        return following

    def _descend(self, state: State, problem: Problem) -> State | None:
        steepest, free = downhill(state, problem)
        direction = steepest
        if "direction" in state.arrays:
            past = np.where(free, state.numbers["beta"] * state.arrays["direction"], 0.0)
            direction = steepest + past
            if outward(state.x, direction, problem).any():
                direction = steepest
        slope = float(np.vdot(state.gradient, direction))
        if "direction" in state.arrays and not slope < 0:
            direction, slope = steepest, float(np.vdot(state.gradient, steepest))
        if not slope < 0:
            return None
        first = self._first(state, problem, direction, slope)
        descent = descend(state, problem, direction, Search(first, self.budget, FLATNESS))
        if descent is None:
            return None
        numbers = {
            "beta": self._beta(state, descent, direction, steepest, problem),
            "step": descent.step,
            "slope": descent.slope,
        }
        return state.to(descent.trial, descent.evaluations, {"direction": direction}, numbers)

    def _first(self, state: State, problem: Problem, direction: Array, slope: float) -> float:
        """First step to try: to first order, it changes the value like the last step."""
        if "step" not in state.numbers:
            return problem.first_step(state, direction)
        step = state.numbers["step"]
        return step * min(GROWTH, state.numbers["slope"] / slope)

    def _beta(
        self, state: State, descent: Descent, direction: Array, steepest: Array, problem: Problem
    ) -> float:
        x, _, next_gradient = descent.trial
        change = next_gradient - state.gradient
        free = problem.free(x, next_gradient)
        next_steepest = np.where(
            free, problem.precondition(np.where(free, next_gradient, 0.0)), 0.0
        )
        along = float(np.vdot(change, next_steepest))
        if self.formula == "polak_ribiere":
            return max(0.0, along / -float(np.vdot(state.gradient, steepest)))
        curvature = float(np.vdot(change, direction))
        if curvature <= 0:
            return 0.0
        return max(0.0, min(along, float(np.vdot(next_gradient, next_steepest))) / curvature)
