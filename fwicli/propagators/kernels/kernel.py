"""Kernels as they run: machine code, the arrays that it works on, and its arguments.

Devito generates the code. A kernel itself is plain data: loading it, and making its arguments,
needs no import of Devito, which takes longer than the first shot.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from fwicli.propagators.kernels import library
from fwicli.propagators.kernels.signature import ArraySpec, Signature

Array = NDArray[Any]

# Names of arrays to which every step of a kernel adds begin with one of these.
ACCUMULATED = ("gradient_", "image_", "sum_")
# Others are made after the last step from those that begin with this.
DERIVED = "sum_"
# Dimension of snapshots in time, and the argument with the number of steps between them.
SNAPSHOTS = "kept"
INTERVAL = f"{SNAPSHOTS}f"
# How generated code takes an array: it reads the address and the sizes.
LAYOUT = """struct dataobj
{
  void *restrict data;
  int * size;
  unsigned long nbytes;
  unsigned long * npsize;
  unsigned long * dsize;
  int * hsize;
  int * hofs;
  int * oofs;
  void * dmap;
} ;
"""


class ArrayArgument(ctypes.Structure):
    """An array as generated code takes it (see `LAYOUT`)."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("size", ctypes.POINTER(ctypes.c_int)),
        ("nbytes", ctypes.c_ulong),
        *((name, ctypes.c_void_p) for name in ("npsize", "dsize", "hsize", "hofs", "oofs", "dmap")),
    )

    def __init__(self, array: Array) -> None:
        super().__init__()
        self.size = (ctypes.c_int * array.ndim)()
        self.place(array)

    def place(self, array: Array) -> None:
        """Set the address and the shape to those of an array; the caller keeps it alive."""
        self.data = array.ctypes.data
        self.nbytes = array.nbytes
        for axis, points in enumerate(array.shape):
            self.size[axis] = points


@dataclass(frozen=True)
class Parameter:
    """An argument of a compiled function.

    Attributes
    ----------
    name : str
    kind : {"array", "int", "float32", "float64", "thickness", "timers", "rows"}
    value : int
        Thickness of a strip of the layer in cells; number of timers; largest shift in a sweep.
    """

    name: str
    kind: str
    value: int = 0

    @property
    def ctype(self) -> Any:
        """Its type in the call of the function."""
        types = {
            "array": ctypes.POINTER(ArrayArgument),
            "float32": ctypes.c_float,
            "float64": ctypes.c_double,
            "timers": ctypes.POINTER(ctypes.c_double * self.value),
        }
        return types.get(self.kind, ctypes.c_int)


@dataclass(frozen=True)
class Kernel:
    """Generated code, the arrays and arguments that it needs, and its library once compiled.

    Attributes
    ----------
    signature : Signature
    name : str
        Of the function.
    parameters : tuple of Parameter
        Arguments of the function, in their order.
    arrays : tuple of ArraySpec
    source : str
        In C.
    code : bytes
        The shared library; none before it is compiled.
    thicker : int
        Cells of the layer beyond those with which the code was generated.
    """

    signature: Signature
    name: str
    parameters: tuple[Parameter, ...]
    arrays: tuple[ArraySpec, ...]
    source: str
    code: bytes = b""
    thicker: int = 0

    @functools.cached_property
    def function(self) -> Any:
        """The compiled function; its arguments are the parameters, in their order.

        Raises
        ------
        CompilerError
            If the library cannot be loaded here.
        """
        function = getattr(library.load(self.code), self.name)
        function.argtypes = [p.ctype for p in self.parameters]
        return function

    def arguments(
        self, arrays: Mapping[str, Array], numbers: Mapping[str, float]
    ) -> dict[str, Any]:
        """Arguments of the function, by name.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            The caller keeps them alive.
        numbers : mapping of str to number
            Thicknesses of the layer are not among them.

        Returns
        -------
        dict of str to object
        """
        values: dict[str, Any] = {}
        for p in self.parameters:
            if p.kind == "array":
                values[p.name] = ArrayArgument(arrays[p.name])
            elif p.kind == "timers":
                values[p.name] = (ctypes.c_double * p.value)()
            elif p.kind == "thickness":
                values[p.name] = p.value + self.thicker * self.signature.is_layer(p.name)
            else:
                values[p.name] = numbers[p.name]
        return values

    def with_layer(self, cells: int) -> Kernel:
        """The same code for a layer of another thickness."""
        more = cells - self.signature.layer
        if not more:
            return self
        kernel = replace(
            self,
            signature=replace(self.signature, layer=cells),
            arrays=tuple(spec.thickened(more) for spec in self.arrays),
            thicker=self.thicker + more,
        )
        kernel.__dict__["function"] = self.function
        return kernel

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "function"}
