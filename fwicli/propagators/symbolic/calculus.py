"""Symbolic calculus on discretised wave equations: transpose, linearise, gradient.

A wave equation is a system of residuals

    R_i(f_1, ..., f_n; p) = 0,        i = 1, ..., n,

linear in the fields f_j(t, x) and differentiable in the parameters p(x), written as a Devito
expression. Residual i is the one that is solved for field i at its newest time level, in the
order in which the residuals are listed. From that statement this module derives

    adjoint     sum_i (dR_i/df_j)^T l_i = 0 for every field j, with multipliers l_i
    Born        R(df; p) + (dR/dp)[f] dp = 0
    gradient    g_p = -sum_t (dR/dp)^T l
    reverse     the same fields backwards in time, of a system that loses no energy

for the *discrete* scheme, so that the transposes are exact. The transpose is taken on the
expression tree, with v the weight that multiplies a term:

    c f        ->  c v                    a coefficient moves to the weight
    D f        ->  D^T v                  the space stencil with its offsets mirrored
    f(t + s)   ->  v(t - s)               also for shifts in space

Differences in time are expanded first; those in space stay symbolic, so that Devito still sees
derivatives and can factor them. A factor common to all couplings of a residual, such as the
coefficient of an absorbing layer, is absorbed into its multiplier (l~ = c l): products below
derivatives would otherwise cost loads in the adjoint.

Symbols are node-labelled: staggering is expressed by the evaluation point `x0` of a derivative,
never by a staggered Function, whose implicit interpolation has no visible transpose.

References: Plessix (2006), Geophys. J. Int. 167, 495-503, for the adjoint-state method;
Griewank and Walther (2008), Evaluating Derivatives, SIAM, for the transposition of programs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import mul
from typing import Any, TypeVar

import sympy
from devito import Function, TimeFunction
from devito.finite_differences.derivative import Derivative
from devito.finite_differences.tools import direct
from devito.finite_differences.tools import transpose as transposed

from fwicli.errors import CalculusError
from fwicli.propagators.symbolic.expressions import (
    Expr,
    accesses,
    distribute,
    expand_time,
    functions,
    is_access,
    like,
    names,
    offsets,
    rebuild,
    shift,
    substitute,
    summands,
    text,
    total,
)
from fwicli.propagators.symbolic.system import System

Known = TypeVar("Known")


# --- transposition and linearisation -------------------------------------------------------------


def transpose_derivative(expr: Derivative, weight: Expr) -> Expr:
    """D^T weight for the space derivative D of `expr`.

    Parameters
    ----------
    expr : Derivative
    weight : expression

    Returns
    -------
    expression

    Raises
    ------
    CalculusError
        If it is no finite difference, or the weight no function of space.
    """
    plain = set(expr.x0) <= set(expr.dims) and expr.method == "FD" and not expr._ppsubs
    if not plain:
        raise CalculusError(f"no transpose for {expr}: only finite differences at a point x0")
    # Devito takes the derivative of a constant to be zero, but the transpose of a stencil
    # applied to a constant is not zero at the edge of the grid.
    if not functions(weight):
        raise CalculusError(f"the weight {weight} of {expr} must be a function of space")
    flipped = transposed if expr.transpose == direct else direct
    return expr._rebuild(weight, transpose=flipped)


def transpose(expr: Expr, name: str, weight: Expr) -> Expr:
    """(d expr / d f)^T weight for the function f called `name`, in which `expr` is linear.

    Parameters
    ----------
    expr : expression
    name : str
        Name of the function f.
    weight : expression

    Returns
    -------
    expression

    Raises
    ------
    CalculusError
        If `expr` is not linear in f.
    """
    if name not in names(expr):
        return sympy.S.Zero
    if is_access(expr):
        for dimension, amount in offsets(expr).items():
            weight = shift(weight, dimension, -amount)
        return weight
    if isinstance(expr, Derivative):
        return transpose(expr.expr, name, transpose_derivative(expr, weight))
    if expr.is_Add:
        return total(transpose(a, name, weight) for a in expr.args)
    if expr.is_Mul:
        inside = [a for a in expr.args if name in names(a)]
        if len(inside) == 1:
            numbers = [a for a in expr.args if not functions(a)]
            rest = [a for a in expr.args if functions(a) and a is not inside[0]]
            inner = transpose(inside[0], name, reduce(mul, rest, weight))
            return total(reduce(mul, numbers, t) for t in summands(inner))
    raise CalculusError(f"not linear in {name}: {expr}")


def linearise(expr: Expr, perturbations: Mapping[str, Function]) -> Expr:
    """Derivative of `expr` in the direction of the perturbations of functions, by name.

    Parameters
    ----------
    expr : expression
    perturbations : mapping of str to Function
        Perturbations of functions, by the name of these.

    Returns
    -------
    expression
    """
    touched = names(expr) & set(perturbations)
    if not touched:
        return sympy.S.Zero
    if is_access(expr):
        perturbed = perturbations[expr.function.name]
        for dimension, amount in offsets(expr).items():
            perturbed = shift(perturbed, dimension, amount)
        return perturbed
    if isinstance(expr, Derivative):
        inner = linearise(expr.expr, perturbations)
        return total(expr._rebuild(t) for t in summands(inner))
    if expr.is_Add:
        return total(linearise(a, perturbations) for a in expr.args)
    if expr.is_Mul:
        return total(
            reduce(mul, expr.args[:i] + expr.args[i + 1 :], linearise(a, perturbations))
            for i, a in enumerate(expr.args)
        )
    return _chain_rule(expr, perturbations)


def _chain_rule(expr: Expr, perturbations: Mapping[str, Function]) -> Expr:
    """Derivative of a power or an elementary function of grid functions."""
    if expr.is_Pow:
        base, exponent = expr.args
        if functions(exponent):
            raise CalculusError(f"no derivative for {expr}: the exponent depends on a function")
        return exponent * base ** (exponent - 1) * linearise(base, perturbations)
    if expr.is_Function and len(expr.args) == 1:
        return expr.fdiff(1) * linearise(expr.args[0], perturbations)
    raise CalculusError(f"no derivative for {expr}")


# --- the derived systems -------------------------------------------------------------------------


def _couplings(system: System, index: int) -> tuple[list[Expr], list[Expr]]:
    """Terms of a residual that hold its own field pointwise, and all others."""
    own: list[Expr] = []
    others: list[Expr] = []
    mine = system.fields[index].name
    everyone = {f.name for f in system.fields}
    for term in summands(expand_time(system.residuals[index], system.time)):
        pointwise = all(
            not offsets(a).keys() - {system.time} for a in accesses(term)
        ) and not term.atoms(Derivative)
        is_own = pointwise and names(term) & everyone == {mine}
        (own if is_own else others).append(term)
    return own, others


def _scale(system: System, index: int, others: Sequence[Expr]) -> Expr:
    """Coefficient functions common to all couplings of a residual, as a product."""
    if names(system.residuals[index]) & {p.name for p in system.coefficients}:
        return sympy.S.One
    time_dependent = {f.name for f in system.fields}
    common: set[Expr] | None = None
    for term in others:
        factors = {
            a
            for a in (term.args if term.is_Mul else (term,))
            if is_access(a) and not offsets(a) and a.function.name not in time_dependent
        }
        common = factors if common is None else common & factors
    return reduce(mul, sorted(common or (), key=text), sympy.S.One)


def adjoint(system: System, name: Callable[[str], str] = lambda n: f"adj_{n}") -> System:
    """Exact transpose of a system; field i of the result is the multiplier of residual i.

    Sources s_j of the adjoint enter the right-hand side of its residual j; the multiplier of a
    residual that holds no parameter may be scaled by a coefficient (see the module header).

    Parameters
    ----------
    system : System
    name : callable
        From the name of a field to that of its multiplier.

    Returns
    -------
    System
    """
    count = len(system.fields)
    multipliers = [like(f, name(f.name)) for f in system.fields]
    parts = [_couplings(system, i) for i in range(count)]
    scales = [_scale(system, i, others) for i, (_, others) in enumerate(parts)]
    residuals = []
    for j, f in enumerate(system.fields):
        coupled = []
        for i, (_, others) in enumerate(parts):
            for term in others:
                bare = _divide(term, scales[i])
                coupled.append(transpose(bare, f.name, multipliers[i]))
        own = total(transpose(term, f.name, multipliers[j]) for term in parts[j][0])
        residuals.append(own + total(scales[j] * t for c in coupled for t in summands(c)))
    renamed = {f.name: name(f.name) for f in system.fields}
    return System(
        fields=tuple(reversed(multipliers)),
        residuals=tuple(reversed(residuals)),
        parameters=system.parameters,
        supports=_also(system.supports, renamed),
        mirrors=_also(system.mirrors, renamed),
        derived=system.derived,
        backward=not system.backward,
    )


def reverse(system: System) -> System:
    """The system backwards in time, which finds a field again from its newest levels.

    Raises
    ------
    CalculusError
        If the system is not the same when time is: if a field of first order in time depends on
        its own past.
    """
    residuals = []
    for f, residual in zip(system.fields, system.residuals, strict=True):
        expanded = expand_time(residual, system.time)
        times = {offsets(a).get(system.time, 0) for a in accesses(expanded) if a.function is f}
        if f.time_order == 1 and len(times) > 1:
            raise CalculusError(f"`{f.name}` has no reverse: it depends on its own past")
        residuals.append(_reflected(expanded, system.time))
    return replace(system, residuals=tuple(residuals), backward=not system.backward)


def _reflected(expr: Expr, time: Any) -> Expr:
    """An expression with all displacements in time reversed."""
    if is_access(expr):
        return shift(expr, time, -2 * offsets(expr).get(time, sympy.S.Zero))
    return rebuild(expr, lambda e: _reflected(e, time))


def _divide(term: Expr, factor: Expr) -> Expr:
    """`term` without the accesses whose product is `factor`."""
    if factor == 1:
        return term
    gone = set(factor.args) if factor.is_Mul else {factor}
    left = [a for a in (term.args if term.is_Mul else (term,)) if a not in gone]
    return reduce(mul, left, sympy.S.One)


def born(
    system: System,
    perturbations: Mapping[str, Function],
    name: Callable[[str], str] = lambda n: f"born_{n}",
    change: Callable[[str], str] = lambda n: f"d{n}",
) -> System:
    """Background fields and their first-order change: R(f) = q, R(df) + (dR/dp)[f] dp = 0.

    Parameters
    ----------
    system : System
    perturbations : mapping of str to Function
        Perturbations of parameters, by the name of these.
    name : callable
        From the name of a field to that of its change.
    change : callable
        From the name of a derived coefficient to that of its change.

    Returns
    -------
    System
    """
    scattered = {f.name: like(f, name(f.name)) for f in system.fields}
    changes = {**perturbations, **{c.name: like(c, change(c.name)) for c in system.derived}}
    derived = {changes[c.name]: linearise(e, changes) for c, e in system.derived.items()}
    residuals = tuple(
        substitute(r, scattered) + linearise(expand_time(r, system.time), changes)
        for r in system.residuals
    )
    renamed = {n: name(n) for n in scattered}
    return replace(
        system,
        fields=system.fields + tuple(scattered.values()),
        residuals=system.residuals + residuals,
        supports=_also(system.supports, renamed),
        mirrors=_also(system.mirrors, renamed),
        derived={**system.derived, **derived},
    )


def _also(facts: Mapping[str, Known], renamed: Mapping[str, str]) -> dict[str, Known]:
    """Facts about fields, also under the names that they are renamed to."""
    return {**facts, **{renamed[n]: value for n, value in facts.items() if n in renamed}}


def gradient(system: System, multipliers: Mapping[str, TimeFunction], parameter: Function) -> Expr:
    """Integrand of g_p = -sum_t (dR/dp)^T l, with the fields of `system` at time t only.

    Each term is moved in time until the forward field it holds is at t, so that a history of
    the plain fields suffices; the multipliers then appear at t - dt, t and t + dt. The sum over
    time is unchanged because the fields vanish before the first step and the multipliers after
    the last.

    Parameters
    ----------
    system : System
    multipliers : mapping of str to TimeFunction
        Multiplier of the residual of each field, by the field's name.
    parameter : Function
        A parameter, or a coefficient derived from parameters.

    Returns
    -------
    expression
    """
    direction = like(parameter, f"d{parameter.name}")
    own = {f.name for f in system.fields}
    aligned = []
    for f, residual in zip(system.fields, system.residuals, strict=True):
        change = linearise(expand_time(residual, system.time), {parameter.name: direction})
        for term in summands(change):
            bilinear = transpose(term, direction.name, -multipliers[f.name])
            aligned += [_align(piece, own, system.time) for piece in distribute(bilinear)]
    return total(aligned)


def chain_rule(system: System, parameter: Function, sums: Mapping[str, Function]) -> Expr:
    """Gradient for a coefficient from those for the coefficients derived from it.

    Parameters
    ----------
    system : System
    parameter : Function
    sums : mapping of str to Function
        Gradient for each derived coefficient, by its name.

    Returns
    -------
    expression
    """
    direction = like(parameter, f"d{parameter.name}")
    return total(
        transpose(linearise(expr, {parameter.name: direction}), direction.name, sums[c.name])
        for c, expr in system.derived.items()
    )


def _align(term: Expr, own: set[str], time: Any) -> Expr:
    """A bilinear term moved in time so that its forward field is at t."""
    shifts = {offsets(a).get(time, 0) for a in accesses(term) if a.function.name in own}
    if len(shifts) != 1:
        raise CalculusError(f"the term {term} holds forward fields at several times")
    return shift(term, time, -shifts.pop())
