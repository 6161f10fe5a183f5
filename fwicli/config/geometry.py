"""The section `geometry`: where sources and receivers are, along lines and on grids."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Tag, model_validator

from fwicli.config.values import Count, Number, Section, kind


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("must not be 0")
    return value


class LineSection(Section):
    """Evenly spaced values from start to stop; one is at the start."""

    start: Number
    """The line starts at this coordinate [m]."""
    stop: Number
    """The line stops at this coordinate, or before it if whole steps lead elsewhere [m]."""
    step: Annotated[Number, AfterValidator(_not_zero)] | None = None
    """Neighbouring points are this far apart, negative where the line goes back [m]."""
    count: Count | None = None
    """The line has this number of points."""

    @model_validator(mode="after")
    def _one_way(self) -> LineSection:
        if (self.step is None) == (self.count is None):
            raise ValueError("give either `step` [m] or `count`")
        length, line = self.stop - self.start, f"from {self.start:g} to {self.stop:g} m"
        if self.step is not None and 0 < abs(length) < abs(self.step) * (1 - 1e-9):
            raise ValueError(
                f"a step of {self.step:g} m is longer than the line {line}; set "
                f"`step: {length:.12g}` or a shorter one, or give one number [m] in place of it"
            )
        if self.step is not None and length and self.step * length < 0:
            raise ValueError(
                f"a step of {self.step:g} m does not lead {line}; set `step: {-self.step:.12g}`, "
                f"or exchange `start` and `stop`"
            )
        return self


Coordinate = Annotated[
    Annotated[Number, Tag("number")]
    | Annotated[list[Number], Tag("list")]
    | Annotated[LineSection, Tag("mapping")],
    Discriminator(kind),
]


class PointsSection(Section):
    """Positions: coordinates that are paired (`line`) or combined (`grid`)."""

    x: Coordinate
    """The points have these horizontal coordinates [m]."""
    y: Coordinate | None = None
    """The points have these second horizontal coordinates in 3D [m]."""
    z: Coordinate
    """The points have these depths, positive downwards [m]."""
    layout: Literal["line", "grid"] = "line"
    """Coordinates are paired one by one along a line, or combined to a grid."""


class ReceiversSection(PointsSection):
    """Receivers of every shot."""

    towed: bool = False
    """The receivers move with the source, and x and y are offsets from it."""


class GeometrySection(Section):
    """Sources, one a shot, and the receivers of every shot."""

    sources: PointsSection
    """The sources are at these points, one for each shot."""
    receivers: ReceiversSection
    """The receivers of every shot are at these points."""
