"""The key `component`: the quantity that receivers record, or that sources emit."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from fwicli.config.values import NonNegative, Number, OneOf, Positive, Section, kind
from fwicli.survey.components import NAMES

# Of a direction, by dip and azimuth [deg].
CODE = r"(velocity|acceleration)( -?[0-9.]{1,12}){2}|strain_rate( -?[0-9.]{1,12}){3}"


class DirectionSection(Section):
    """A component of a vector along any direction."""

    quantity: Literal["velocity", "acceleration", "force", "strain_rate"]
    """The component is of this vector, of particle motion or of a source, or a strain rate."""
    gauge: Positive | None = None
    """A strain rate is that of a fibre over this length, centred on the receiver [m]."""
    dip: Number
    """The direction dips by this angle below the horizontal plane [deg]."""
    azimuth: Number = 0.0
    """The direction has this angle from x towards y [deg]."""


_Name = Annotated[str, OneOf(NAMES, ", or a mapping with quantity, dip and azimuth"), Tag("text")]
_Direction = Annotated[DirectionSection, Tag("mapping")]
_Sensor = Annotated[
    str, OneOf((*NAMES, "none"), ", or a mapping with quantity, dip and azimuth"), Tag("text")
]


def _written(name: str) -> str:
    if name not in NAMES and not re.fullmatch(CODE, name):
        raise ValueError(
            f"there is no component `{name}`; there are {', '.join(NAMES)}, and directions as "
            f"`velocity 30 45`, with dip and azimuth [deg], and `strain_rate 0 0 10` with the "
            f"gauge [m]"
        )
    return name


ComponentKey = Annotated[_Name | _Direction, Discriminator(kind)]
# Of points that may record several.
ComponentsKey = Annotated[
    _Name | _Direction | Annotated[list[ComponentKey], Field(min_length=1), Tag("list")],
    Discriminator(kind),
]
# Components by trace identification codes of SEG-Y; `none` of traces that are left out.
TraceIds = Annotated[
    dict[
        Annotated[int, Field(ge=-(2**15), lt=2**15)],
        Annotated[_Sensor | _Direction, Discriminator(kind)],
    ],
    Field(min_length=1),
]
# Weights by component: `vx`, or `velocity 30 45` for a direction of dip and azimuth [deg].
ComponentWeights = Annotated[
    dict[Annotated[str, AfterValidator(_written)], NonNegative], Field(min_length=1)
]
