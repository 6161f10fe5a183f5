"""Loops over the cube in tiles: a pass over Devito's intermediate tree.

Devito runs each update of a step over the whole cube before the next one, and those of the layer
strip by strip. Planes of a cube do not stay in the cache from one sweep to the next, and a layer of
12 cells takes longer than all the rest. This pass keeps the order of the updates at each point, and
with it every bit of the result, and changes the order of points:

    a tile, some planes along x and some rows of them along y, runs through the update of the grid,
    then those of the strips that lie in it, before the next tile begins;

    updates that others in the tile read outside of it, as they do the slopes psi at neighbours
    along x, run before: strips along x row by row, for all planes of the strip; strips along y for
    the planes of the tile.

Updates join a tile only if no two of them, of which one writes what the other reads or writes, meet
at different points along x, or along y. The tiles of different planes are then independent of each
other, and shared among threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from devito.ir.iet import Expression, FindNodes, Section
from devito.symbolics import evalrel, retrieve_indexed

from fwicli.propagators.kernels import steps
from fwicli.propagators.kernels.accesses import distance, same_level

Axes = tuple[Any, Any, Any]


@dataclass(frozen=True, eq=False)
class Rows:
    """An update row by row: the part of a step for each point along x and y.

    Attributes
    ----------
    x, y : Iteration
        Loops along both; that along y holds the rows.
    blocks : tuple of Iteration
        Loops over blocks along x and y, if the update has them: that of the whole grid has.
    """

    x: Any
    y: Any
    blocks: tuple[Any, ...] = ()

    @cached_property
    def written(self) -> set[Any]:
        """Accesses to arrays that are written."""
        return {e.output for e in FindNodes(Expression).visit(self.y) if e.output.is_Indexed}

    @cached_property
    def touched(self) -> set[Any]:
        """Accesses to arrays that are read or written."""
        expressions = FindNodes(Expression).visit(self.y)
        return self.written | {a for e in expressions for a in retrieve_indexed(e.expr.rhs)}

    def meets(self, other: Rows, axis: Any = None) -> bool:
        """Whether one writes what the other reads or writes, along an axis at other points.

        Parameters
        ----------
        other : Rows
        axis : Dimension, optional
            By default at any points.

        Returns
        -------
        bool
        """
        pairs = [(a, b) for a in self.written for b in other.touched]
        pairs += [(a, b) for a in self.touched for b in other.written]
        return any(
            a.function is b.function
            and same_level(a, b)
            and (axis is None or distance(a, b, axis) != 0)
            for a, b in pairs
        )


def tiled(axes: tuple[Any, ...]) -> AbstractContextManager[None]:
    """Let Devito generate loops over a cube in tiles; loops over a plane stay as they are.

    Parameters
    ----------
    axes : tuple of Dimension
        Axes of the grid.
    """
    return steps.rearranged(partial(_step, axes=axes)) if len(axes) == 3 else nullcontext()


def _step(nodes: Sequence[Any], axes: Axes) -> list[Any]:
    """The nodes of a time step; others than updates, such as injections, stay in their places."""
    result: list[Any] = []
    rows: list[Rows] = []
    named = ""
    for node in nodes:
        part = _rows(node, axes)
        if part is None:
            result += [*_section(named, rows, axes), node]
            rows = []
            continue
        named = named if rows else node.name
        rows += part
    return result + _section(named, rows, axes)


def _section(name: str, rows: list[Rows], axes: Axes) -> list[Any]:
    """Updates that follow each other, as a section of the code."""
    x, _, _ = axes
    nodes: list[Any] = []
    for before, together in _grouped(rows, x):
        if any(r.blocks for r in together):
            nodes += [*_strips(before, axes), _tiles(together, axes)]
        else:
            nodes += _strips(sorted(before + together, key=rows.index), axes)
    return [Section(name, body=nodes)] if nodes else []


# --- from loops to rows --------------------------------------------------------------------------


def _rows(node: Any, axes: Axes) -> list[Rows] | None:
    """The updates of a section, if all of them are row by row."""
    parts = [_of_loop(loop, axes) for loop in steps.loops(node)]
    return [row for part in parts for row in part] if parts and all(parts) else None


def _of_loop(loop: Any, axes: Axes) -> list[Rows]:
    """The updates of a loop; none if it is of another kind."""
    x, y, _ = axes
    if not _runs_along(loop, x):
        return []
    if loop.dim.is_Block:
        return _of_blocks(loop, axes)
    if not all(_runs_along(inner, y) for inner in loop.nodes):
        return []
    rows = [Rows(loop, inner) for inner in loop.nodes]
    pairs = ((a, b) for i, a in enumerate(rows) for b in rows[i + 1 :])
    return [] if any(a.meets(b, x) for a, b in pairs) else rows


def _of_blocks(outer: Any, axes: Axes) -> list[Rows]:
    """The update of loops over blocks along x and y, if they are no more than that."""
    nest = [outer]
    for axis in (axes[1], axes[0], axes[1]):
        inner = nest[-1].nodes
        if len(inner) != 1 or not _runs_along(inner[0], axis) or not inner[0].dim.is_Block:
            return []
        nest += inner
    *blocks, along_x, along_y = nest
    for block, along in zip(blocks, (along_x, along_y), strict=True):
        if along.limits != _within(block, block.symbolic_min, block.symbolic_max):
            return []
    return [Rows(along_x, along_y, tuple(blocks))]


def _runs_along(node: Any, axis: Any) -> bool:
    """Whether a node is a loop along an axis whose points are independent of each other."""
    return bool(node.is_Iteration and node.dim.root is axis and node.is_Parallel)


# --- which updates go together -------------------------------------------------------------------


def _grouped(rows: list[Rows], axis: Any) -> list[tuple[list[Rows], list[Rows]]]:
    """Updates that may follow each other at each point of an axis, with those that run before.

    Parameters
    ----------
    rows : list of Rows
        In the order of execution.
    axis : Dimension

    Returns
    -------
    list of (list of Rows, list of Rows)
        Updates that run before, and those that go together.
    """
    groups: list[tuple[list[Rows], list[Rows]]] = []
    before: list[Rows] = []
    together: list[Rows] = []
    for row in rows:
        in_the_way = [r for r in together if r.meets(row, axis)]
        if in_the_way:
            rest = [r for r in together if r not in in_the_way]
            if _can_precede(in_the_way, together):
                before, together = before + in_the_way, rest
            else:
                groups.append((before, together))
                before, together = [], []
        together = [*together, row]
    return [*groups, (before, together)] if rows else []


def _can_precede(some: list[Rows], rows: list[Rows]) -> bool:
    """Whether some updates, on strips, are independent of all others that they follow."""
    return not any(
        r.blocks or any(r.meets(other) for other in rows[: rows.index(r)] if other not in some)
        for r in some
    )


# --- from rows to loops --------------------------------------------------------------------------


def _tiles(rows: list[Rows], axes: Axes) -> Any:
    """One loop over tiles with all updates."""
    _, y, _ = axes
    over_x, over_y = next(r.blocks for r in rows if r.blocks)
    inside: list[Any] = []
    for before, together in _grouped(rows, y):
        inside += [_cut(r.x, over_x, [r.y]) for r in before]
        if any(r.blocks for r in together):
            tile = [_cut(r.x, over_x, [_cut(r.y, over_y, r.y.nodes)]) for r in together]
            inside.append(over_y._rebuild(nodes=tile))
        else:
            inside += [_cut(r.x, over_x, [r.y]) for r in together]
    return over_x._rebuild(nodes=inside)


def _cut(loop: Any, block: Any, nodes: Sequence[Any]) -> Any:
    """The part of a loop that lies in a block."""
    if loop.dim.is_Block:
        return loop._rebuild(nodes=nodes, limits=_within(block, *block.symbolic_bounds))
    return loop._rebuild(nodes=nodes, limits=_within(block, *loop.symbolic_bounds))


def _within(block: Any, first: Any, last: Any) -> tuple[Any, Any, int]:
    """Bounds of a loop from first to last in a block."""
    begin, end = block.dim, block.dim + block.step - 1
    if first != block.symbolic_min:
        begin = evalrel(max, [first, begin])
    return begin, evalrel(min, [end, last]), 1


def _strips(rows: list[Rows], axes: Axes) -> list[Any]:
    """Loops of their own: strips along x row by row, all others plane by plane as they were."""
    _, y, _ = axes
    nodes: list[Any] = []
    while rows:
        first, *_ = rows
        count = 1
        if _is_strip(first, axes):
            while count < len(rows) and _is_strip(rows[count], axes):
                if any(r.meets(rows[count], y) for r in rows[:count]):
                    break
                count += 1
            parts = [r.x._rebuild(nodes=r.y.nodes) for r in rows[:count]]
            nodes.append(first.y._rebuild(nodes=parts))
        else:
            while count < len(rows) and rows[count].x is first.x:
                count += 1
            nodes.append(first.x._rebuild(nodes=[r.y for r in rows[:count]]))
        rows = rows[count:]
    return nodes


def _is_strip(row: Rows, axes: Axes) -> bool:
    """Whether an update is that of a strip along x, of all rows along y."""
    x, y, _ = axes
    return row.x.dim is not x and row.y.dim is y
