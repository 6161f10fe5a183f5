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


class OnProperty(Section):
    """What concerns one of the properties that are inverted for; vp if none is said."""

    property: str = "vp"


class _Penalty(OnProperty):
    """A term of the objective.

    weight: beside a misfit that is 1 where nothing is explained.
    """

    weight: Positive


class _Smoothness(_Penalty):
    """of: the `model`, or its `change` since the start of the run."""

    of: Literal["model", "change"] = "model"


class TikhonovSection(_Smoothness):
    """Squared slopes (order 1) or curvature (2); axes: weights along each, as in {x: 4, z: 1}."""

    kind: Literal["tikhonov"]
    order: Literal[1, 2] = 1
    axes: dict[Axis, NonNegative] | None = None


class DirectionalSection(_Smoothness):
    """Squared slopes along layers of a dip [deg] towards larger x, one or a file of them."""

    kind: Literal["directional"]
    dip: NumberOrArray = 0.0


class TotalVariationSection(_Smoothness):
    """Length of the slopes; those below `smoothing`, in widths per km, count squared."""

    kind: Literal["total_variation"]
    smoothing: Positive = 0.05


class ReferenceSection(_Penalty):
    """Squared distance to a model: a number, a file in SI units, or else the starting model."""

    kind: Literal["reference"]
    model: NumberOrArray | None = None


PenaltySection = Annotated[
    TikhonovSection | DirectionalSection | TotalVariationSection | ReferenceSection,
    Field(discriminator="kind"),
]


class _Ball(OnProperty):
    """limit: in SI units per metre.  relative: to that of the starting model."""

    limit: Positive | None = None
    relative: Positive | None = None

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


class SmoothnessSection(_Ball):
    """The root mean square of the slopes is at most a limit."""

    kind: Literal["smoothness"]


class SlopesSection(OnProperty):
    """Slopes along an axis are within limits, in SI units per metre; z with low: 0 is a trend."""

    kind: Literal["slopes"]
    axis: Axis = "z"
    low: Number | None = None
    high: Number | None = None

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
