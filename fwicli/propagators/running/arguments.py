"""Arguments of a compiled kernel, prepared once for all shots with the same shapes.

The C function takes addresses: as long as every array stays where it is in memory, with the same
shape, another shot needs no more than other values in them. Only the arrays of a history may move
from shot to shot; their address is set.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Most arguments cached for the next shot: their number, and their bytes together.
KEPT, LARGEST = 8, 64e6


class Arguments:
    """Arguments of one kernel.

    Attributes
    ----------
    own : dict of str to ndarray
        Arrays of these arguments alone: injected and recorded values, and their points.
    compiled : dict of str to object
        Arguments of the C function; empty until they are prepared.
    """

    def __init__(self) -> None:
        self.own: dict[str, Array] = {}
        self.compiled: dict[str, Any] = {}

    @property
    def nbytes(self) -> int:
        """Memory of their own arrays [bytes]."""
        return sum(a.nbytes for a in self.own.values())

    def set(self, name: str, values: Array, aligned: Callable[[Array], Array]) -> None:
        """Set the values of an array, which keeps its address; an aligned copy at first.

        Parameters
        ----------
        name : str
        values : ndarray
        aligned : callable
            Makes an aligned copy of an array.
        """
        if name in self.own:
            self.own[name][...] = values
        else:
            self.own[name] = aligned(values)

    def place(self, name: str, array: Array) -> None:
        """Set the address of an argument, and its shape, to those of another array.

        The caller keeps it alive while the function runs.

        Parameters
        ----------
        name : str
        array : ndarray
        """
        self.compiled[name].place(array)


class Prepared:
    """Arguments of the kernels of one discretization, by kernel and shapes; a cache."""

    def __init__(self) -> None:
        self._arguments: OrderedDict[Hashable, Arguments] = OrderedDict()

    def take(self, key: Hashable) -> Arguments:
        """The arguments for a kernel and shapes, new or from an earlier shot."""
        arguments = self._arguments.setdefault(key, Arguments())
        self._arguments.move_to_end(key)
        while len(self._arguments) > 1 and (len(self._arguments) > KEPT or self.nbytes > LARGEST):
            self._arguments.popitem(last=False)
        return arguments

    @property
    def nbytes(self) -> int:
        """Memory of the arrays that belong to arguments alone [bytes]."""
        return sum(a.nbytes for a in self._arguments.values())


def shapes(*arrays: Array | None) -> tuple[tuple[int, ...] | None, ...]:
    """Shapes of arrays, as part of a key."""
    return tuple(None if a is None else np.shape(a) for a in arrays)
