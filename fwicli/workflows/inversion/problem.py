"""The problem of a stage: value, gradient and products of its objective, none computed twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.objective import Objective
from fwicli.inversion.optimizers import optimizer
from fwicli.inversion.quality.diagnosis import ArrivalComparison, stacked
from fwicli.workflows.inversion.evaluations import EvaluationCache

Array = NDArray[Any]


@dataclass
class StageProblem:
    """The objective of a stage as an optimizer sees it, with its evaluations cached on disk.

    Parameters
    ----------
    objective : Objective
    free : ndarray of bool
        Points that may change.
    cache : EvaluationCache
    name : str
        Of stage and iteration, for the cache.

    Attributes
    ----------
    illumination : ndarray or None
        Energy of the source fields in the last evaluation.
    simulations : int
        Propagations that the evaluations took, whichever process did them.
    peak_amplitudes : ndarray of shape (3,)
        Largest values of synthetic gathers, adjoint sources and gradient, before what is fixed was
        taken out, in the last evaluation.
    traces : ArrivalComparison or None
        Of the last evaluation, if it was to be diagnosed.
    """

    objective: Objective
    free: NDArray[np.bool_]
    cache: EvaluationCache
    name: str = ""

    def __post_init__(self) -> None:
        self.illumination: Array | None = None
        self.simulations = 0
        self._slopes_at: tuple[str, Array, dict[str, Array]] | None = None
        self.peak_amplitudes = np.zeros(3)
        self.traces: ArrivalComparison | None = None

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Value and gradient at x."""
        entry = self.cache.recall(f"{self.name} gradient", (x,), lambda: self._evaluate(x))
        self.illumination = entry["illumination"]
        self.simulations += int(entry["simulations"])
        self.peak_amplitudes = entry["loudest"]
        columns = entry["traces"]
        complete = columns.size and len(columns) == len(fields(ArrivalComparison))
        self.traces = ArrivalComparison(*columns) if complete else None
        return float(entry["value"]), entry["gradient"]

    def energy(self, x: Array) -> Array:
        """Energy of sources times that of receivers."""
        return self._recalled("energy", (x,), lambda: {"": self.objective.energy(x)})[""]

    def wavelets(self, x: Array) -> Array:
        """Wavelets estimated at x."""

        def make() -> dict[str, Array]:
            return {"": np.asarray(self.objective.wavelets(x))}

        return self._recalled("wavelets", (x,), make)[""]

    def product(self, x: Array, v: Array, kind: optimizer.Kind) -> Array:
        """Second derivative at x, times v.

        Parameters
        ----------
        x, v : ndarray of shape (n_variables, *grid.shape)
        kind : {"full", "gauss_newton"}
            Of the second derivative.

        Returns
        -------
        product : ndarray
            Of the shape of v, and zero at fixed points.
        """
        slopes = self._slopes(x) if kind == "full" else None
        arrays = self._recalled(
            f"{kind} product", (x, v), lambda: {"": self.objective.product(x, v, slopes)}
        )
        return np.where(self.free, arrays[""], 0.0)

    def _slopes(self, x: Array) -> dict[str, Array]:
        """Derivatives by the parameters of the equation, once for all products at x."""
        last = self._slopes_at
        if last is None or last[0] != self.name or not np.array_equal(last[1], x):
            slopes = self._recalled("slopes", (x,), lambda: self.objective.slopes(x))
            last = self._slopes_at = self.name, x, slopes
        return last[2]

    def _recalled(
        self, what: str, at: tuple[Array, ...], make: Callable[[], dict[str, Array]]
    ) -> dict[str, Array]:
        """Arrays by name, from the cache or computed now; their propagations are counted."""

        def counted() -> dict[str, Array]:
            before = self.objective.simulations
            arrays = {f"found {name}": values for name, values in make().items()}
            return {**arrays, "simulations": np.asarray(self.objective.simulations - before)}

        entry = self.cache.recall(f"{self.name} {what}", at, counted)
        self.simulations += int(entry.pop("simulations"))
        return {name.removeprefix("found "): values for name, values in entry.items()}

    def _evaluate(self, x: Array) -> dict[str, Array]:
        before = self.objective.simulations
        value, gradient = self.objective(x)
        illumination = self.objective.illumination
        traces = stacked(self.objective.traces)
        return {
            "value": np.asarray(value),
            "gradient": np.where(self.free, gradient, 0.0),
            "illumination": np.zeros(0) if illumination is None else illumination,
            "simulations": np.asarray(self.objective.simulations - before),
            "loudest": np.array([*self.objective.peak_amplitudes, np.abs(gradient).max()]),
            "traces": np.stack([traces.amplitude, traces.cycles, traces.correlation, traces.same]),
        }
