"""Units of lengths in pictures: m where all of them are below 1 km, and else km."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.grid import Grid

Array = NDArray[Any]


@dataclass(frozen=True)
class LengthUnit:
    """A unit of lengths.

    Attributes
    ----------
    name : str
    size : float
        Its length [m].
    """

    name: str
    size: float

    def label(self, quantity: str) -> str:
        """Label of an axis of lengths."""
        return f"{quantity} [{self.name}]"

    def text(self, quantity: str, length: float) -> str:
        """A length in words.

        Parameters
        ----------
        quantity : str
            Name of the length.
        length : float
            [m]

        Returns
        -------
        text : str
        """
        return f"{quantity} = {length / self.size:.4g} {self.name}"


METRE, KILOMETRE = LengthUnit("m", 1.0), LengthUnit("km", 1000.0)


def unit_for(lengths: Any) -> LengthUnit:
    """The unit in which a picture shows lengths.

    Parameters
    ----------
    lengths : array_like
        Lengths or coordinates of the picture [m]; NaN does not count.

    Returns
    -------
    unit : LengthUnit
    """
    values = np.abs(np.asarray(lengths, dtype=np.float64))
    longest = values.max(where=np.isfinite(values), initial=0.0)
    return METRE if longest < KILOMETRE.size else KILOMETRE


def unit_of(grid: Grid) -> LengthUnit:
    """The unit in which pictures of arrays on a grid show coordinates."""
    return unit_for([*grid.origin, *grid.end])
