"""The key `component`: the quantity that receivers record, or that sources emit."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from fwicli.config.values import NonNegative, Number, OneOf, Positive, Section, kind
from fwicli.survey.components import NAMES

# Of a direction, by dip and azimuth [deg].
CODE = (
    r"(velocity|displacement|acceleration)( -?[0-9.]{1,12}){2}|strain(_rate)?( -?[0-9.]{1,12}){3}"
)


class DirectionSection(Section):
    """A component of a vector along any direction, or a moment tensor."""

    quantity: Literal[
        "velocity", "displacement", "acceleration", "force", "strain_rate", "strain", "moment"
    ]
    """The component is of this vector, of particle motion or of a source, a strain, its rate, or
    the moment of a source."""
    gauge: Positive | None = None
    """A strain or its rate is that of a fibre over this length, centred on the receiver [m]."""
    dip: Number | None = None
    """The direction, or the fault of a moment, dips by this angle below the horizontal plane [deg];
    every direction needs it."""
    azimuth: Number | None = None
    """The direction has this angle from x towards y [deg]; 0 by default."""
    tensor: Annotated[list[Number], Field(min_length=3, max_length=6)] | None = None
    """A moment is the wavelet [N m], in 2D [N m/m], times this: xx, yy, zz, xy, xz, yz, or in 2D
    xx, zz, xz."""
    strike: Number | None = None
    """A moment without tensor is that of a fault in this direction from x towards y, which dips to
    its right [deg]."""
    rake: Number | None = None
    """The rock above the fault slips in this direction, from the strike upwards [deg]."""

    @model_validator(mode="after")
    def _one_of_two(self) -> DirectionSection:
        fault = (self.strike, self.rake)
        if self.quantity != "moment":
            if fault != (None, None) or self.tensor is not None:
                raise ValueError("`tensor`, `strike` and `rake` are those of `quantity: moment`")
            if self.dip is None:
                raise ValueError("give `dip` [deg], 0 along a horizontal direction and 90 along z")
        elif self.azimuth is not None or self.gauge is not None:
            raise ValueError("a moment has no `azimuth` and no `gauge`; leave them out")
        elif (None in (*fault, self.dip)) == (self.tensor is None) or (
            self.tensor is not None and (*fault, self.dip) != (None, None, None)
        ):
            raise ValueError(
                "a moment needs either `tensor`, as [xx, zz, xz] in 2D, or all of `strike`, `dip` "
                "and `rake` [deg]"
            )
        return self


_OTHERWISE = ", or a mapping with quantity, dip and azimuth, or with quantity and tensor"
_Name = Annotated[str, OneOf(NAMES, _OTHERWISE), Tag("text")]
_Direction = Annotated[DirectionSection, Tag("mapping")]
_Sensor = Annotated[
    str, OneOf((*NAMES, "none"), ", or a mapping with quantity, dip and azimuth"), Tag("text")
]


def _written(name: str) -> str:
    if name not in NAMES and not re.fullmatch(CODE, name):
        raise ValueError(
            f"there is no component `{name}`; there are {', '.join(NAMES)}, and directions as "
            f"`velocity 30 45`, with dip and azimuth [deg], and `strain 0 0 10` with the gauge "
            f"[m]"
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
