"""Parts of the section `geometry`: tables of sources, receivers and their relation; SPS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag, model_validator

from fwicli.config.components import ComponentsKey
from fwicli.config.values import Count, Number, Section, kind

# Name of a column, or its number from 1.
Column = Annotated[
    Annotated[Count, Tag("number")] | Annotated[str, Tag("text")], Discriminator(kind)
]
Unit = Literal["m", "km", "cm", "ft", "us_ft"]


def by_path(value: Any) -> Any:
    """A section of a file, which may be the path of the file alone."""
    return {"file": value} if isinstance(value, str) else value


class ColumnsSection(Section):
    """Columns of a table of points, by name or by number from 1."""

    x: Column | None = None
    """This column holds the easting or x."""
    y: Column | None = None
    """This column holds the northing or y."""
    z: Column | None = None
    """This column holds depths below elevation 0, positive downwards."""
    elevation: Column | None = None
    """This column holds elevations, positive upwards."""
    burial: Column | None = None
    """This column holds depths below the elevation of the surface, as of shot holes."""
    id: Column | None = None
    """This column holds identities, which the relation names."""


class TraceColumnsSection(Section):
    """Columns of a table of traces, by name or by number from 1."""

    source_id: Column | None = None
    """This column tells the shots apart."""
    source_x: Column | None = None
    """This column holds the easting or x of sources."""
    source_y: Column | None = None
    """This column holds the northing or y of sources."""
    source_z: Column | None = None
    """This column holds depths of sources below elevation 0, positive downwards."""
    source_elevation: Column | None = None
    """This column holds elevations of sources, positive upwards."""
    source_burial: Column | None = None
    """This column holds depths of sources below the elevation of the surface."""
    receiver_x: Column | None = None
    """This column holds the easting or x of receivers."""
    receiver_y: Column | None = None
    """This column holds the northing or y of receivers."""
    receiver_z: Column | None = None
    """This column holds depths of receivers below elevation 0, positive downwards."""
    receiver_elevation: Column | None = None
    """This column holds elevations of receivers, positive upwards."""
    receiver_burial: Column | None = None
    """This column holds depths of receivers below the elevation of the surface."""


class RelationColumnsSection(Section):
    """Columns of a relation, by name or by number from 1."""

    shot: Column | None = None
    """This column holds identities of sources."""
    receiver: Column | None = None
    """This column holds the identity of one receiver of the shot."""
    first: Column | None = None
    """This column holds the identity of the first of a range of receivers."""
    last: Column | None = None
    """This column holds the identity of the last of a range of receivers."""


class TableSection(Section):
    """Points in a table, one a row."""

    file: Path
    """The points are read from this text file, relative to the config."""
    columns: ColumnsSection | None = None
    """These columns hold the coordinates; by default those with names that say so."""
    unit: Unit | None = None
    """The coordinates are in this unit; by default as the names of columns say, or in m."""
    depth: Number | None = None
    """All points have this depth below elevation 0, in a table without depths [m]."""
    depth_below_surface: Number | None = None
    """All points are this far below `physics.topography`, whatever depths the file holds [m]."""
    component: ComponentsKey = "pressure"
    """Sources emit, receivers record, this: `vz`, a direction, a moment; receivers also several."""

    @model_validator(mode="after")
    def _one_depth(self) -> TableSection:
        if self.depth is not None and self.depth_below_surface is not None:
            raise ValueError("give either `depth` [m], or `depth_below_surface` [m]")
        return self


class TracesTableSection(Section):
    """Source and receiver of every trace in a table, one trace a row."""

    file: Path
    """The traces are read from this text file, relative to the config."""
    columns: TraceColumnsSection | None = None
    """These columns hold the coordinates; by default those with names that say so."""
    unit: Unit | None = None
    """The coordinates are in this unit; by default as the names of columns say, or in m."""
    depth: Number | None = None
    """All points have this depth below elevation 0, in a table without depths [m]."""
    source_depth_below_surface: Number | None = None
    """All sources are this far below `physics.topography`, whatever depths the file holds [m]."""
    receiver_depth_below_surface: Number | None = None
    """All receivers are this far below `physics.topography`, whatever depths the file holds [m]."""


class SpsFileSection(Section):
    """A file of the SPS standard."""

    file: Path
    """The records are read from this text file, relative to the config."""
    depth_below_surface: Number | None = None
    """All points are this far below `physics.topography`, whatever depths the file holds [m]."""


class RelationSection(Section):
    """A table of the receivers of each shot: pairs, or ranges from the first to the last."""

    file: Path
    """The relation is read from this text file, relative to the config."""
    columns: RelationColumnsSection | None = None
    """These columns hold the identities; by default those with names that say so."""
