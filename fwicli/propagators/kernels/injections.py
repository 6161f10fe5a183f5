"""Injections by rows of the plane, which a sweep can take between its updates.

Devito injects at all points at once, wherever they are: updates before and after that would need
sweeps of their own, and what they exchange would pass through memory. Points are in the order of
their rows, and a table has the first point of each row (see `first_points`). A loop over rows,

    for x:  for points from first[x] to first[x + 1] - 1:  f[x, z of the point] += weight * q

is an update like others. Each point is on one row, so that no sum depends on the threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from devito.ir.iet import DummyExpr, Expression, FindNodes, Iteration, Transformer, Uxreplace
from devito.ir.support import AFFINE, SEQUENTIAL
from devito.types import Symbol

from fwicli.propagators.kernels import steps
from fwicli.propagators.kernels.accesses import along
from fwicli.propagators.kernels.first_points import table
from fwicli.propagators.kernels.row_tables import row_table

# Names of the arguments that hold the axes of points end with this and a number (see `points`).
PLACE = "_i"


def over_rows(node: Any, axis: Any, tables: dict[str, Any]) -> list[Any] | None:
    """Loops over rows that inject what a section injects; None if it does something else.

    Parameters
    ----------
    node : devito.ir.iet.Node
    axis : Dimension
    tables : dict of str to Function
        First points of rows by name, to which those of the section are added.

    Returns
    -------
    list of devito.ir.iet.Iteration, or None
    """
    loops = [_over_rows(loop, axis, tables) for loop in steps.loops(node)]
    return None if not loops or None in loops else loops


def _over_rows(loop: Any, axis: Any, tables: dict[str, Any]) -> Any:
    """A loop over rows, and their points; None for one that does something else."""
    if not loop.is_Iteration:
        return None
    expressions = FindNodes(Expression).visit(loop)
    scalars = {e.output: e for e in expressions if not e.output.is_Indexed}
    rows = {}
    for target in (e.output for e in expressions if e.output.is_Indexed):
        place = along(target, axis)
        symbols = set() if place is None else target.indices[place].free_symbols & scalars.keys()
        if len(symbols) != 1:
            return None
        (row,) = symbols
        rows[row] = target.function
    places = {scalars[row].expr.rhs for row in rows}
    if len(places) != 1 or not rows:
        return None
    (of_points,), field = places, next(iter(rows.values()))
    if not of_points.is_Indexed or of_points.indices != (loop.dim,):
        return None
    name = table(axis.name, of_points.function.name.rpartition(PLACE)[0])
    first = tables.setdefault(name, row_table(name, field, axis))
    body = Transformer({scalars[row]: None for row in rows}).visit(loop)
    body = Uxreplace(dict.fromkeys(rows, axis)).visit(body)
    row = axis + field.space_order
    begin, end = (Symbol(name=f"{loop.dim.name}_{n}", dtype=np.int32) for n in ("first", "end"))
    bounds = [
        DummyExpr(begin, first.indexed[row], init=True),
        DummyExpr(end, first.indexed[row + 1], init=True),
    ]
    (columns,) = body.nodes
    points = body._rebuild(nodes=columns.nodes, limits=(begin, end - 1, 1))
    inside = [*bounds, columns._rebuild(nodes=points)]
    limits = axis.symbolic_min, axis.symbolic_max, 1
    return Iteration(inside, axis, limits, properties=(AFFINE, SEQUENTIAL))
