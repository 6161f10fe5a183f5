"""Born modelling of extended images, and migration as its transpose (see `imaging.extended`)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended.extension import Extension
from fwicli.imaging.extended.fields import ExtendedTask
from fwicli.operators.modelling import ShotOperator
from fwicli.operators.shot_set import Model, ShotSet, checked_shots
from fwicli.simulation import Simulation

Array = NDArray[Any]


def extended_imaging(
    simulation: Simulation, model: Model, wavelet: Any, extension: Extension
) -> ExtendedImagingOperator:
    """The operator from an extended image to the records that it explains.

    Parameters
    ----------
    simulation : Simulation
        Two fields of (samples, *grid) have to fit into the memory of each worker.
    model : mapping of str to ndarray of shape (*grid,), or ndarray
        Parameters of the equation, in the precision of the operator.
    wavelet : ndarray of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    extension : Extension
        Such as `SubsurfaceOffset(10)`, `TimeShift(5)` or `UpDown()`.

    Returns
    -------
    ExtendedImagingOperator
    """
    return ExtendedImagingOperator(checked_shots(simulation, model, wavelet=wavelet), extension)


class ExtendedImagingOperator(ShotOperator):
    """Born modelling of extended images (see `extended_imaging`)."""

    def __init__(self, shot_set: ShotSet, extension: Extension) -> None:
        dims = extension.shape(shot_set.simulation.discretization.grid.shape)
        super().__init__(shot_set, dims, shot_set.dims_of("gather"))
        self.extension = extension

    def _with(self, shot_set: ShotSet) -> ExtendedImagingOperator:
        return ExtendedImagingOperator(shot_set, self.extension)

    def _apply(self, x: Array) -> Array:
        shots = range(self.shot_set.shots)
        tasks = [self._task(shot, image, migrates=False) for image in x for shot in shots]
        records = np.zeros((len(x), *self.dimsd), self.dtype)
        gathers = records.reshape(len(tasks), *self.shot_set.data_of("gather"))
        for number, gather in enumerate(self.shot_set.simulation.executor.map(tasks)):
            gathers[number, : len(gather)] = gather
        return records

    def _apply_adjoint(self, y: Array) -> Array:
        images = np.zeros((len(y), *self.dims), self.dtype)
        for number, records in enumerate(y):
            gathers = records.reshape(-1, *self.shot_set.data_of("gather"))
            tasks = [self._task(shot, gather, migrates=True) for shot, gather in enumerate(gathers)]
            images[number] = sum(self.shot_set.simulation.executor.map(tasks))
        return images

    def _task(self, shot: int, values: Array, migrates: bool) -> ExtendedTask:
        shots = self.shot_set
        discretization = replace(shots.simulation.discretization, precision=str(self.dtype))
        source, receivers = shots.places(shot)
        if migrates and isinstance(receivers, np.ndarray):
            values = values[: len(receivers)]  # rows behind them are padding
        return ExtendedTask(
            discretization,
            shots.model,
            shots.data_at("wavelet", shot),
            source,
            receivers,
            self.extension,
            values,
            migrates,
        )
