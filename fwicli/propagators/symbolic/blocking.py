"""Nested derivatives: what is used below a derivative only is computed block by block of rows.

A field a with c a = f(...), used by later residuals at its newest level only, below derivatives at
that, needs no array of the size of the grid: a is replaced by f / c, and Devito computes f / c for
a few rows, and from them, while they are in the cache, the rows of fields that depend on it. Rows
at the edges of blocks are computed twice. In 2D this saves the time that moving a takes; in 3D
blocks would have more edges, and it is not done.

That Devito blocks along the first dimension alone is up to `devito_patches.rows`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import reduce
from operator import mul

import sympy
from devito import Eq
from devito.finite_differences.derivative import Derivative

from fwicli.propagators.symbolic.expressions import (
    Expr,
    accesses,
    functions,
    is_access,
    names,
    rebuild,
    summands,
    text,
    total,
)
from fwicli.propagators.symbolic.system import System


def block_rows(system: System, keep: Collection[str]) -> System:
    """The system without the fields that are used below derivatives only.

    Parameters
    ----------
    system : System
    keep : collection of str
        Fields that are read by others than the residuals.

    Returns
    -------
    System
    """
    residuals = {f.name: r for f, r in zip(system.fields, system.residuals, strict=True)}
    left = list(system.fields)
    for index, f in enumerate(system.fields):
        unknown, own = system.unknown(index), residuals[f.name]
        if f.name in keep or f.name in system.supports:
            continue
        users = {n: r for n, r in residuals.items() if n != f.name and f.name in names(r)}
        terms = _terms(own, unknown)
        position = [g.name for g in left]
        later = position[position.index(f.name) + 1 :]
        if (
            not terms
            or any(_depth(t) > 1 for t in terms)
            or not users
            or not all(n in later and _nestable(r, unknown) for n, r in users.items())
        ):
            continue
        residuals |= {n: _inserted(r, unknown, terms) for n, r in users.items()}
        left.remove(f)
    return replace(system, fields=tuple(left), residuals=tuple(residuals[f.name] for f in left))


def is_blocked(equations: Iterable[Eq]) -> bool:
    """Whether there are derivatives of derivatives in equations."""
    return any(_depth(e.rhs) > 1 for e in equations)


def _depth(expr: Expr) -> int:
    """How many derivatives stand within each other."""
    if is_access(expr):
        return 0
    if isinstance(expr, Derivative):
        return 1 + _depth(expr.expr)
    return max((_depth(a) for a in getattr(expr, "args", ())), default=0)


def _terms(residual: Expr, unknown: Expr) -> list[Expr]:
    """Terms of the value of the unknown; none if the residual holds it in another way."""
    coefficient, rest = sympy.S.Zero, []
    for term in summands(residual):
        if unknown.function not in functions(term):
            rest.append(term)
            continue
        factors = list(term.args) if term.is_Mul else [term]
        if unknown not in factors:
            return []
        factors.remove(unknown)
        if any(f.is_TimeFunction for f in functions(factors)):
            return []
        coefficient = coefficient + reduce(mul, factors, sympy.S.One)
    if not any(_depth(t) for t in rest):
        return []
    share = 1 if coefficient == 1 else 1 / coefficient
    return [-term * share for term in sorted(rest, key=text)]


def _nestable(expr: Expr, unknown: Expr) -> bool:
    """Whether the unknown stands at its newest level, and nowhere but below one derivative."""
    if isinstance(expr, Derivative):
        here = [a for a in accesses(expr) if a.function is unknown.function]
        return not here or (_depth(expr) == 1 and here == [unknown])
    if is_access(expr):
        return expr.function is not unknown.function
    return all(_nestable(a, unknown) for a in getattr(expr, "args", ()))


def _inserted(expr: Expr, unknown: Expr, terms: list[Expr]) -> Expr:
    """`expr` with derivatives of the terms in place of those of the unknown."""
    if is_access(expr):
        return expr
    if isinstance(expr, Derivative):
        if unknown.function not in functions(expr):
            return expr
        parts = []
        for summand in summands(expr.expr):
            if unknown.function not in functions(summand):
                parts.append(summand)
                continue
            factors = list(summand.args) if summand.is_Mul else [summand]
            factors.remove(unknown)
            parts += [reduce(mul, factors, term) for term in terms]
        return total(expr._rebuild(p) for p in parts)
    return rebuild(expr, lambda e: _inserted(e, unknown, terms))
