"""The section `coordinates`: where the model lies on the map."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from fwicli.config.values import Number, OneOf, Section, kind

Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]
Origin = Annotated[
    Annotated[Pair, Tag("list")]
    | Annotated[
        str, OneOf(("beginning", "first_source"), ", or easting and northing [m]"), Tag("text")
    ],
    Discriminator(kind),
]


class CoordinatesSection(Section):
    """Map coordinates of a survey, and the axes of the model on the map."""

    fit: Literal["line"] | None = None
    """The x axis is the best line through sources and receivers; in 2D they are projected on it."""
    origin: Origin | None = None
    """This easting and northing, the beginning of the fitted line, or the first source is the
    origin [m]."""
    azimuth: Number | None = None
    """The x axis has this direction, clockwise from north; by default 90, so that x is the easting
    [deg]."""
    shift: Pair | None = None
    """The origin has these coordinates x and y in the model, by default 0 [m]."""
    datum: Number = 0.0
    """The z = 0 of the model is at this elevation, and depths of the map are below elevation 0
    [m]."""

    @model_validator(mode="after")
    def _one_direction(self) -> CoordinatesSection:
        if self.fit is not None and self.azimuth is not None:
            raise ValueError("`fit: line` finds the azimuth; leave out `fit` or `azimuth`")
        if self.fit is None and isinstance(self.origin, str):
            raise ValueError(
                f"`origin: {self.origin}` is for `fit: line`; add that, or give easting and "
                f"northing [m]"
            )
        return self
