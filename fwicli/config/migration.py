"""Settings that `fwi rtm` and `fwi lsrtm` have in common: records, and the grid of the image."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from fwicli.config.conditioning import ConditioningSection
from fwicli.config.values import (
    Band,
    Coarseness,
    Kept,
    NearSource,
    NonNegative,
    OneOf,
    Positive,
    Section,
    kind,
)

Subtraction = Annotated[
    Annotated[bool, Tag("switch")]
    | Annotated[str, OneOf(("water",), ", true or false"), Tag("text")],
    Discriminator(kind),
]


class LineSourceSection(Section):
    """Records of point sources in 3D as those of line sources, which waves in 2D have.

    Traces are integrated by half an order in time, and multiplied with velocity (2 pi t)**(1/2).
    """

    velocity: Positive
    """The waves have this velocity between source, reflectors and receivers [m/s]."""
    delay: NonNegative = 0.0
    """Times count from this one, at which the wavelet peaks [s]."""


LineSource = Annotated[
    Annotated[LineSourceSection, Tag("mapping")] | Annotated[Literal[False], Tag("switch")],
    Discriminator(kind),
]


class MigrationSection(Section):
    """Records of a migration, and the grid of the image."""

    subtract_modelled: Subtraction = True
    """Direct and diving waves, modelled in the smooth model, are subtracted from the data first, or
    with `water` direct waves alone."""
    line_source: LineSource = False
    """The amplitudes and phases of field records are corrected to waves in 2D."""
    conditioning: list[ConditioningSection] = Field(default=[])
    """These operators, such as mutes, select and weigh the data, in their order."""
    mute: Kept = "nothing"
    """The image leaves out this region: the water, all above a depth, or nothing [m]."""
    band: Band | None = None
    """Data and wavelet are filtered to these lowest and highest frequencies [Hz]."""
    spacing: Coarseness | None = None
    """The image has this grid spacing, or the coarsest possible one; by default the model's [m]."""
    near_source: NearSource | None = None
    """Within this distance of the source, grid-dependent parts of records are ignored; auto, the
    default, is four cells [m]."""
