"""Elimination of algebraic fields from a system: what is used pointwise needs no memory.

A field a whose residual is a - f(...), used by later residuals at its own point only, is replaced
there by f(...); a source in its residual enters theirs, times minus their derivative by a.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy
from devito.finite_differences.derivative import Derivative

from fwicli.propagators.calculus import System, linearise
from fwicli.propagators.expressions import (
    Expr,
    functions,
    is_access,
    names,
    rebuild,
    text,
    total,
)


@dataclass(frozen=True)
class Inlined:
    """A system without its algebraic fields, and where a source of one of them goes.

    Attributes
    ----------
    sources : mapping of str to expr
        Factor of the source in the residuals of the fields that it enters, by their names.
    """

    system: System
    sources: Mapping[str, Expr]


def inline(system: System, keep: Collection[str], source: str = "") -> Inlined:
    """Put the values of algebraic fields where they are used, so that they need no memory.

    A field is algebraic if its residual gives its newest level from other fields, and inlined if
    it is used at that level and that point only, by residuals after its own.

    Parameters
    ----------
    keep : collection of str
        Fields that are read by others than the residuals.
    source : str
        Field into whose residual a source enters.
    """
    residuals = dict(zip([f.name for f in system.fields], system.residuals, strict=True))
    fields: list[tuple[Any, Expr]] = []
    sources = {source: sympy.S.One}
    for index, f in enumerate(system.fields):
        unknown, residual = system.unknown(index), residuals.pop(f.name)
        value = None
        if f.name not in keep and f.name not in system.supports:
            value = _algebraic(residual, unknown)
        later = {n: r for n, r in residuals.items() if f.name in names(r)}
        earlier = any(f.name in names(r) for _, r in fields)
        if value is None or earlier or not all(_pointwise(r, unknown) for r in later.values()):
            fields.append((f, residual))
            continue
        entering = sources.pop(f.name, None)
        for name, user in later.items():
            if entering is not None:
                factor = linearise(user, {f.name: sympy.S.One})
                sources[name] = sources.get(name, sympy.S.Zero) - factor * entering
            residuals[name] = _replace(user, unknown, value)
    found = replace(
        system,
        fields=tuple(f for f, _ in fields),
        residuals=tuple(r for _, r in fields),
    )
    return Inlined(found, sources)


def _algebraic(residual: Expr, unknown: Expr) -> Expr | None:
    """Value of the unknown from its residual if that is `unknown - value`; None if not."""
    if not residual.is_Add or unknown not in residual.args:
        return None
    rest = [a for a in residual.args if a != unknown]
    if any(unknown.function in functions(a) for a in rest):
        return None
    return -total(sorted(rest, key=text))


def _pointwise(expr: Expr, access: Expr) -> bool:
    """Whether a function occurs as this access only, and never below a derivative."""
    if is_access(expr):
        return expr.function is not access.function or expr == access
    if isinstance(expr, Derivative):
        return access.function not in functions(expr)
    return all(_pointwise(a, access) for a in getattr(expr, "args", ()))


def _replace(expr: Expr, access: Expr, value: Expr) -> Expr:
    """`expr` with an access that is not below a derivative replaced by its value."""
    if expr == access:
        return value
    if isinstance(expr, Derivative):
        return expr
    return rebuild(expr, lambda e: _replace(e, access, value))
