"""Coarsest grid for an error of the records, which is estimated before waves are propagated.

The error on a coarse grid is that of the layers below a shot, against the grid of the model (see
`grid_contrasts`), and to it is added the error by dispersion that the grid of the model has itself,
on the path of the waves that has the largest (see `grid_dispersion`). Equations whose layers are
not computed have the error by dispersion alone. The shot is that of this path on a grid of three
points per wavelength.

The share of dispersion in the estimate is the error that its path has on the coarse grid, at most
the whole; the share of contrasts is the rest, in squares. It holds, too, what the grid does at the
top of the model and in the absorbing layer.

Between the spacings that are computed, the error is a h**n + b h**N, with the order N of the
differences and the order n of contrasts: 1 of density, whose steps are shifted, else 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fwicli.config import schema
from fwicli.config.loader import Key
from fwicli.config.values import GridErrorSection
from fwicli.digits import apart, round_down, round_up
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.stencils import SECOND, Stencil
from fwicli.propagators.sampling.phase_errors import Dispersion
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import WITHOUT_MEANS
from fwicli.survey.regridding import WORTHWHILE
from fwicli.survey.wave_paths import WavePath
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.planning.checks import dotted
from fwicli.workflows.planning.grid_contrasts import GridContrasts
from fwicli.workflows.planning.grid_dispersion import GridDispersion
from fwicli.workflows.planning.problems import Problems
from fwicli.workflows.planning.requirements import Signal

# Spacings for which a plan holds errors; grids that are tried for an error that is allowed, how
# close to it one has to be, and the share of it that is aimed at.
CURVE, TRIALS, CLOSE, AIM = 24, 6, 0.1, 0.97
# Largest power of the spacing with which errors are taken to fall.
STEEPEST = 6.0
# Points per wavelength of the grid on which the path is chosen; a second grid of a curve, over it.
REFERENCE, FINER = 4.0, 0.8
# How much more than is allowed the error may be on the grid that fits into the model.
FITTING = 1.05


@dataclass(frozen=True)
class GridAccuracy:
    """Error of the records on a grid, as it is estimated.

    Attributes
    ----------
    asked_for : float or None
        The largest that is allowed; None where the config has no error.
    estimated : float
    dispersion : float
        Error by dispersion on the path that has the largest.
    shot : int
        Number of the shot that has it.
    length, time : float
        Of the path [m], [s].
    curve : tuple of (float, float)
        Spacings from that of the grid down to a quarter of it [m], and their errors.
    """

    asked_for: float | None
    estimated: float
    dispersion: float
    shot: int
    length: float
    time: float
    curve: tuple[tuple[float, float], ...]

    @property
    def shares(self) -> tuple[float, float]:
        """Shares of dispersion and of contrasts in the estimate, which add up in squares."""
        dispersion = min(self.dispersion, self.estimated)
        return dispersion, float(np.sqrt(self.estimated**2 - dispersion**2))

    def summary(self) -> dict[str, Any]:
        """Numbers for a table."""
        limit = {} if self.asked_for is None else {"grid_error_allowed_percent": self.asked_for}
        numbers = {**limit, "grid_error_estimated_percent": self.estimated}
        names = ("grid_error_dispersion_percent", "grid_error_contrasts_percent")
        numbers |= dict(zip(names, self.shares, strict=True))
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
            Its error as it is estimated.
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
        self.dispersion = GridDispersion(physics, model, acquisition, signal)

    @property
    def asked_for(self) -> float | None:
        """The error that the config allows; None if it has none."""
        grid = self.physics.grid
        return grid.error if isinstance(grid, GridErrorSection) else None

    @cached_property
    def path(self) -> WavePath:
        """The path that has the largest error by dispersion on a coarse grid."""
        of = self.dispersion
        errors = of.errors(of.speeds[0] / of.signal.spectrum.highest / REFERENCE)
        return of.paths[int(errors.argmax())]

    @cached_property
    def contrasts(self) -> GridContrasts | None:
        """Errors in the layers below the shot of the path; None where these are not computed."""
        has = GridContrasts.has(self.dispersion)
        return GridContrasts(self.dispersion, self.path.shot) if has else None

    def error(self, spacing: float, differences: Dispersion | None = None) -> float:
        """The error on a grid.

        Parameters
        ----------
        spacing : float
            [m]
        differences : Dispersion, optional
            Others than those of the config.

        Returns
        -------
        error : float
        """
        finest = max(self.model.grid.spacing)
        own = min(spacing, finest) if self.contrasts else spacing
        error = float(self.dispersion.errors(own, differences).max())
        if self.contrasts is not None and spacing > finest * (1 + 1e-9):
            error += self.contrasts.error(spacing, differences)
        return error

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
        allowed, finest = self.asked_for, max(self.model.grid.spacing)
        if allowed is None or finest >= limit or (of_high := self.error(limit)) <= allowed:
            return limit
        if self.error(finest) > allowed:
            return finest
        low, high, of_low, power = finest, limit, 0.0, STEEPEST
        for _ in range(TRIALS):
            # Along straight lines between logarithms: through one that fits, or the last two.
            if of_low:
                power = float(np.log(of_high / of_low) / np.log(high / low))
            spacing = high * (AIM * allowed / of_high) ** (1 / power)
            spacing = min(max(spacing, low * (high / low) ** 0.1), low * (high / low) ** 0.9)
            spacing = max(spacing, finest * WORTHWHILE)
            if spacing >= high:
                break
            error = self.error(spacing)
            if error > allowed:
                power = np.log(of_high / error) / np.log(high / spacing)
                power = float(np.clip(power, 1.0, STEEPEST))
                high, of_high = spacing, error
                continue
            low, of_low = spacing, error
            if error >= allowed * (1 - CLOSE):
                break
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
        return GridAccuracy(
            self.asked_for,
            self.error(spacing),
            float(self.dispersion.errors(spacing).max()),
            self.path.shot,
            self.path.length,
            float(self.path.time.sum()),
            self._curve(spacing),
        )

    def _curve(self, spacing: float) -> tuple[tuple[float, float], ...]:
        """Errors on grids down to a quarter of a spacing [m]; of it alone if none is allowed."""
        if self.asked_for is None:
            return ((spacing, self.error(spacing)),)
        spacings = np.geomspace(spacing, spacing / 4, CURVE)
        finest = max(self.model.grid.spacing)
        if self.contrasts is None or spacing <= finest * (1 + 1e-9):
            errors = np.array([self.dispersion.errors(h).max() for h in spacings])
        else:
            ratio = max(FINER, finest * (1 + 1e-6) / spacing)
            whole, finer = self.error(spacing), self.error(spacing * ratio)
            low = 1 if self.dispersion.equation.mean_density else 2
            high = self.dispersion.differences.stencil.order
            steep = (whole * ratio**low - finer) / (ratio**low - ratio**high)
            steep = float(np.clip(steep, 0.0, whole))
            shares = spacings / spacing
            errors = (whole - steep) * shares**low + steep * shares**high
        return tuple(zip(spacings.tolist(), errors.tolist(), strict=True))

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
        if allowed is None or accuracy.estimated <= allowed * FITTING:
            return accuracy
        of_model = grids[0].spacing == self.model.grid.spacing
        owner = "model" if of_model else "unknowns or the image"
        have, limit = apart(100 * accuracy.estimated, 100 * allowed, digits=3)
        ways = ", or ".join(self._ways(accuracy, spacing_key, of_model))
        parts = [f"{100 * share:.2g} %" for share in accuracy.shares]
        problems.warn(
            f"the error of records is estimated to be {have} % on a spacing of "
            f"{accuracy.curve[0][0]:g} m, that of the {owner}, {parts[0]} by dispersion over "
            f"{accuracy.length:.4g} m ({accuracy.time:.3g} s) and {parts[1]} by contrasts, and "
            f"`physics.grid.error` allows {limit} %: use {ways}"
        )
        return accuracy

    def _ways(self, accuracy: GridAccuracy, spacing_key: Key, of_model: bool) -> Iterator[str]:
        """Settings that have the error that is allowed."""
        spacing, allowed = accuracy.curve[0][0], accuracy.asked_for or 0.0
        fine = next((h for h, error in accuracy.curve if error <= allowed), None)
        if fine is not None and (of_model or fine >= max(self.model.grid.spacing)):
            name = "a model with a spacing of" if of_model else f"`{dotted(spacing_key)}:"
            end = " m or less" if of_model else "` or less"
            yield f"{name} {round_down(fine):g}{end}"
        of = self.dispersion
        stencils = of.differences.stencil
        others = {f"physics.order: {n}": Stencil(n, stencils.weights) for n in SECOND}
        if of.equation.differences != "centred" and stencils.order in SECOND:
            weights = "taylor" if stencils.optimised else "optimised"
            others = {f"physics.stencil: {weights}": Stencil(stencils.order, weights), **others}
        for text, other in others.items():
            if self.error(spacing, replace(of.differences, stencil=other)) <= allowed:
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
    errors = GridEstimate(physics, model, acquisition, signal)
    note = f"the error of grids of `{stated.name}` is estimated without contrasts of the model"
    solid = not set(WITHOUT_MEANS).isdisjoint(stated.properties)
    has = solid or GridContrasts.has(errors.dispersion)
    if not has and note not in problems.notes:
        problems.note(note)
    return errors


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
