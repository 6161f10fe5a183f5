"""Second derivatives of least squares, over the shots.

    phi(p) = 1/2 |F(p) q - d|**2,        r = F(p) q - d
    gauss_newton        J^T J dp
    hessian             H dp = J^T J dp + (dJ[dp])^T r

Each product of a shot is one forward run of the waves and their change, and one run back: for Gauss
and Newton three waves, where J.T @ J propagates four. Both are symmetric where the history keeps
every step (`every = 1`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.operators.modelling import ModelOperator
from fwicli.operators.operator import Operator
from fwicli.operators.setting import Model, Setting, setting
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.tasks import ShotTask
from fwicli.simulation import Simulation, keeping

Array = NDArray[Any]


def gauss_newton(
    waves: Simulation, model: Model, wavelet: Any, parameters: str | Sequence[str] | None = None
) -> GaussNewtonOperator:
    """The operator J^T J, summed over shots; arguments as those of `jacobian`."""
    return GaussNewtonOperator(setting(waves, model, wanted=parameters, wavelet=wavelet))


def hessian(
    waves: Simulation,
    model: Model,
    wavelet: Any,
    *,
    data: Any = None,
    residual: Any = None,
    parameters: str | Sequence[str] | None = None,
) -> HessianOperator:
    """The operator H, the second derivative of half the squared residual, summed over shots.

    Parameters
    ----------
    data, residual : ndarray of shape (n_receivers, samples) or (shots, n_receivers, samples)
        Either what was observed, d, or r = F q - d [Pa].

    Raises
    ------
    DataError
        If not exactly one of them is given.
    """
    if (data is None) == (residual is None):
        raise DataError(
            "the Hessian needs what the records are compared with: either `data`, the observed "
            "records, or `residual`, the modelled ones minus these"
        )
    gather = data if residual is None else residual
    made = setting(waves, model, wanted=parameters, wavelet=wavelet, gather=gather)
    return HessianOperator(made, observed=residual is None)


@dataclass(frozen=True)
class HessianTask(ShotTask):
    """The product of a second derivative with a change of the model, for one shot.

    Attributes
    ----------
    change : mapping of str to ndarray
        Change of each parameter, on the model's grid.
    gather : ndarray of shape (n_receivers, samples) or None
        Observed records or residuals [Pa]; None for Gauss and Newton.
    observed : bool
        Whether `gather` is observed, or a residual.
    """

    change: Mapping[str, Array]
    gather: Array | None
    observed: bool

    def __call__(self) -> dict[str, Array]:
        """The product, by parameter."""

        def derivatives(modelled: Array, moved: Array) -> tuple[Array | None, Array]:
            if self.gather is None:
                return None, moved
            return (modelled - self.gather if self.observed else self.gather), moved

        inputs = self.parameters, self.change, derivatives, self.wavelet
        locations = self.source, self.receivers
        return self.propagator.curvature(*inputs, *locations, kinds=()).product


class GaussNewtonOperator(ModelOperator):
    """J^T J (see `gauss_newton`)."""

    def __init__(self, setting: Setting, observed: bool = False) -> None:
        super().__init__(setting, setting.dims_of_model, setting.dims_of_model)
        self.observed = observed

    def _apply(self, x: Array) -> Array:
        changes, shots = self.setting.changes(x), self.setting.shots
        made = self._discretization()
        tasks = [
            self._task(made, {n: v[column] for n, v in changes.items()}, shot)
            for column in range(len(x))
            for shot in range(shots)
        ]
        total = np.zeros((len(x), *self.dims), self.dtype)
        for number, found in enumerate(self.setting.waves.executor.map(tasks)):
            named = {name: values[None] for name, values in found.items()}
            total[number // shots] += self.setting.stacked(named)[0]
        return total

    def _task(self, made: Discretization, change: Mapping[str, Array], shot: int) -> HessianTask:
        s = self.setting
        gather = s.data["gather"][shot] if "gather" in s.data else None
        wavelet = s.data["wavelet"][shot]
        model, locations = s.model, s.places(shot)
        return HessianTask(made, model, wavelet, *locations, change, gather, self.observed)

    def _discretization(self) -> Discretization:
        """That of the waves, with gradients of what changes, and within their memory."""
        waves, every = self.setting.waves, set(self.setting.waves.parameters)
        some = self.setting.wanted if set(self.setting.wanted) < every else None
        made = replace(waves.discretization, precision=str(self.dtype), parameters=some)
        if waves.memory is None:
            return made
        return replace(made, history=keeping(made, 1, waves.memory))

    def _apply_adjoint(self, y: Array) -> Array:
        return self._apply(y)

    def _adjoint(self) -> Operator:
        return self

    def _transpose(self) -> Operator:
        return self


class HessianOperator(GaussNewtonOperator):
    """H (see `hessian`)."""

    def _with(self, setting: Setting) -> Self:
        return type(self)(setting, self.observed)
