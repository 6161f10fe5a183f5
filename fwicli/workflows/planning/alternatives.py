"""Other readings of coordinates: axes exchanged, or depths of the opposite sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.acquisition import Acquisition
from fwicli.survey.grid import Grid
from fwicli.survey.topography import Topography

Array = NDArray[Any]
Of = Literal["both", "sources", "receivers"]

WHOSE: dict[Of, str] = {
    "both": "sources and receivers",
    "sources": "the sources",
    "receivers": "the receivers",
}


@dataclass(frozen=True)
class Alternative:
    """Another reading of the coordinates of a survey.

    Attributes
    ----------
    kind : {"coordinates", "elevations"}
        The fault that it would cure.
    axes : mapping of str to str
        Coordinate that lies along an axis of the model, with its sign.
    of : {"both", "sources", "receivers"}
        Whose coordinates.
    """

    kind: str
    axes: Mapping[str, str]
    of: Of

    @property
    def words(self) -> str:
        """The change, in words."""
        if self.kind == "elevations":
            return f"depths of {WHOSE[self.of]} of the opposite sign"
        first, second = self.axes
        return f"{first} and {second} of {WHOSE[self.of]} exchanged"

    def applied(self, geometry: Acquisition, grid: Grid) -> tuple[Array, list[Array]]:
        """Positions as this reading has them.

        Parameters
        ----------
        geometry : Acquisition
        grid : Grid
            Of the model; it names the axes.

        Returns
        -------
        sources : ndarray of shape (n_shots, ndim)
            [m]
        receivers : list of ndarray of shape (n_receivers, ndim)
            Of each shot [m].
        """
        receivers = [geometry.receivers_of(shot) for shot in range(geometry.shots)]
        sources = geometry.sources
        if self.of != "receivers":
            sources = self._turned(sources, grid)
        if self.of != "sources":
            receivers = [self._turned(positions, grid) for positions in receivers]
        return sources, receivers

    def fits(self, geometry: Acquisition, grid: Grid, surface: Topography | None) -> bool:
        """Whether all positions lie in the rock by this reading, and some differ.

        Parameters
        ----------
        geometry : Acquisition
        grid : Grid
            Of the model.
        surface : Topography or None

        Returns
        -------
        fits : bool
        """
        sources, receivers = self.applied(geometry, grid)
        everything = np.concatenate([sources, *receivers])
        before = np.concatenate(
            [geometry.sources, *(geometry.receivers_of(n) for n in range(geometry.shots))]
        )
        differs = bool((np.abs(everything - before) > 0.5 * np.asarray(grid.spacing)).any())
        inside = not grid.outside(everything).any()
        if surface is not None:
            inside = inside and not surface.in_air(everything).any()
        return differs and inside

    def _turned(self, positions: Array, grid: Grid) -> Array:
        columns = []
        for axis in grid.axes:
            source = self.axes.get(axis, axis)
            sign = -1 if source.startswith("-") else 1
            columns.append(sign * positions[..., grid.axes.index(source.removeprefix("-"))])
        return np.stack(columns, axis=-1)


def alternatives(
    geometry: Acquisition, grid: Grid, surface: Topography | None = None
) -> list[Alternative]:
    """Other readings of coordinates with which all sources and receivers are in the model.

    Parameters
    ----------
    geometry : Acquisition
    grid : Grid
        Of the model.
    surface : Topography, optional
        No position may be in the air above it.

    Returns
    -------
    alternatives : list of Alternative
    """
    first, second = ("x", "z") if grid.ndim == 2 else ("x", "y")
    readings: list[tuple[str, dict[str, str]]] = [
        ("coordinates", {first: second, second: first}),
        ("elevations", {"z": "-z"}),
    ]
    whose: tuple[Of, ...] = ("both", "sources", "receivers")
    every = [Alternative(kind, axes, of) for kind, axes in readings for of in whose]
    return [alternative for alternative in every if alternative.fits(geometry, grid, surface)]
