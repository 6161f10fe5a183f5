"""Inverses of functions of one property by a table of their values and Newton's method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Values of a table, and how far it goes beyond those of rocks: units are mistaken by a thousand.
ENTRIES, BEYOND = 20001, 1e4


class TabulatedInverse:
    """The inverse of a function that only rises or only falls.

    Parameters
    ----------
    function, slope : callable
        Of an array, and its derivative.
    plausible : (float, float)
        Values of rocks.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        slope: Callable[..., Any],
        plausible: tuple[float, float],
    ) -> None:
        self.function, self.slope = function, slope
        low, high = plausible
        if low > 0:
            self.entries = np.geomspace(low / BEYOND, high * BEYOND, ENTRIES)
        else:
            width = high - low
            self.entries = np.linspace(low - width, high + width, ENTRIES)
        with np.errstate(all="ignore"):
            self.values = np.asarray(function(self.entries), dtype=float)

    @property
    def has_inverse(self) -> bool:
        """Whether the function only rises or only falls."""
        steps = np.diff(self.values)
        return bool((steps > 0).all() or (steps < 0).all())

    def __call__(self, value: Array) -> Array:
        """Where the function has a value.

        Parameters
        ----------
        value : ndarray

        Returns
        -------
        ndarray
        """
        order = 1 if self.values[1] > self.values[0] else -1
        result = np.interp(value, self.values[::order], self.entries[::order])
        inside = (result > self.entries[0]) & (result < self.entries[-1])
        with np.errstate(all="ignore"):
            for _ in range(2):  # Newton's method, from a value exact to some seven digits
                better = result - (self.function(result) - value) / self.slope(result)
                result = np.where(inside, better, result)
        return result
