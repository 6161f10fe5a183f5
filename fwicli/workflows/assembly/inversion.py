"""Objects of an inversion and of its stages, each built when it is first asked for, and once."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.inversion import InversionSection
from fwicli.config.problems import Key
from fwicli.inversion.misfits.by_component import ByComponent
from fwicli.inversion.misfits.misfit import Misfit
from fwicli.inversion.optimizers.optimizer import Optimizer
from fwicli.inversion.shots.batches import Batches
from fwicli.inversion.shots.encoding import Encoding
from fwicli.inversion.unknowns.variables import Variables
from fwicli.survey.model import EarthModel
from fwicli.survey.uniform import pointwise
from fwicli.workflows.assembly import misfit, optimizer, shots
from fwicli.workflows.assembly.arrays import ModelArrays, TraceArrays
from fwicli.workflows.assembly.components import component_weights
from fwicli.workflows.assembly.conditioning import Preparer, build_preparer
from fwicli.workflows.assembly.corners import extreme_velocities
from fwicli.workflows.assembly.equation import wave_equation
from fwicli.workflows.assembly.regularization import Regularization
from fwicli.workflows.assembly.variables import (
    Bounds,
    build_fixed,
    build_laws,
    build_variables,
    check_bounds,
    outermost,
)

Array = NDArray[Any]
Mask = NDArray[np.bool_]


class InversionObjects:
    """Objects of an inversion that all stages share, and those of each stage.

    Parameters
    ----------
    config : InvertConfig
    model : EarthModel
        Starting model.
    """

    def __init__(self, config: schema.InvertConfig, model: EarthModel) -> None:
        self.config, self.model = config, model
        self.arrays = ModelArrays(config.model, model.grid)
        self.trace_arrays = TraceArrays()
        self._bounds: dict[str, Bounds] = {}

    def bounds(self, name: str) -> Bounds:
        """Bounds of a variable, each a number or an array on the model's grid, in SI units.

        Raises
        ------
        ModelError, DataError
            If a file cannot be read, bounds cross, or are not positive where they have to be.
        """
        if name not in self._bounds:
            low, high = (
                end if isinstance(end, float) else self.arrays.on_grid(end)
                for end in self.config.inversion.inverted()[name].bounds
            )
            check_bounds(name, (low, high), self.model.grid)
            self._bounds[name] = low, high
        return self._bounds[name]

    def bounded(self, model: EarthModel, side: int) -> EarthModel:
        """A model with its variables at their lower or upper bounds, or beyond as they are.

        Bounds that are models count with the lowest or highest value that they have anywhere.
        Velocities for which combinations stand are the lowest or highest that bounds allow.

        Parameters
        ----------
        model : EarthModel
            On any grid.
        side : {0, 1}
            0 for the lower bounds, 1 for the upper ones.

        Returns
        -------
        bounded : EarthModel
            On the grid of `model`.
        """
        further = (np.minimum, np.maximum)[side]
        names = self.config.inversion.inverted()
        bounds = {name: outermost(self.bounds(name)) for name in names}
        properties = model.properties
        bounded = model.changed(
            {
                name: pointwise(partial(further, bounds[name][side]), properties[name])
                for name in names
                if name in properties
            }
        )
        if {*self.variables.places.values(), *self.variables.laws} <= {"rho"}:
            return bounded  # no speed depends on density
        fixed = self.fixed if model.grid == self.model.grid else None
        variables = self.variables.on(np.min)  # numbers serve any grid
        return bounded.changed(extreme_velocities(variables, model, bounds, side, fixed))

    @cached_property
    def fixed(self) -> Mask:
        """Points that stay as in the starting model."""
        return build_fixed(self.config.inversion.fixed, self.model, self.arrays)

    @cached_property
    def variables(self) -> Variables:
        """Variables with the first change of the optimizer that all stages have by default."""
        return self.variables_of(self.config.inversion)

    def variables_of(self, settings: InversionSection) -> Variables:
        """Variables with the first change of the optimizer in some settings."""
        sections = settings.inverted()
        bounds = {name: self.bounds(name) for name in sections}
        equation = wave_equation(self.config.physics)
        laws = build_laws(settings.follow)
        return build_variables(sections, bounds, equation, settings.optimizer.first_change, laws)

    @cached_property
    def stages(self) -> tuple[StageObjects, ...]:
        """Objects of every stage."""
        count = len(self.config.inversion.stages)
        return tuple(StageObjects(self, number) for number in range(count))


class StageObjects:
    """Objects of one stage of an inversion.

    Parameters
    ----------
    shared : InversionObjects
        Objects of all stages.
    number : int
        Of the stage, from 0.
    """

    def __init__(self, shared: InversionObjects, number: int) -> None:
        self.shared, self.number = shared, number
        self.settings = shared.config.inversion.of(number)
        self.section = shared.config.inversion.stages[number]
        self.band: tuple[float, float] = (self.section.band[0], self.section.band[1])
        self.physics = shared.config.physics
        self.key: Key = ("inversion", "stages", number)

    def key_of(self, setting: str) -> Key:
        """Where a setting of the stage is in the config: in the stage, or for all stages."""
        own = getattr(self.section, setting) is not None
        return (*self.key, setting) if own else ("inversion", setting)

    @cached_property
    def variables(self) -> Variables:
        """Variables with the first change of the optimizer of the stage."""
        return self.shared.variables_of(self.settings)

    @cached_property
    def misfit(self) -> Misfit:
        """The misfit between synthetic and observed gathers."""
        return misfit.build(self.settings.misfit)

    @property
    def weighted_misfit(self) -> Misfit:
        """The misfit with the weights of components, for gathers of any."""
        return ByComponent(self.misfit, (), component_weights(self.settings))

    @cached_property
    def optimizer(self) -> Optimizer:
        """The method that minimises the objective."""
        return optimizer.build(self.settings.optimizer)

    @cached_property
    def batches(self) -> Batches | None:
        """The rule for the shots of an iteration; None for all shots."""
        return shots.build_batches(self.settings.shots)

    @cached_property
    def encoding(self) -> Encoding | None:
        """The rule for codes; None where every shot is simulated by itself."""
        return shots.build_encoding(self.settings.shots)

    @cached_property
    def prepare(self) -> Preparer | None:
        """Conditioning and source estimation; None where there is neither."""
        shared = self.shared
        return build_preparer(shared.config.inversion, self.number, shared.trace_arrays)

    @cached_property
    def regularization(self) -> Regularization:
        """Penalties and constraints."""
        return Regularization(
            self.settings.regularization,
            self.settings.constraints,
            self.shared.model,
            self.variables,
            self.shared.fixed,
            self.shared.arrays,
        )
