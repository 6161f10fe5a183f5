"""Arrays of the layer along the last axis, packed: a pass over Devito's intermediate tree.

The memory of the layer along z is read and written at the first and the last points of each row
alone. In an array of the size of the grid these lie in lines of the cache of their own, with points
in between that nobody needs: in a cube more of a step's memory traffic than the rows of the grid.
Packed, the last points follow the first ones after a gap of zeros,

    halo | first points | gap | last points | halo,

as wide as the halo, so that neither side reads the other.

Loops over them keep their symbolic lengths: with numbers, the compiler would sum in another order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

from devito.ir.iet import Expression, FindNodes, Uxreplace
from devito.symbolics import retrieve_indexed

from fwicli.propagators.kernels import passes


@contextmanager
def packed(candidates: Collection[str], axes: tuple[Any, ...]) -> Iterator[set[str]]:
    """Let Devito generate packed accesses to arrays.

    Parameters
    ----------
    candidates : collection of str
        Arrays that are zero but for strips along the last axis.
    axes : tuple of Dimension
        Axes of the grid.

    Yields
    ------
    set of str
        Arrays that are packed, after the code is generated: those that are accessed in loops over
        these strips alone.
    """
    names: set[str] = set()
    rewrite = partial(_pack, candidates=candidates, axis=axes[-1], names=names)
    with passes.appended(rewrite) if candidates else nullcontext():
        yield names


def _pack(iet: Any, candidates: Collection[str], axis: Any, names: set[str]) -> Any:
    """The function of a kernel with packed accesses."""
    accesses: dict[Any, set[Any]] = {}
    for expression in FindNodes(Expression).visit(iet):
        for access in retrieve_indexed([expression.expr.lhs, expression.expr.rhs]):
            if access.function.name in candidates:
                accesses.setdefault(access.function, set()).add(access)
    mapper: dict[Any, Any] = {}
    for function, own in accesses.items():
        replacements = _replacements(function, own, axis)
        if replacements is not None:
            names.add(function.name)
            mapper |= replacements
    return Uxreplace(mapper).visit(iet)


def _replacements(function: Any, accesses: set[Any], axis: Any) -> dict[Any, Any] | None:
    """Packed accesses to an array, by those that they replace; None where they cannot be."""
    strips = {a: _strip(a, axis) for a in accesses}
    if None in strips.values():
        return None
    sides: dict[bool, set[Any]] = {
        last: {s.rtkn if last else s.ltkn for s in strips.values() if s.is_right == last}
        for last in (False, True)
    }
    if any(len(widths) > 1 for widths in sides.values()):
        return None
    widths = sum(w for side in sides.values() for w in side)
    shift = axis.symbolic_max + 1 - widths - function.space_order
    return {
        a: a.func(a.base, *a.indices[:-1], a.indices[-1] - shift)
        for a, strip in strips.items()
        if strip.is_right
    }


def _strip(access: Any, axis: Any) -> Any:
    """The strip along an axis in which an access runs; None if it runs elsewhere."""
    own = [s for s in access.indices[-1].free_symbols if getattr(s, "root", None) is axis]
    if len(own) != 1 or not own[0].is_Sub or own[0].is_middle:
        return None
    return own[0] if (access.indices[-1] - own[0]).is_Integer else None
