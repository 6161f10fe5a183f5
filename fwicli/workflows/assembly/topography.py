"""From `physics.topography` to the surface at the columns of a grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.config import schema
from fwicli.config.topography import TopographySection
from fwicli.errors import GeometryError
from fwicli.files import arrays
from fwicli.files.geometry import stations
from fwicli.files.geometry.columns import UNITS
from fwicli.files.geometry.stations import Reading
from fwicli.propagators.absorbing import SURFACE
from fwicli.propagators.equations import registry
from fwicli.survey.grid import Grid
from fwicli.survey.topography import Topography
from fwicli.workflows.assembly import frames
from fwicli.workflows.assembly.equation import stencil, wave_equation

Array = NDArray[Any]

# Beginnings and endings of files that hold an array; others are tables.
ARRAYS, ENDINGS = (b"\x93NUMPY", b"PK"), (".npy", ".npz", ".rsf", ".h5", ".hdf5")


def on_grid(physics: schema.PhysicsSection, grid: Grid) -> Topography | None:
    """The topography of a config at the columns of a grid.

    Parameters
    ----------
    physics : PhysicsSection
    grid : Grid
        Of the model.

    Returns
    -------
    Topography or None
        None without one.

    Raises
    ------
    PhysicsError
        If the equation has no topography.
    DataError
        If the file cannot be read.
    GeometryError
        If depths are not those of all columns, or leave the model.
    """
    surface = physics.topography
    if surface is None:
        return None
    registry.load(wave_equation(physics)).check_topography(SURFACE, stencil(physics))
    depths = surface if isinstance(surface, float) else _depths(surface, grid)
    return Topography.on(grid, depths)


def _depths(section: TopographySection, grid: Grid) -> Array:
    """Depths of a file at the columns of a grid [m]."""
    begin, ending = arrays.head(section.file), section.file.suffix.lower()
    is_array = begin.startswith(ARRAYS) or arrays.is_hdf5(section.file, begin) or ending in ENDINGS
    unused = ("columns", "coordinates") if is_array else ("dataset",)
    if chosen := section.chosen(*unused):
        holds = "depths at every column of the model" if is_array else "a table of points"
        error = GeometryError(f"{section.file} holds {holds}; leave out `{chosen[0]}`")
        error.key = (chosen[0],)
        raise error
    if not is_array:
        return _interpolated(section, grid)
    chosen = section.chosen("dataset")
    values = arrays.read(section.file, section.dataset, chosen=chosen).values
    if values.shape != grid.shape[:-1]:
        axes = ", ".join(grid.axes[:-1])
        raise GeometryError(
            f"{section.file} holds the shape {values.shape}, and the model has the columns "
            f"{grid.shape[:-1]} along {axes}; give the depth of each column [m], or a table with "
            f"{axes} and z"
        )
    return values.astype(np.float64) * UNITS[section.unit or "m"]


def _interpolated(section: TopographySection, grid: Grid) -> Array:
    """Depths of a table between its points, at the columns of a grid [m]."""
    columns = {} if section.columns is None else section.columns.model_dump(exclude_none=True)
    table = stations.read(section.file, "receiver", Reading(columns, section.unit), False)
    if grid.ndim == 3 and table.positions.shape[1] == 2:
        raise GeometryError(f"{section.file} has no y, and the model 3 dimensions; give x, y and z")
    nowhere = table.positions[:0]
    points, _, _ = frames.in_model(section.coordinates, table.positions, nowhere, grid.ndim)
    lines = [grid.coordinates(axis) for axis in range(grid.ndim - 1)]
    if grid.ndim == 2:
        depths = _along(section, points, lines[0])
    else:
        depths = _between(points, np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1))
    missing = np.isnan(depths)
    if missing.any():
        ranges = (
            f"{axis} from {p.min():.9g} to {p.max():.9g} m (the model from {line[0]:.9g} to "
            f"{line[-1]:.9g} m)"
            for axis, p, line in zip(grid.axes, points.T, lines, strict=False)
        )
        raise GeometryError(
            f"{section.file} does not cover {int(missing.sum())} of {missing.size} columns of the "
            f"model; its points are at {', '.join(ranges)}: add points, or check units and "
            f"`coordinates`"
        )
    return depths


def _along(section: TopographySection, points: Array, x: Array) -> Array:
    """Depths at places along a line; NaN beyond the points by more than round-off."""
    order = np.argsort(points[:, 0], kind="stable")
    places, depths = points[order].T
    repeated = (np.diff(places) == 0) & (np.diff(depths) != 0)
    if repeated.any():
        first = int(np.argmax(repeated))
        raise GeometryError(
            f"{section.file} has several depths at x = {places[first]:.9g} m, {depths[first]:g} "
            f"and {depths[first + 1]:g} m, and so at {int(repeated.sum())} places; keep one of each"
        )
    margin = 1e-6 * (x[1] - x[0])
    beyond = (x < places[0] - margin) | (x > places[-1] + margin)
    return np.where(beyond, np.nan, np.interp(x, places, depths))


def _between(points: Array, places: Array) -> Array:
    """Depths at places of shape (nx, ny, 2), by triangles; NaN beyond the points."""
    try:
        triangles = scipy.interpolate.LinearNDInterpolator(points[:, :2], points[:, 2])
    except (scipy.spatial.QhullError, ValueError) as error:
        raise GeometryError(
            f"the {len(points)} points of the surface span no plane; give points along x and y"
        ) from error
    depths = np.asarray(triangles(places))
    # Round-off may put columns at the edge of the points beyond it.
    edge = np.isnan(depths)
    if edge.any():
        centre = points[:, :2].mean(axis=0)
        inward = places[edge] + 1e-6 * (centre - places[edge])
        depths[edge] = triangles(inward)
    return depths
