"""Points with components: positions of receivers or sources, and what each records or emits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import ndarrays
from fwicli.errors import GeometryError
from fwicli.survey.components import PRESSURE, Component

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Points:
    """Positions, each with a component; where all are of pressure, positions alone are enough.

    Parameters
    ----------
    positions : ndarray of shape (n_points, ndim)
        [m]
    components : Component, str, or sequence of them
        One for all points, or one for each; names as `vx` or `fz` stand for components.

    Raises
    ------
    GeometryError
        If there are not as many components as positions, or no such component.

    Examples
    --------
    Two sensors at one place:

    >>> import numpy as np
    >>> from fwicli import Points
    >>> sensors = Points(np.array([[500.0, 20.0], [500.0, 20.0]]), ["vx", "vz"])
    >>> [component.unit for component in sensors.components]
    ['m/s', 'm/s']
    """

    positions: Array
    components: Any = PRESSURE

    def __post_init__(self) -> None:
        positions = ndarrays.real("positions", self.positions, GeometryError)
        if positions.ndim != 2:
            raise GeometryError(
                f"positions of points with components have the shape {positions.shape}; they must "
                f"be (n_points, 2), x, z, or (n_points, 3), x, y, z [m]"
            )
        count, components = len(positions), self.components
        if isinstance(components, str | Component):
            components = (components,) * count
        if not isinstance(components, Sequence) or len(components) != count:
            raise GeometryError(
                f"there are {count} points, and their components are {components!r}; give one "
                f"component for all, as 'vz', or one for each"
            )
        each = tuple(c if isinstance(c, Component) else Component.named(str(c)) for c in components)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "components", each)

    def __len__(self) -> int:
        return len(self.positions)

    def select(self, rows: Any) -> Points:
        """Some of the points.

        Parameters
        ----------
        rows : ndarray of int or bool, or slice
            Their numbers, or which of all.
        """
        numbers = np.arange(len(self))[rows]
        return Points(self.positions[numbers], tuple(self.components[n] for n in numbers))

    def shifted(self, by: Array) -> Points:
        """The same points, further along every axis by a distance.

        Parameters
        ----------
        by : ndarray of shape (ndim,)
            [m]
        """
        return Points(self.positions + by, self.components)

    @property
    def plain(self) -> Array | Points:
        """The positions alone where all components are pressure."""
        return self.positions if set(self.components) <= {PRESSURE} else self


def positions(place: Array | Points) -> Array:
    """Positions of points, shape (n_points, ndim) [m]."""
    return place.positions if isinstance(place, Points) else place


def some(place: Array | Points, rows: Any) -> Array | Points:
    """Some of the points.

    Parameters
    ----------
    place : ndarray of shape (n_points, ndim), or Points
    rows : ndarray of int or bool, or slice
        Their numbers, or which of all.

    Returns
    -------
    ndarray of shape (n, ndim), or Points
    """
    return place.select(rows).plain if isinstance(place, Points) else np.asarray(place[rows])


def together(places: Sequence[Array | Points]) -> Array | Points:
    """All points of several, one after the other; positions alone where all are of pressure.

    Parameters
    ----------
    places : sequence of ndarray of shape (n_points, ndim), or Points

    Returns
    -------
    ndarray of shape (n, ndim), or Points
    """
    each = [p if isinstance(p, Points) else Points(p) for p in places]
    joined = tuple(c for place in each for c in place.components)
    return Points(np.concatenate([place.positions for place in each]), joined).plain
