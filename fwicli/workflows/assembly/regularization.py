"""From `regularization` and `constraints` of a config to penalties and convex sets on a grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.regularization import (
    ConstraintSection,
    DirectionalSection,
    PenaltySection,
    PropertySection,
    ReferenceSection,
    SlopesSection,
    SmoothnessSection,
    TikhonovSection,
    TotalVariationSection,
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
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.properties import COMBINATIONS
from fwicli.survey.regridding import Regridding
from fwicli.workflows.assembly.arrays import ModelArrays
from fwicli.workflows.assembly.variables import outermost

Array = NDArray[Any]
Mask = NDArray[np.bool_]
Common = tuple[str, float, float, Mask]


@dataclass(frozen=True)
class Regularization:
    """Penalties and constraints of a stage: each built once, penalties on the grid of the stage.

    Parameters
    ----------
    penalty_sections : sequence of PenaltySection
    constraint_sections : sequence of ConstraintSection
    model : EarthModel
        Where the run started.
    variables : Variables
        With bounds on the model's grid.
    fixed : ndarray of bool
        Points of the model that stay.
    arrays : ModelArrays
        Dips and references in files.
    """

    penalty_sections: Sequence[PenaltySection]
    constraint_sections: Sequence[ConstraintSection]
    model: EarthModel
    variables: Variables
    fixed: Mask
    arrays: ModelArrays

    def check(self) -> None:
        """Build all penalties and constraints once, on the model's grid.

        Raises
        ------
        ModelError, DataError
            If something is not possible with the model, or not readable.
        """
        same = Regridding(self.model.grid, self.model.grid.spacing)
        self.penalties(same, ~self.fixed)
        _ = self.sets

    def penalties(self, regridding: Regridding, free: Mask) -> tuple[Penalty, ...]:
        """Penalties on a coarser grid, for the points that are free there.

        The penalties of the last grid are stored: a stage on the model's grid has the ones that
        were checked.

        Parameters
        ----------
        regridding : Regridding
            From the grid of the model to that of the stage.
        free : ndarray of bool
            Points of the grid of the stage that may change.

        Returns
        -------
        penalties : tuple of Penalty
        """
        points = (regridding.coarse, free.tobytes())
        if points not in self._penalties:
            self._penalties.clear()
            self._penalties[points] = tuple(
                build_penalty(s, self, regridding, free) for s in self.penalty_sections
            )
        return self._penalties[points]

    @cached_property
    def _penalties(self) -> dict[tuple[Grid, bytes], tuple[Penalty, ...]]:
        """Penalties by the grid and the free points that they were built for."""
        return {}

    @cached_property
    def sets(self) -> tuple[SlopeSet, ...]:
        """The convex set of each constraint; they belong to no grid."""
        return tuple(build_constraint(section, self) for section in self.constraint_sections)

    def start(self, name: str, regridding: Regridding) -> Array:
        """A variable in the starting model, on a coarser grid.

        Parameters
        ----------
        name : str
            Of the variable.
        regridding : Regridding
            From the grid of the model to the coarser one.

        Returns
        -------
        values : ndarray
            On the coarser grid, in SI units.
        """
        return self.variables.values(regridding.model_to_coarse(self.model).properties)[name]

    def axis(self, name: str) -> int:
        """Number of an axis of the model by its name.

        Raises
        ------
        ModelError
            If the model has no such axis.
        """
        axes = self.model.grid.axes
        if name not in axes:
            raise ModelError(f"the model has no axis {name}; its axes are {', '.join(axes)}")
        return axes.index(name)

    def constraints(self, variables: Variables, model: EarthModel, free: Mask) -> Constraints:
        """Convex sets on the grid of a model, which stays as it is where it is not free.

        Parameters
        ----------
        variables : Variables
            With bounds on the grid of the model.
        model : EarthModel
        free : ndarray of bool
            Points of the model that may change.

        Returns
        -------
        constraints : Constraints
        """
        low, high = (variables.unpack(end) for end in variables.bounds(model.properties))
        values, feasible = variables.values(model.properties), {}
        for name in variables.names:
            sections = zip(self.constraint_sections, self.sets, strict=True)
            sets = [convex for section, convex in sections if section.property == name]
            if sets:
                ends = [np.where(free, end[name], values[name]) for end in (low, high)]
                feasible[name] = Feasible(ends[0], ends[1], sets, model.grid.spacing, name)
        return Constraints(feasible)

    def projection(
        self, variables: Variables, model: EarthModel, free: Mask, bounds: tuple[Array, Array]
    ) -> Callable[[Array], Array] | None:
        """From x to the nearest x that keeps constraints and bounds; None without constraints.

        Parameters
        ----------
        variables : Variables
            With bounds on the grid of the model.
        model : EarthModel
        free : ndarray of bool
            Points of the model that may change.
        bounds : tuple of ndarray
            Lower and upper bound of x.

        Returns
        -------
        nearest : callable or None
        """
        sets = self.constraints(variables, model, free)
        if not sets.sets:
            return None

        def nearest(x: Array) -> Array:
            projected = variables.scaled(sets.project(variables.unpack(x)))
            return np.asarray(np.clip(projected, *bounds))

        return nearest


# --- penalties ------------------------------------------------------------------------------------


@singledispatch
def build_penalty(
    section: PropertySection, stage: Regularization, regridding: Regridding, free: Mask
) -> Penalty:
    """The penalty of a section, on the grid of a stage.

    Parameters
    ----------
    section : PenaltySection
        Its class chooses the penalty.
    stage : Regularization
        Model, variables and arrays of the stage.
    regridding : Regridding
        From the grid of the model to that of the stage.
    free : ndarray of bool
        Points of the grid of the stage that may change.

    Returns
    -------
    penalty : Penalty

    Raises
    ------
    ModelError, DataError
        If it is not possible with the model, or a file cannot be read.
    TypeError
        If no function is registered for the class of the section.
    """
    raise TypeError(f"no penalty is built from {type(section).__name__}")


@build_penalty.register
def _tikhonov(
    section: TikhonovSection, stage: Regularization, regridding: Regridding, free: Mask
) -> Penalty:
    ndim = stage.model.grid.ndim
    weights = [0.0] * ndim if section.axes else [1.0] * ndim
    for axis, weight in (section.axes or {}).items():
        weights[stage.axis(axis)] = weight
    base = _base(section, stage, regridding)
    return Tikhonov(*_common(section, stage, free), base, section.order, tuple(weights))


@build_penalty.register
def _directional(
    section: DirectionalSection, stage: Regularization, regridding: Regridding, free: Mask
) -> Penalty:
    if stage.model.grid.ndim == 3:
        raise ModelError(
            "directional penalties are for two dimensions; in three, use the kind "
            "`tikhonov` with `axes`"
        )
    base = _base(section, stage, regridding)
    dip = regridding.to_coarse(stage.arrays.on_grid(section.dip))
    return Directional(*_common(section, stage, free), base, np.deg2rad(dip))


@build_penalty.register
def _total_variation(
    section: TotalVariationSection, stage: Regularization, regridding: Regridding, free: Mask
) -> Penalty:
    base = _base(section, stage, regridding)
    return TotalVariation(*_common(section, stage, free), base, section.smoothing)


@build_penalty.register
def _reference(
    section: ReferenceSection, stage: Regularization, regridding: Regridding, free: Mask
) -> Penalty:
    """The distance to a model, which is averaged like models are."""
    name, common = section.property, _common(section, stage, free)
    if section.model is None:
        return Reference(*common, stage.start(name, regridding))
    values = stage.arrays.on_grid(section.model)
    if name in COMBINATIONS:
        return Reference(*common, regridding.to_coarse(values))
    reference = regridding.model_to_coarse(stage.model.changed({name: values}))
    return Reference(*common, reference.properties[name])


def _common(section: PenaltySection, stage: Regularization, free: Mask) -> Common:
    """First arguments of all penalties: name, weight, width of the bounds, free points."""
    (block,) = (b for b in stage.variables.blocks if b.name == section.property)
    low, high = outermost((block.low, block.high))
    return section.property, section.weight, high - low, free


def _base(
    section: TikhonovSection | DirectionalSection | TotalVariationSection,
    stage: Regularization,
    regridding: Regridding,
) -> Array | None:
    """The model whose change is penalised; None where the model itself is."""
    return stage.start(section.property, regridding) if section.of == "change" else None


# --- constraints ----------------------------------------------------------------------------------


@singledispatch
def build_constraint(section: PropertySection, stage: Regularization) -> SlopeSet:
    """The convex set of a section.

    Parameters
    ----------
    section : ConstraintSection
        Its class chooses the set.
    stage : Regularization
        Model and variables of the stage.

    Returns
    -------
    set : SlopeSet

    Raises
    ------
    ModelError
        If it is not possible with the model.
    TypeError
        If no function is registered for the class of the section.
    """
    raise TypeError(f"no constraint is built from {type(section).__name__}")


@build_constraint.register
def _slopes(section: SlopesSection, stage: Regularization) -> SlopeSet:
    low = -np.inf if section.low is None else section.low
    high = np.inf if section.high is None else section.high
    return SlopeRange(stage.axis(section.axis), low, high)


@build_constraint.register
def _variation(section: VariationSection, stage: Regularization) -> SlopeSet:
    return Variation(_limit(section, Variation(1.0), stage))


@build_constraint.register
def _smoothness(section: SmoothnessSection, stage: Regularization) -> SlopeSet:
    return Smoothness(_limit(section, Smoothness(1.0), stage))


def _limit(
    section: VariationSection | SmoothnessSection,
    unit: Variation | Smoothness,
    stage: Regularization,
) -> float:
    """Limit of the slopes, by value or relative to the starting model [SI units/m]."""
    if section.limit is not None:
        return section.limit
    differences = Differences(~stage.fixed, stage.model.grid.spacing)
    start = stage.variables.values(stage.model.properties)[section.property]
    slopes = unit.measure(differences.gradient(start), differences.edges)
    if slopes == 0:
        raise ModelError(
            f"the starting model of {section.property} has no slopes that a limit could be "
            f"relative to; give `limit` in SI units per metre"
        )
    return (section.relative or 1.0) * slopes
