"""Order of the equations of a time step: those that may share a loop follow each other.

Loops over the same part of the grid are fused where one follows the other and neither reads at its
neighbours what the other writes. Common terms are then computed once, and fields are loaded once;
see `time_loops` and `generation.check_code`.
"""

from __future__ import annotations

from typing import Any

from devito import Eq, Inc
from devito.finite_differences.derivative import Derivative

from fwicli.propagators.symbolic.expressions import Expr, accesses, is_access, offsets


def reads(equations: list[Eq], written: Expr) -> bool:
    """Whether equations read a field at the time level that is written, at any point.

    Parameters
    ----------
    equations : list of Eq
    written : expression
        Access that is written.

    Returns
    -------
    bool
    """
    return any(_same_level(a, written) for e in equations for a in accesses(e.rhs))


def group_for_fusion(equations: list[Eq]) -> list[Eq]:
    """The same equations with those on one strip of the grid together, as far as they may be."""
    ordered: list[Eq] = []
    pending = list(equations)
    while pending:
        group, rest = pending[:1], pending[:0]
        for e in pending[1:]:
            here = e.subdomain and e.subdomain is group[0].subdomain
            if here and not any(_depend(e, r) for r in rest) and not _apart(e, group):
                group.append(e)
            else:
                rest.append(e)
        ordered, pending = ordered + group, rest
    return ordered


def _depend(a: Eq, b: Eq) -> bool:
    """Whether two equations must keep their order; sums may be taken in any."""
    if _opposite(a.subdomain, b.subdomain):
        return _apart(a, [b])
    sums = isinstance(a, Inc) and isinstance(b, Inc)
    return reads([a], b.lhs) or reads([b], a.lhs) or (_same_level(a.lhs, b.lhs) and not sums)


def _opposite(a: Any, b: Any) -> bool:
    """Whether two strips are at the two ends of an axis: they have no points in common."""
    return bool(a and b and a.axis == b.axis and a.side != b.side)


def _apart(equation: Eq, group: list[Eq]) -> bool:
    """Whether an equation reads at other points what a group writes, or the other way round."""
    pairs = [(equation, g) for g in group] + [(g, equation) for g in group]
    return any(_reads_around(reader.rhs, writer.lhs) for reader, writer in pairs)


def _reads_around(expr: Expr, written: Expr) -> bool:
    """Whether a field is read at other points than where it is written."""
    if isinstance(expr, Derivative):
        return any(_same_level(a, written) for a in accesses(expr))
    if is_access(expr):
        return _same_level(expr, written) and expr != written
    return any(_reads_around(a, written) for a in getattr(expr, "args", ()))


def _same_level(a: Expr, b: Expr) -> bool:
    """Whether two accesses are of one field at one time level."""
    time = b.function.grid.stepping_dim
    return a.function is b.function and offsets(a).get(time, 0) == offsets(b).get(time, 0)
