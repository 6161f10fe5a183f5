"""Newton's method, truncated: Gauss-Newton or full, by conjugate gradients.

    H d = -g  to  |g + H d| <= eta |g|,        x' = clip(x + a d)

with g the gradient on the variables that are free to move and H the second derivative there, or its
positive semi-definite part J^T W J. The inner iteration is preconditioned by P, and its norm
is that of P, |r|**2 = r.P r. Its accuracy follows from how well the last quadratic model predicted
the gradient (the first choice of Eisenstat and Walker):

    eta' = |g' - g - a H d| / |g|,        eta' >= eta**((1 + sqrt 5) / 2)  where that is over 0.1.

The directions p of the inner iteration and their products H p precondition the next one, as
pairs of L-BFGS started from P (Morales and Nocedal, 2000); H changes little between steps.

A direction of negative curvature ends the inner iteration. The step is then the solution so far, or
the direction itself if it is the first. Every inner iteration costs one product with H.

References: Nocedal and Wright (2006), Numerical Optimization, algorithm 7.1; Morales and Nocedal
(2000), SIAM J. Optim. 10, 1079-1096, for the preconditioner; Eisenstat and
Walker (1996), SIAM J. Sci. Comput. 17, 16-32; Metivier, Brossier, Virieux and Operto (2013), SIAM
J. Sci. Comput. 35, B401-B437, for full-waveform inversion; Bertsekas (1982), SIAM J. Control Optim.
20, 221-246, for the bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.optimizers.descent import Descent, Search, descend, downhill, outward
from fwicli.inversion.optimizers.lbfgs import Pair, inverse, masked, remembered
from fwicli.inversion.optimizers.optimizer import Kind, Optimizer, Problem, State

Array = NDArray[Any]

FIRST_FORCING = 0.5
LARGEST_FORCING = 0.9
GOLDEN = (1 + 5**0.5) / 2


@dataclass(frozen=True)
class Solution:
    """Result of the inner iteration.

    Attributes
    ----------
    direction : ndarray
        d.
    residual : ndarray
        g + H d on the free variables.
    products : int
        Products with H.
    convex : bool
        Whether all curvatures were positive.
    pairs : list of pairs of ndarray
        Directions of positive curvature, and their products with H.
    """

    direction: Array
    residual: Array
    products: int
    convex: bool
    pairs: list[Pair]


@dataclass(frozen=True)
class Newton(Optimizer):
    """Settings of the method.

    Parameters
    ----------
    kind : str
        "gauss_newton" or "full".
    inner : int
        Largest number of products with H in a step.
    budget : int
        Largest number of evaluations in a line search.
    memory : int
        Largest number of directions of an inner iteration that precondition the next one.
    """

    sampling: ClassVar[bool] = False
    sets: ClassVar[bool] = False

    kind: Kind = "gauss_newton"
    inner: int = 20
    budget: int = 8
    memory: int = 10

    @property
    def curvature(self) -> Kind:
        """Kind of the second derivative whose products are needed."""
        return self.kind

    def start(self, x: Array, problem: Problem) -> State:
        """The first state, at the nearest feasible x."""
        return replace(super().start(x, problem), numbers={"forcing": FIRST_FORCING, "products": 0})

    def step(self, state: State, problem: Problem) -> State | None:
        """The next state."""
        steepest, free = downhill(state, problem)
        if not float(np.vdot(state.gradient, steepest)) < 0:
            return None
        solution = self._solve(state, problem, free)
        direction = solution.direction
        direction = np.where(outward(state.x, direction, problem), 0.0, direction)
        descent = descend(state, problem, direction, Search(1.0, self.budget))
        if descent is None:
            first = problem.first_step(state, steepest)
            descent = descend(state, problem, steepest, Search(first, self.budget))
            if descent is None:
                return None
            solution = replace(solution, convex=False)
        arrays = {}
        if pairs := (solution.pairs or remembered(state)):
            steps, changes = zip(*pairs, strict=True)
            arrays = {"steps": np.stack(steps), "changes": np.stack(changes)}
        numbers = {
            "forcing": self._forcing(state, problem, solution, descent, free),
            "products": state.numbers["products"] + solution.products,
        }
        return state.to(descent.trial, descent.evaluations, arrays, numbers)

    def _solve(self, state: State, problem: Problem, free: NDArray[np.bool_]) -> Solution:
        """Conjugate gradients for H d = -g on the free variables."""
        residual = np.where(free, state.gradient, 0.0)
        past, pairs = masked(remembered(state), free), list[Pair]()

        def scale(residual: Array) -> Array:
            if not past:
                return _on(free, problem.precondition(residual))
            return _on(free, inverse(past, residual, problem, free))

        scaled = scale(residual)
        square = float(np.vdot(residual, scaled))
        end = state.numbers["forcing"] ** 2 * square
        d, p = np.zeros_like(residual), -scaled
        for products in range(1, self.inner + 1):
            Hp = _on(free, problem.product(state.x, p, self.kind))
            curvature = float(np.vdot(p, Hp))
            if curvature <= 0:
                if products == 1:
                    # With the length of the minimum of a parabola of this curvature, made positive.
                    d = p if curvature == 0 else (square / -curvature) * p
                return Solution(d, residual, products, convex=False, pairs=pairs)
            pairs = [*pairs, (p, Hp)][-self.memory :]
            step = square / curvature
            d, residual = d + step * p, residual + step * Hp
            scaled = scale(residual)
            last, square = square, float(np.vdot(residual, scaled))
            if square <= end:
                break
            p = (square / last) * p - scaled
        return Solution(d, residual, products, convex=True, pairs=pairs)

    def _forcing(
        self,
        state: State,
        problem: Problem,
        solution: Solution,
        descent: Descent,
        free: NDArray[np.bool_],
    ) -> float:
        """eta of the next step."""
        if not solution.convex:
            return FIRST_FORCING

        def norm(residual: Array) -> float:
            residual = _on(free, residual)
            return math.sqrt(float(np.vdot(residual, problem.precondition(residual))))

        _, _, gradient = descent.trial
        predicted = (1 - descent.step) * state.gradient + descent.step * solution.residual
        forcing = norm(gradient - predicted) / norm(state.gradient)
        floor = float(state.numbers["forcing"] ** GOLDEN)
        if floor > 0.1:
            forcing = max(forcing, floor)
        return min(forcing, LARGEST_FORCING)


def _on(free: NDArray[np.bool_], values: Array) -> Array:
    return np.where(free, values, 0.0)
