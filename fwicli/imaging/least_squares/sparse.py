"""Sparse images: linearised Bregman iterations, and FISTA.

    Bregman    min lambda |T y|_1 + 1/2 |y|**2  subject to  A y = b
               z <- z - t A_k^T (A_k y - b_k),    y <- T^T soft(T z, lambda)
    FISTA      min mu |T y|_1 + 1/2 |A y - b|**2
               y' = T^T soft(T (v - s g), s mu),  v <- y' + ((c - 1) / c') (y' - y),
               c' = (1 + (1 + 4 c**2)**(1/2)) / 2

with a tight frame T (see `transforms`). A_k are the shots of a batch; the first step takes all.
The step t = |g|**2 / |A_k g|**2 lowers the residual of its batch most along the gradient g. lambda
is a quantile of |T z| after the first step. The step s of FISTA is one over the largest eigenvalue
of A^T A, by the power method from the first gradient.

References: Lorenz, Schoepfer and Wenger (2014), SIAM J. Imaging Sci. 7, 1237-1262; Yang, Witte,
Fang, Louboutin and Herrmann (2020), Geophysics 85, S1-S15, for images and their wavelets by
batches; Beck and Teboulle (2009), SIAM J. Imaging Sci. 2, 183-202.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.least_squares.solver import GRADIENT, LinearProblem, LinearState
from fwicli.imaging.least_squares.transforms import MakeTransform, soft

Array = NDArray[Any]

# The power method comes from below.
MARGIN = 1.05


@dataclass(frozen=True)
class Bregman:
    """Linearised Bregman iterations (see above).

    Parameters
    ----------
    transform : callable
        From the shape of y to T.
    quantile : float
        Share of the coefficients that are zero after the first step; 0 for no threshold.
    """

    transform: MakeTransform
    quantile: float = 0.9

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
        return replace(state, arrays={**state.arrays, "dual": state.y})

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
        evaluation = state.evaluation(problem, state.y)
        gradient = evaluation.gradient
        slope = float(np.vdot(gradient, gradient))
        energy = problem.energy(gradient, state.iteration, evaluation.filters) if slope else 0.0
        if not energy > 0:
            return None
        dual = state.arrays["dual"] - slope / energy * gradient
        transform = self.transform(dual.shape)
        coefficients = transform.forward(dual)
        threshold = state.numbers.get("threshold", -1.0)
        if threshold < 0:
            threshold = float(np.quantile(np.abs(coefficients), self.quantile))
            threshold = threshold if self.quantile > 0 else 0.0
        y = transform.adjoint(soft(coefficients, threshold))
        return state.after(evaluation, y, {"dual": dual}, {"threshold": threshold})


@dataclass(frozen=True)
class Fista:
    """FISTA (see above).

    Parameters
    ----------
    transform : callable
        From the shape of y to T.
    weight : float
        mu, as a share of the largest coefficient of the first gradient.
    products : int
        Steps of the power method.
    """

    transform: MakeTransform
    weight: float = 0.01
    products: int = 4

    def first(self, problem: LinearProblem, shape: tuple[int, ...]) -> LinearState:
        """The state before the first step, y = 0, with the largest eigenvalue.

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
        gradient, largest = state.arrays[GRADIENT], 0.0
        coefficients = self.transform(shape).forward(gradient)
        weight = self.weight * float(np.abs(coefficients).max())
        for _ in range(self.products if gradient.any() else 0):
            direction = gradient / np.linalg.norm(gradient)
            gradient, _ = problem.product(direction, state.filters)
            largest = float(np.linalg.norm(gradient))
        return replace(
            state,
            arrays={**state.arrays, "ahead": state.y},
            numbers={"largest": MARGIN * largest, "weight": weight, "momentum": 1.0},
        )

    def step(self, state: LinearState, problem: LinearProblem) -> LinearState | None:
        """One step; None where there is no gradient.

        Parameters
        ----------
        state : LinearState
        problem : LinearProblem

        Returns
        -------
        state : LinearState or None
        """
        ahead, momentum = state.arrays["ahead"], state.numbers["momentum"]
        evaluation = state.evaluation(problem, ahead)
        largest, weight = state.numbers["largest"], state.numbers["weight"]
        if not largest > 0:
            return None
        transform = self.transform(ahead.shape)
        coefficients = transform.forward(ahead - evaluation.gradient / largest)
        y = transform.adjoint(soft(coefficients, weight / largest))
        following = 0.5 * (1 + np.sqrt(1 + 4 * momentum**2))
        ahead = y + (momentum - 1) / following * (y - state.y)
        return state.after(evaluation, y, {"ahead": ahead}, {"momentum": float(following)})
