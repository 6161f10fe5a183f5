"""Elimination of algebraic fields from a system: what is used pointwise needs no memory.

A field a whose residual is a - f(...), used by later residuals at its own point only, is replaced
there by f(...); a source in its residual enters theirs, times minus their derivative by a. Values
that several residuals use are computed once, as a scalar of the loop that advances their fields.
Only its terms on the whole grid are: those of the absorbing layer are added on its strips, in loops
of their own, and stay where they are used.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy
from devito import Eq
from devito.finite_differences.derivative import Derivative
from devito.types import Symbol

from fwicli.propagators.symbolic.calculus import linearise
from fwicli.propagators.symbolic.expressions import (
    Expr,
    accesses,
    by_region,
    functions,
    is_access,
    is_pointwise,
    names,
    offsets,
    rebuild,
    text,
    total,
)
from fwicli.propagators.symbolic.system import System

# Names of scalars of a loop contain this.
SHARED = "_here"


@dataclass(frozen=True)
class Inlined:
    """A system without its algebraic fields, and where a source of one of them goes.

    Attributes
    ----------
    sources : mapping of str to mapping of str to expr
        By the names of fields, the sources that enter their residuals, and their factors there. A
        source has the name of the field that it entered first.
    scalars : mapping of str to list of Eq
        Scalars computed in the loop that advances a field, before it, by the field's name.
    """

    system: System
    sources: Mapping[str, Mapping[str, Expr]]
    scalars: Mapping[str, list[Eq]]


def inline(system: System, keep: Collection[str], sources: Collection[str] = ()) -> Inlined:
    """Put the values of algebraic fields where they are used, so that they need no memory.

    A field is algebraic if its residual gives its newest level from other fields, and inlined if
    it is used at that level and that point only, by residuals after its own. One with stencils that
    is used both on the whole grid and on strips of it is not inlined either.

    Parameters
    ----------
    system : System
    keep : collection of str
        Fields that are read by others than the residuals.
    sources : collection of str
        Names of the fields that sources enter.

    Returns
    -------
    Inlined
    """
    residuals = dict(zip([f.name for f in system.fields], system.residuals, strict=True))
    occurring = {name: names(residual) for name, residual in residuals.items()}
    fields: list[tuple[Any, Expr]] = []
    entering = {source: {source: sympy.S.One} for source in sources}
    values: dict[Any, Expr] = {}
    for index, f in enumerate(system.fields):
        unknown, residual = system.unknown(index), residuals.pop(f.name)
        value = None
        if f.name not in keep and f.name not in system.supports:
            value = _algebraic(residual, unknown)
        later = {n: r for n, r in residuals.items() if f.name in occurring[n]}
        earlier = any(f.name in occurring[g.name] for g, _ in fields)
        if (
            value is None
            or earlier
            or not all(is_pointwise(r, unknown) for r in later.values())
            or _is_wanted_twice(value, unknown, later, system)
        ):
            fields.append((f, residual))
            continue
        passed = entering.pop(f.name, {})
        for name, user in later.items():
            for source, share in passed.items():
                factor = linearise(user, {f.name: sympy.S.One})
                own = entering.setdefault(name, {})
                own[source] = own.get(source, sympy.S.Zero) - factor * share
            residuals[name] = _replace(user, unknown, _shared(f, value, later, system, values))
            occurring[name] = names(residuals[name])
    fields = [(f, _settled(r, f.name in system.supports, system, values)) for f, r in fields]
    fields, scalars = _placed(fields, values, system)
    compact = replace(
        system,
        fields=tuple(f for f, _ in fields),
        residuals=tuple(r for _, r in fields),
    )
    return Inlined(compact, entering, scalars)


def _is_wanted_twice(
    value: Expr, unknown: Expr, residuals: Mapping[str, Expr], system: System
) -> bool:
    """Whether a value with stencils is used both on the whole grid and on strips of it."""
    if not value.atoms(Derivative):
        return False
    users = {
        region if name not in system.supports else name
        for name, residual in residuals.items()
        for region, part in by_region(residual, system.supports).items()
        if unknown in accesses(part)
    }
    return "" in users and len(users) > 1


def _shared(
    f: Any, value: Expr, users: Collection[str], system: System, values: dict[Any, Expr]
) -> Expr:
    """`value` of a field with a scalar for its terms on the whole grid, if several use it."""
    parts = by_region(value, system.supports)
    everywhere = parts.pop("", sympy.S.Zero)
    if len(users) < 2 or is_access(everywhere) or not functions(everywhere):
        return value
    scalar = Symbol(name=f"{f.name}{SHARED}", dtype=f.dtype)
    values[scalar] = everywhere
    return scalar + total(parts.values())


def _settled(expr: Expr, confined: bool, system: System, values: Mapping[Any, Expr]) -> Expr:
    """`expr` with values in place of scalars where it is evaluated on strips of the grid."""
    if not expr.free_symbols & values.keys():
        return expr
    parts = {"": expr} if confined else by_region(expr, system.supports)
    everywhere = sympy.S.Zero if confined else parts.pop("", sympy.S.Zero)
    inside = total(parts.values())
    # Later scalars may hold earlier ones.
    for scalar in reversed(values):
        inside = _replace(inside, scalar, values[scalar])
    return everywhere + inside


def _placed(
    fields: list[tuple[Any, Expr]], values: Mapping[Any, Expr], system: System
) -> tuple[list[tuple[Any, Expr]], dict[str, list[Eq]]]:
    """Residuals with scalars of the loop they are in, and these by the first field to use them.

    A scalar that only one residual of a loop uses is replaced by its value, and so is one that does
    not read what the loop before has made: Devito would compute it in an earlier loop.
    """
    placed: dict[str, list[Eq]] = {}
    residuals = {f.name: r for f, r in fields}
    before: set[str] = set()
    for number, loop in enumerate(_loops(fields, values, system)):
        shared: dict[Any, Expr] = {}
        for scalar in reversed(values):
            users = [n for n in loop if scalar in residuals[n].free_symbols]
            within = [m for m, value in shared.items() if scalar in value.free_symbols]
            value = values[scalar]
            bound = not number or _newest(value, values, system) & before
            if bound and len(users) + len(within) > 1:
                value = Symbol(name=f"{scalar.name}{number or ''}", dtype=scalar.dtype)
                shared[value] = values[scalar]
            residuals |= {n: _replace(residuals[n], scalar, value) for n in users}
            shared |= {m: _replace(shared[m], scalar, value) for m in within}
        for scalar, value in reversed(shared.items()):
            user = _first_user(scalar, loop, residuals, shared)
            placed.setdefault(user, []).append(Eq(scalar, value))
        before = set(loop)
    return [(f, residuals[f.name]) for f, _ in fields], placed


def _first_user(
    scalar: Any, loop: list[str], residuals: Mapping[str, Expr], shared: dict[Any, Expr]
) -> str:
    """First field of a loop whose residual uses a scalar, or one made of it."""
    same = {scalar}
    for other, value in reversed(shared.items()):
        if value.free_symbols & same:
            same.add(other)
    return next(n for n in loop if residuals[n].free_symbols & same)


def _loops(
    fields: list[tuple[Any, Expr]], values: Mapping[Any, Expr], system: System
) -> list[list[str]]:
    """Fields on the whole grid in groups none of which reads what is new of another of its own.

    One that does is advanced in a later loop.
    """
    loops: list[list[str]] = [[]]
    for f, residual in fields:
        if f.name in system.supports:
            continue
        if _newest(residual, values, system) & (set(loops[-1]) - {f.name}):
            loops.append([])
        loops[-1].append(f.name)
    return loops


def _newest(expr: Expr, values: Mapping[Any, Expr], system: System) -> set[str]:
    """Names of the fields of which an expression reads the newest level, also through scalars."""
    newest = {f.name: offsets(system.unknown(i)) for i, f in enumerate(system.fields)}
    fields: set[str] = set()
    waiting: list[Expr] = [expr]
    visited: set[Any] = set()
    while waiting:
        part = waiting.pop()
        fields |= {
            a.function.name
            for a in accesses(part)
            if a.function.name in newest
            and offsets(a).get(system.time, 0) == newest[a.function.name][system.time]
        }
        scalars = part.free_symbols & values.keys() - visited
        visited |= scalars
        waiting += [values[scalar] for scalar in scalars]
    return fields


def _algebraic(residual: Expr, unknown: Expr) -> Expr | None:
    """Value of the unknown from its residual if that is `unknown - value`; None if not."""
    if not residual.is_Add or unknown not in residual.args:
        return None
    rest = [a for a in residual.args if a != unknown]
    if any(unknown.function in functions(a) for a in rest):
        return None
    return -total(sorted(rest, key=text))


def _replace(expr: Expr, access: Expr, value: Expr) -> Expr:
    """`expr` with an access that is not below a derivative replaced by its value."""
    if expr == access:
        return value
    if isinstance(expr, Derivative):
        return expr
    return rebuild(expr, lambda e: _replace(e, access, value))
