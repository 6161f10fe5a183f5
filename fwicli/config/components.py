"""The key `component`: the quantity that receivers record, or that sources emit."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from fwicli.config.values import Number, OneOf, Section, kind
from fwicli.survey.components import NAMES


class DirectionSection(Section):
    """A component of a vector along any direction."""

    quantity: Literal["velocity", "acceleration", "force"]
    """The component is of this vector: of particle motion, or of a source."""
    dip: Number
    """The direction dips by this angle below the horizontal plane [deg]."""
    azimuth: Number = 0.0
    """The direction has this angle from x towards y [deg]."""


_Name = Annotated[str, OneOf(NAMES, ", or a mapping with quantity, dip and azimuth"), Tag("text")]
_Direction = Annotated[DirectionSection, Tag("mapping")]

ComponentKey = Annotated[_Name | _Direction, Discriminator(kind)]
# Of points that may record several.
ComponentsKey = Annotated[
    _Name | _Direction | Annotated[list[ComponentKey], Field(min_length=1), Tag("list")],
    Discriminator(kind),
]
