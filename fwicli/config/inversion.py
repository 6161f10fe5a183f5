"""The section `inversion` of a config: bands, variables, preconditioning and optimizer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from fwicli.config import sources
from fwicli.config.arrays import ArrayFileSection, NumberOrArray
from fwicli.config.components import ComponentWeights
from fwicli.config.conditioning import ConditioningSection
from fwicli.config.laws import FollowSection
from fwicli.config.misfits import LeastSquaresSection, MisfitSection
from fwicli.config.optimizers import LbfgsSection, OptimizerSection
from fwicli.config.preconditioning import PreconditioningSection
from fwicli.config.regions import Regions
from fwicli.config.regularization import ConstraintSection, PenaltySection
from fwicli.config.shots import ShotsSection
from fwicli.config.values import (
    Band,
    Coarseness,
    Count,
    NearSource,
    NonNegative,
    OneOf,
    Positive,
    Section,
    kind,
)
from fwicli.inversion.unknowns.parameterization import LOG, PARAMETERIZATIONS
from fwicli.survey.properties import COMBINATIONS, POSITIVE, UNDETERMINED

SourceChoice = Annotated[
    Annotated[sources.SourceSection, Tag("mapping")] | Annotated[Literal[False], Tag("switch")],
    Discriminator(kind),
    BeforeValidator(
        lambda value: {} if value is True else value,
        json_schema_input_type=sources.SourceSection | bool,
    ),
]


class StageSection(Section):
    """One frequency band of an inversion; its settings replace those of `inversion`."""

    band: Band
    """Data and wavelet are filtered to these lowest and highest frequencies, 0 for no lower edge
    [Hz]."""
    iterations: Count = 10
    """The optimizer takes at most this number of steps."""
    spacing: Coarseness | None = None
    """The unknowns have this grid spacing, or the coarsest possible one; by default the model's
    [m]."""
    misfit: MisfitSection | None = None
    """This misfit replaces that of `inversion` in the stage."""
    component_weights: ComponentWeights | None = None
    """These weights of components replace those of `inversion` in the stage."""
    conditioning: list[ConditioningSection] | None = None
    """These operators replace those of `inversion` in the stage."""
    near_source: NearSource | None = None
    """This distance from the source replaces that of `inversion` in the stage [m]."""
    source: SourceChoice | None = None
    """This source estimation replaces that of `inversion` in the stage."""
    preconditioning: PreconditioningSection | None = None
    """This preconditioning replaces that of `inversion` in the stage."""
    model_smoothing: NonNegative | None = None
    """This smoothing length replaces that of `inversion` in the stage [m]."""
    taper: NonNegative | None = None
    """This taper length replaces that of `inversion` in the stage [m]."""
    regularization: list[PenaltySection] | None = None
    """These penalties replace those of `inversion` in the stage."""
    constraints: list[ConstraintSection] | None = None
    """These constraints replace those of `inversion` in the stage."""
    optimizer: OptimizerSection | None = None
    """This optimizer replaces that of `inversion` in the stage."""
    shots: ShotsSection | None = None
    """This choice of shots replaces that of `inversion` in the stage."""


ParameterName = Annotated[str, OneOf(PARAMETERIZATIONS)]


def _increasing(value: list[float | ArrayFileSection]) -> list[float | ArrayFileSection]:
    low, high = value
    if isinstance(low, float) and isinstance(high, float) and low >= high:
        raise ValueError("the first of the two must be below the second")
    return value


# Each end is a number, or a model of its own.
Bounds = Annotated[
    list[NumberOrArray], Field(min_length=2, max_length=2), AfterValidator(_increasing)
]


class VariableSection(Section):
    """One variable of an inversion.

    bounds: in SI units, numbers or files.  parameter: what the optimizer sees; of vp any, of
    other positive properties `log`.  first_change: largest change in the first step, in SI units;
    by default that of `optimizer` for vp, else a share of the width of the bounds.
    """

    bounds: Bounds
    """The property stays between these two values, each a number or an array [SI units]."""
    parameter: ParameterName | None = None
    """The optimizer sees this function of vp; other positive properties take `log` alone."""
    first_change: Positive | None = None
    """The first step changes the property at most this much; its default follows `optimizer` or the
    bounds [SI units]."""


def _check_variable(name: str, inverted: VariableSection) -> None:
    """Bounds and parameter must fit the property."""
    lowest = inverted.bounds[0]
    if name in POSITIVE and isinstance(lowest, float) and lowest <= 0:
        raise ValueError(f"{name} is positive; its bounds begin at {lowest:g}")
    if name == "vp" or inverted.parameter is None:
        return
    if inverted.parameter != LOG:
        raise ValueError(
            f"{inverted.parameter} is a `parameter` of vp alone; {name} is inverted for as it is, "
            f"or, if it is positive, as {LOG}"
        )
    if name not in POSITIVE:
        raise ValueError(f"{name} may be negative and has no logarithm; leave out `parameter`")


def _check_places(names: list[str]) -> None:
    """Variables must determine velocities and density, and none may say what others say."""
    for pair, (reason, others) in UNDETERMINED.items():
        places = {COMBINATIONS[name].place_among(names) for name in pair}
        if set(pair) <= set(names) and len(places) == 2:
            raise ValueError(f"{' and '.join(pair)} {reason}; give {others}")
    variables: dict[str, str] = {}
    for name in names:
        combination = COMBINATIONS.get(name)
        place = name if combination is None else combination.place_among(names)
        if place in variables:
            raise ValueError(_redundant((variables[place], name), place, names))
        variables[place] = name


def _redundant(pair: tuple[str, str], place: str, names: list[str]) -> str:
    """Why two variables do not go together, and sets without one or the other."""
    formulas = [f"{n} = {COMBINATIONS[n].formula}" for n in pair if n in COMBINATIONS]
    sets = [f"`{{{', '.join(f'{n}: ...' for n in names if n != left)}}}`" for left in pair]
    if len(formulas) == 2:
        reason = f"{formulas[0]} and {formulas[1]} both take the place of {place}"
    else:
        reason = f"{formulas[0]} takes the place of {place}, which is a variable, too"
    return f"{reason}; leave out one of the two: {sets[0]} or {sets[1]}"


def _check_laws(laws: FollowSection, names: list[str]) -> None:
    """Properties that follow vp must not be variables, nor parts of them."""
    followers = laws.names
    if followers and "vp" not in names:
        raise ValueError(
            f"{' and '.join(followers)} cannot follow vp, which is not inverted for; add vp to "
            f"`invert_for`, or leave out `follow`"
        )
    for follower in followers:
        for name in names:
            combination = COMBINATIONS.get(name)
            if name == follower or (combination and follower in combination.needs):
                formula = f" = {combination.formula}" if combination else ""
                raise ValueError(
                    f"{follower} cannot follow vp, as {name}{formula} is inverted for; leave out "
                    f"`follow.{follower}`, or {name} in `invert_for`"
                )


class InversionSection(Section):
    """Variables, data and method of an inversion."""

    stages: Annotated[list[StageSection], Field(min_length=1)]
    """The inversion runs these frequency bands one after the other."""
    invert_for: dict[str, VariableSection] | None = None
    """These properties of the equation, or combinations in place of some (impedance,
    shear_impedance, vp_vs_ratio, lame_lambda, lame_mu), are inverted for, each with bounds."""
    follow: FollowSection = FollowSection()
    """These properties follow vp by laws; others that are not inverted for stay."""
    parameter: ParameterName | None = None
    """The optimizer sees this function of vp, where vp alone is inverted for."""
    misfit: MisfitSection = LeastSquaresSection()
    """This misfit compares synthetic and observed gathers."""
    component_weights: ComponentWeights | None = None
    """The misfit of these components, each relative to that of its records, counts this much; 1 by
    default, 0 leaves a component out."""
    conditioning: list[ConditioningSection] = Field(default=[])
    """These operators select, one after the other, the data to compare."""
    near_source: NearSource | None = None
    """Within this distance of the source, grid-dependent parts of records are ignored; auto, the
    default, is four cells [m]."""
    source: SourceChoice = False
    """The wavelet is estimated with these settings, or taken as known."""
    bounds: Bounds | None = None
    """The velocity stays between these two values, where vp alone is inverted for [m/s]."""
    fixed: Regions = "water"
    """These regions keep the starting model: water, above a depth [m], layers, masks, or
    nothing."""
    taper: NonNegative = 0.0
    """Changes fade out towards the fixed region over this length [m]."""
    regularization: list[PenaltySection] = Field(default_factory=list)
    """These penalties are terms of the objective."""
    constraints: list[ConstraintSection] = Field(default_factory=list)
    """The model satisfies these constraints."""
    preconditioning: PreconditioningSection = PreconditioningSection()
    """This section approximates the inverse Hessian before the optimizer begins."""
    model_smoothing: NonNegative = 0.0
    """The update of each stage is smoothed over this length when the stage ends [m]."""
    optimizer: OptimizerSection = LbfgsSection()
    """This method minimises the objective."""
    shots: ShotsSection = ShotsSection()
    """Each iteration uses these shots: all, some, or several in one simulation."""

    @field_validator("bounds", mode="before")
    @classmethod
    def _of_vp_alone(cls, value: Any) -> Any:
        if isinstance(value, dict) and value:
            example = ", ".join(f"{name}: [LOW, HIGH]" for name in value)
            raise ValueError(
                f"these are the bounds of vp, as in [1450, 4500]; those of properties by name are "
                f"`invert_for: {{{example}}}`"
            )
        return value

    @field_validator(
        "invert_for",
        mode="before",
        json_schema_input_type=dict[str, VariableSection | Bounds] | None,
    )
    @classmethod
    def _bounds_alone(cls, value: Any) -> Any:
        if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
            example = ", ".join(f"{name}: [LOW, HIGH]" for name in value)
            raise ValueError(f"give each property with its bounds, as in {{{example}}}")
        if not isinstance(value, dict):
            return value
        return {k: {"bounds": v} if isinstance(v, list) else v for k, v in value.items()}

    @field_validator("invert_for")
    @classmethod
    def _consistent(
        cls, value: dict[str, VariableSection] | None
    ) -> dict[str, VariableSection] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("name what to invert for, as in {vp: [1400, 5000]}")
        _check_places(list(value))
        for name, inverted in value.items():
            _check_variable(name, inverted)
        return value

    @model_validator(mode="after")
    def _said_once(self) -> InversionSection:
        if self.invert_for is None:
            if self.bounds is None:
                raise ValueError("give `bounds` of vp [m/s], or `invert_for` with bounds of each")
            _check_variable("vp", self.inverted()["vp"])
        elif self.bounds is not None or self.parameter is not None:
            name = "bounds" if self.bounds is not None else "parameter"
            raise ValueError(
                f"both `{name}` and `invert_for` are given; put the {name} into "
                f"`invert_for: {{vp: ...}}`"
            )
        _check_laws(self.follow, list(self.inverted()))
        return self

    @model_validator(mode="after")
    def _concern_what_changes(self) -> InversionSection:
        inverted = self.inverted()
        for settings in (self, *(self.of(n) for n in range(len(self.stages)))):
            for section in (*settings.regularization, *settings.constraints):
                if section.property not in inverted:
                    raise ValueError(
                        f"{section.kind} concerns {section.property}, which is not inverted for; "
                        f"set its `property` to one of: {', '.join(inverted)}"
                    )
            for section in settings.constraints:
                if inverted[section.property].parameter not in (None, section.property):
                    raise ValueError(
                        f"models that fulfil {section.kind} are convex in {section.property} "
                        f"itself; leave out its `parameter`"
                    )
            if settings.constraints and not settings.optimizer.keeps_constraints:
                raise ValueError(
                    f"the optimizer {settings.optimizer.method} keeps bounds alone, no "
                    f"`constraints`; set `optimizer: {{method: spectral_gradient}}`"
                )
            if settings.constraints and settings.taper:
                raise ValueError(
                    "a change that is tapered cannot be projected onto `constraints`; leave out "
                    "one of the two, or use `preconditioning.mutes`"
                )
        return self

    @model_validator(mode="after")
    def _with_second_derivatives(self) -> InversionSection:
        for number in range(len(self.stages)):
            settings = self.of(number)
            method, misfit = settings.optimizer.method, settings.misfit
            if not settings.optimizer.second_order:
                continue
            if not misfit.has_curvature:
                raise ValueError(
                    f"stage {number + 1}: `optimizer: {{method: {method}}}` needs the second "
                    f"derivative of the misfit, which `{misfit.kind}` lacks; choose another "
                    f"misfit, such as least_squares, or `method: lbfgs`"
                )
            if settings.source and settings.source.estimate == "common":
                raise ValueError(
                    f"stage {number + 1}: `optimizer: {{method: {method}}}` needs a source of "
                    f"each shot, not one in common; set `source: {{estimate: shot}}`, or choose "
                    f"`method: lbfgs`"
                )
        return self

    def of(self, number: int) -> InversionSection:
        """The settings of one stage, by number from 0."""
        stage = self.stages[number]
        own = {
            name: getattr(stage, name)
            for name in type(stage).model_fields
            if name in type(self).model_fields and getattr(stage, name) is not None
        }
        return self.model_copy(update=own)

    def inverted(self) -> dict[str, VariableSection]:
        """Variables by name; vp by default."""
        if self.invert_for is not None:
            return self.invert_for
        return {"vp": VariableSection(bounds=self.bounds or [], parameter=self.parameter)}
