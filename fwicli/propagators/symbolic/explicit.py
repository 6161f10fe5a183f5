"""From a system of residuals to the equations of one time step, shaped for speed.

Residual i is linear in its unknown, c f+ + r = q with the newest level f+ of field i, a
pointwise coefficient c(x) and the rest r. The step is

    f+ = -r / c,        then        f+ += q / c        at the sources.

The reciprocal 1/c, and any other quotient or function of model parameters alone, is computed
once before the time loop. Terms that cancel against c (2 u - u-) are not multiplied by it, and
terms that live on part of the grid (`System.supports`) are added there in a loop of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import mul
from typing import Any

import sympy
from devito import Eq, Function, Inc
from devito.finite_differences.derivative import Derivative

from fwicli.errors import CalculusError
from fwicli.propagators.symbolic.expressions import (
    Expr,
    accesses,
    by_region,
    expand_time,
    functions,
    is_access,
    names,
    offsets,
    rebuild,
    summands,
    text,
    total,
)
from fwicli.propagators.symbolic.system import Region, System


@dataclass(frozen=True)
class Step:
    """Equations that advance one field, and the factor 1/c of a source injected into it."""

    field: Any
    unknown: Expr
    pivot: Expr
    equations: list[Eq]


@dataclass
class Scheme:
    """One time step of a system: coefficients to compute beforehand, then one step a field."""

    coefficients: list[Eq] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    _known: dict[Expr, Function] = field(default_factory=dict)

    def step(self, name: str) -> Step:
        """The step that advances the field called `name`."""
        return next(s for s in self.steps if s.field.name == name)

    def precompute(self, expr: Expr, model: Any) -> Expr:
        """A function that holds `expr`, computed once before the time loop.

        Parameters
        ----------
        expr : expr
            Pointwise expression of functions that do not depend on time.
        model : Function
            Function whose grid, precision and halo the new one takes.

        Returns
        -------
        Function
        """
        if expr not in self._known:
            coefficient = Function(
                name=f"coef{len(self._known)}",
                grid=model.grid,
                space_order=model.space_order,
                dtype=model.dtype,
            )
            self._known[expr] = coefficient
            self.coefficients.append(Eq(coefficient, expr))
        return self._known[expr]

    def hoist(self, expr: Expr, model: Any) -> Expr:
        """`expr` with quotients and functions of parameters alone replaced by precomputed ones.

        Parameters
        ----------
        expr : expression
        model : Function
            A function on the grid, whose kind precomputed ones have.

        Returns
        -------
        expression
        """
        if is_access(expr) or not getattr(expr, "args", ()):
            return expr
        if expr.is_Mul:
            fixed = [a for a in expr.args if _is_invariant(a)]
            if any(_is_costly(a) for a in fixed):
                moving = [self.hoist(a, model) for a in expr.args if a not in fixed]
                numbers = [a for a in fixed if not functions(a)]
                costly = reduce(mul, [a for a in fixed if functions(a)])
                return reduce(mul, numbers + moving, self.precompute(costly, model))
        elif _is_invariant(expr) and _is_costly(expr):
            return self.precompute(expr, model)
        return rebuild(expr, lambda e: self.hoist(e, model))


def _is_invariant(expr: Expr) -> bool:
    """Whether `expr` is pointwise and does not depend on time."""
    return not expr.atoms(Derivative) and not any(
        f.is_TimeFunction or len(f.dimensions) < 1 for f in functions(expr)
    )


def _is_costly(expr: Expr) -> bool:
    """Whether evaluating `expr` takes a division or an elementary function."""
    if is_access(expr) or not getattr(expr, "args", ()) or not functions(expr):
        return False
    if expr.is_Pow and not (expr.exp.is_Integer and expr.exp > 0):
        return True
    if expr.is_Function:
        return True
    return any(_is_costly(a) for a in expr.args)


def _split(system: System, index: int) -> tuple[Expr, list[Expr]]:
    """Coefficient of the unknown in a residual, and the terms without it."""
    unknown = system.unknown(index)
    coefficient, rest = sympy.S.Zero, []
    for term in _terms(expand_time(system.residuals[index], system.time), unknown, system):
        if unknown not in accesses(term):
            rest.append(term)
            continue
        factors = term.args if term.is_Mul else (term,)
        if unknown not in factors:
            raise CalculusError(
                f"implicit scheme: {unknown} stands inside {term}; only its own point may"
            )
        others = list(factors)
        others.remove(unknown)
        coefficient = coefficient + reduce(mul, others, sympy.S.One)
    if coefficient == 0:
        raise CalculusError(f"residual {index} does not hold its unknown {unknown}")
    # The order of a sum differs from process to process; that of the code, and with it the last
    # bits of the waves, must not.
    return coefficient, sorted(rest, key=text)


def _terms(expr: Expr, unknown: Expr, system: System) -> Iterator[Expr]:
    """Terms of a residual: those with the unknown one by one, others by where they live."""
    for term in sympy.Add.make_args(expr):
        confined = names(term) & system.supports.keys()
        # One by one they are summed most exactly; those of a layer stay together for speed.
        if unknown in accesses(term) or not confined:
            yield from summands(term)
        else:
            yield from by_region(term, system.supports).values()


def _ratio(term: Expr, coefficient: Expr) -> Expr | None:
    """`term / coefficient` where the parameters cancel from it; None where they do not."""
    if term.atoms(Derivative):
        return None
    stand_ins = {a: sympy.Symbol(f"a{i}_") for i, a in enumerate(accesses(term * coefficient))}
    plain = sympy.cancel(_plain(term, stand_ins) / _plain(coefficient, stand_ins))
    back = {v: k for k, v in stand_ins.items()}
    left = [back[s] for s in plain.free_symbols if s in back]
    if not all(a.function.is_TimeFunction for a in left):
        return None
    return total(
        reduce(mul, [back.get(f, f) for f in sympy.Mul.make_args(t)], sympy.S.One)
        for t in sympy.Add.make_args(plain.expand())
    )


def _plain(expr: Expr, stand_ins: dict[Expr, sympy.Symbol]) -> Expr:
    """`expr` in SymPy's own arithmetic, with symbols for the accesses."""
    if expr in stand_ins:
        return stand_ins[expr]
    if not expr.args:
        return expr
    args = [_plain(a, stand_ins) for a in expr.args]
    if expr.is_Add:
        return sympy.Add(*args)
    if expr.is_Mul:
        return sympy.Mul(*args)
    if expr.is_Pow:
        return sympy.Pow(*args)
    return expr.func(*args)


def _region(term: Expr, system: System) -> Region | None:
    """FieldPoints of the grid outside which a term vanishes; None for the whole grid."""
    for name in sorted(names(term)):
        if name in system.supports:
            return system.supports[name]
    return None


def time_step(system: System) -> Scheme:
    """Equations that advance every field of a system by one time step, in order."""
    scheme = Scheme()
    scheme.coefficients += [Eq(function, expr) for function, expr in system.derived.items()]
    for index, f in enumerate(system.fields):
        unknown = system.unknown(index)
        coefficient, rest = _split(system, index)
        pivot = 1 / coefficient
        if functions(coefficient):
            model = next(iter(sorted(functions(coefficient), key=lambda g: g.name)))
            pivot = scheme.precompute(pivot, model)
        home = system.supports.get(f.name)
        free: list[Expr] = []
        scaled: dict[Region | None, list[Expr]] = {home: []}
        for term in rest:
            region = home if home is not None else _region(term, system)
            ratio = _ratio(term, coefficient) if region == home else None
            if ratio is not None:
                free.append(-ratio)
                continue
            scaled.setdefault(region, []).append(scheme.hoist(-term, f))
        main = total(free) + pivot * total(scaled.pop(home))
        equations = [Eq(unknown, main, subdomain=part) for part in home or (None,)]
        for region, terms in scaled.items():
            value = pivot * total(terms)
            equations += [Inc(unknown, value, subdomain=part) for part in region or ()]
        scheme.steps.append(Step(f, unknown, pivot, equations))
    return scheme


def check_buffers(equations: Iterable[Eq], system: System) -> None:
    """Make sure that no equation reads a time level which its field's storage has lost.

    A field kept at two levels overwrites its oldest one, which only the field's own update,
    point by point, may read.

    Parameters
    ----------
    equations : iterable of Eq
    system : System

    Raises
    ------
    CalculusError
        If one does.
    """
    for index, f in enumerate(system.fields):
        levels = f.shape_allocated[0]
        if levels != 2 or f.time_order != 2:
            continue
        unknown = system.unknown(index)
        oldest = f.forward if system.backward else f.backward
        for equation in equations:
            own = equation.lhs == unknown and not isinstance(equation, Inc)
            for access, below in _reads(equation.rhs, oldest, system.time):
                if below or not own or access != oldest:
                    raise CalculusError(f"{equation} reads {access}, which is overwritten by then")


def _reads(expr: Expr, level: Expr, time: Any, below: bool = False) -> Iterator[tuple[Expr, bool]]:
    """Accesses to a function at the time level of `level`, and whether below a derivative."""
    if is_access(expr):
        if expr.function is level.function and offsets(expr).get(time) == offsets(level)[time]:
            yield expr, below
    elif isinstance(expr, Derivative):
        yield from _reads(expr.expr, level, time, below=True)
    else:
        for operand in getattr(expr, "args", ()):
            yield from _reads(operand, level, time, below)
