"""Fields that a step makes, reads and leaves: candidates for rings of rows (see `rings`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from devito import Eq, Inc

from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.symbolic.expressions import functions


def transient_fields(equations: list[Eq], specs: Iterable[ArraySpec]) -> set[str]:
    """Names of the fields of a plane that only updates row by row read, after one of all points.

    Nobody reads them in another step, records or keeps them, or continues them along x.

    Parameters
    ----------
    equations : list of Eq
        Of a time loop, in the order of execution.
    specs : iterable of ArraySpec
        The arrays that these work on.

    Returns
    -------
    set of str
    """
    candidates = {s.name for s in specs if s.kind == "field" and not (s.strips or s.remembered)}
    return {name for name in candidates if _is_transient(name, equations)}


def _is_transient(name: str, equations: list[Eq]) -> bool:
    """Whether all equations from the first to the last that touch a field are row by row."""
    touching = [i for i, e in enumerate(equations) if name in _names(e)]
    first = equations[touching[0]]
    if first.lhs.function.name != name or isinstance(first, Inc) or first.subdomain is not None:
        return False
    grid = first.lhs.function.grid
    if grid.dim != 2 or first.lhs.indices[1:] != grid.dimensions:
        return False
    return all(_is_of_rows(e, grid) for e in equations[touching[0] : touching[-1] + 1])


def _names(equation: Eq) -> set[str]:
    return {f.name for f in functions([equation.lhs, equation.rhs])}


def _is_of_rows(equation: Eq, grid: Any) -> bool:
    """Whether an equation is an update, in every step, of rows of the plane, a strip or points."""
    if _is_injection(equation, grid):
        return True
    involved = functions([equation.lhs, equation.rhs])
    dimensions = {d for f in involved for d in f.dimensions}
    if any(d.is_Conditional or not (d.is_Time or d in grid.dimensions) for d in dimensions):
        return False
    x, *_ = grid.dimensions
    written = equation.lhs
    return written.is_Symbol or (x in written.function.dimensions and x in written.indices)


def _is_injection(equation: Eq, grid: Any) -> bool:
    """Whether an equation adds to a field at points, whose rows a table has."""
    x, *_ = grid.dimensions
    written = equation.lhs
    if written.is_Symbol or x not in written.function.dimensions:
        return False
    row = written.indices[written.function.dimensions.index(x)]
    return bool(getattr(row, "is_DiscreteFunction", False))
