"""Properties of the earth, recovered from the parameters that are made of them.

A formula that holds its unknown property once is inverted one operation after the other, from the
outside inwards:

    p = f(g(v)),        v = g^-1(f^-1(p)).

A formula that holds it several times, and no other property, is inverted by a table of its values
and Newton's method, if these only rise or only fall. Other formulas are left alone: a general
solver may refuse a formula, and may not return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import arguments
from fwicli.survey.properties import PROPERTIES

Array = NDArray[Any]
# A function of arrays, and the names of these: properties or parameters.
Recovery = tuple[Callable[..., Any], tuple[str, ...]]

# Properties of a rock, which tell the right root of a formula from others. Angles follow from
# their sines alone up to a sign or half a turn.
ROCK = {n: sum(p.common) / 2 or p.common[1] for n, p in PROPERTIES.items() if p.unit.name != "rad"}
# Values of a table, and how far it goes beyond those of rocks: units are mistaken by a thousand.
ENTRIES, BEYOND = 20001, 1e4


def properties(equation: str, model: Mapping[str, Array]) -> dict[str, Array]:
    """Properties of the earth, as far as they can be recovered from the parameters.

    Parameters
    ----------
    equation : str
        Name of the equation.
    model : mapping of str to ndarray
        Parameters of the equation on the model's grid, by name.

    Returns
    -------
    dict of str to ndarray
    """
    ndim = next(iter(model.values())).ndim
    values = {name: np.asarray(array, dtype=np.float64) for name, array in model.items()}
    recovered = _recoveries(equation, ndim)
    for name, (function, needed) in recovered.items():
        values[name] = np.asarray(function(*[values[n] for n in needed]))
    return {name: values[name] for name in recovered}


@cache
def formulas(equation: str, ndim: int) -> dict[str, Any]:
    """Parameters as symbolic expressions in the properties.

    Parameters
    ----------
    equation : str
        Name of the equation.
    ndim : int
        Number of space dimensions.

    Returns
    -------
    dict of str to expression
    """
    return {
        name: sympy.sympify(formula, locals={a: _symbol(a) for a in arguments(formula)})
        for name, formula in registry.load(equation).parameters(ndim).items()
    }


def _symbol(name: str) -> sympy.Symbol:
    positive = name in PROPERTIES and PROPERTIES[name].sign == "positive"
    return sympy.Symbol(name, positive=True) if positive else sympy.Symbol(name, real=True)


@cache
def _recoveries(equation: str, ndim: int) -> dict[str, Recovery]:
    """Properties as functions of parameters and of those before them.

    Each formula is inverted for the one property that the others do not give.
    """
    waiting = {
        name: formula
        for name, formula in formulas(equation, ndim).items()
        if {s.name for s in formula.free_symbols} <= ROCK.keys()
    }
    recovered: dict[str, Recovery] = {}
    for _ in range(len(waiting)):
        for name, formula in waiting.items():
            unknown = [s for s in formula.free_symbols if s.name not in recovered]
            if len(unknown) == 1:
                recovery = _inverted(name, formula, unknown[0]) or _tabulated(name, formula)
                if recovery is not None:
                    recovered[unknown[0].name] = recovery
    return recovered


def _inverted(name: str, formula: Any, unknown: sympy.Symbol) -> Recovery | None:
    """Inverse of a formula by its operations; None where one of them holds the unknown twice."""
    parameter = sympy.Symbol(name, positive=True)
    rock = {s: ROCK[s.name] for s in formula.free_symbols}
    rock[parameter] = formula.subs(rock)
    inverse: Any = parameter
    while formula != unknown:
        holders = [a for a in formula.args if a.has(unknown)]
        step = _undone(formula, holders[0], inverse) if len(holders) == 1 else None
        if step is None:
            return None
        formula, inverse = holders[0], step
        if _agree(-inverse, formula, rock):
            inverse = -inverse  # of two roots, the one that this rock has
        if not _agree(inverse, formula, rock):
            return None
    others = sorted(inverse.free_symbols - {parameter}, key=str)
    function = sympy.lambdify([parameter, *others], inverse, "numpy")
    return function, (name, *(s.name for s in others))


def _agree(one: Any, other: Any, values: Mapping[Any, Any]) -> bool:
    """Whether two expressions are equal for some values, to round-off."""
    first, second = complex(one.subs(values)), complex(other.subs(values))
    return abs(first - second) <= 1e-9 * max(abs(second), 1e-300)


def _undone(formula: Any, inner: Any, value: Any) -> Any:
    """An operand from the value of a formula and its other operands; None without a rule."""
    if formula.is_Add:
        return value - (formula - inner)
    if formula.is_Mul:
        return value / (formula / inner)
    if formula.is_Pow and inner == formula.base:
        return value ** (1 / formula.exp)
    if formula.is_Pow and inner == formula.exp:
        return sympy.log(value) / sympy.log(formula.base)
    if isinstance(formula, sympy.exp):
        return sympy.log(value)
    if isinstance(formula, sympy.log) and len(formula.args) == 1:
        return sympy.exp(value)
    return None


def _tabulated(name: str, formula: Any) -> Recovery | None:
    """Inverse of a formula of one property by a table; None if it rises here and falls there."""
    if len(formula.free_symbols) != 1:
        return None
    (unknown,) = formula.free_symbols
    low, high = PROPERTIES[unknown.name].plausible
    if low > 0:
        table = np.geomspace(low / BEYOND, high * BEYOND, ENTRIES)
    else:
        width = high - low
        table = np.linspace(low - width, high + width, ENTRIES)
    function, slope = (
        sympy.lambdify([unknown], f, "numpy") for f in (formula, sympy.diff(formula, unknown))
    )
    with np.errstate(all="ignore"):
        values = np.asarray(function(table), dtype=float)
    steps = np.diff(values)
    if not (steps > 0).all() and not (steps < 0).all():
        return None
    order = 1 if steps[0] > 0 else -1

    def inverse(parameter: Array) -> Array:
        result = np.interp(parameter, values[::order], table[::order])
        inside = (result > table[0]) & (result < table[-1])
        with np.errstate(all="ignore"):
            for _ in range(2):  # Newton's method, from a value exact to some seven digits
                better = result - (function(result) - parameter) / slope(result)
                result = np.where(inside, better, result)
        return result

    return inverse, (name,)
