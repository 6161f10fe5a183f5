"""Coarsest grid for an error of the records, estimated from the paths of the waves.

The error is that of dispersion (see `phase_errors`), the largest over some paths of some shots (see
`wave_paths`). A path ends with the record, whose time after the begin of the wavelet is its limit.
Velocities c are the slowest that the equation has at each point, of S waves in solids. In an
inversion they are those of its starting model.

A time of the whole record at the slowest velocity of the model would be far too pessimistic: most
late waves have run through faster rock, and with Taylor's weights of order 8 waves that are twice
as fast have 1/512 of the error for each second. The first arrival alone would be too optimistic
below water, whose direct wave comes later. Measured errors of the farthest tenth of the traces,
in % beside the estimate (order 8, Taylor's weights, 8 Hz, over 3.9 km):

    spacing [m]                          20           25           32
    uniform                          0.4  0.9     1.9  1.8     9.3  8.5
    growing with depth               0.9  0.4     4.1  1.5      17  5.6
    three interfaces below 1.8 km/s  0.9  1.2     4.3  5.0      17   18
    water above a hard floor         3.9  4.5      14   17      40   45

Contrasts have errors beside that of dispersion, since averages blur them: about 1 % at the hard
floor with cells of 16 m, falling like the square of the spacing. They are not estimated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.config.values import GridErrorSection
from fwicli.digits import apart, round_down, round_up
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import call
from fwicli.propagators.equations.stencils import SECOND, Stencil
from fwicli.propagators.sampling import phase_errors, stability
from fwicli.propagators.sampling.phase_errors import Dispersion
from fwicli.survey import wave_paths
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.wave_paths import Velocity, WavePath
from fwicli.workflows.assembly.equation import stencil, wave_equation
from fwicli.workflows.planning.checks import dotted
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Signal

Array = NDArray[Any]

# Shots whose paths are taken, and among which that of the farthest receiver is looked for.
SHOTS, SEARCHED = 12, 512
# Spacings for which a plan holds errors, and halvings of an interval of spacings.
CURVE, HALVINGS = 24, 30


@dataclass(frozen=True)
class GridAccuracy:
    """Error of the records on a grid by dispersion, as it is estimated.

    Attributes
    ----------
    asked_for : float or None
        The largest that is allowed; None where the config has no error.
    estimated : float
    shot : int
        Number of the shot that has it.
    length, time : float
        Of the path [m], [s].
    curve : tuple of (float, float)
        Spacings from that of the grid down to a quarter of it [m], and their errors.
    """

    asked_for: float | None
    estimated: float
    shot: int
    length: float
    time: float
    curve: tuple[tuple[float, float], ...]

    def summary(self) -> dict[str, Any]:
        """Numbers for a table."""
        limit = {} if self.asked_for is None else {"grid_error_allowed_percent": self.asked_for}
        numbers = {**limit, "grid_error_estimated_percent": self.estimated}
        return {
            **{name: float(f"{100 * value:.3g}") for name, value in numbers.items()},
            "grid_error_path_m": round(self.length),
            "grid_error_path_s": round(self.time, 3),
        }

    def spacing_for(self, measured: float) -> tuple[float, float]:
        """Spacing that would have the error that is allowed, by that measured on this grid.

        Of an error, the part beyond the estimate falls like the square of the spacing.

        Parameters
        ----------
        measured : float
            Error on the grid.

        Returns
        -------
        spacing : float
            [m]; 0 if none of the curve has so small an error.
        estimated : float
            Its error by dispersion.
        """
        spacing, first = self.curve[0]
        rest = max(0.0, measured - first)
        for h, error in self.curve:
            if error + rest * (h / spacing) ** 2 <= (self.asked_for or 0.0):
                return h, error
        return 0.0, 0.0


class GridEstimate:
    """Errors of the records by the spacing of the grid.

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

    @property
    def asked_for(self) -> float | None:
        """The error that the config allows; None if it has none."""
        grid = self.physics.grid
        return grid.error if isinstance(grid, GridErrorSection) else None

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
        step = 0.0 if self.physics.time_correction else self._step(spacing)
        spectrum = self.signal.spectrum
        return phase_errors.record_errors(self.paths, spectrum, spacing, differences, step)

    def _step(self, spacing: float) -> float:
        """Time step on a grid [s]."""
        limit = stability.stable_step(
            self.speeds[1], (spacing,) * self.differences.ndim, self.differences.stencil
        )
        fewest = max(1, int(np.ceil(self.signal.interval / limit - 1e-9)))
        return self.signal.interval / (self.physics.substeps or fewest)

    def coarsest(self, limit: float) -> float:
        """The longest spacing that has the error that is allowed.

        Parameters
        ----------
        limit : float
            Longest spacing that may be [m].

        Returns
        -------
        spacing : float
            [m]; that of the model if none has so small an error, `limit` if the config has none.
        """
        error, finest = self.asked_for, max(self.model.grid.spacing)
        if error is None or finest >= limit or self.errors(limit).max() <= error:
            return limit
        low, high = finest, limit
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            fits = self.errors(middle).max() <= error
            low, high = (middle, high) if fits else (low, middle)
        return low

    def accuracy(self, spacing: float) -> GridAccuracy:
        """The error on a grid.

        Parameters
        ----------
        spacing : float
            [m]

        Returns
        -------
        accuracy : GridAccuracy
        """
        errors = self.errors(spacing)
        path = self.paths[int(errors.argmax())]
        spacings = [float(h) for h in np.geomspace(spacing, spacing / 4, CURVE)]
        curve = tuple((h, float(self.errors(h).max())) for h in spacings)
        time = float(path.time.sum())
        return GridAccuracy(
            self.asked_for, float(errors.max()), path.shot, path.length, time, curve
        )

    def judged(
        self, problems: Problems, grids: tuple[Grid, Grid], spacing_key: Key
    ) -> GridAccuracy:
        """The error on the grid of the waves; a warning where it is larger than is allowed.

        Parameters
        ----------
        problems : Problems
        grids : tuple of Grid
            Of unknowns or image, and of the waves.
        spacing_key : Key
            Where the spacing of unknowns or image is in the config.

        Returns
        -------
        accuracy : GridAccuracy
        """
        accuracy = self.accuracy(max(grids[1].spacing))
        allowed = accuracy.asked_for
        if allowed is None or accuracy.estimated <= allowed * (1 + 1e-6):
            return accuracy
        of_model = grids[0].spacing == self.model.grid.spacing
        owner = "model" if of_model else "unknowns or the image"
        have, limit = apart(100 * accuracy.estimated, 100 * allowed, digits=3)
        ways = ", or ".join(self._ways(accuracy, spacing_key, of_model))
        problems.warn(
            f"the error of records by dispersion is estimated to be {have} % over "
            f"{accuracy.length:.4g} m ({accuracy.time:.3g} s) on a spacing of "
            f"{accuracy.curve[0][0]:g} m, that of the {owner}, and `physics.grid.error` allows "
            f"{limit} %: use {ways}"
        )
        return accuracy

    def _ways(self, accuracy: GridAccuracy, spacing_key: Key, of_model: bool) -> Iterator[str]:
        """Settings that have the error that is allowed."""
        spacing, allowed = accuracy.curve[0][0], accuracy.asked_for or 0.0
        fine = next((h for h, error in accuracy.curve if error <= allowed), None)
        if fine is not None:
            name = "a model with a spacing of" if of_model else f"`{dotted(spacing_key)}:"
            end = " m or less" if of_model else "` or less"
            yield f"{name} {round_down(fine):g}{end}"
        stencils = self.differences.stencil
        others = {f"physics.order: {n}": Stencil(n, stencils.weights) for n in SECOND}
        if self.equation.differences != "centred" and stencils.order in SECOND:
            weights = "taylor" if stencils.optimised else "optimised"
            others = {f"physics.stencil: {weights}": Stencil(stencils.order, weights), **others}
        for text, other in others.items():
            differences = replace(self.differences, stencil=other)
            if self.errors(spacing, differences).max() <= allowed:
                yield f"`{text}`"
                break
        yield f"`physics.grid: {{error: {round_up(accuracy.estimated):g}}}`"


def estimate(
    problems: Problems,
    physics: schema.PhysicsSection,
    model: EarthModel,
    acquisition: Acquisition,
    signal: Signal,
) -> GridEstimate | None:
    """The errors of grids; None on the grid of the model, or where there are problems.

    Parameters
    ----------
    problems : Problems
    physics : PhysicsSection
    model : EarthModel
    acquisition : Acquisition
    signal : Signal

    Returns
    -------
    estimate : GridEstimate or None
    """
    stated = registry.load(wave_equation(physics))
    missing = set(stated.properties_in(model.grid.ndim)) - set(stated.defaults)
    if physics.grid == "model" or problems.errors or missing - set(model.properties):
        return None
    return GridEstimate(physics, model, acquisition, signal)


def coarsest(estimate: GridEstimate | None, longest: float) -> float:
    """The longest spacing that band and error allow.

    Parameters
    ----------
    estimate : GridEstimate or None
    longest : float
        That the band allows [m].

    Returns
    -------
    spacing : float
        [m]
    """
    return longest if estimate is None else estimate.coarsest(longest)


def judged(
    estimate: GridEstimate | None, problems: Problems, grids: tuple[Grid, Grid], spacing_key: Key
) -> GridAccuracy | None:
    """The error on the grid of the waves (see `GridEstimate.judged`); None without an estimate.

    Parameters
    ----------
    estimate : GridEstimate or None
    problems : Problems
    grids : tuple of Grid
        Of unknowns or image, and of the waves.
    spacing_key : Key
        Where the spacing of unknowns or image is in the config.

    Returns
    -------
    accuracy : GridAccuracy or None
    """
    return None if estimate is None else estimate.judged(problems, grids, spacing_key)


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
