"""Arrays that the equations of a time loop work on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from devito import Eq

from fwicli.propagators.equations import cut_cells
from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.symbolic.expressions import accesses, functions


def array_specs(equations: list[Eq]) -> Iterator[ArraySpec]:
    """Arrays on the grid that equations work on; those at points are not among them.

    Parameters
    ----------
    equations : list of Eq
        Of a time loop, in the order of execution.

    Yields
    ------
    ArraySpec
    """
    by_name = {f.name: f for e in equations for f in functions([e.lhs, e.rhs])}
    for name in sorted(by_name):
        f = by_name[name]
        if name.startswith("history_"):
            yield ArraySpec(name, "history", f.space_order)
        elif name.startswith("edge_"):
            axis = next(i for i, d in enumerate(f.dimensions[1:]) if d not in _space(by_name))
            yield ArraySpec(name, "edge", 0, axis=axis)
        elif f.is_TimeFunction:
            yield ArraySpec(
                name,
                "field",
                f.space_order,
                f.time_order,
                f.shape_allocated[0],
                strips=_strips(f, equations),
                remembered=_remembered(f, equations),
                packed=_is_packed(f, equations),
            )
        elif name.startswith(cut_cells.PREFIX):
            yield ArraySpec(name, "cut", f.space_order)
        elif f.grid is not None:
            yield ArraySpec(name, "model", f.space_order)
        elif f.dimensions[0].is_Space:
            axis = next(i for i, d in enumerate(_space(by_name)) if d == f.dimensions[0])
            yield ArraySpec(name, "line", f.space_order, axis=axis)


def _strips(f: Any, equations: list[Eq]) -> tuple[tuple[int, str, int], ...]:
    """Strips to which all updates of a field are confined; none if one is not.

    Injections at points and mirrors beyond a free side are no updates.
    """
    space = f.grid.dimensions
    updates = [e for e in equations if e.lhs.function is f and e.lhs.indices[1:] == space]
    if any(e.subdomain is None for e in updates):
        return ()
    places = {(s.axis, s.side, s.thickness) for s in (e.subdomain for e in updates)}
    return tuple(sorted(places))


def _is_packed(f: Any, equations: list[Eq]) -> bool:
    """Whether a field is read and written in strips along the last axis alone, one on a side."""
    last = len(f.grid.dimensions) - 1
    touching = [e for e in equations if f in functions([e.lhs, e.rhs])]
    places = {
        e.subdomain and (e.subdomain.axis, e.subdomain.side, e.subdomain.thickness)
        for e in touching
    }
    sides = [place[1] for place in places if place and place[0] == last]
    return len(sides) == len(places) == len(set(sides))


def _remembered(f: Any, equations: list[Eq]) -> tuple[int, ...]:
    """Levels of a field that a step reads before it has written them, in step 0."""
    time, *_ = f.dimensions
    written: set[Any] = set()
    shifts = set()
    for equation in equations:
        read = {a.indices[0] for a in accesses(equation.rhs) if a.function is f}
        shifts |= {int((i - time) / time.spacing) for i in read - written}
        if equation.lhs.function is f:
            written.add(equation.lhs.indices[0])
    return tuple(sorted({shift % f.shape_allocated[0] for shift in shifts}))


def _space(by_name: dict[str, Any]) -> tuple[Any, ...]:
    grid = next(f.grid for f in by_name.values() if f.grid is not None)
    dimensions: tuple[Any, ...] = grid.dimensions
    return dimensions
