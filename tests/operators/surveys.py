"""A small survey, and the operators of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from fwicli.execution import InProcess
from fwicli.operators import forward, gauss_newton, hessian, jacobian
from fwicli.propagators.propagator import Propagator
from fwicli.simulation import Simulation

Make = Callable[..., Any]
SHOTS, N_SOURCES, N_RECEIVERS, SAMPLES = 3, 2, 4, 60
WEIGHTS = np.array([[1.0, -1.0, 0.5], [2.0, 0.0, -1.0]])


class Counting(InProcess):
    """Counts what is propagated."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = self.tasks = 0

    def map(self, tasks: Sequence[Any], done: Any = None) -> Iterator[Any]:
        self.maps += 1
        self.tasks += len(tasks)
        return super().map(tasks, done)


class Survey:
    """A small random medium, shots in it, and the operators of all of them."""

    def __init__(self, make: Make, equation: str = "acoustic", precision: str = "float64") -> None:
        setting = make(equation=equation, precision=precision, samples=SAMPLES)
        self.propagator: Propagator = setting.propagator
        self.model = {n: v.astype(precision) for n, v in setting.model.items()}
        self.grid = self.propagator.grid
        self.names = tuple(self.model)
        random = np.random.default_rng(5)
        low, high = np.array(self.grid.origin), np.array(self.grid.end)
        self.sources = low + (high - low) * random.random((SHOTS, N_SOURCES, 2))
        self.receivers = low + (high - low) * random.random((N_RECEIVERS, 2))
        self.wavelet = random.standard_normal((SHOTS, N_SOURCES, SAMPLES))
        self.executor = Counting()
        self.waves = Simulation(
            self.propagator.discretization, self.sources, self.receivers, self.executor
        )
        self.F = forward(self.waves, self.model)
        self.J = jacobian(self.waves, self.model, self.wavelet)
        self.N = gauss_newton(self.waves, self.model, self.wavelet)
        self.data = random.standard_normal(self.F.dimsd)
        self.H = hessian(self.waves, self.model, self.wavelet, data=self.data)

    def change(self, seed: int = 1) -> np.ndarray:
        """A random change of the model, a tenth of each parameter."""
        random = np.random.default_rng(seed)
        return self.J.pack(
            {n: 0.1 * v * random.standard_normal(v.shape) for n, v in self.model.items()}
        )


def error(found: Any, expected: Any) -> float:
    """Relative difference."""
    return float(np.linalg.norm(np.subtract(found, expected)) / np.linalg.norm(expected))
