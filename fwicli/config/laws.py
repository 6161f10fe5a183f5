"""Laws by which properties that are not inverted for follow vp; references are in `survey.laws`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fwicli.config.values import Positive, Section


class MudrockSection(Section):
    """vs follows vp as in clastic rocks: max((vp - intercept) / slope, least)."""

    law: Literal["mudrock"]
    """This name selects the mudrock line of clastic rocks with brine, for vs."""
    intercept: Positive = 1360.0
    """Rocks of this vp would have no vs [m/s]."""
    slope: Positive = 1.16
    """Where vs grows by one, vp grows by this number."""
    least: Positive = 100.0
    """The law gives no lower vs than this [m/s]."""


class GardnerSection(Section):
    """rho follows vp as its power."""

    law: Literal["gardner"]
    """This name selects the power law of sediments, for rho."""
    exponent: Annotated[Positive, Field(le=1)] = 0.25
    """Density is proportional to this power of vp."""


class FollowSection(Section):
    """Properties that change with vp, each by a law."""

    vs: MudrockSection | None = None
    """The velocity of S waves changes with vp by this law; fluids stay fluids."""
    rho: GardnerSection | None = None
    """Density changes with vp by this law, but not where vs is 0."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the properties that follow."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)
