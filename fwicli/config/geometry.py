"""The section `geometry`: where sources and receivers are: lines, grids, shapes, and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fwicli.config.components import ComponentsKey
from fwicli.config.coordinates import CoordinatesSection
from fwicli.config.data import RecordsSection
from fwicli.config.tables import (
    RelationSection,
    SpsFileSection,
    TableSection,
    TracesTableSection,
    Unit,
    by_path,
)
from fwicli.config.values import (
    NOTHING,
    Count,
    NonNegative,
    Number,
    OneOf,
    Positive,
    Section,
    kind,
)


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("must not be 0")
    return value


class LineSection(Section):
    """Evenly spaced values from start to stop; one is at the start."""

    start: Number
    """The line starts at this coordinate [m]."""
    stop: Number
    """The line stops at this coordinate, or before it if whole steps lead elsewhere [m]."""
    step: Annotated[Number, AfterValidator(_not_zero)] | None = None
    """Neighbouring points are this far apart, negative where the line goes back [m]."""
    count: Count | None = None
    """The line has this number of points."""

    @model_validator(mode="after")
    def _one_way(self) -> LineSection:
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
    | Annotated[LineSection, Tag("mapping")],
    Discriminator(kind),
]


class PointsSection(Section):
    """Positions: coordinates that are paired (`line`) or combined (`grid`)."""

    x: Coordinate
    """The points have these horizontal coordinates [m]."""
    y: Coordinate | None = None
    """The points have these second horizontal coordinates in 3D [m]."""
    z: Coordinate | None = None
    """The points have these depths, positive downwards [m]."""
    depth_below_surface: Coordinate | None = None
    """The points are this far below `physics.topography`, in place of `z` [m]."""
    layout: Annotated[str, OneOf(("line", "grid"), ", ring, arc, polyline")] = "line"
    """Coordinates are paired one by one along a line, or combined to a grid."""
    component: ComponentsKey = "pressure"
    """Sources emit, receivers record, this: `vz`, a direction, a moment; receivers also several."""

    @model_validator(mode="before")
    @classmethod
    def _without_depth(cls, section: Any) -> Any:
        if isinstance(section, dict) and not {"z", "depth_below_surface"} & section.keys():
            return {**section, "z": NOTHING}
        return section

    @field_validator("z", mode="before", json_schema_input_type=Coordinate | None)
    @classmethod
    def _needed(cls, value: Any) -> Any:
        if value is NOTHING:
            raise PydanticCustomError("missing", "Field required")
        return value

    @model_validator(mode="after")
    def _one_depth(self) -> PointsSection:
        if (self.z is None) == (self.depth_below_surface is None):
            raise ValueError("give either depths `z` [m], or `depth_below_surface` [m]")
        return self


Point = Annotated[list[Number], Field(min_length=2, max_length=3)]


class RingSection(Section):
    """Points evenly spaced on a circle: around a body in 2D, horizontal in 3D."""

    layout: Literal["ring"]
    """This name selects a ring."""
    centre: Point
    """The circle has this centre, (x, z) in 2D and (x, y, z) in 3D [m]."""
    radius: Positive
    """The points are this far from the centre [m]."""
    count: Count
    """The circle has this number of points, the first towards larger x."""
    component: ComponentsKey = "pressure"
    """Sources emit, receivers record, this: `vz`, a direction, a moment; receivers also several."""


class ArcSection(Section):
    """Points evenly spaced on a part of a circle: in 2D of x and z, in 3D horizontal."""

    layout: Literal["arc"]
    """This name selects an arc."""
    centre: Point
    """The circle has this centre, (x, z) in 2D and (x, y, z) in 3D [m]."""
    radius: Positive
    """The points are this far from the centre [m]."""
    angles: Annotated[list[Number], Field(min_length=2, max_length=2)]
    """The first and last point have these angles, from x towards z in 2D and y in 3D [deg]."""
    count: Count
    """The arc has this number of points, both ends among them."""
    component: ComponentsKey = "pressure"
    """Sources emit, receivers record, this: `vz`, a direction, a moment; receivers also several."""


class PolylineSection(Section):
    """Points along straight pieces from vertex to vertex, as of a cable or a crooked line."""

    layout: Literal["polyline"]
    """This name selects a polyline."""
    vertices: Annotated[list[Point], Field(min_length=2)]
    """The line goes through these points, (x, z) in 2D and (x, y, z) in 3D [m]."""
    step: Positive | None = None
    """Neighbouring points are this far apart along the line, from its first vertex [m]."""
    count: Count | None = None
    """The line has this number of evenly spaced points, both ends among them."""
    component: ComponentsKey = "pressure"
    """Sources emit, receivers record, this: `vz`, a direction, a moment; receivers also several."""

    @model_validator(mode="after")
    def _step_or_count(self) -> PolylineSection:
        if (self.step is None) == (self.count is None):
            raise ValueError("give either `step` [m] or `count`")
        return self


class OffsetRangeSection(Section):
    """Receivers that may be limited to a range of offsets, shot by shot."""

    offsets: Annotated[list[NonNegative], Field(min_length=2, max_length=2)] | None = None
    """A shot is recorded by receivers at horizontal distances from this least to this largest one
    [m]."""

    @field_validator("offsets")
    @classmethod
    def _in_order(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and value[0] > value[1]:
            raise ValueError("the least offset comes first, and the largest second")
        return value


class ReceiversSection(PointsSection, OffsetRangeSection):
    """Receivers of every shot."""

    towed: bool = False
    """The receivers move with the source, and x and y are offsets from it, along the axes of the
    model."""

    @model_validator(mode="after")
    def _one_way_to_move(self) -> ReceiversSection:
        if self.towed and self.offsets is not None:
            raise ValueError("`towed: true` gives the offsets by x and y; leave out `offsets`")
        return self


class ReceiverRingSection(RingSection, OffsetRangeSection):
    """Receivers on a circle."""


class ReceiverArcSection(ArcSection, OffsetRangeSection):
    """Receivers on a part of a circle."""


class ReceiverPolylineSection(PolylineSection, OffsetRangeSection):
    """Receivers along straight pieces."""


class ReceiverTableSection(TableSection, OffsetRangeSection):
    """Receivers in a table, one a row."""


SHAPES = ("ring", "arc", "polyline")
# Keys of a geometry that give both sources and receivers.
FILES_OF_BOTH = ("traces", "sps", "records")


def layout(value: Any) -> str:
    """Which kind of points a section is meant for."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if not isinstance(value, dict):
        return "line"
    name = value.get("layout")
    if name in SHAPES:
        return str(name)
    return "table" if "file" in value else "line"


Sources = Annotated[
    Annotated[PointsSection, Tag("line")]
    | Annotated[RingSection, Tag("ring")]
    | Annotated[ArcSection, Tag("arc")]
    | Annotated[PolylineSection, Tag("polyline")]
    | Annotated[TableSection, Tag("table")],
    Discriminator(layout),
]
Receivers = Annotated[
    Annotated[ReceiversSection, Tag("line")]
    | Annotated[ReceiverRingSection, Tag("ring")]
    | Annotated[ReceiverArcSection, Tag("arc")]
    | Annotated[ReceiverPolylineSection, Tag("polyline")]
    | Annotated[ReceiverTableSection, Tag("table")],
    Discriminator(layout),
]


class GeometrySection(Section):
    """Sources, one a shot, and the receivers of every shot."""

    sources: Annotated[Sources, BeforeValidator(by_path, json_schema_input_type=Sources | Path)]
    """The sources are at these points, one for each shot."""
    receivers: Annotated[
        Receivers, BeforeValidator(by_path, json_schema_input_type=Receivers | Path)
    ]
    """The receivers of every shot are at these points."""
    relation: Annotated[
        RelationSection | None,
        BeforeValidator(by_path, json_schema_input_type=RelationSection | Path | None),
    ] = None
    """This table says which receivers of a table record which shot; by default all record all."""
    coordinates: CoordinatesSection | None = None
    """The positions are on a map, and these settings bring them to the axes of the model."""

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, value: Any) -> Any:
        for name in FILES_OF_BOTH:
            if isinstance(value, dict) and name in value:
                raise ValueError(
                    f"`{name}` takes the place of `sources` and `receivers`; leave out one"
                )
        return value

    @model_validator(mode="after")
    def _related_by_identities(self) -> GeometrySection:
        tables = (self.sources, self.receivers)
        if self.relation is not None and not all(isinstance(t, TableSection) for t in tables):
            raise ValueError(
                "a `relation` names points by their ids, which only tables have; give tables of "
                "sources and receivers, or leave it out"
            )
        return self


class TracesGeometrySection(Section):
    """Sources and receivers of a table of traces."""

    traces: Annotated[
        TracesTableSection,
        BeforeValidator(by_path, json_schema_input_type=TracesTableSection | Path),
    ]
    """The sources and receivers are in this table, one trace a row."""
    coordinates: CoordinatesSection | None = None
    """The positions are on a map, and these settings bring them to the axes of the model."""


class RecordsGeometrySection(Section):
    """Sources and receivers of shot records in files."""

    records: RecordsSection
    """The sources and receivers are those of these records."""


class SpsSection(OffsetRangeSection):
    """Files of the SPS standard: sources (S), receivers (R) and their relation (X)."""

    sources: Annotated[
        SpsFileSection, BeforeValidator(by_path, json_schema_input_type=SpsFileSection | Path)
    ]
    """The sources are the S records of this file."""
    receivers: Annotated[
        SpsFileSection, BeforeValidator(by_path, json_schema_input_type=SpsFileSection | Path)
    ]
    """The receivers are the R records of this file."""
    relation: Annotated[
        SpsFileSection | None,
        BeforeValidator(by_path, json_schema_input_type=SpsFileSection | Path | None),
    ] = None
    """The X records of this file say which receivers record which shot; by default all do."""
    revision: Literal["1", "2.1"] | None = None
    """The files follow this revision of the standard; by default as they say themselves."""
    unit: Unit | None = None
    """The coordinates are in this unit; by default as the headers say, or in m."""

    @field_validator(
        "revision", mode="before", json_schema_input_type=Literal["1", "2.1"] | float | None
    )
    @classmethod
    def _number_as_text(cls, value: Any) -> Any:
        plain = {0: "1", 1: "1", 2.1: "2.1", "0": "1"}
        return plain.get(value, value) if isinstance(value, int | float | str) else value


class SpsGeometrySection(Section):
    """Sources and receivers of files of the SPS standard."""

    sps: SpsSection
    """The sources and receivers are in these files."""
    coordinates: CoordinatesSection | None = None
    """The positions are on a map, and these settings bring them to the axes of the model."""


def origin(value: Any) -> str:
    """Where a geometry comes from: from points, or from files of both sources and receivers."""
    names = value if isinstance(value, dict) else getattr(value, "model_fields_set", ())
    if "sources" in names or "receivers" in names:
        return "points"
    return next((name for name in FILES_OF_BOTH if name in names), "points")


Geometry = Annotated[
    Annotated[GeometrySection, Tag("points")]
    | Annotated[TracesGeometrySection, Tag("traces")]
    | Annotated[RecordsGeometrySection, Tag("records")]
    | Annotated[SpsGeometrySection, Tag("sps")],
    Discriminator(origin),
]
