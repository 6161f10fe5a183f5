"""One sweep over the plane for the updates of a step: a pass over Devito's intermediate tree.

Devito runs each update of a step over the whole plane before the next one. Values of one update
have left the cache when the next one reads them, and loops over the strips of the layer, which are
short, wait for memory.
This pass shifts the updates against each other and runs them together, row by row:

    row x of the first update, row x - s of the second, and so on,

where the shift s is the least with which no update comes before another one, earlier in the step,
whose values it reads or overwrites. The order of the updates at each point stays as it was, and
with it every bit of the result.

Threads have a part of the rows each. Next to where two parts meet, an update needs rows of both.
These rows are left out at first, the more of them the larger the shift, and are updated in a second
phase: of an update with the shift s, the rows x with

    first + s <= x <= last - s                in the first phase, of a part from first to last;
    border - s <= x < border + s              in the second phase, of a border between two parts.

Parts begin and end twice the largest shift outside of the plane, so that no row of it is left out.

Reference: Manjikian and Abdelrahman (1997), IEEE Trans. Parallel Distrib. Syst. 8, 193-209, for
loops that are shifted and peeled.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from typing import Any

import numpy as np
from devito import Dimension
from devito.ir.iet import Expression, FindNodes, Iteration, Section
from devito.ir.support import AFFINE, PARALLEL, SEQUENTIAL
from devito.symbolics import evalrel, retrieve_indexed
from devito.types import Scalar

from fwicli.propagators.kernels import steps
from fwicli.propagators.kernels.accesses import distance, same_level

# With fewer arrays most values are in the cache without a sweep, and the compiler takes a third
# longer for all updates in one loop than for loops of their own.
FEWEST = 12


class PartSize(Scalar):  # type: ignore[misc]
    """Rows of the part of a thread, an argument of the kernel.

    Attributes
    ----------
    shift : int
        Largest shift of an update that runs in the part.
    """

    __rkwargs__ = (*Scalar.__rkwargs__, "shift")

    def __init_finalize__(self, *args: Any, shift: int = 0, **kwargs: Any) -> None:
        self.shift = shift
        super().__init_finalize__(*args, **kwargs)


@dataclass(frozen=True, eq=False)
class Update:
    """A loop over rows whose order does not matter."""

    loop: Any

    @cached_property
    def written(self) -> set[Any]:
        """Accesses to arrays that are written."""
        expressions = FindNodes(Expression).visit(self.loop)
        return {e.output for e in expressions if e.output.is_Indexed}

    @cached_property
    def touched(self) -> set[Any]:
        """Accesses to arrays that are read or written."""
        expressions = FindNodes(Expression).visit(self.loop)
        return self.written | {a for e in expressions for a in retrieve_indexed(e.expr.rhs)}

    def reach(self, other: Update, axis: Any) -> int | None:
        """Rows by which the other must stay behind: how far apart the two meet.

        Parameters
        ----------
        other : Update
            Later in the step.
        axis : Dimension
            Along which rows follow each other.

        Returns
        -------
        int or None
            None if they meet where no shift keeps them in order.
        """
        pairs = [*product(self.written, other.touched), *product(self.touched, other.written)]
        most = 0
        for a, b in pairs:
            if a.function is b.function and same_level(a, b):
                away = distance(a, b, axis)
                if away is None:
                    return None
                most = max(most, abs(away))
        return most


def swept(axes: tuple[Any, ...]) -> AbstractContextManager[None]:
    """Let Devito generate one sweep over a plane; loops over a cube stay as they are.

    Parameters
    ----------
    axes : tuple of Dimension
        Axes of the grid.
    """
    return steps.rearranged(partial(_step, axis=axes[0])) if len(axes) == 2 else nullcontext()


def _step(nodes: Sequence[Any], axis: Any) -> list[Any]:
    """The nodes of a time step; others than updates, such as injections, stay in their places."""
    result: list[Any] = []
    group: list[Any] = []
    updates: list[Update] = []
    for node in nodes:
        part = _updates(node, axis)
        if part is None:
            result += [*_section(group, updates, axis), node]
            group, updates = [], []
        else:
            group, updates = [*group, node], updates + part
    return result + _section(group, updates, axis)


def _updates(node: Any, axis: Any) -> list[Update] | None:
    """The updates of a section, if all of it is loops over rows."""
    loops = steps.loops(node)
    is_over_rows = all(
        i.is_Iteration and i.dim.root is axis and i.is_Parallel and not i.dim.is_Block
        for i in loops
    )
    return [Update(loop) for loop in loops] if loops and is_over_rows else None


def _section(nodes: list[Any], updates: list[Update], axis: Any) -> list[Any]:
    """Updates that follow each other, in as few sweeps as possible."""
    arrays = {a.function for u in updates for a in u.touched if a.function.is_DiscreteFunction}
    if len(updates) < 2 or sum(f.grid is not None for f in arrays) < FEWEST:
        return nodes
    sweeps = [
        _loops(group, shifts, axis) if len(group) > 1 else group[0].loop
        for group, shifts in _shifted(updates, axis)
    ]
    return [Section(nodes[0].name, body=sweeps)]


def _shifted(updates: list[Update], axis: Any) -> list[tuple[list[Update], list[int]]]:
    """Updates that share a sweep, and the rows by which each stays behind the first."""
    groups: list[tuple[list[Update], list[int]]] = [([], [])]
    for update in updates:
        together, shifts = groups[-1]
        reaches = [earlier.reach(update, axis) for earlier in together]
        if None in reaches:
            groups.append(([update], [0]))
            continue
        behind = [s + r for s, r in zip(shifts, reaches, strict=True) if r is not None]
        together.append(update)
        shifts.append(max(behind, default=0))
    return groups


def _loops(updates: list[Update], shifts: list[int], axis: Any) -> Any:
    """One loop over rows with all updates, in two phases of parts of the rows."""
    most = max(shifts)
    phase, first, row = (Dimension(name=f"{axis.name}_{n}") for n in ("phase", "part", "row"))
    size = PartSize(name=f"{axis.name}_part{most}_size", dtype=np.int32, is_const=True, shift=most)
    inside = [
        _of_row(u.loop, s, (phase, first, row), size) for u, s in zip(updates, shifts, strict=True)
    ]
    last = first + size - 1 - phase * (size - 2 * most)
    rows = Iteration(inside, row, (first, last, 1), properties=(SEQUENTIAL,))
    bounds = (axis.symbolic_min - 2 * most, axis.symbolic_max + 2 * most, size)
    parts = Iteration(rows, first, bounds, properties=(AFFINE, PARALLEL))
    return Iteration(parts, phase, (0, 1, 1), properties=(SEQUENTIAL,))


def _of_row(loop: Any, shift: int, dimensions: tuple[Any, Any, Any], size: Any) -> Any:
    """The loop of an update for the row that it takes in a phase, or for none."""
    phase, first, row = dimensions
    begin, end = loop.symbolic_bounds
    # In the second phase, rows on both sides of where a part begins.
    least = first + shift * (1 - 2 * phase)
    most = first + shift - 1 + (1 - phase) * size
    limits = evalrel(max, [begin, row - shift, least]), evalrel(min, [end, row - shift, most]), 1
    return loop._rebuild(limits=limits)
