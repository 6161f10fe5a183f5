"""Functions of one row each for loops over the last axis: a pass over Devito's intermediate tree.

A loop over a row reads neighbours in rows around it, so that one array has up to nine addresses in
a loop, `u[t0][x + 4][y]` to `u[t0][x + 12][y]`, and many arrays have more than a processor has
registers. Among all other loops of a step the compiler keeps several addresses of one row, computes
them ahead of loops, and puts them into memory and back. A function that takes a pointer to each row
has its registers for itself:

    for (y = 0; y < n; y++)  u_t1_x8[y] = ... u_t0_x8[y + 1] ... u_t0_x9[y] ...

Pointers are `restrict`. A function writes a row through one pointer and reaches it through no other
one: a loop where two accesses might meet at other points of a row stays as it is.

Times are 0.85 to 1.0 of those of loops in the kernel, in alternate runs of one process, and the
compiler takes from nine tenths of its time down to a quarter, for `tti` in the plane. Results are
the same to round-off. `benchmarks/equation_cost.py` prints the times of all equations, and with a
FEWEST of 1000 those of loops in the kernel.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from devito.ir.iet import (
    Call,
    Callable,
    Expression,
    FindNodes,
    Iteration,
    Pragma,
    Transformer,
    Uxreplace,
    derive_parameters,
)
from devito.symbolics import Byref, IntDiv, retrieve_indexed
from devito.tools import natural_sort_key
from devito.types import Array, Symbol
from devito.types.misc import Temp

from fwicli.propagators.kernels import passes
from fwicli.propagators.kernels.accesses import same_level

# Inlined, its addresses would be mixed with those of other loops again.
PREFIX = "static", "__attribute__((noinline))"
# A loop over fewer rows has registers enough, and the call costs time.
FEWEST = 8


def outlined(axes: tuple[Any, ...]) -> AbstractContextManager[None]:
    """Let Devito generate functions for loops over rows of many arrays.

    Parameters
    ----------
    axes : tuple of Dimension
        Axes of the grid.
    """
    return passes.finished(partial(_outlined, axis=axes[-1]))


def _outlined(iet: Any, axis: Any) -> tuple[Any, list[Any]]:
    """The function of a kernel with calls in place of loops over rows, and the functions called."""
    functions: dict[str, Any] = {}
    calls: dict[Any, Any] = {}
    for loop in FindNodes(Iteration).visit(iet):
        is_row = loop.dim.root is axis and loop.is_Vectorized and not _copies(loop)
        arguments = arguments_of(loop) if is_row else None
        if arguments is None or len(arguments.rows) < FEWEST:
            continue
        function, call = arguments.function(f"row{len(functions)}")
        # Strips on both sides of a grid, and loops over rows of several parts, do the same.
        function = functions.setdefault(str(function.body), function)
        calls[loop] = call._rebuild(name=function.name)
    return Transformer(calls).visit(iet), list(functions.values())


def _copies(loop: Any) -> bool:
    """Whether a loop only copies rows, as those of a history do: a function takes longer to."""
    return all(e.expr.rhs.is_Indexed for e in FindNodes(Expression).visit(loop))


def arguments_of(loop: Any) -> RowArguments | None:
    """The arguments of a function in place of a loop over a row.

    Parameters
    ----------
    loop : Iteration

    Returns
    -------
    RowArguments or None
        None if the loop has to stay.
    """
    if not all(n.is_Expression or n.is_ExpressionBundle for n in loop.nodes):
        return None
    expressions = FindNodes(Expression).visit(loop)
    if not all(e.output.is_Indexed or e.init for e in expressions):
        return None
    written = {e.output for e in expressions if e.output.is_Indexed}
    accesses = {a for e in expressions for a in retrieve_indexed([e.expr.lhs, e.expr.rhs])}
    terms = dict.fromkeys(e.output for e in expressions if isinstance(e.output, Temp))
    names = {term: Temp(name=f"term{n}", dtype=term.dtype) for n, term in enumerate(terms)}
    arguments = RowArguments(loop, replacements={**names})
    for access in sorted(accesses, key=_order):
        if not arguments.add(access, access in written):
            return None
    return None if arguments.meet() else arguments


@dataclass
class Row:
    """A row of an array, to which a function has a pointer.

    Attributes
    ----------
    pointer : Array
    access : Indexed
        The first of its accesses.
    beginning : Indexed
        The access of the row at the first point of the loop.
    is_written : bool
    """

    pointer: Any
    access: Any
    beginning: Any
    is_written: bool = False

    def meets(self, access: Any) -> bool:
        """Whether an access to another row, or to one value, may be one to this row."""
        return self.access.function is access.function and same_level(self.access, access)


@dataclass
class RowArguments:
    """The arguments of a function in place of a loop over a row.

    Attributes
    ----------
    loop : Iteration
    rows : dict of tuple to Row
        By array, indices, and the part of the last one that is no number.
    values : dict of Indexed to Symbol
        Values that are the same along the row.
    replacements : dict of Indexed to object
        Accesses in the function, by those in the loop.
    """

    loop: Any
    rows: dict[Any, Row] = field(default_factory=dict)
    values: dict[Any, Any] = field(default_factory=dict)
    replacements: dict[Any, Any] = field(default_factory=dict)

    def add(self, access: Any, is_written: bool) -> bool:
        """Take an access among the arguments.

        Parameters
        ----------
        access : Indexed
        is_written : bool

        Returns
        -------
        bool
            Whether it is one to a row, or to a value that no point changes.
        """
        along, (*others, place) = self.loop.dim, access.indices
        if any(along in i.free_symbols for i in others):
            return False
        if along not in place.free_symbols:
            name = f"{access.function.name}_at{len(self.values)}"
            value = Symbol(name=name, dtype=access.dtype, is_const=True)
            self.replacements[access] = self.values.setdefault(access, value)
            return not is_written
        shift, beginning = (place - along).as_coeff_Add()
        if along in beginning.free_symbols:
            return False
        key = access.function, tuple(map(_level, others)), beginning
        if key not in self.rows:
            self.rows[key] = self._row(access, beginning)
        row = self.rows[key]
        row.is_written |= is_written
        self.replacements[access] = row.pointer.indexed[along + shift - _halo(access)]
        return True

    def _row(self, access: Any, beginning: Any) -> Row:
        """The row of an access: its pointer leads to the first point of the loop."""
        pointer = Array(
            name=self._unused(_named(access)),
            dimensions=(self.loop.dim,),
            dtype=access.dtype,
            scope="rvalue",  # nobody allocates it
        )
        first, *_ = self.loop.limits
        indices = *access.indices[:-1], first + beginning + _halo(access)
        return Row(pointer, access, access.func(access.base, *indices))

    def _unused(self, name: str) -> str:
        """A name of a row that no other one has."""
        names = {row.pointer.name for row in self.rows.values()}
        return f"{name}_{len(names)}" if name in names else name

    def meet(self) -> bool:
        """Whether another pointer, or a value, may be of a row that is written."""
        for key, row in self.rows.items():
            others = [other.access for k, other in self.rows.items() if k != key]
            if row.is_written and any(map(row.meets, [*others, *self.values])):
                return True
        return False

    def function(self, name: str) -> tuple[Any, Any]:
        """The function of the loop, and the call that takes its place.

        Parameters
        ----------
        name : str

        Returns
        -------
        function : Callable
        call : Call
        """
        first, last, _ = self.loop.limits
        points = last - first + 1
        count = Symbol(name="row_points", dtype=np.int32, is_const=True)
        count = points if points.is_Integer else count
        loop = Uxreplace(self.replacements).visit(self.loop)
        loop = loop._rebuild(limits=(0, count - 1, 1), pragmas=(Pragma("omp simd"),))
        passed = {row.pointer: Byref(row.beginning) for row in self.rows.values()}
        passed |= {symbol: access for access, symbol in self.values.items()}
        if count is not points:
            passed[count] = points
        passed |= {s: s for s in derive_parameters(loop) if s not in passed and s != self.loop.dim}
        return Callable(name, loop, "void", [*passed], PREFIX), Call(name, [*passed.values()])


def _level(index: Any) -> Any:
    """An index, of a time level the steps from the present: its name is drawn by lot."""
    if not getattr(index, "is_Modulo", False):
        return index
    return (index.offset - index.root) % index.modulo


def _named(access: Any) -> str:
    """The name of the row of an access, such as `u_t1_x4` of `u[t2][x + 4][y + 8]`."""
    words = []
    for index in access.indices[:-1]:
        if getattr(index, "is_Modulo", False):
            words.append(f"t{_level(index)}")
        elif not (index.is_Number or index.has(IntDiv)):  # the snapshot of a history has no name
            # Of a row in a ring, the place in the table of slots.
            words.append(str(index.indices[-1] if index.is_Indexed else index))
    return "_".join([access.function.name, *(re.sub(r"\W", "", w) for w in words or ["row"])])


def _order(access: Any) -> Any:
    """A key for the order of accesses, in which no name has a say that is drawn by lot."""
    return natural_sort_key(f"{_named(access)}[{access.indices[-1]}] {access}")


def _halo(access: Any) -> int:
    """Points of an array before the first one that a loop over a whole row reaches."""
    return int(getattr(access.function, "space_order", 0))
