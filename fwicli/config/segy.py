"""Keys of the section `data` for SEG-Y and SU files: byte map, groups, dead and reversed traces."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from fwicli.config.components import TraceIds
from fwicli.config.values import Number, OneOf, Section, kind
from fwicli.segy.fields import GROUPS, HEADER, PRESETS, STANDARD, WRITTEN

Type = Literal["int16", "uint16", "int32", "uint32", "float32", "float64"]
Byte = Annotated[int, Field(strict=True, ge=1, le=HEADER)]


class HeaderFieldSection(Section):
    """A field of trace headers, or a value in its place."""

    bytes: Byte | None = None
    """The field begins at this byte of the trace header, counted from 1."""
    type: Type | None = None
    """The field has this type; by default that of the standard."""
    sign: Literal[1, -1] = 1
    """Values are multiplied by this sign."""
    value: Number | None = None
    """All traces have this value, in SI units, and no byte is read."""

    @model_validator(mode="after")
    def _one(self) -> HeaderFieldSection:
        if (self.bytes is None) == (self.value is None):
            raise ValueError("give either `bytes` or `value`")
        return self


HeaderField = Annotated[
    Annotated[str, Field(pattern=WRITTEN.pattern + "|^none$"), Tag("text")]
    | Annotated[Byte, Tag("number")]
    | Annotated[HeaderFieldSection, Tag("mapping")],
    Discriminator(kind),
]


class BytesSection(Section):
    """Bytes of trace headers that hold positions, numbers and times.

    Each key is written as `81:int32` (first byte and type), as `81`, as a mapping, or as `none` if
    it is not to be read.
    """

    field_record: HeaderField | None = None
    """The number of the field record is here; byte 9 by default."""
    channel: HeaderField | None = None
    """The number of the trace within its record is here; byte 13 by default."""
    source_point: HeaderField | None = None
    """The number of the source point is here; byte 17 by default."""
    receiver_point: HeaderField | None = None
    """The number of the receiver station is here; it is not read by default."""
    gun: HeaderField | None = None
    """The number of the gun is here; it is not read by default."""
    trace_id: HeaderField | None = None
    """The trace identification code is here; byte 29 by default."""
    receiver_elevation: HeaderField | None = None
    """The elevation of the receiver, positive upwards, is here; byte 41 by default."""
    source_elevation: HeaderField | None = None
    """The elevation of the surface at the source, positive upwards, is here; byte 45 by default."""
    source_depth: HeaderField | None = None
    """The depth of the source below that surface is here; byte 49 by default."""
    receiver_depth: HeaderField | None = None
    """The depth of the receiver below its elevation is here; it is not read by default."""
    elevation_scalar: HeaderField | None = None
    """The scalar of elevations and depths is here; byte 69 by default."""
    coordinate_scalar: HeaderField | None = None
    """The scalar of coordinates is here; byte 71 by default."""
    source_x: HeaderField | None = None
    """The easting of the source is here; byte 73 by default."""
    source_y: HeaderField | None = None
    """The northing of the source is here; byte 77 by default."""
    receiver_x: HeaderField | None = None
    """The easting of the receiver is here; byte 81 by default."""
    receiver_y: HeaderField | None = None
    """The northing of the receiver is here; byte 85 by default."""
    coordinate_units: HeaderField | None = None
    """The code of the unit of coordinates is here; byte 89 by default."""
    delay: HeaderField | None = None
    """The delay recording time [ms] is here; byte 109 by default."""
    sample_count: HeaderField | None = None
    """The number of samples of the trace is here; byte 115 by default."""
    sample_interval: HeaderField | None = None
    """The sampling interval [us] is here; byte 117 by default."""
    unit: HeaderField | None = None
    """The code of the unit of samples is here; byte 203 by default, and not read in revision 0."""
    time_scalar: HeaderField | None = None
    """The scalar of times is here; byte 215 by default."""


GroupKey = Annotated[str, OneOf((*GROUPS, *STANDARD))]


class TraceHeadersSection(Section):
    """How the traces of SEG-Y and SU files form shots."""

    preset: Annotated[str, OneOf(PRESETS)] = "standard"
    """Trace headers are read as surveys of this kind state them, in SEG-Y and SU files."""
    bytes: BytesSection = BytesSection()
    """These fields of trace headers are at other bytes than the standard's."""
    group: GroupKey | Annotated[list[GroupKey], Field(min_length=1)] | None = None
    """Traces with equal fields of these names form a shot; `shot` is field record, gun and source,
    and `receiver` makes receivers the sources, by reciprocity."""
    dead: Literal["drop", "zero"] = "drop"
    """Dead traces (trace id 2) are left out, or read as zeros."""
    trace_ids: TraceIds | None = None
    """Traces with these identification codes recorded these components, as in
    `{12: vz, 13: none}`, where `none` leaves them out."""
    reversed: list[Annotated[int, Field(strict=True, ge=0)]] | None = None
    """Traces of these channels have the wrong polarity and are multiplied by -1."""
