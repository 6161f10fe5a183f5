"""Regular grid of the earth model: shape, spacing and origin in metres."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import scalars
from fwicli.errors import GeometryError


@dataclass(frozen=True)
class Grid:
    """Points x_i = origin + i * spacing along each axis, ordered (x, z) or (x, y, z).

    Parameters
    ----------
    shape : tuple of int
        Number of points along each axis; z is last and points down.
    spacing : tuple of float
        Distance between points [m].
    origin : tuple of float
        Position of the first point [m].

    Raises
    ------
    GeometryError
        If the axes disagree in number, a size or spacing is not positive, or a value is not a
        number.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("shape", "spacing", "origin"):
            values = getattr(self, name)
            if isinstance(values, str) or not hasattr(values, "__len__"):
                raise GeometryError(
                    f"the {name} of a grid has one number for each axis, as in (201, 101) for x "
                    f"and z; got {values!r}"
                )
            numbers = tuple(_number(name, value) for value in values)
            object.__setattr__(self, name, numbers)
        sizes = {len(self.shape), len(self.spacing), len(self.origin)}
        if len(sizes) != 1 or self.ndim not in (2, 3):
            raise GeometryError(
                f"a grid has 2 or 3 axes; got shape {self.shape}, spacing {self.spacing} "
                f"and origin {self.origin}"
            )
        if min(self.shape) < 2 or min(self.spacing) <= 0:
            raise GeometryError(
                f"a grid needs two points and a positive spacing along each axis; got shape "
                f"{self.shape} and spacing {self.spacing} m"
            )

    @property
    def ndim(self) -> int:
        """Number of space dimensions, 2 or 3."""
        return len(self.shape)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes."""
        return ("x", "z") if self.ndim == 2 else ("x", "y", "z")

    @property
    def end(self) -> tuple[float, ...]:
        """Position of the last point [m]."""
        return tuple(
            o + (n - 1) * h for o, n, h in zip(self.origin, self.shape, self.spacing, strict=True)
        )

    @property
    def cell_volume(self) -> float:
        """Area [m2] or volume [m3] of a grid cell."""
        return float(np.prod(self.spacing))

    def coordinates(self, axis: int) -> NDArray[np.float64]:
        """Positions of the points along an axis [m]."""
        steps = np.arange(self.shape[axis], dtype=np.float64)
        return self.origin[axis] + self.spacing[axis] * steps

    def describe(self, point: Sequence[int]) -> str:
        """Position of a grid point in words."""
        return ", ".join(
            f"{axis} = {self.coordinates(i)[point[i]]:g} m" for i, axis in enumerate(self.axes)
        )

    def outside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Points, of an array of shape (n_points, ndim) [m], that lie outside the model."""
        tolerance = 1e-6 * np.asarray(self.spacing)
        low = points < np.asarray(self.origin) - tolerance
        high = points > np.asarray(self.end) + tolerance
        return np.asarray((low | high).any(axis=1))

    def nearest(self, positions: NDArray[np.float64]) -> tuple[NDArray[np.int_], ...]:
        """Indices of the points that are nearest to positions, one array for each axis.

        Parameters
        ----------
        positions : ndarray of shape (n, ndim)
            [m]; those outside have the nearest point at the end.

        Returns
        -------
        tuple of ndarray of int, each of shape (n,)
        """
        cells = (positions - np.asarray(self.origin)) / np.asarray(self.spacing)
        indices = np.rint(cells).astype(int)
        return tuple(np.clip(indices, 0, np.asarray(self.shape) - 1).T)


def _number(name: str, value: Any) -> float:
    """A number of the shape, spacing or origin of a grid, of any sign."""
    if name == "shape":
        return scalars.whole("a size of the grid", value, -sys.maxsize, GeometryError)
    return scalars.real(f"the {name} of the grid", value, " [m]", GeometryError)
