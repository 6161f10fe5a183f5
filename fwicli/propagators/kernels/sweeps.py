"""One sweep over the plane for the updates of a step: a pass over Devito's intermediate tree.

Devito runs each update of a step over the whole plane before the next one. Values of one update
have left the cache when the next one reads them, and loops over the strips of the layer, which are
short, wait for memory.
This pass shifts the updates against each other and runs them together, some rows at a time:

    rows x to x + n - 1 of the first update, x - s to x - s + n - 1 of the second, and so on,

where the shift s is the least with which no update comes before another one, earlier in the step,
whose values it reads or overwrites. The order of the updates at each point stays as it was, and
with it every bit of the result of updates.

Fields that only the sweep needs live in rings of rows, which stay in the cache (see `rings`). Where
sources enter such a field between two updates, the sweep injects on its way (see `injections`).

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

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product
from typing import Any

import numpy as np
from devito import Dimension
from devito.ir.iet import Expression, FindNodes, Iteration, Section, Uxreplace
from devito.ir.support import AFFINE, PARALLEL, SEQUENTIAL
from devito.symbolics import evalrel, retrieve_indexed
from devito.types import Scalar

from fwicli.propagators.kernels import injections, steps
from fwicli.propagators.kernels.accesses import along, distance, offset, same_level
from fwicli.propagators.kernels.rings import Ring
from fwicli.propagators.kernels.row_tables import row_table

# With fewer arrays most values are in the cache without a sweep, and the compiler takes a third
# longer for all updates in one loop than for loops of their own.
FEWEST = 12
# Rows that an update runs through before the next one takes its turn: rows of one update alone stay
# in the first level of the cache, and short loops begin less often.
TOGETHER = 8


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


@dataclass(frozen=True)
class Sweep:
    """Updates that run together, each with the rows by which it stays behind the first."""

    updates: tuple[Update, ...] = ()
    shifts: tuple[int, ...] = ()

    @property
    def arrays(self) -> set[Any]:
        """Functions on the grid that the updates read or write."""
        functions = {a.function for u in self.updates for a in u.touched}
        return {f for f in functions if f.is_DiscreteFunction and f.grid is not None}

    def accesses(self, name: str) -> list[tuple[Any, int]]:
        """Accesses to an array, each with the shift of its update.

        Parameters
        ----------
        name : str

        Returns
        -------
        list of (Indexed, int)
        """
        pairs = zip(self.updates, self.shifts, strict=True)
        return [(a, s) for u, s in pairs for a in u.touched if a.function.name == name]


@contextmanager
def swept(axes: tuple[Any, ...], transient: Collection[str] = ()) -> Iterator[dict[str, Ring]]:
    """Let Devito generate one sweep over a plane; loops over a cube stay as they are.

    Parameters
    ----------
    axes : tuple of Dimension
        Axes of the grid.
    transient : collection of str
        Fields that may live in rings (see `transient_fields`).

    Yields
    ------
    dict of str to Ring
        Fields that do, after the code is generated.
    """
    rings: dict[str, Ring] = {}
    if len(axes) != 2:
        yield rings
        return
    with steps.rearranged(partial(_step, axis=axes[0], transient=transient, rings=rings)):
        yield rings


def _step(
    nodes: Sequence[Any], axis: Any, transient: Collection[str], rings: dict[str, Ring]
) -> list[Any]:
    """The nodes of a time step; others than updates and what is injected between two stay."""
    parts = _parts(nodes, axis, transient)
    result: list[Any] = []
    group: list[Any] = []
    updates: list[Update] = []
    for node, part in zip([*nodes, None], [*parts, None], strict=True):
        if part is not None:
            group, updates = [*group, node], updates + part
            continue
        others = {name for other in nodes if other not in group for name in _names(other)}
        result += _section(group, updates, axis, set(transient) - others, rings)
        result += [] if node is None else [node]
        group, updates = [], []
    return result


def _parts(
    nodes: Sequence[Any], axis: Any, transient: Collection[str]
) -> list[list[Update] | None]:
    """Updates of each node; None for others than updates and what is injected between two."""
    parts = [_updates(node, axis) for node in nodes]
    tables: dict[str, Any] = {}
    for number in range(1, len(nodes) - 1):
        node, around = nodes[number], (parts[number - 1], parts[number + 1])
        # Elsewhere a sweep that goes on would save nothing.
        if parts[number] is None and None not in around and not _names(node).isdisjoint(transient):
            loops = injections.over_rows(node, axis, tables)
            parts[number] = None if loops is None else [Update(loop) for loop in loops]
    return parts


def _names(node: Any) -> set[str]:
    """Names of the arrays that a node reads or writes."""
    expressions = [e.expr for e in FindNodes(Expression).visit(node)]
    return {a.function.name for e in expressions for a in retrieve_indexed([e.lhs, e.rhs])}


def _updates(node: Any, axis: Any) -> list[Update] | None:
    """The updates of a section, if all of it is loops over rows."""
    loops = steps.loops(node)
    is_over_rows = all(
        i.is_Iteration and i.dim.root is axis and i.is_Parallel and not i.dim.is_Block
        for i in loops
    )
    return [Update(loop) for loop in loops] if loops and is_over_rows else None


def _section(
    nodes: list[Any],
    updates: list[Update],
    axis: Any,
    transient: Collection[str],
    rings: dict[str, Ring],
) -> list[Any]:
    """Updates that follow each other, in as few sweeps as possible."""
    arrays = Sweep(tuple(updates)).arrays
    few = len(arrays) < FEWEST and not any(f.name in transient for f in arrays)
    if len(updates) < 2 or few:
        return nodes
    sweeps = _shifted(updates, axis)
    loops = []
    for sweep in sweeps:
        others = {f.name for other in sweeps if other is not sweep for f in other.arrays}
        possible = [(name, _ring(sweep, name, axis)) for name in sorted(set(transient) - others)]
        own = {name: ring for name, ring in possible if ring is not None}
        rings.update(own)
        loops.append(_in_rings(_loops(sweep, axis), sweep, own, axis))
    return [Section(nodes[0].name, body=loops)]


def _shifted(updates: list[Update], axis: Any) -> list[Sweep]:
    """Updates that share a sweep, and the rows by which each stays behind the first."""
    sweeps = [Sweep()]
    for update in updates:
        sweep = sweeps[-1]
        reaches = [earlier.reach(update, axis) for earlier in sweep.updates]
        if None in reaches:
            sweeps.append(Sweep((update,), (0,)))
            continue
        behind = [s + r for s, r in zip(sweep.shifts, reaches, strict=True) if r is not None]
        shifts = *sweep.shifts, max(behind, default=0)
        sweeps[-1] = replace(sweep, updates=(*sweep.updates, update), shifts=shifts)
    return sweeps


def _loops(sweep: Sweep, axis: Any) -> Any:
    """One loop over rows with all updates, in two phases of parts of the rows."""
    if len(sweep.updates) == 1:
        return sweep.updates[0].loop
    most = max(sweep.shifts)
    phase, first, row = (Dimension(name=f"{axis.name}_{n}") for n in ("phase", "part", "row"))
    size = PartSize(name=f"{axis.name}_part{most}_size", dtype=np.int32, is_const=True, shift=most)
    inside = [
        _of_rows(u.loop, s, (phase, first, row), size)
        for u, s in zip(sweep.updates, sweep.shifts, strict=True)
    ]
    last = first + size - 1 - phase * (size - 2 * most)
    rows = Iteration(inside, row, (first, last, TOGETHER), properties=(SEQUENTIAL,))
    bounds = (axis.symbolic_min - 2 * most, axis.symbolic_max + 2 * most, size)
    parts = Iteration(rows, first, bounds, properties=(AFFINE, PARALLEL))
    return Iteration(parts, phase, (0, 1, 1), properties=(SEQUENTIAL,))


def _of_rows(loop: Any, shift: int, dimensions: tuple[Any, Any, Any], size: Any) -> Any:
    """The loop of an update for the rows that it takes in a phase at once, or for none."""
    phase, first, row = dimensions
    begin, end = loop.symbolic_bounds
    # In the second phase, rows on both sides of where a part begins.
    inwards = shift * (1 - 2 * phase)
    least, most = first + inwards, first - 1 + (1 - phase) * size - inwards
    limits = evalrel(max, [begin, row - shift, least])
    last = evalrel(min, [end, row - shift + TOGETHER - 1, most])
    return loop._rebuild(limits=(limits, last, 1))


# --- rings ---------------------------------------------------------------------------------------


def _ring(sweep: Sweep, name: str, axis: Any) -> Ring | None:
    """Rows that a sweep needs of a field at the same time; None where a ring cannot hold it."""
    accesses = sweep.accesses(name)
    if len(sweep.updates) < 2 or not accesses:
        return None
    levels, rows = {a.indices[0] for a, _ in accesses}, []
    for access, shift in accesses:
        away = offset(access, axis)
        if away is None or abs(away - access.function.space_order) > shift:
            return None
        rows.append((away - access.function.space_order, shift))
    if len(levels) > 1:
        return None
    behind = [shift - away for away, shift in rows]
    return Ring(
        f"{axis.name}_slot_{name}",
        rows=max(behind) - min(behind) + TOGETHER,
        after=max(shift + away for away, shift in rows),
        shift=max(sweep.shifts),
    )


def _in_rings(loops: Any, sweep: Sweep, rings: dict[str, Ring], axis: Any) -> Any:
    """The loops of a sweep with accesses to the slots of rings."""
    mapper: dict[Any, Any] = {}
    for name, ring in rings.items():
        accesses = sweep.accesses(name)
        slots = row_table(ring.table, accesses[0][0].function, axis)
        for access, _ in accesses:
            place = along(access, axis)
            indices = (slots.indexed[i] if n == place else i for n, i in enumerate(access.indices))
            mapper[access] = access.func(access.base, *indices)
    return Uxreplace(mapper).visit(loops) if mapper else loops
