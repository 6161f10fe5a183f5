"""Arguments of a compiled kernel, prepared by Devito once for all shots of the same shapes.

Devito checks and converts the arguments of a kernel, which takes longer than the kernel does on a
grid of some thousand points. The C function takes addresses: as long as every array stays where it
is in memory, with the same shape, another shot needs no more than other values in them. Only what a
history is kept in may be elsewhere for each shot; its address is set.
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
        """Set an array, which stays where it is; at first to an aligned copy.

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
        """Have the C function find an argument in an array of the same shape elsewhere.

        Parameters
        ----------
        name : str
        array : ndarray
        """
        # That the array is still there when the function runs is for the caller to see to.
        pointer = self.compiled[name]._obj
        pointer.data = array.ctypes.data_as(type(pointer.data))


class Prepared:
    """Arguments of the kernels of one discretization, by kernel and shapes; the last are kept."""

    def __init__(self) -> None:
        self._arguments: OrderedDict[Hashable, Arguments] = OrderedDict()

    def take(self, key: Hashable) -> Arguments:
        """The arguments of a kernel and shapes, new or those of an earlier shot."""
        arguments = self._arguments.setdefault(key, Arguments())
        self._arguments.move_to_end(key)
        while len(self._arguments) > 1 and (len(self._arguments) > KEPT or self.nbytes > LARGEST):
            self._arguments.popitem(last=False)
        return arguments

    @property
    def nbytes(self) -> int:
        """Memory of the arrays that only arguments have [bytes]."""
        return sum(a.nbytes for a in self._arguments.values())


def shapes(*arrays: Array | None) -> tuple[tuple[int, ...] | None, ...]:
    """Shapes of arrays, as part of a key."""
    return tuple(None if a is None else np.shape(a) for a in arrays)
