"""From `regularization` and `constraints` of a config to penalties and convex sets on a grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.inversion import InversionSection
from fwicli.config.regularization import (
    ConstraintSection,
    DirectionalSection,
    PenaltySection,
    ReferenceSection,
    SlopesSection,
    TikhonovSection,
    VariationSection,
)
from fwicli.errors import ModelError
from fwicli.inversion.regularization.constraints import SlopeRange, SlopeSet, Smoothness, Variation
from fwicli.inversion.regularization.differences import Differences
from fwicli.inversion.regularization.penalties import (
    Directional,
    Penalty,
    Reference,
    Tikhonov,
    TotalVariation,
)
from fwicli.inversion.regularization.projection import Constraints, Feasible
from fwicli.inversion.unknowns.variables import Variables
from fwicli.survey.model import IMPEDANCE, EarthModel
from fwicli.survey.regridding import Regridding
from fwicli.workflows.assembly import survey, unknowns

Array = NDArray[Any]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Regularization:
    """What a stage says of the model.

    Parameters
    ----------
    config : schema.InvertConfig
    settings : Inversion
        As they are for the stage.
    model : EarthModel
        Where the run started.
    variables : Variables
        With bounds on the model's grid.
    fixed : ndarray of bool
        Points of the model that stay.
    """

    config: schema.InvertConfig
    settings: InversionSection
    model: EarthModel
    variables: Variables
    fixed: Mask

    def check(self) -> None:
        """Make everything once, on the model's grid.

        Raises
        ------
        ModelError, DataError
            If something is not possible with the model, or not readable.
        """
        same = Regridding(self.model.grid, self.model.grid.spacing)
        self.penalties(same, ~self.fixed)
        for section in self.settings.constraints:
            self._set(section)

    # --- penalties -------------------------------------------------------------------------------

    def penalties(self, moved: Regridding, free: Mask) -> tuple[Penalty, ...]:
        """On a coarser grid, for the points that are free there."""
        return tuple(self._penalty(s, moved, free) for s in self.settings.regularization)

    def _penalty(self, section: PenaltySection, moved: Regridding, free: Mask) -> Penalty:
        name, grid = section.property, self.model.grid
        low, high = unknowns.outermost(unknowns.bounds(self.config, self.model, name))
        common = (name, section.weight, high - low, free)
        start = self.variables.values(moved.model_to_coarse(self.model).properties)[name]
        if isinstance(section, ReferenceSection):
            return Reference(*common, self._reference(section, moved, start))
        base = start if section.of == "change" else None
        if isinstance(section, TikhonovSection):
            weights = [0.0] * grid.ndim if section.axes else [1.0] * grid.ndim
            for axis, weight in (section.axes or {}).items():
                weights[self._axis(axis)] = weight
            return Tikhonov(*common, base, section.order, tuple(weights))
        if isinstance(section, DirectionalSection):
            if grid.ndim == 3:
                raise ModelError(
                    "directional penalties are for two dimensions; in three, use the kind "
                    "`tikhonov` with `axes`"
                )
            dip = moved.to_coarse(survey.on_grid(self.config.model, grid, section.dip))
            return Directional(*common, base, np.deg2rad(dip))
        return TotalVariation(*common, base, section.smoothing)

    def _reference(self, section: ReferenceSection, moved: Regridding, start: Array) -> Array:
        """The model that a penalty is the distance to; averaged like models are."""
        if section.model is None:
            return start
        name = section.property
        values = survey.on_grid(self.config.model, self.model.grid, section.model)
        if name == IMPEDANCE:
            return moved.to_coarse(values)
        return moved.model_to_coarse(self.model.changed({name: values})).properties[name]

    def _axis(self, name: str) -> int:
        axes = self.model.grid.axes
        if name not in axes:
            raise ModelError(f"the model has no axis {name}; its axes are {', '.join(axes)}")
        return axes.index(name)

    # --- constraints -----------------------------------------------------------------------------

    def constraints(self, variables: Variables, model: EarthModel, free: Mask) -> Constraints:
        """Convex sets on the grid of a model, which stays as it is where it is not free."""
        low, high = (variables.unpack(end) for end in variables.bounds(model.properties))
        values, made = variables.values(model.properties), {}
        for name in variables.names:
            sections = [s for s in self.settings.constraints if s.property == name]
            if sections:
                ends = [np.where(free, end[name], values[name]) for end in (low, high)]
                sets = [self._set(section) for section in sections]
                made[name] = Feasible(ends[0], ends[1], sets, model.grid.spacing, name)
        return Constraints(made)

    def projection(
        self, variables: Variables, model: EarthModel, free: Mask, bounds: tuple[Array, Array]
    ) -> Callable[[Array], Array] | None:
        """From x to the nearest x that keeps constraints and bounds; None without constraints."""
        sets = self.constraints(variables, model, free)
        if not sets.sets:
            return None

        def nearest(x: Array) -> Array:
            found = variables.scaled(sets.project(variables.unpack(x)))
            return np.asarray(np.clip(found, *bounds))

        return nearest

    def _set(self, section: ConstraintSection) -> SlopeSet:
        if isinstance(section, SlopesSection):
            low = -np.inf if section.low is None else section.low
            high = np.inf if section.high is None else section.high
            return SlopeRange(self._axis(section.axis), low, high)
        kind = Variation if isinstance(section, VariationSection) else Smoothness
        if section.limit is not None:
            return kind(section.limit)
        differences = Differences(~self.fixed, self.model.grid.spacing)
        start = self.variables.values(self.model.properties)[section.property]
        there = kind(1.0).measure(differences.gradient(start), differences.edges)
        if there == 0:
            raise ModelError(
                f"the starting model of {section.property} has no slopes that a limit could be "
                f"relative to; give `limit` in SI units per metre"
            )
        return kind((section.relative or 1.0) * there)
