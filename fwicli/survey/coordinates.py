"""Coordinates of a map and those of the model: shift, rotation, datum, and the line of a 2D survey.

    x =   (e - e0) sin A + (n - n0) cos A + shift_x
    y = - (e - e0) cos A + (n - n0) sin A + shift_y
    z =   d + datum

with easting e [m], northing n [m] and depth d [m] below elevation 0, so that d is minus the
elevation. The x axis has azimuth A from north, clockwise; y lies to its left, seen from above.
Without a rotation, A = 90 degrees: x is the easting and y the northing. In two dimensions, points
are projected on the line of x, and y is their distance from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError

Array = NDArray[Any]

# Of x along the easting [deg].
EAST = 90.0
# A line may be at most as wide as this share of its length, both as standard deviations.
WIDEST = 0.7

Beginning = Literal["beginning", "first_source"]


@dataclass(frozen=True)
class Frame:
    """Axes of the model on the map.

    Parameters
    ----------
    origin : tuple of float
        Easting and northing of the point where x and y are those of `shift` [m].
    azimuth : float
        Direction of the x axis, clockwise from north [deg].
    datum : float
        Elevation of z = 0 [m].
    shift : tuple of float
        Coordinates x and y of the origin in the model [m].
    """

    origin: tuple[float, float] = (0.0, 0.0)
    azimuth: float = EAST
    datum: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def to_model(self, positions: Array) -> Array:
        """Positions in the model.

        Parameters
        ----------
        positions : ndarray of shape (n, 3) or (n, 2)
            Easting, northing and depth below elevation 0, or easting and depth [m].

        Returns
        -------
        positions : ndarray of the same shape
            (x, y, z) or (x, z) [m].

        Raises
        ------
        GeometryError
            If positions without a northing are to be turned.
        """
        self._check(positions)
        in_model = positions.astype(np.float64)
        in_model[:, -1] += self.datum
        sine, cosine = _sine_and_cosine(self.azimuth)
        if positions.shape[1] == 2:
            in_model[:, 0] = (positions[:, 0] - self.origin[0]) * sine + self.shift[0]
            return in_model
        east, north = (positions[:, i] - self.origin[i] for i in range(2))
        in_model[:, 0] = east * sine + north * cosine + self.shift[0]
        in_model[:, 1] = -east * cosine + north * sine + self.shift[1]
        return in_model

    def to_map(self, positions: Array) -> Array:
        """Positions on the map, the inverse of `to_model`.

        Parameters
        ----------
        positions : ndarray of shape (n, 3) or (n, 2)
            (x, y, z) or (x, z) [m].

        Returns
        -------
        positions : ndarray of the same shape
            Easting, northing and depth below elevation 0, or easting and depth [m].

        Raises
        ------
        GeometryError
            If positions without a northing are to be turned.
        """
        self._check(positions)
        on_map = positions.astype(np.float64)
        on_map[:, -1] -= self.datum
        sine, cosine = _sine_and_cosine(self.azimuth)
        if positions.shape[1] == 2:
            on_map[:, 0] = (positions[:, 0] - self.shift[0]) * sine + self.origin[0]
            return on_map
        x, y = (positions[:, i] - self.shift[i] for i in range(2))
        on_map[:, 0] = x * sine - y * cosine + self.origin[0]
        on_map[:, 1] = x * cosine + y * sine + self.origin[1]
        return on_map

    def _check(self, positions: Array) -> None:
        if positions.shape[1] == 2 and self.azimuth % 180 != EAST:
            raise GeometryError(
                f"the positions have no northing (y), so that they cannot be turned to the azimuth "
                f"{self.azimuth:g} degrees; give y, or leave out `azimuth`"
            )

    def __str__(self) -> str:
        east, north = self.origin
        where = ", ".join(f"{s:.9g}" for s in self.shift)
        return (
            f"({where}) m of the model is easting {east:.9g} m, northing {north:.9g} m; x has the "
            f"azimuth {self.azimuth:.9g} degrees; z = 0 is at elevation {self.datum:g} m"
        )


def fit(
    sources: Array,
    receivers: Array,
    origin: tuple[float, float] | Beginning = "beginning",
    datum: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Frame:
    """The frame whose x axis is the best line through all positions, by least squares.

    x increases from the first source to the last, or else from the first receiver to the last.

    Parameters
    ----------
    sources, receivers : ndarray of shape (n, 3) or (n, 2)
        Easting, northing and depth below elevation 0, or easting and depth [m].
    origin : tuple of float, or {"beginning", "first_source"}
        Point of the line that is the origin: next to this easting and northing [m], at the least x
        of all positions, or next to the first source.
    datum : float
        Elevation of z = 0 [m].
    shift : tuple of float
        Coordinates x and y of the origin in the model [m].

    Returns
    -------
    frame : Frame

    Raises
    ------
    GeometryError
        If the positions do not lie along a line.
    """
    sources, receivers = (_horizontal(positions) for positions in (sources, receivers))
    points = _distinct(np.concatenate([sources, receivers]))
    centre = points[0] + (points - points[0]).mean(axis=0)
    length, width, direction = principal_axis(points - centre)
    if length == 0 or width > WIDEST * length:
        raise GeometryError(
            f"sources and receivers do not lie along a line: they spread {length:.4g} m along it "
            f"and {width:.4g} m across it; give `origin` and `azimuth` [degrees] in place of `fit`"
        )
    for line in (sources, receivers):
        way = float((line[-1] - line[0]) @ direction)
        if abs(way) > 1e-6 * length:
            direction = direction if way > 0 else -direction
            break
    along = (points - centre) @ direction
    if origin == "beginning":
        first = float(along.min())
    elif origin == "first_source":
        first = float((sources[0] - centre) @ direction)
    else:
        first = float((np.asarray(origin) - centre) @ direction)
    east, north = centre + first * direction
    azimuth = math.degrees(math.atan2(direction[0], direction[1])) % 360
    return Frame((float(east), float(north)), azimuth, datum, shift)


def _horizontal(positions: Array) -> Array:
    """Eastings and northings, 0 where there are none."""
    if positions.shape[1] == 2:
        return np.stack([positions[:, 0], np.zeros(len(positions))], axis=1)
    return positions[:, :2]


def _distinct(points: Array) -> Array:
    """Points of shape (n, 2), none twice; as complex numbers, which are sorted quickest."""
    numbers = np.unique(np.ascontiguousarray(points).view(np.complex128))
    return numbers.view(np.float64).reshape(-1, 2)


def principal_axis(points: Array) -> tuple[float, float, Array]:
    """The best line through 0, by least squares.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        Eastings and northings about their mean [m].

    Returns
    -------
    length, width : float
        Standard deviations along and across the line [m].
    direction : ndarray of shape (2,)
        Unit vector.
    """
    variances, axes = np.linalg.eigh(points.T @ points / len(points))
    width, length = np.sqrt(np.maximum(variances, 0.0)).tolist()
    direction = np.where(np.abs(axes[:, 1]) < 1e-14, 0.0, axes[:, 1])
    # Towards the east, or the north, where nothing else says.
    return length, width, direction if tuple(direction) > (0.0, 0.0) else -direction


def _sine_and_cosine(azimuth: float) -> tuple[float, float]:
    """Sine and cosine of an angle [deg], exact for right angles."""
    quarters, rest = divmod(azimuth, 90.0)
    if rest == 0:
        return ((0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0))[int(quarters) % 4]
    angle = math.radians(azimuth)
    return math.sin(angle), math.cos(angle)
