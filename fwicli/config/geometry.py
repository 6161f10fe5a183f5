"""The section `geometry`: where sources and receivers are, along lines and on grids."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Tag, model_validator

from fwicli.config.values import Count, Number, Section, kind


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("must not be 0")
    return value


class Line(Section):
    """Evenly spaced values from start to stop [m], by step or by count; one is at the start.

    step: negative where the line goes back; stop is its last value if a whole number of steps
    leads there, else the last is before it.
    """

    start: Number
    stop: Number
    step: Annotated[Number, AfterValidator(_not_zero)] | None = None
    count: Count | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Line:
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
    | Annotated[Line, Tag("mapping")],
    Discriminator(kind),
]


class Points(Section):
    """Positions [m]: coordinates that are paired (`line`) or combined (`grid`)."""

    x: Coordinate
    y: Coordinate | None = None
    z: Coordinate
    layout: Literal["line", "grid"] = "line"


class Receivers(Points):
    """Receivers; `towed` makes x (and y) offsets from the source of each shot."""

    towed: bool = False


class Geometry(Section):
    """Sources, one a shot, and the receivers of every shot."""

    sources: Points
    receivers: Receivers
