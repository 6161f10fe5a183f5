"""Topography: the surface of the earth below the top of a grid, with air above it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import ndarrays
from fwicli.errors import GeometryError
from fwicli.survey.grid import Grid

Array = NDArray[Any]

# By which a point may be above the surface and still be on it, in grid spacings.
ROUND_OFF = 1e-3


@dataclass(frozen=True, eq=False)
class Topography:
    """Depth of the surface at every column of a grid; between columns it is linear.

    Surfaces are equal where grid and depths are; they are compared and hashed by a digest, which is
    computed once.

    Parameters
    ----------
    grid : Grid
    depths : tuple of float
        z of the surface at each column, in the order of a raveled array of shape
        `grid.shape[:-1]` [m].
    """

    grid: Grid
    depths: tuple[float, ...]

    @classmethod
    def on(cls, grid: Grid, depths: Any) -> Topography:
        """The surface at depths that are one number, or one for each column of a grid.

        Parameters
        ----------
        grid : Grid
        depths : float or ndarray of shape grid.shape[:-1]
            z of the surface [m]; z points down.

        Returns
        -------
        Topography

        Raises
        ------
        GeometryError
            If the shape is another one, a value is not finite, or the surface leaves the model.
        """
        values = ndarrays.real("the topography", depths, GeometryError).astype(np.float64)
        shape = grid.shape[:-1]
        if values.ndim and values.shape != shape:
            raise GeometryError(
                f"the topography has the shape {values.shape}, and the columns of the grid "
                f"{shape}; give the depth of the surface at each of them, or one for all [m]"
            )
        values = np.broadcast_to(values, shape)
        if not np.isfinite(values).all():
            raise GeometryError("the topography is not finite everywhere; give depths [m]")
        _check_inside(grid, values)
        return cls(grid, tuple(values.ravel().tolist()))

    def on_grid(self, grid: Grid) -> Topography:
        """The same surface at the columns of another grid, such as a coarser one.

        Parameters
        ----------
        grid : Grid

        Returns
        -------
        Topography

        Raises
        ------
        GeometryError
            If the surface leaves the grid.
        """
        if grid == self.grid:
            return self
        lines = [grid.coordinates(axis) for axis in range(grid.ndim - 1)]
        places = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
        depths = self.at(places.reshape(-1, grid.ndim - 1))
        return Topography.on(grid, depths.reshape(grid.shape[:-1]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Topography):
            return NotImplemented
        return self is other or (self.grid == other.grid and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash((self.grid, self.digest))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.grid, self.columns.tobytes(), self.digest)

    @cached_property
    def digest(self) -> bytes:
        """Digest of the depths."""
        # A zero has the digest of a negative one, to which it is equal.
        return hashlib.sha256((self.columns + 0.0).tobytes()).digest()

    @cached_property
    def columns(self) -> NDArray[np.float64]:
        """Depth of the surface at each column, of shape grid.shape[:-1] [m]; read-only."""
        columns = np.array(self.depths).reshape(self.grid.shape[:-1])
        columns.setflags(write=False)
        return columns

    def at(self, places: Array) -> NDArray[np.float64]:
        """Depth of the surface at places along it; beyond the grid that of its edge.

        Parameters
        ----------
        places : ndarray of shape (n, ndim - 1)
            x, or x and y [m].

        Returns
        -------
        ndarray of shape (n,)
            [m]
        """
        columns, places = self.columns, np.asarray(places, dtype=np.float64)
        lower, shares = [], []
        for axis, n in enumerate(columns.shape):
            cells = (places[:, axis] - self.grid.origin[axis]) / self.grid.spacing[axis]
            # A place that is no number has no depth.
            first = np.clip(np.floor(np.nan_to_num(cells)), 0, n - 2).astype(int)
            lower.append(first)
            shares.append(np.clip(cells - first, 0.0, 1.0))
        total = np.zeros(len(places))
        for corner in np.ndindex(*(2,) * len(lower)):
            weight = np.ones(len(places))
            for share, side in zip(shares, corner, strict=True):
                weight = weight * (share if side else 1 - share)
            index = tuple(first + side for first, side in zip(lower, corner, strict=True))
            total += weight * columns[index]
        return total

    def below(self, positions: Array) -> NDArray[np.float64]:
        """Positions whose last coordinate is a depth below the surface, in the model's axes.

        Parameters
        ----------
        positions : ndarray of shape (n, ndim)
            x, y and the depth below the surface, 0 on it [m].

        Returns
        -------
        ndarray of shape (n, ndim)
            [m]
        """
        absolute = np.array(positions, dtype=np.float64, ndmin=2)
        absolute[:, -1] += self.at(absolute[:, :-1])
        return absolute

    def heights(self, positions: Array) -> NDArray[np.float64]:
        """Heights of positions above the surface, negative in the rock [m].

        Parameters
        ----------
        positions : ndarray of shape (n, ndim)
            [m]

        Returns
        -------
        ndarray of shape (n,)
        """
        return np.asarray(self.at(positions[:, :-1]) - positions[:, -1])

    def in_air(self, positions: Array) -> NDArray[np.bool_]:
        """Which positions are above the surface by more than round-off.

        Parameters
        ----------
        positions : ndarray of shape (n, ndim)
            [m]

        Returns
        -------
        ndarray of bool, shape (n,)
        """
        return np.asarray(self.heights(positions) > ROUND_OFF * self.grid.spacing[-1])

    def check(self, what: str, positions: Array) -> None:
        """Refuse positions in the air.

        Parameters
        ----------
        what : str
            Name for messages.
        positions : ndarray of shape (n, ndim)
            [m]

        Raises
        ------
        GeometryError
            With their number, the first, and the highest.
        """
        heights, bad = self.heights(positions), self.in_air(positions)
        if not bad.any():
            return
        first, highest = int(np.argmax(bad)), int(np.argmax(heights))
        where = ", ".join(f"{x:g}" for x in positions[first])
        raise GeometryError(
            f"{what}: {np.count_nonzero(bad)} of {len(positions)} points lie in the air above the "
            f"topography, first point {first} at ({where}) m by {heights[first]:.3g} m, and point "
            f"{highest} by {heights[highest]:.3g} m; give depths below the surface, as by "
            f"`topography.below(positions)`, or move the surface"
        )

    @property
    def is_air(self) -> NDArray[np.bool_]:
        """Which points of the grid lie above the surface, of its shape."""
        return np.arange(self.grid.shape[-1]) < self._first()[..., None]

    def fill(self, values: Array) -> Array:
        """Values whose points in the air have that of the first point of rock below.

        Parameters
        ----------
        values : ndarray of shape (*grid,)

        Returns
        -------
        ndarray of shape (*grid,)
        """
        rows = np.maximum(np.arange(self.grid.shape[-1]), self._first()[..., None])
        return np.take_along_axis(values, rows, axis=-1)

    def fold(self, values: Array) -> Array:
        """Transpose of `fill`: values in the air are added to the first point of rock below."""
        air, first = self.is_air, self._first()[..., None]
        folded = np.where(air, 0, values)
        sums = np.take_along_axis(folded, first, axis=-1)
        above = np.where(air, values, 0).sum(axis=-1, keepdims=True)
        np.put_along_axis(folded, first, sums + above, axis=-1)
        return folded

    def _first(self) -> NDArray[np.int64]:
        """Number of the first point of rock in each column."""
        cells = (self.columns - self.grid.origin[-1]) / self.grid.spacing[-1]
        return np.ceil(cells - ROUND_OFF).astype(np.int64)


def _restored(grid: Grid, content: bytes, digest: bytes) -> Topography:
    """A pickled surface, with the digest that it had."""
    columns = np.frombuffer(content)
    surface = Topography(grid, tuple(columns.tolist()))
    surface.__dict__.update(columns=columns.reshape(grid.shape[:-1]), digest=digest)
    return surface


def _check_inside(grid: Grid, depths: NDArray[np.float64]) -> None:
    """Make sure that there is air above the surface, and rock below it."""
    top, h = grid.origin[-1], grid.spacing[-1]
    highest, lowest = top + 2 * h, grid.end[-1] - 4 * h
    if depths.min() < highest or depths.max() > lowest:
        raise GeometryError(
            f"the topography reaches from {depths.min():g} to {depths.max():g} m, and the model "
            f"from {top:g} to {grid.end[-1]:g} m; it must stay between {highest:g} and "
            f"{lowest:g} m, two points below the top: begin the model higher, or check that "
            f"depths point down from the model's zero"
        )
