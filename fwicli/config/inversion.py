"""The section `inversion` of a config: bands, variables, preconditioning and optimizer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from fwicli.config.values import (
    Band,
    Bounds,
    Coarseness,
    Count,
    Kept,
    NonNegative,
    Positive,
    Range,
    Section,
    kind,
    one_of,
)
from fwicli.inversion.misfits import MISFITS
from fwicli.inversion.parameterization import PARAMETERIZATIONS
from fwicli.survey.model import IMPEDANCE

# Quantities whose bounds must be positive.
POSITIVE = ("vp", "rho", IMPEDANCE)


class Illumination(Section):
    """Diagonal preconditioner from the energy of the source fields.

    exponent: 1 corrects for the sources; 2 also for the receivers, taken to light the model as
    the sources do.  damping: relative to the mean energy.
    """

    exponent: Annotated[float, Field(strict=True, gt=0, le=4)] = 2.0
    damping: Positive = 0.01


class Preconditioning(Section):
    """How the optimizer's first approximation to the inverse Hessian is made.

    illumination: settings, or false for none.  smoothing: length of the Gaussian [m].
    """

    illumination: Annotated[
        Annotated[Illumination, Tag("mapping")] | Annotated[Literal[False], Tag("switch")],
        Discriminator(kind),
    ] = Illumination()
    smoothing: NonNegative = 0.0

    @field_validator("illumination", mode="before")
    @classmethod
    def _true(cls, value: Any) -> Any:
        return {} if value is True else value


class Optimizer(Section):
    """L-BFGS: pairs kept, evaluations in a line search, first change of velocity [m/s]."""

    memory: Count = 10
    evaluations: Annotated[int, Field(strict=True, ge=2)] = 8
    first_change: Positive = 50.0


MisfitName = Annotated[str, AfterValidator(one_of(MISFITS))]


class Stage(Section):
    """One frequency band of an inversion.

    band: [low, high] in Hz, 0 for no lower edge.  spacing: grid of the unknowns [m], or `auto` for
    the coarsest that band and bounds allow; the model's by default.  iterations: steps of the
    optimizer.  Whatever else is given takes the place of what `inversion` says for all stages.
    """

    band: Band
    iterations: Count = 10
    spacing: Coarseness | None = None
    misfit: MisfitName | None = None
    preconditioning: Preconditioning | None = None
    model_smoothing: NonNegative | None = None
    optimizer: Optimizer | None = None


ParameterName = Annotated[str, AfterValidator(one_of(PARAMETERIZATIONS))]


class Inverted(Section):
    """One variable of an inversion.

    bounds: in SI units.  parameter: of vp only, what the optimizer sees.  first_change: largest
    change in the first step, in SI units; by default that of `optimizer` for vp, else a share of
    the width of the bounds.
    """

    bounds: Range
    parameter: ParameterName | None = None
    first_change: Positive | None = None


class Inversion(Section):
    """What is inverted for, from which data, how.

    invert_for: properties of the equation, or `impedance` in place of rho, each with its bounds.
    bounds: of vp [m/s], where that is all that is inverted for; `parameter`: as in `invert_for`.
    fixed: what stays as in the starting model: the water layer, all above a
    depth [m], or nothing.  model_smoothing: length [m] over which the update of each stage is
    smoothed when the stage ends.
    """

    stages: Annotated[list[Stage], Field(min_length=1)]
    invert_for: dict[str, Inverted] | None = None
    parameter: ParameterName | None = None
    misfit: MisfitName = "least_squares"
    bounds: Bounds | None = None
    fixed: Kept = "water"
    preconditioning: Preconditioning = Preconditioning()
    model_smoothing: NonNegative = 0.0
    optimizer: Optimizer = Optimizer()

    @field_validator("invert_for", mode="before")
    @classmethod
    def _bounds_alone(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: {"bounds": v} if isinstance(v, list) else v for k, v in value.items()}

    @field_validator("invert_for")
    @classmethod
    def _consistent(cls, value: dict[str, Inverted] | None) -> dict[str, Inverted] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("name what to invert for, as in {vp: [1400, 5000]}")
        if IMPEDANCE in value and "rho" in value:
            raise ValueError(
                "impedance = vp rho takes the place of rho; give one of the two (with vp, either "
                "determines the other)"
            )
        for name, inverted in value.items():
            if name in POSITIVE and inverted.bounds[0] <= 0:
                raise ValueError(f"{name} is positive; its bounds begin at {inverted.bounds[0]:g}")
            if name != "vp" and inverted.parameter is not None:
                raise ValueError(f"only vp may have a `parameter`; leave it out of {name}")
        return value

    @model_validator(mode="after")
    def _said_once(self) -> Inversion:
        if self.invert_for is None:
            if self.bounds is None:
                raise ValueError("give `bounds` of vp [m/s], or `invert_for` with bounds of each")
        elif self.bounds is not None or self.parameter is not None:
            given = "bounds" if self.bounds is not None else "parameter"
            raise ValueError(
                f"both `{given}` and `invert_for` are given; put the {given} into "
                f"`invert_for: {{vp: ...}}`"
            )
        return self

    def of(self, number: int) -> Inversion:
        """The settings of one stage, by number from 0."""
        stage = self.stages[number]
        own = {
            name: getattr(stage, name)
            for name in type(stage).model_fields
            if name in type(self).model_fields and getattr(stage, name) is not None
        }
        return self.model_copy(update=own)

    def inverted(self) -> dict[str, Inverted]:
        """What is inverted for, by name; vp where nothing else is said."""
        if self.invert_for is not None:
            return self.invert_for
        return {"vp": Inverted(bounds=self.bounds or [], parameter=self.parameter)}
