"""The model that the arrays of kernels hold: one that comes again is neither checked nor copied.

Shots in the same model follow each other. Values that are equal, bit by bit, to those in an array
have passed all checks, and are extended into the layer already. Comparing them takes a third of
the time of both. An array on the user's side may have changed in place: it is never trusted.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from fwicli.threads import passes

Array = NDArray[Any]


@dataclass
class LoadedModel:
    """Parameters in the arrays of one discretization.

    Attributes
    ----------
    threads : int
        Most that compare large arrays.
    ranges : dict of str to (float, float)
        Least and largest value of every property that follows from the model that was checked
        last; empty before.
    """

    threads: int = 1
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    # By parameter and halo: the part of the array on the model's grid, and the user's values.
    _arrays: dict[str, dict[int, tuple[Array, weakref.ref[Array]]]] = field(default_factory=dict)

    def holds(self, name: str, values: Array) -> bool:
        """Whether all arrays of a parameter hold these values; if not, none counts as loaded.

        Parameters
        ----------
        name : str
            Of the parameter, or of a change of it.
        values : ndarray of shape (*grid,)

        Returns
        -------
        bool
        """
        arrays = self._arrays.get(name, {})
        if arrays and all(passes.are_same(own, values, self.threads) for own, _ in arrays.values()):
            user = weakref.ref(values)
            self._arrays[name] = {halo: (own, user) for halo, (own, _) in arrays.items()}
            return True
        self._arrays.pop(name, None)
        return False

    def is_current(self, name: str, halo: int, values: Array) -> bool:
        """Whether an array was loaded from this very object, or compared with it, in this call.

        Parameters
        ----------
        name : str
        halo : int
            Of the array.
        values : ndarray of shape (*grid,)

        Returns
        -------
        bool
        """
        loaded = self._arrays.get(name, {}).get(halo)
        return loaded is not None and loaded[1]() is values

    def load(self, name: str, halo: int, own: Array, values: Array) -> None:
        """Copy values to the part of an array that lies on the model's grid.

        Parameters
        ----------
        name : str
        halo : int
            Of the array.
        own : ndarray of shape (*grid,)
            That part, in the memory of the kernels.
        values : ndarray of shape (*grid,)
        """
        self._arrays.get(name, {}).pop(halo, None)
        own[...] = values
        self._arrays.setdefault(name, {})[halo] = own, weakref.ref(values)
