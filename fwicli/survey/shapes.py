"""Positions along shapes: rings, arcs and polylines; and receivers within a range of offsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError

Array = NDArray[Any]

# Of a step, by which the last point may be missed.
ROUND_OFF = 1e-9


def ring(centre: Sequence[float], radius: float, count: int) -> Array:
    """Points evenly spaced on a circle, the first towards larger x.

    The circle is in the plane of x and z in 2D, where angles go down, and horizontal in 3D.

    Parameters
    ----------
    centre : sequence of float
        (x, z) or (x, y, z) [m].
    radius : float
        [m].
    count : int
        Number of points.

    Returns
    -------
    positions : ndarray of shape (count, ndim)
        [m].
    """
    return _on_circle(centre, radius, 2 * np.pi * np.arange(count) / count)


def arc(centre: Sequence[float], radius: float, angles: Sequence[float], count: int) -> Array:
    """Points evenly spaced on a part of a circle, both ends among them.

    Parameters
    ----------
    centre : sequence of float
        (x, z) or (x, y, z) [m].
    radius : float
        [m].
    angles : sequence of float
        Of the first and the last point, from x towards z in 2D and towards y in 3D [deg].
    count : int
        Number of points.

    Returns
    -------
    positions : ndarray of shape (count, ndim)
        [m].
    """
    return _on_circle(centre, radius, np.radians(np.linspace(angles[0], angles[1], count)))


def _on_circle(centre: Sequence[float], radius: float, angles: Array) -> Array:
    positions = np.tile(np.asarray(centre, dtype=np.float64), (len(angles), 1))
    positions[:, 0] += radius * np.cos(angles)
    positions[:, 1] += radius * np.sin(angles)
    return positions


def polyline(vertices: Array, step: float | None = None, count: int | None = None) -> Array:
    """Points along straight pieces from vertex to vertex, as far apart along the line.

    Parameters
    ----------
    vertices : ndarray of shape (n, ndim)
        [m].
    step : float, optional
        Distance along the line from point to point, from the first vertex [m].
    count : int, optional
        Number of points in place of a step, both ends of the line among them.

    Returns
    -------
    positions : ndarray of shape (count, ndim)
        [m].

    Raises
    ------
    GeometryError
        If all vertices are at one place, or the step is longer than the line.
    """
    length = line_length(vertices)
    if length == 0:
        raise GeometryError("all vertices of the polyline are at one place; give two places [m]")
    if step is not None and step > length * (1 + ROUND_OFF):
        raise GeometryError(
            f"a step of {step:g} m is longer than the polyline, {length:.6g} m; give a shorter one"
        )
    pieces = np.linalg.norm(np.diff(vertices, axis=0), axis=1)
    at_vertices = np.concatenate([[0.0], np.cumsum(pieces)])
    if step is not None:
        along = step * np.arange(points_along(length, step))
    else:
        along = np.linspace(0.0, at_vertices[-1], count or 1)
    along = np.minimum(along, at_vertices[-1])
    return np.stack([np.interp(along, at_vertices, axis) for axis in vertices.T], axis=1)


def line_length(vertices: Array) -> float:
    """Length of the line through points of shape (n, ndim) [m]."""
    return float(np.linalg.norm(np.diff(vertices, axis=0), axis=1).sum())


def points_along(length: float, step: float) -> int:
    """Number of points along a line, from its start.

    Parameters
    ----------
    length : float
        Of the line [m].
    step : float
        Distance from point to point [m].

    Returns
    -------
    count : int
    """
    return int(np.floor(length / step + ROUND_OFF)) + 1


def within_offsets(source: Array, receivers: Array, offsets: Sequence[float]) -> Array:
    """Receivers in a range of horizontal distances from the source, both ends included.

    Parameters
    ----------
    source : ndarray of shape (ndim,)
        Position [m].
    receivers : ndarray of shape (n, ndim)
        Positions [m].
    offsets : sequence of float
        Least and largest distance [m].

    Returns
    -------
    indices : ndarray of int
    """
    distance = np.linalg.norm(receivers[:, :-1] - source[:-1], axis=1)
    # Distances of coordinates that are large are rounded.
    tolerance = 8 * np.finfo(np.float64).eps * np.abs(receivers).max(initial=abs(source).max())
    low, high = offsets
    return np.flatnonzero((distance >= low - tolerance) & (distance <= high + tolerance))
