"""Expressions of grid functions: their accesses, shifts, terms and substitutions.

An access is the value of a grid function at a point relative to the current one, f(t + s, x + o).
Space derivatives are opaque operators on an expression; they are rebuilt around a changed operand,
never expanded, so that Devito still sees derivatives and can factor them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import reduce
from itertools import product
from operator import add, mul
from typing import Any

import sympy
from devito import TimeFunction
from devito.finite_differences.derivative import Derivative
from devito.symbolics import retrieve_functions

from fwicli.errors import CalculusError

Expr = Any


def is_access(expr: Expr) -> bool:
    """Whether `expr` is the value of a grid function at some point."""
    return bool(getattr(expr, "is_DiscreteFunction", False))


def functions(expr: Expr | Iterable[Expr]) -> set[Any]:
    """Grid functions that occur in an expression, each once."""
    exprs = expr if isinstance(expr, (tuple, list)) else (expr,)
    occurring: set[Any] = set()
    for e in exprs:
        if hasattr(e, "args"):
            occurring |= {f.function for f in retrieve_functions(e, mode="unique")}
    return occurring


def names(expr: Expr) -> set[str]:
    """Names of the grid functions that occur in an expression."""
    return {f.name for f in functions(expr)}


def is_pointwise(expr: Expr, access: Expr) -> bool:
    """Whether a function occurs as one access only, and never below a derivative.

    Parameters
    ----------
    expr, access : expression

    Returns
    -------
    bool
    """
    if is_access(expr):
        return expr.function is not access.function or expr == access
    if isinstance(expr, Derivative):
        return access.function not in functions(expr)
    return all(is_pointwise(a, access) for a in getattr(expr, "args", ()))


def rebuild(expr: Expr, visit: Callable[[Expr], Expr]) -> Expr:
    """Copy of `expr` with every operand replaced by `visit(operand)`; itself if none changes.

    Parameters
    ----------
    expr : expression
    visit : callable
        From an operand to its replacement.

    Returns
    -------
    expression
    """
    if isinstance(expr, Derivative):
        operand = visit(expr.expr)
        return expr if operand is expr.expr else expr._rebuild(operand)
    if not getattr(expr, "args", ()) or is_access(expr):
        return expr
    operands = [visit(a) for a in expr.args]
    unchanged = all(new is old for new, old in zip(operands, expr.args, strict=True))
    return expr if unchanged else expr.func(*operands)


def shift(expr: Expr, dimension: Any, amount: Expr) -> Expr:
    """`expr` with every grid function moved by `amount` along `dimension`.

    Parameters
    ----------
    expr : expression
    dimension : Dimension
    amount : expression

    Returns
    -------
    expression
    """
    if amount == 0:
        return expr
    if is_access(expr):
        return expr._subs(dimension, dimension + amount)
    if expr == dimension:
        return dimension + amount
    return rebuild(expr, lambda e: shift(e, dimension, amount))


def offsets(access: Expr) -> dict[Any, Expr]:
    """Displacement of an access from the point (t, x, ...) by dimension, zeros left out."""
    reference = access.function.indices
    displacements = {}
    for dimension, origin, index in zip(
        access.function.dimensions, reference, access.indices, strict=True
    ):
        if index != origin:
            displacements[dimension] = index - origin
    return displacements


def expand_time(expr: Expr, time: Any) -> Expr:
    """Replace time derivatives by their differences; space derivatives stay symbolic.

    Parameters
    ----------
    expr : expression
    time : time dimension

    Returns
    -------
    expression

    Raises
    ------
    CalculusError
        If a derivative is mixed, in time and space.
    """
    if isinstance(expr, Derivative) and any(d.is_Time for d in expr.dims):
        if len(expr.dims) > 1:
            raise CalculusError(f"nest the mixed derivative {expr} as (u.dx).dt")
        inner = expand_time(expr.expr, time)
        # The stencil, from a stand-in for the operand: evaluating the operand itself would
        # expand its space derivatives, too.
        model = next(f for f in functions(inner) if f.is_TimeFunction)
        stand_in = TimeFunction(
            name="operand",
            grid=model.grid,
            time_order=model.time_order,
            space_order=0,
            dtype=model.dtype,
        )
        terms = []
        for term in summands(expr._rebuild(stand_in).evaluate):
            access = next(iter(e for e in accesses(term)))
            shifted = shift(inner, time, offsets(access).get(time, 0))
            terms.append(term.xreplace({access: sympy.S.One}) * shifted)
        return reduce(add, terms)
    return rebuild(expr, lambda e: expand_time(e, time))


def accesses(expr: Expr) -> list[Expr]:
    """Every access to a grid function, in order, repetitions left out."""
    if is_access(expr):
        return [expr]
    operands = [expr.expr] if isinstance(expr, Derivative) else getattr(expr, "args", ())
    return list(dict.fromkeys(a for o in operands for a in accesses(o)))


def summands(expr: Expr) -> list[Expr]:
    """Terms whose sum is `expr`, products distributed over sums outside derivatives."""
    if expr == 0:
        return []
    if expr.is_Add:
        return [t for a in expr.args for t in summands(a)]
    if expr.is_Mul:
        parts = [summands(a) for a in expr.args]
        return [reduce(mul, factors) for factors in product(*parts)]
    if expr.is_Pow and expr.exp.is_Integer and expr.exp > 1 and expr.base.is_Add:
        parts = [summands(expr.base)] * int(expr.exp)
        return [reduce(mul, factors) for factors in product(*parts)]
    return [expr]


def distribute(expr: Expr) -> list[Expr]:
    """Terms whose sum is `expr`, derivatives distributed over sums as well."""
    if isinstance(expr, Derivative):
        return [expr._rebuild(t) for t in distribute(expr.expr)]
    if expr.is_Add:
        return [t for a in expr.args for t in distribute(a)]
    if expr.is_Mul:
        parts = [distribute(a) for a in expr.args]
        return [t for factors in product(*parts) for t in summands(reduce(mul, factors))]
    return summands(expr)


def by_region(expr: Expr, confining: Collection[str]) -> dict[str, Expr]:
    """An expression as a sum of expressions, by the function that confines each to a region.

    Parameters
    ----------
    expr : expression
    confining : collection of str
        Names of functions that are zero outside a region.

    Returns
    -------
    dict of str to expr
        Terms that none of them confines have the name "".
    """
    if expr.is_Add:
        parts_by_region: dict[str, Expr] = {}
        for part in expr.args:
            for place, value in by_region(part, confining).items():
                parts_by_region[place] = parts_by_region.get(place, sympy.S.Zero) + value
        return parts_by_region
    if expr.is_Mul:
        parts_by_region = {"": sympy.S.One}
        for factor in expr.args:
            parts = by_region(factor, confining)
            products = [
                ((a or b), x * y) for a, x in parts_by_region.items() for b, y in parts.items()
            ]
            parts_by_region = {}
            for place, value in products:
                parts_by_region[place] = parts_by_region.get(place, sympy.S.Zero) + value
        return parts_by_region
    present = sorted(n for n in names(expr) if n in confining)
    return {present[0] if present else "": expr}


def text(expr: Expr) -> str:
    """An expression in letters, the same in every process: a key to sort terms by."""
    if is_access(expr) or not getattr(expr, "args", ()):
        return str(expr)
    if isinstance(expr, Derivative):
        how = sorted((str(d), str(x0)) for d, x0 in expr.x0.items())
        kind = f"{expr.dims}{expr.deriv_order}{expr.fd_order}{expr.transpose}{how}"
        return f"D{kind}[{text(expr.expr)}]"
    parts = [text(a) for a in expr.args]
    if expr.is_Add or expr.is_Mul:
        parts.sort()
    return f"{type(expr).__name__}({', '.join(parts)})"


def total(terms: Iterable[Expr]) -> Expr:
    """Sum of expressions; zero for an empty list."""
    return reduce(add, terms, sympy.S.Zero)


def like(f: Any, name: str) -> Any:
    """A new grid function of the same kind and storage as `f`.

    Parameters
    ----------
    f : Function or TimeFunction
    name : str
        Name of the new function.

    Returns
    -------
    Function or TimeFunction
    """
    return f._rebuild(name=name, alias=None, function=None)


def substitute(expr: Expr, replacements: Mapping[str, Any]) -> Expr:
    """`expr` with functions exchanged by name, at the same points.

    Parameters
    ----------
    expr : expression
    replacements : mapping of str to Function
        New functions by the name of the old ones.

    Returns
    -------
    expression
    """
    if is_access(expr):
        new = replacements.get(expr.function.name)
        if new is None:
            return expr
        for dimension, amount in offsets(expr).items():
            new = shift(new, dimension, amount)
        return new
    return rebuild(expr, lambda e: substitute(e, replacements))
