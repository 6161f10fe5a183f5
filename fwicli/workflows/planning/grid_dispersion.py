"""Error of the records by dispersion on a grid, along paths of the waves.

The error is that of `phase_errors`, over some paths of some shots (see `wave_paths`). A path ends
with the record, whose time after the begin of the wavelet is its limit. Velocities c are the
slowest that the equation has at each point, of S waves in solids. In an inversion they are those of
its starting model.

A time of the whole record at the slowest velocity of the model would be far too pessimistic: most
late waves have run through faster rock, and with Taylor's weights of order 8 waves that are twice
as fast have 1/512 of the error for each second. The first arrival alone would be too optimistic
below water, whose direct wave comes later.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import call
from fwicli.propagators.sampling import phase_errors, stability
from fwicli.propagators.sampling.phase_errors import Dispersion
from fwicli.survey import wave_paths
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.model import EarthModel
from fwicli.survey.wave_paths import Velocity, WavePath
from fwicli.workflows.assembly.equation import stencil, wave_equation
from fwicli.workflows.planning.requirements import Signal

Array = NDArray[Any]

# Shots whose paths are taken, and among which that of the farthest receiver is looked for.
SHOTS, SEARCHED = 12, 512


class GridDispersion:
    """Errors of the records by dispersion, by the spacing of the grid.

    Parameters
    ----------
    physics : PhysicsSection
    model : EarthModel
        That the waves run through.
    acquisition : Acquisition
    signal : Signal
    """

    def __init__(
        self,
        physics: schema.PhysicsSection,
        model: EarthModel,
        acquisition: Acquisition,
        signal: Signal,
    ) -> None:
        self.physics, self.model = physics, model
        self.acquisition, self.signal = acquisition, signal
        self.equation = registry.load(wave_equation(physics))
        ndim = model.grid.ndim
        self.speeds = self.equation.speeds(model.properties, ndim)
        self.differences = Dispersion(ndim, stencil(physics), self.equation.differences)

    @cached_property
    def paths(self) -> list[WavePath]:
        """Paths of the waves of some shots, as far as records have them."""
        velocity = _slowest(self.equation, self.model, self.speeds[0])
        step = 0.5 * self.speeds[0] / self.signal.spectrum.centre
        end = self.model.grid.end[-1]
        every = wave_paths.of_shots(self._shots(), end, velocity, step)
        return [path.within(self.signal.duration) for path in every]

    def _shots(self) -> Iterator[tuple[int, Array, Array]]:
        """Some shots, among them that of the farthest receiver."""
        geometry = self.acquisition
        several = [
            np.unique(np.linspace(0, geometry.shots - 1, min(geometry.shots, most)).astype(int))
            for most in (SEARCHED, SHOTS)
        ]
        farthest = [_farthest(geometry, shot) for shot in several[0]]
        for shot in sorted({int(several[0][np.argmax(farthest)]), *several[1].tolist()}):
            yield shot, np.ravel(geometry.source(shot)), geometry.receivers_of(shot)

    def errors(self, spacing: float, differences: Dispersion | None = None) -> Array:
        """Errors of the paths.

        Parameters
        ----------
        spacing : float
            [m]
        differences : Dispersion, optional
            Others than those of the config.

        Returns
        -------
        errors : ndarray of shape (n_paths,)
        """
        differences = differences or self.differences
        step = 0.0 if self.physics.time_correction else self.step(spacing, differences)
        spectrum = self.signal.spectrum
        return phase_errors.record_errors(self.paths, spectrum, spacing, differences, step)

    def step(self, spacing: float, differences: Dispersion | None = None) -> float:
        """Time step on a grid.

        Parameters
        ----------
        spacing : float
            [m]
        differences : Dispersion, optional
            Others than those of the config.

        Returns
        -------
        step : float
            [s]
        """
        differences = differences or self.differences
        limit = stability.stable_step(
            self.speeds[1], (spacing,) * differences.ndim, differences.stencil
        )
        fewest = max(1, int(np.ceil(self.signal.interval / limit - 1e-9)))
        return self.signal.interval / (self.physics.substeps or fewest)


def _slowest(equation: Any, model: EarthModel, least: float) -> Velocity:
    """Velocity of the slowest wave at the nearest point of a model, where there is one."""
    properties = equation.complete(model.properties, model.grid.ndim)

    def velocity(positions: Array) -> Array:
        at = model.grid.nearest(positions)
        values = {n: v[at] if np.ndim(v) else v for n, v in properties.items()}
        slowest = np.broadcast_to(call(equation.slowest, values), len(positions))
        return np.asarray(np.maximum(slowest.astype(float), least))

    return velocity


def _farthest(geometry: Acquisition, shot: int) -> float:
    """Distance of the farthest receiver of a shot [m]."""
    offsets = geometry.receivers_of(shot) - geometry.source(shot)
    return float(np.linalg.norm(offsets, axis=1).max())
