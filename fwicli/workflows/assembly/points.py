"""Points of a config: along lines, on grids and shapes, and in tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.geometry import (
    ArcSection,
    Coordinate,
    LineSection,
    PointsSection,
    PolylineSection,
    RingSection,
)
from fwicli.errors import GeometryError
from fwicli.survey import shapes
from fwicli.workflows.assembly import sizes

Array = NDArray[Any]
Shape = RingSection | ArcSection | PolylineSection


def positions(section: PointsSection | Shape, ndim: int, on_map: bool) -> Array:
    """Positions of a section, at least one; z may be a depth below the surface.

    Parameters
    ----------
    section : PointsSection, RingSection, ArcSection or PolylineSection
    ndim : int
        Dimensions of the model.
    on_map : bool
        Whether they are map coordinates, which have a northing y also in 2D.

    Returns
    -------
    positions : ndarray of shape (n, ndim), or (n, 3) on a map
        [m].

    Raises
    ------
    GeometryError
        If coordinates cannot be paired, there are none, or they have other dimensions.
    SizeError
        If there are more than there is memory for.
    """
    if not isinstance(section, PointsSection):
        return _shape(section, ndim, on_map)
    coordinates = _points(section, ndim, on_map)
    if coordinates.size == 0:
        raise GeometryError("there are no points: a list of coordinates is empty; give one [m]")
    return coordinates


def _points(section: PointsSection, ndim: int, on_map: bool) -> Array:
    if (section.y is None) != (ndim == 2) and not (on_map and ndim == 2):
        need = "no y" if ndim == 2 else "a y coordinate"
        raise GeometryError(f"the model has {ndim} dimensions: give {need}")
    depths = section.depth_below_surface if section.z is None else section.z
    named = {"x": section.x, "y": section.y, "z": depths}
    coordinates = {name: value for name, value in named.items() if value is not None}
    sizes.positions([_count(value) for value in coordinates.values()], section.layout)
    axes = {name: _values(value) for name, value in coordinates.items()}
    if section.layout == "grid":
        grid = np.stack(np.meshgrid(*axes.values(), indexing="ij"), axis=-1)
        return grid.reshape(-1, len(axes))
    try:
        return np.stack(np.broadcast_arrays(*axes.values()), axis=-1)
    except ValueError:
        counts = ", ".join(f"{value.size} {name}" for name, value in axes.items())
        raise GeometryError(
            f"cannot pair {counts} coordinates; give as many of each, one for all, or "
            f"`layout: grid`"
        ) from None


def _count(coordinate: Coordinate) -> int:
    """Number of values along a coordinate."""
    if not isinstance(coordinate, LineSection):
        return len(coordinate) if isinstance(coordinate, list) else 1
    if coordinate.count is not None:
        return coordinate.count
    steps = (coordinate.stop - coordinate.start) / (coordinate.step or 1.0)
    return math.floor(steps + 1e-9) + 1


def _values(coordinate: Coordinate) -> Array:
    if isinstance(coordinate, LineSection):
        if coordinate.count is not None:
            return np.linspace(coordinate.start, coordinate.stop, coordinate.count)
        return coordinate.start + (coordinate.step or 1.0) * np.arange(_count(coordinate))
    return np.atleast_1d(np.asarray(coordinate, dtype=float))


def _shape(section: Shape, ndim: int, on_map: bool) -> Array:
    """Positions along a shape."""
    line = isinstance(section, PolylineSection)
    corners = section.vertices if isinstance(section, PolylineSection) else [section.centre]
    allowed = (2, 3) if on_map and ndim == 2 else (ndim,)
    for corner in corners:
        if len(corner) not in allowed or len(corner) != len(corners[0]):
            what = "vertex" if line else "centre"
            axes = "(x, z)" if ndim == 2 else "(x, y, z)"
            raise GeometryError(
                f"the {what} {corner} has {len(corner)} coordinates; give {axes} [m], as the model "
                f"has {ndim} dimensions"
            )
    if isinstance(section, PolylineSection):
        vertices = np.array(section.vertices)
        count = section.count or 0
        if section.step is not None:
            count = shapes.points_along(shapes.line_length(vertices), section.step)
        sizes.positions([count] * ndim, "line")
        return shapes.polyline(vertices, section.step, section.count)
    sizes.positions([section.count] * ndim, "line")
    if isinstance(section, ArcSection):
        return shapes.arc(section.centre, section.radius, section.angles, section.count)
    return shapes.ring(section.centre, section.radius, section.count)
