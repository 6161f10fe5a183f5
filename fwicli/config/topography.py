"""The topography of a config: a depth, or a file of depths, or of a table of the surface."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Discriminator, Tag

from fwicli.config.coordinates import CoordinatesSection
from fwicli.config.tables import Column, Unit
from fwicli.config.values import Number, Section, kind


class SurfaceColumnsSection(Section):
    """Columns of a table of the surface, by name or by number from 1."""

    x: Column | None = None
    """This column holds the easting or x."""
    y: Column | None = None
    """This column holds the northing or y."""
    z: Column | None = None
    """This column holds depths below elevation 0, positive downwards."""
    elevation: Column | None = None
    """This column holds elevations, positive upwards."""


class TopographySection(Section):
    """The surface of the earth in a file: depths at every column, or a table of points."""

    file: Path
    """The surface is read from this path: HDF5, .npy or .npz hold depths, others are tables."""
    dataset: str = "topography"
    """Depths at every column of the model have this name in an HDF5 or .npz file."""
    columns: SurfaceColumnsSection | None = None
    """These columns of a table hold the coordinates; by default those with names that say so."""
    unit: Unit | None = None
    """Coordinates and depths are in this unit; by default as the names of columns say, or in m."""
    coordinates: CoordinatesSection | None = None
    """The points of a table are on a map, and these settings bring them to the axes of the
    model."""


Surface = Annotated[
    Annotated[Number, Tag("number")] | Annotated[TopographySection, Tag("mapping")],
    Discriminator(kind),
]


def contradiction(physics: Any) -> str:
    """Why a topography contradicts other settings of the section `physics`; empty if none does.

    Parameters
    ----------
    physics : PhysicsSection
        With a topography.

    Returns
    -------
    str
    """
    if not physics.free_surface:
        return (
            "`topography` is a free surface, and `free_surface: false` says that there is none; "
            "leave out one of them"
        )
    if physics.absorbing.sides is not None:
        return (
            "below a `topography` all sides absorb but the top; leave out `absorbing.sides`, or "
            "the topography"
        )
    if physics.stencil != "taylor":
        return (
            f"`stencil: {physics.stencil}` has no differences next to a `topography`; set "
            f"`stencil: taylor`"
        )
    return ""
