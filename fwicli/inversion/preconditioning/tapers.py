"""Tapers in [0, 1] that decrease to zero towards fixed points, sources or receivers.

    T(d) = sin(pi d / 2 L)**2  for d < L,    1 beyond

with the distance d [m] to the nearest of these points and the length L [m] of the taper.
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
    """T(d); ones for a length of zero.

    Parameters
    ----------
    distance : ndarray
        d [m].
    length : float
        L [m].

    Returns
    -------
    taper : ndarray of the shape of `distance`
    """
    if length == 0:
        return np.ones(distance.shape)
    return np.asarray(np.sin(0.5 * np.pi * np.clip(distance / length, 0, 1)) ** 2)


def from_region(region: Mask, grid: Grid, length: float) -> Array:
    """T towards a region of the grid.

    Parameters
    ----------
    region : ndarray of bool, of shape grid.shape
        Points where T is zero.
    grid : Grid
    length : float
        L [m].

    Returns
    -------
    taper : ndarray of shape grid.shape
        Ones if the region is empty.
    """
    if not region.any():
        return np.ones(grid.shape)
    distance = scipy.ndimage.distance_transform_edt(~region, sampling=grid.spacing)
    return fade(distance, length)


def from_points(points: Array, grid: Grid, length: float) -> Array:
    """T towards positions.

    Parameters
    ----------
    points : ndarray of shape (n_points, ndim)
        Positions [m]; they need not lie on grid points.
    grid : Grid
    length : float
        L [m].

    Returns
    -------
    taper : ndarray of shape grid.shape
    """
    if length == 0:
        return np.ones(grid.shape)
    axes = [grid.coordinates(axis) for axis in range(grid.ndim)]
    positions = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, grid.ndim)
    tree = scipy.spatial.cKDTree(points)
    distance, _ = tree.query(positions, distance_upper_bound=length)
    return fade(distance.reshape(grid.shape), length)


def with_depth(grid: Grid, power: float) -> Array:
    """Depth below the top of the model to a power, one at the bottom.

    Parameters
    ----------
    grid : Grid
    power : float

    Returns
    -------
    weight : ndarray of shape grid.shape
        The depth of the first row counts as one spacing.
    """
    z = grid.coordinates(grid.ndim - 1) - grid.origin[-1] + grid.spacing[-1]
    return np.broadcast_to((z / z[-1]) ** power, grid.shape).copy()
