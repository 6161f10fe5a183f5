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

from fwicli.deprecation import renamed_keywords
from fwicli.errors import DataError
from fwicli.execution import totals
from fwicli.inversion.hessian import separated, with_changes
from fwicli.operators.modelling import ModelOperator
from fwicli.operators.operator import Operator
from fwicli.operators.shot_set import Model, ShotSet, checked_shots
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.running.store_selection import history_within
from fwicli.propagators.tasks import ShotTask, SummandTask, WindowedTask
from fwicli.simulation import Simulation
from fwicli.survey.stacks import Stack
from fwicli.survey.windows import Window, whole

Array = NDArray[Any]


@renamed_keywords(waves="simulation")
def gauss_newton(
    simulation: Simulation,
    model: Model,
    wavelet: Any,
    parameters: str | Sequence[str] | None = None,
) -> GaussNewtonOperator:
    """The operator J^T J, summed over shots; arguments as those of `jacobian`.

    Parameters
    ----------
    simulation : Simulation
    model : mapping of str to ndarray of shape (*grid,), or ndarray
        Parameters of the equation, in the precision of the operator.
    wavelet : ndarray of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    parameters : str or sequence of str, optional
        Parameters that change, in this order; by default all of the equation.

    Returns
    -------
    GaussNewtonOperator
    """
    return GaussNewtonOperator(
        checked_shots(simulation, model, changing=parameters, wavelet=wavelet)
    )


@renamed_keywords(waves="simulation")
def hessian(
    simulation: Simulation,
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
    simulation : Simulation
    model : mapping of str to ndarray of shape (*grid,), or ndarray
        Parameters of the equation, in the precision of the operator.
    wavelet : ndarray of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    data, residual : ndarray of shape (n_receivers, samples) or (shots, n_receivers, samples)
        Either what was observed, d, or r = F q - d [Pa].
    parameters : str or sequence of str, optional
        Parameters that change, in this order; by default all of the equation.

    Returns
    -------
    HessianOperator

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
    shots = checked_shots(simulation, model, changing=parameters, wavelet=wavelet, gather=gather)
    return HessianOperator(shots, observed=residual is None)


@dataclass(frozen=True)
class HessianTask(ShotTask):
    """The product of a second derivative with a change of the model, for one shot.

    Attributes
    ----------
    parameters : mapping of str to ndarray
        Of the equation, and their changes (see `with_changes`).
    gather : ndarray of shape (n_receivers, samples) or None
        Observed records or residuals [Pa]; None for Gauss and Newton.
    observed : bool
        Whether `gather` is observed, or a residual.
    """

    gather: Array | None
    observed: bool

    def __call__(self) -> dict[str, Array]:
        """The product, by parameter."""

        def derivatives(modelled: Array, change: Array) -> tuple[Array | None, Array]:
            if self.gather is None:
                return None, change
            return (modelled - self.gather if self.observed else self.gather), change

        inputs = *separated(self.parameters), derivatives, self.wavelet
        locations = self.source, self.receivers
        return self.propagator.curvature(*inputs, *locations, kinds=()).product

    def summand(self, result: dict[str, Array], window: Window) -> Stack:
        """The product as a stack, by parameter.

        Parameters
        ----------
        result : dict of str to ndarray of shape window.shape
        window : Window

        Returns
        -------
        stack : Stack
        """
        return Stack(window, result)


class GaussNewtonOperator(ModelOperator):
    """J^T J (see `gauss_newton`)."""

    def __init__(self, shot_set: ShotSet, observed: bool = False) -> None:
        super().__init__(shot_set, shot_set.dims_of_model, shot_set.dims_of_model)
        self.observed = observed

    def _apply(self, x: Array) -> Array:
        changes, discretization = self.shot_set.changes(x), self._discretization()
        tasks = []
        for column in range(len(x)):
            change = {name: values[column] for name, values in changes.items()}
            model = with_changes(self.shot_set.model, change)
            tasks += [
                self._task(discretization, model, shot) for shot in range(self.shot_set.shots)
            ]
        products = np.empty((len(x), *self.dims), self.dtype)
        executor = self.shot_set.simulation.executor
        for column, stack in enumerate(totals(executor, tasks, len(x))):
            named = {name: values[None] for name, values in stack.everywhere().items()}
            products[column] = self.shot_set.stacked(named)[0]
        return products

    def _task(
        self, discretization: Discretization, model: Mapping[str, Array], shot: int
    ) -> SummandTask:
        shots = self.shot_set
        gather = shots.data_at("gather", shot) if "gather" in shots.data else None
        wavelet, locations = shots.data_at("wavelet", shot), shots.places(shot)
        task = HessianTask(discretization, model, wavelet, *locations, gather, self.observed)
        return SummandTask(WindowedTask(task, whole(discretization.grid)))

    def _discretization(self) -> Discretization:
        """Discretization of the simulation, with gradients of the parameters that change."""
        simulation, names = self.shot_set.simulation, set(self.shot_set.simulation.parameters)
        some = self.shot_set.changing if set(self.shot_set.changing) < names else None
        discretization = replace(
            simulation.discretization, precision=str(self.dtype), parameters=some
        )
        if simulation.memory is None:
            return discretization
        return replace(discretization, history=history_within(discretization, 1, simulation.memory))

    def _apply_adjoint(self, y: Array) -> Array:
        return self._apply(y)

    def _adjoint(self) -> Operator:
        return self

    def _transpose(self) -> Operator:
        return self


class HessianOperator(GaussNewtonOperator):
    """H (see `hessian`)."""

    def _with(self, shot_set: ShotSet) -> Self:
        return type(self)(shot_set, self.observed)
