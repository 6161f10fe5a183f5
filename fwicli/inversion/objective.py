"""The objective of full-waveform inversion: a sum of misfits over shots, and its gradient.

    phi(x)  = sum_shots misfit(F(p(x)) q, d) / phi_0
    dphi/dx = dp/dx sum_shots J^T r / phi_0

with p the parameters of the equation and phi_0 the misfit of the data against zero, so that phi is
the share of the data that is not explained. The sum runs in the order of the shots, in double
precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.execution import Executor
from fwicli.inversion.misfits import MISFITS
from fwicli.inversion.parameterization import Parameterization
from fwicli.propagators import properties
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.propagator import propagator
from fwicli.survey.gathers import Gathers

Array = NDArray[Any]

# What the adjoint run of a shot accumulates.
KINDS = ("gradient", "illumination")


@dataclass(frozen=True)
class ShotGradient:
    """Contribution of one shot."""

    value: float
    gradient: dict[str, Array]
    illumination: Array


@dataclass(frozen=True)
class ShotTask:
    """Misfit and gradient of one shot, as a picklable function."""

    discretization: Discretization
    parameters: dict[str, Array]
    wavelet: Array
    source: Array
    receivers: Array
    observed: Array
    misfit: str

    def __call__(self) -> ShotGradient:
        """Model the shot, compare it, and back-propagate what is left."""
        measure = MISFITS[self.misfit]
        value = 0.0

        def residual(synthetic: Array) -> Array:
            nonlocal value
            value, adjoint = measure(synthetic, self.observed, self.discretization.axis.interval)
            return adjoint

        result = propagator(self.discretization).images(
            self.parameters,
            residual,
            self.wavelet,
            self.source,
            self.receivers,
            kinds=KINDS,
        )
        return ShotGradient(value, result.gradient, result.images["illumination"])


@dataclass
class Objective:
    """phi and its gradient on one grid, for one band.

    Parameters
    ----------
    others : mapping of str to ndarray
        Properties that do not change, by name; velocity is what x stands for.
    gathers : Gathers
        Observed data of the band, with the wavelet of the band.
    progress : callable, optional
        Called with the number of shots done, after each.

    Attributes
    ----------
    illumination : ndarray or None
        Energy of the source fields in the last evaluation.
    evaluations : int
        Evaluations so far.
    """

    discretization: Discretization
    parameterization: Parameterization
    others: Mapping[str, Array]
    gathers: Gathers
    misfit: str
    executor: Executor
    progress: Callable[[int], None] | None = None

    def __post_init__(self) -> None:
        self.illumination: Array | None = None
        self.evaluations = 0
        measure = MISFITS[self.misfit]
        interval = self.gathers.interval
        self._norm = sum(measure(0 * d, d, interval)[0] for d in self.gathers.data)
        if self._norm == 0:
            raise DataError("the observed data of this band are all zero; widen the band")

    def slope(self, x: Array) -> Array:
        """Derivative of the equation's first parameter, its compressibility, with respect to x."""
        equation = self.discretization.equation
        earth = self._earth(x)
        first = next(iter(properties.parameters(equation, earth)))
        by_velocity = properties.gradient(equation, earth, {first: np.ones(x.shape)}, "vp")
        return self.parameterization.slope(x) * by_velocity

    def _earth(self, x: Array) -> dict[str, Array]:
        return {"vp": self.parameterization.to_velocity(x), **self.others}

    def __call__(self, x: Array) -> tuple[float, Array]:
        """Value and gradient at x."""
        equation = self.discretization.equation
        earth = self._earth(x)
        parameters = properties.parameters(equation, earth)
        acquisition, wavelet = self.gathers.acquisition, self.gathers.wavelet
        if wavelet is None:
            raise DataError("the data come without a wavelet; give one as `wavelet`")
        tasks = [
            ShotTask(
                self.discretization,
                parameters,
                wavelet,
                acquisition.source(shot),
                acquisition.receivers_of(shot),
                self.gathers.data[shot],
                self.misfit,
            )
            for shot in range(acquisition.shots)
        ]
        value, gradient = 0.0, {name: np.zeros(x.shape) for name in parameters}
        illumination = np.zeros(x.shape)
        finished = 0

        def count(_: int) -> None:
            nonlocal finished
            finished += 1
            if self.progress is not None:
                self.progress(finished)

        for shot in self.executor.map(tasks, count):
            value += shot.value
            for name, part in shot.gradient.items():
                gradient[name] += part
            illumination += shot.illumination
        self.illumination = illumination
        self.evaluations += 1
        by_velocity = properties.gradient(equation, earth, gradient, "vp")
        return value / self._norm, self.parameterization.slope(x) * by_velocity / self._norm
