"""Penalties: what an objective says of a model beside how well it explains the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]
Values = Mapping[str, Array]


class Penalty(Protocol):
    """A function of the variables of an inversion, in SI units, on the grid of the unknowns."""

    def __call__(self, values: Values, spacing: tuple[float, ...]) -> tuple[float, Values]:
        """Value, and its derivatives by name; a variable that does not count is left out."""
        ...

    def curvature(self, values: Values, change: Values, spacing: tuple[float, ...]) -> Values:
        """Second derivative, or a positive part of it, applied to a change of the variables."""
        ...
