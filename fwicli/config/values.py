"""Parts of config sections: numbers, pairs, names, and mappings of known keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
)
from pydantic_core import CoreSchema, core_schema

# Beyond lies no quantity in SI units; products of several of them stay finite.
SMALLEST, LARGEST = 1e-30, 1e30
# Of points, shots, steps and iterations.
MOST = 10**9
# Stands for a key that is needed and left out, where another would have done.
NOTHING = object()


def _in_proportion(value: float) -> float:
    if value and not SMALLEST <= abs(value) <= LARGEST:
        raise ValueError(f"must be 0 or from {SMALLEST:g} to {LARGEST:g} in size, in SI units")
    return value


Positive = Annotated[
    float, Field(strict=True, gt=0, allow_inf_nan=False), AfterValidator(_in_proportion)
]
NonNegative = Annotated[
    float, Field(strict=True, ge=0, allow_inf_nan=False), AfterValidator(_in_proportion)
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False), AfterValidator(_in_proportion)]
Count = Annotated[int, Field(strict=True, ge=1, le=MOST)]


def kind(value: Any) -> str:
    """Which member of a union a value is meant for: errors then concern that member alone."""
    if isinstance(value, dict | BaseModel):
        return "mapping"
    if isinstance(value, list):
        return "list"
    if isinstance(value, str):
        return "text"
    return "switch" if isinstance(value, bool) else "number"


def kinds(union: Any, key: str = "kind") -> tuple[str, ...]:
    """Names that select the members of a union of sections.

    Parameters
    ----------
    union : Annotated union
        Sections with a literal of names under the key.
    key : str
        Key that selects a member.

    Returns
    -------
    names : tuple of str
    """
    sections = get_args(get_args(union)[0])
    return tuple(n for s in sections for n in get_args(s.model_fields[key].annotation))


class OneOf:
    """Validator of a name that is looked up in a table, or else something that is no text."""

    def __init__(self, names: Iterable[str], otherwise: str = "") -> None:
        self.names, self.otherwise = tuple(names), otherwise

    def check(self, value: str) -> str:
        """The name, if it is in the table."""
        if value not in self.names:
            listed = "one of: " if len(self.names) > 1 else ""
            raise ValueError(f"must be {listed}{', '.join(self.names)}{self.otherwise}")
        return value

    def __get_pydantic_core_schema__(self, text: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(text))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(core), "enum": list(self.names)}


class Section(BaseModel):
    """A mapping in which every key is known."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, defer_build=True
    )

    def chosen(self, *names: str) -> tuple[str, ...]:
        """Names among some settings whose values are not their defaults."""
        fields = type(self).model_fields
        return tuple(n for n in names if getattr(self, n) != fields[n].default)


Kept = Annotated[
    Annotated[str, OneOf(("water", "nothing"), ", or a depth [m]"), Tag("text")]
    | Annotated[NonNegative, Tag("number")],
    Discriminator(kind),
]


class GridErrorSection(Section):
    """Coarse grid of a largest error of the records."""

    error: Annotated[float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False)]
    """Records of the shot with the longest path have at most this relative error, as estimated,
    as 0.02 for 2 %."""


def _length_or(*names: str) -> Any:
    """A length [m], or one of some names."""
    return Annotated[
        Annotated[str, OneOf(names, ", or a length [m]"), Tag("text")]
        | Annotated[Positive, Tag("number")],
        Discriminator(kind),
    ]


Coarseness = _length_or("auto")
NearSource = _length_or("auto", "nothing")
PropagationGrid = Annotated[
    Annotated[
        str, OneOf(("model", "auto"), ", or a length [m], or {error: 0.02} for 2 %"), Tag("text")
    ]
    | Annotated[Positive, Tag("number")]
    | Annotated[GridErrorSection, Tag("mapping")],
    Discriminator(kind),
]
Aperture = _length_or("whole", "auto")


def _increasing(value: list[float]) -> list[float]:
    if value[0] >= value[1]:
        raise ValueError("the first of the two must be below the second")
    return value


Band = Annotated[list[NonNegative], Field(min_length=2, max_length=2), AfterValidator(_increasing)]
Bounds = Annotated[list[Positive], Field(min_length=2, max_length=2), AfterValidator(_increasing)]
# Of a property that need not be positive, such as an angle.
Range = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_increasing)]
