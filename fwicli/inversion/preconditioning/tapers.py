"""Shares in [0, 1] by which something fades out towards places: what is fixed, or the acquisition.

    T(d) = sin(pi d / 2 L)**2  for d < L,    1 beyond

with the distance d [m] to the nearest of the places and the length L [m] of the fade.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.survey.grid import Grid

Array = NDArray[Any]
Mask = NDArray[np.bool_]


def fade(distance: Array, length: float) -> Array:
    """T(d); ones for a length of zero."""
    if length == 0:
        return np.ones(distance.shape)
    return np.asarray(np.sin(0.5 * np.pi * np.clip(distance / length, 0, 1)) ** 2)


def from_region(region: Mask, grid: Grid, length: float) -> Array:
    """T towards a region of the grid, at the nearest point of which it is zero."""
    if not region.any():
        return np.ones(grid.shape)
    distance = scipy.ndimage.distance_transform_edt(~region, sampling=grid.spacing)
    return fade(distance, length)


def from_points(points: Array, grid: Grid, length: float) -> Array:
    """T towards positions of shape (n_points, ndim) [m]."""
    if length == 0:
        return np.ones(grid.shape)
    axes = [grid.coordinates(axis) for axis in range(grid.ndim)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, grid.ndim)
    tree = scipy.spatial.cKDTree(points)
    distance, _ = tree.query(places, distance_upper_bound=length)
    return fade(distance.reshape(grid.shape), length)


def with_depth(grid: Grid, power: float) -> Array:
    """Depth below the top of the model to a power, one at the bottom."""
    z = grid.coordinates(grid.ndim - 1) - grid.origin[-1] + grid.spacing[-1]
    return np.broadcast_to((z / z[-1]) ** power, grid.shape).copy()
