"""Conjugate gradients for the normal equations, with damping.

    (A^T A + lambda) y = A^T b,        R(y) = lambda / 2 |y|**2

    q = A^T A p,    a = s.s / (|A p|**2 + lambda |p|**2)
    y <- y + a p,   s' = s - a (q + lambda p),   p <- s' + (s'.s' / s.s) p

from y = 0 and s = p = A^T b. The iterates are those of CGLS and LSQR, which solve the same
equations, but no array of the size of the data is stored between the steps. A product is three
propagations, where A and A^T apart are four. The energy of the residual follows from

    |A (y + a p) - b|**2 = |A y - b|**2 - 2 a (s + lambda y).p + a**2 |A p|**2.

Reference: Hestenes and Stiefel (1952), J. Res. Natl. Bur. Stand. 49, 409-436; Paige and Saunders
(1982), ACM Trans. Math. Softw. 8, 43-71.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.least_squares.solver import GRADIENT, LinearProblem, LinearState

Array = NDArray[Any]


@dataclass(frozen=True)
class ConjugateGradients:
    """Conjugate gradients (see above).

    Parameters
    ----------
    damping : float
        lambda, as a share of the curvature along the first gradient.
    restart : int, optional
        Steps after which residual, gradient and filters are computed anew; by default never.
    """

    damping: float = 0.0
    restart: int | None = None

    def first(self, problem: LinearProblem, shape: tuple[int, ...]) -> LinearState:
        """The state before the first step, y = 0.

        Parameters
        ----------
        problem : LinearProblem
        shape : tuple of int
            Of y.

        Returns
        -------
        state : LinearState
        """
        state = LinearState.before(problem, shape)
        downhill = -state.arrays[GRADIENT]
        arrays = {"downhill": downhill, "direction": downhill}
        return replace(state, arrays=arrays, numbers={"damping": -1.0})

    def step(self, state: LinearState, problem: LinearProblem) -> LinearState | None:
        """One step; None where the gradient is zero.

        Parameters
        ----------
        state : LinearState
        problem : LinearProblem

        Returns
        -------
        state : LinearState or None
        """
        if self.restart is not None and state.iteration and state.iteration % self.restart == 0:
            state = self._restarted(state, problem)
        downhill, direction = state.arrays["downhill"], state.arrays["direction"]
        slope = float(np.vdot(downhill, downhill))
        if slope == 0:
            return None
        product, energy = problem.product(direction, state.filters)
        damping = state.numbers["damping"]
        if damping < 0:
            damping = self.damping * energy / float(np.vdot(direction, direction))
        curvature = energy + damping * float(np.vdot(direction, direction))
        if not curvature > 0:
            return None
        length = slope / curvature
        ahead = downhill - length * (product + damping * direction)
        data = float(np.vdot(downhill + damping * state.y, direction))
        following = float(np.vdot(ahead, ahead))
        return replace(
            state,
            iteration=state.iteration + 1,
            y=state.y + length * direction,
            energy=state.energy - 2 * length * data + length**2 * energy,
            arrays={"downhill": ahead, "direction": ahead + following / slope * direction},
            numbers={"damping": damping},
        )

    def _restarted(self, state: LinearState, problem: LinearProblem) -> LinearState:
        """The state with a new residual, along its gradient."""
        evaluation = problem.evaluate(state.y, state.iteration, state.filters)
        downhill = -evaluation.gradient - max(state.numbers["damping"], 0.0) * state.y
        return replace(
            state,
            energy=evaluation.energy,
            start=evaluation.start,
            filters=evaluation.filters,
            arrays={"downhill": downhill, "direction": downhill},
        )
