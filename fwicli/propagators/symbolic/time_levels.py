"""Time levels: a field of which only the newest value is needed is kept once.

A first-order field f is written at its newest level and kept at two. One level is enough where the
older one is read before f is updated, or by the update of f at its own point: the update takes
place in it. Half the memory, and half the cache. A loop backwards in time keeps two levels of one
field at least: without any Devito runs it forwards, as it has no reason to do otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devito import Eq, Inc, TimeFunction
from devito.finite_differences.derivative import Derivative

from fwicli.propagators.symbolic.expressions import Expr, is_access, offsets, rebuild


def keep_newest(equations: list[Eq]) -> list[Eq]:
    """Equations of a time step with fields of one level, where one is enough."""
    fields = {f for e in equations for f, *_ in _accesses(e.lhs) if _is_first_order(f)}
    single = {
        f: TimeFunction(
            name=f.name, grid=f.grid, time_order=0, space_order=f.space_order, dtype=f.dtype
        )
        for f in sorted(fields, key=lambda f: f.name)
        if _newest_is_enough(f, equations)
    }
    stepping = {f for e in equations for f, *_ in _accesses(e.lhs) if _is_stepping(f)}
    if stepping <= single.keys() and (
        backward := [f for f in single if _is_backward(f, equations)]
    ):
        del single[backward[-1]]
    return [
        type(e)(
            _exchanged(e.lhs, single),
            _exchanged(e.rhs, single),
            subdomain=e.subdomain,
            implicit_dims=e.implicit_dims,
        )
        for e in equations
    ]


def _is_first_order(f: Any) -> bool:
    return bool(_is_stepping(f) and f.time_order == 1)


def _is_stepping(f: Any) -> bool:
    """Whether a field has levels; one that saves every step has none."""
    return bool(f.is_TimeFunction and f.time_order > 0 and not isinstance(f.save, int))


def _is_backward(f: Any, equations: list[Eq]) -> bool:
    """Whether a level of a field is written from a later one."""
    time = f.grid.stepping_dim
    pairs = [
        (offsets(e.lhs).get(time, 0), offsets(access).get(time, 0))
        for e in equations
        if getattr(e.lhs, "function", None) is f
        for g, access, _ in _accesses(e.rhs)
        if g is f
    ]
    return any((read - written).subs(time.spacing, 1) > 0 for written, read in pairs)


def _newest_is_enough(f: Any, equations: list[Eq]) -> bool:
    """Whether the older level of a field is read before its update, or by that at its own point."""
    written = {access.indices[0] for e in equations for g, access, _ in _accesses(e.lhs) if g is f}
    if len(written) != 1:
        return False
    (newest,) = written
    is_updated = False
    for e in equations:
        updates = getattr(e.lhs, "function", None) is f
        own = updates and not isinstance(e, Inc)
        for g, access, below in _accesses(e.rhs):
            if g is not f or access.indices[0] == newest:
                continue
            at_its_point = own and not below and access.indices[1:] == e.lhs.indices[1:]
            if not at_its_point and (updates or is_updated):
                return False
        is_updated = is_updated or updates
    return True


def _accesses(expr: Expr, below: bool = False) -> Iterator[tuple[Any, Expr, bool]]:
    """Functions, accesses to them, and whether below a derivative."""
    if is_access(expr):
        yield expr.function, expr, below
    elif isinstance(expr, Derivative):
        yield from _accesses(expr.expr, below=True)
    else:
        for operand in getattr(expr, "args", ()):
            yield from _accesses(operand, below)


def _exchanged(expr: Expr, single: Mapping[Any, Any]) -> Expr:
    """An expression with functions of one level in place of others, at the same points."""
    if is_access(expr):
        new = single.get(expr.function)
        if new is None:
            return expr
        points = zip(new.indices[1:], expr.indices[1:], strict=True)
        return new.subs({origin: index for origin, index in points if origin != index})
    return rebuild(expr, lambda e: _exchanged(e, single))
