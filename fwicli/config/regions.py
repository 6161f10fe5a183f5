"""Parts of a model that an inversion leaves as they are."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from fwicli.config.arrays import ArrayFileSection
from fwicli.config.values import NonNegative, OneOf, Section, kind


class LayerSection(Section):
    """Depths above one, below one, or between two."""

    above: NonNegative | None = None
    """The region reaches from the top down to this depth [m]."""
    below: NonNegative | None = None
    """The region reaches from this depth down to the bottom [m]."""
    between: Annotated[list[NonNegative], Field(min_length=2, max_length=2)] | None = None
    """The region lies between these two depths [m]."""

    @model_validator(mode="after")
    def _one(self) -> LayerSection:
        edges = [n for n in ("above", "below", "between") if getattr(self, n) is not None]
        if len(edges) != 1:
            raise ValueError("give one of `above`, `below`, `between` [m], or a `file`")
        if self.between is not None and self.between[0] >= self.between[1]:
            raise ValueError("the first of the two depths must be above the second")
        return self

    def depths(self) -> tuple[float, float]:
        """First and last depth [m]; the last does not belong to it."""
        if self.between is not None:
            return self.between[0], self.between[1]
        if self.above is not None:
            return -float("inf"), self.above
        return self.below or 0.0, float("inf")


def _which(value: Any) -> str:
    if isinstance(value, ArrayFileSection):
        return "file"
    if isinstance(value, dict) and difflib.get_close_matches("file", map(str, value), n=1):
        return "file"  # or what is meant by a key that is misspelt
    return "mapping" if isinstance(value, BaseModel) else kind(value)


_Region = (
    Annotated[str, OneOf(("water", "nothing"), ", a depth [m], or layers"), Tag("text")]
    | Annotated[NonNegative, Tag("number")]
    | Annotated[LayerSection, Tag("mapping")]
    | Annotated[ArrayFileSection, Tag("file")]
)
Region = Annotated[_Region, Discriminator(_which)]
# The water layer, all above a depth, layers, a mask that is not zero there; or several of these.
Regions = Annotated[
    _Region | Annotated[list[Region], Tag("list")],
    Discriminator(_which),
]
