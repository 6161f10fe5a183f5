"""Modelling with extended sources, as a function of where they are.

    w -> d = F(p) [w(x) q(t)],          d -> (F(p)^T d)(x, t) correlated with q(t)

with known time functions q and weights w [1/m2] in 2D, [1/m3] in 3D: a vibrating plate, hydraulic
fractures, or the place of a source that is not known. Weights have the shape (shots, n, *grid) for
n time functions; without n where there is one, and without the shots where there is no dimension
of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.deprecation import renamed_keywords
from fwicli.errors import DataError
from fwicli.operators.modelling import ShotOperator
from fwicli.operators.shot_set import Model, ShotSet, checked_shots
from fwicli.propagators.locations import ExtendedSource
from fwicli.propagators.tasks import ShotTask
from fwicli.simulation import Simulation

Array = NDArray[Any]


@renamed_keywords(waves="simulation")
def extended(simulation: Simulation, model: Model, wavelet: Any) -> ExtendedOperator:
    """The operator from the weights of extended sources to gathers.

    Parameters
    ----------
    simulation : Simulation
        Its sources are not used.
    model : mapping of str to ndarray of shape (*grid,), or ndarray
        Parameters of the equation, in the precision of the operator.
    wavelet : ndarray of shape (n, samples) or (shots, n, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.

    Returns
    -------
    ExtendedOperator

    Raises
    ------
    DataError
        If wavelets have another shape.
    """
    ndim, grid = np.ndim(wavelet), simulation.discretization.grid.shape
    if ndim not in (2, 3):
        raise DataError(
            f"wavelets have the shape {np.shape(wavelet)}; extended sources need (n, samples), or "
            f"(shots, n, samples)"
        )
    everywhere = ExtendedSource(np.ones((np.shape(wavelet)[-2], *grid)))
    return ExtendedOperator(
        checked_shots(replace(simulation, sources=everywhere), model, wavelet=wavelet)
    )


@dataclass(frozen=True)
class EmissionTask(ShotTask):
    """Waves of the extended sources of one shot, or their transpose.

    Attributes
    ----------
    source : ExtendedSource or None
        None for the transpose, and for weights that are all zero.
    gather : ndarray of shape (n_receivers, samples) or None
        The transpose is applied to it, if there is one.
    """

    gather: Array | None = None

    def __call__(self) -> Array | None:
        """The gather, None without a source, or the correlation of shape (n, *grid)."""
        if self.gather is not None:
            return self.propagator.source_weights_adjoint(
                self.parameters, self.gather, self.wavelet, self.receivers
            )
        if self.source is None:
            return None
        return self.propagator.forward(self.parameters, self.wavelet, self.source, self.receivers)


class ExtendedOperator(ShotOperator):
    """F of extended sources (see `extended`)."""

    def __init__(self, shot_set: ShotSet) -> None:
        count = shot_set.dims_of("wavelet")[-2]
        grid = shot_set.simulation.discretization.grid.shape
        shots = (shot_set.shots,) if shot_set.several else ()
        dims = (*shots, *(() if count == 1 else (count,)), *grid)
        super().__init__(shot_set, dims, shot_set.dims_of("gather"))
        self._each = count, *grid

    def _apply(self, x: Array) -> Array:
        weights = x.reshape(-1, *self._each)
        tasks = [
            replace(self._task(n), source=ExtendedSource(w) if w.any() else None)
            for n, w in enumerate(weights)
        ]
        records = np.zeros((len(x), *self.dimsd), self.dtype)
        gathers = records.reshape(len(tasks), *self.shot_set.data_of("gather"))
        for number, gather in enumerate(self.shot_set.simulation.executor.map(tasks)):
            if gather is not None:
                gathers[number, : len(gather)] = gather
        return records

    def _apply_adjoint(self, y: Array) -> Array:
        gathers = y.reshape(-1, *self.shot_set.data_of("gather"))
        tasks = [self._task(n) for n in range(len(gathers))]
        tasks = [replace(t, gather=g[: _count(t, g)]) for t, g in zip(tasks, gathers, strict=True)]
        weights = np.stack(list(self.shot_set.simulation.executor.map(tasks)))
        return np.asarray(weights.reshape(len(y), *self.dims).astype(self.dtype))

    def _task(self, number: int) -> EmissionTask:
        shots, shot = self.shot_set, number % self.shot_set.shots
        discretization = replace(shots.simulation.discretization, precision=str(self.dtype))
        return EmissionTask(
            discretization, shots.model, shots.data_at("wavelet", shot), None, shots.places(shot)[1]
        )


def _count(task: EmissionTask, gather: Array) -> int:
    """Rows of a gather that are no padding."""
    receivers = task.receivers
    return len(receivers) if isinstance(receivers, np.ndarray) else len(gather)
