"""The lists `regularization` and `constraints`: what a model should be like, and what it must be.

Slopes of penalties are in widths of the bounds per kilometre (see
`inversion.regularization.penalties`), so that weights mean the same for every property and grid;
limits of constraints are in SI units per metre.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from fwicli.config.arrays import NumberOrArray
from fwicli.config.values import NonNegative, Number, Positive, Section

Axis = Literal["x", "y", "z"]


class PropertySection(Section):
    """A term for one of the properties that are inverted for."""

    property: str = "vp"
    """The term concerns this one of the properties that are inverted for."""


class _Penalty(PropertySection):
    """A term of the objective."""

    weight: Positive
    """The term has this weight beside a misfit that is 1 where nothing is explained."""


class _Smoothness(_Penalty):
    """A term that penalises slopes."""

    of: Literal["model", "change"] = "model"
    """The term concerns the model, or its change since the start of the run."""


class TikhonovSection(_Smoothness):
    """Squared slopes, or squared curvature."""

    kind: Literal["tikhonov"]
    """This name selects Tikhonov regularization."""
    order: Literal[1, 2] = 1
    """The term penalises slopes (1) or curvature (2)."""
    axes: dict[Axis, NonNegative] | None = None
    """The axes have these weights, as in {x: 4, z: 1}."""


class DirectionalSection(_Smoothness):
    """Squared slopes along layers of a dip."""

    kind: Literal["directional"]
    """This name selects slopes along layers."""
    dip: NumberOrArray = 0.0
    """The layers dip by this angle towards larger x, a number or an array [deg]."""


class TotalVariationSection(_Smoothness):
    """Length of the slopes."""

    kind: Literal["total_variation"]
    """This name selects total variation."""
    smoothing: Positive = 0.05
    """Slopes below this, in widths of the bounds, count squared [1/km]."""


class ReferenceSection(_Penalty):
    """Squared distance to a model."""

    kind: Literal["reference"]
    """This name selects the distance to a model."""
    model: NumberOrArray | None = None
    """The distance is to this number or array; by default to the starting model [SI units]."""


PenaltySection = Annotated[
    TikhonovSection | DirectionalSection | TotalVariationSection | ReferenceSection,
    Field(discriminator="kind"),
]


class _Ball(PropertySection):
    """A limit of slopes, by value or relative to the starting model."""

    limit: Positive | None = None
    """The slopes have this limit [SI units/m]."""
    relative: Positive | None = None
    """The limit is this multiple of the starting model's slopes."""

    @model_validator(mode="after")
    def _one(self) -> _Ball:
        if (self.limit is None) == (self.relative is None):
            raise ValueError(
                "give either `limit`, in SI units per metre, or `relative`, to the starting model"
            )
        return self


class VariationSection(_Ball):
    """The mean length of the slopes is at most a limit."""

    kind: Literal["total_variation"]
    """This name selects a limit of the mean slope."""


class SmoothnessSection(_Ball):
    """The root mean square of the slopes is at most a limit."""

    kind: Literal["smoothness"]
    """This name selects a limit of the root mean square slope."""


class SlopesSection(PropertySection):
    """Slopes along an axis are within limits; z with low: 0 is a trend."""

    kind: Literal["slopes"]
    """This name selects limits of slopes along an axis."""
    axis: Axis = "z"
    """The slopes are along this axis."""
    low: Number | None = None
    """The slopes are at least this [SI units/m]."""
    high: Number | None = None
    """The slopes are at most this [SI units/m]."""

    @model_validator(mode="after")
    def _some(self) -> SlopesSection:
        if self.low is None and self.high is None:
            raise ValueError("give `low`, `high` or both, in SI units per metre")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"`low`, {self.low:g}, must be below `high`, {self.high:g}")
        return self


ConstraintSection = Annotated[
    VariationSection | SmoothnessSection | SlopesSection, Field(discriminator="kind")
]
