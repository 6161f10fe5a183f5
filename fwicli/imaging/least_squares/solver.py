"""Linear least squares in an unknown y, and what its solvers have in common.

    phi(y) = 1/2 |A y - b|**2 + R(y),        A = W J S

with J the linearised modelling, W the weights of the data, and S the scale of the unknown (see
`preconditioner`). A solver goes from state to state. A state has everything that the next step
depends on, so that a run goes on from it bit for bit. A problem evaluates shots; its filters of the
wavelet, one a shot, are part of the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# The array of a state that is the last gradient.
GRADIENT = "gradient"


@dataclass(frozen=True)
class LinearEvaluation:
    """Residual and gradient at y.

    Attributes
    ----------
    energy : float
        |A y - b|**2 of the shots that were evaluated.
    start : float
        |b|**2 of these shots: the energy for y = 0.
    gradient : ndarray of the shape of y
        A^T (A y - b).
    filters : ndarray of shape (n_shots, n_lags)
        Filters of the wavelet; of shape (n_shots, 0) where it is known.
    """

    energy: float
    start: float
    gradient: Array
    filters: Array


class LinearProblem(Protocol):
    """Evaluates the data term of all shots, or of a batch of them."""

    def evaluate(self, y: Array, iteration: int, filters: Array | None) -> LinearEvaluation:
        """Residual and gradient.

        Parameters
        ----------
        y : ndarray
        iteration : int
            From 0; it selects the batch of shots.
        filters : ndarray of shape (n_shots, n_lags) or None
            Latest filters, of which those of the batch are estimated anew.

        Returns
        -------
        evaluation : LinearEvaluation
        """
        ...

    def product(self, direction: Array, filters: Array) -> tuple[Array, float]:
        """A^T A p of all shots, and |A p|**2.

        Parameters
        ----------
        direction : ndarray of the shape of y
            p.
        filters : ndarray of shape (n_shots, n_lags)

        Returns
        -------
        product : ndarray of the shape of y
        energy : float
        """
        ...

    def energy(self, direction: Array, iteration: int, filters: Array) -> float:
        """|A p|**2 of the shots of an iteration.

        Parameters
        ----------
        direction : ndarray of the shape of y
            p.
        iteration : int
            From 0; it selects the batch of shots.
        filters : ndarray of shape (n_shots, n_lags)

        Returns
        -------
        energy : float
        """
        ...


@dataclass(frozen=True)
class LinearState:
    """How far a solver has come.

    Attributes
    ----------
    iteration : int
        Number of steps.
    y : ndarray
    energy, start : float
        Last |A y - b|**2, and |b|**2 of the same shots.
    filters : ndarray of shape (n_shots, n_lags)
    arrays : mapping of str to ndarray
        Of the method, of the shape of y.
    numbers : mapping of str to float
        Of the method.
    """

    iteration: int
    y: Array
    energy: float
    start: float
    filters: Array
    arrays: Mapping[str, Array] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def before(cls, problem: LinearProblem, shape: tuple[int, ...]) -> LinearState:
        """The state before the first step, y = 0, with its gradient.

        Parameters
        ----------
        problem : LinearProblem
        shape : tuple of int
            Of y.

        Returns
        -------
        state : LinearState
            With the array "gradient".
        """
        y = np.zeros(shape)
        first = problem.evaluate(y, 0, None)
        return cls(0, y, first.energy, first.start, first.filters, {GRADIENT: first.gradient})

    def evaluation(self, problem: LinearProblem, y: Array) -> LinearEvaluation:
        """Residual and gradient at y for the next step; the state holds those of the first.

        Parameters
        ----------
        problem : LinearProblem
        y : ndarray

        Returns
        -------
        evaluation : LinearEvaluation
        """
        if self.iteration:
            return problem.evaluate(y, self.iteration, self.filters)
        return LinearEvaluation(self.energy, self.start, self.arrays[GRADIENT], self.filters)

    def after(
        self,
        evaluation: LinearEvaluation,
        y: Array,
        arrays: Mapping[str, Array],
        numbers: Mapping[str, float],
    ) -> LinearState:
        """The state after a step, with the residual of its evaluation.

        Parameters
        ----------
        evaluation : LinearEvaluation
            Its gradient becomes the array "gradient".
        y : ndarray
        arrays : mapping of str to ndarray
            Of the method, of the shape of y.
        numbers : mapping of str to float
            Of the method, beside those of this state.

        Returns
        -------
        state : LinearState
        """
        return LinearState(
            self.iteration + 1,
            y,
            evaluation.energy,
            evaluation.start,
            evaluation.filters,
            {**arrays, GRADIENT: evaluation.gradient},
            {**self.numbers, **numbers},
        )

    @property
    def residual(self) -> float:
        """|A y - b| / |b|."""
        return float(np.sqrt(max(self.energy, 0.0) / self.start)) if self.start > 0 else 0.0


class LinearSolver(Protocol):
    """A method of linear least squares."""

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
        ...

    def step(self, state: LinearState, problem: LinearProblem) -> LinearState | None:
        """The state after one step; None if no step leads further.

        Parameters
        ----------
        state : LinearState
        problem : LinearProblem

        Returns
        -------
        state : LinearState or None
        """
        ...
