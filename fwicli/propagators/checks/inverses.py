"""Which properties of the earth follow from parameters, and by which code.

A formula that holds its unknown property once is inverted one operation after the other, from the
outside inwards:

    p = f(g(v)),        v = g^-1(f^-1(p)).

A formula that holds it several times, and no other property, is inverted by a table (see
`tabulated`), if its values only rise or only fall. Other formulas are left alone: a general solver
may refuse a formula, and may not return.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sympy

from fwicli.propagators.checks.tabulated import TabulatedInverse
from fwicli.propagators.equations.equation import arguments
from fwicli.propagators.equations.formulas import evaluated, print_code
from fwicli.survey.properties import PROPERTIES

# Properties of a rock, which tell the right root of a formula from others. Angles follow from
# their sines alone up to a sign or half a turn.
ROCK = {n: sum(p.common) / 2 or p.common[1] for n, p in PROPERTIES.items() if p.unit.name != "rad"}


def analysis(stated: Mapping[str, str]) -> dict[str, Any]:
    """Signs and inverses of formulas.

    Parameters
    ----------
    stated : mapping of str to str
        Formulas of parameters in the properties, by name.

    Returns
    -------
    dict
        Under `positive` the parameters that are so in every rock. Under `inverses` steps that
        recover a `property` from parameters and properties that are `needed`, by the code of the
        `inverse`, or by those of the `formula` and its `slope`. Each formula is inverted for the
        one property that the others do not give.
    """
    expressions = {
        name: sympy.sympify(formula, locals={a: _symbol(a) for a in arguments(formula)})
        for name, formula in stated.items()
    }
    waiting = {
        name: formula
        for name, formula in expressions.items()
        if {s.name for s in formula.free_symbols} <= ROCK.keys()
    }
    recovered: dict[str, dict[str, Any]] = {}
    for _ in range(len(waiting)):
        for name, formula in waiting.items():
            unknown = [s for s in formula.free_symbols if s.name not in recovered]
            if len(unknown) == 1:
                step = _inverted(name, formula, unknown[0]) or _tabulated(name, formula)
                if step is not None:
                    recovered[unknown[0].name] = {"property": unknown[0].name, **step}
    return {
        "positive": [name for name, e in expressions.items() if e.is_positive],
        "inverses": list(recovered.values()),
    }


def _symbol(name: str) -> sympy.Symbol:
    positive = name in PROPERTIES and PROPERTIES[name].sign == "positive"
    return sympy.Symbol(name, positive=True) if positive else sympy.Symbol(name, real=True)


def _inverted(name: str, formula: Any, unknown: sympy.Symbol) -> dict[str, Any] | None:
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
    return {"needed": [name, *(s.name for s in others)], "inverse": print_code(inverse)}


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


def _tabulated(name: str, formula: Any) -> dict[str, Any] | None:
    """Code for a table of a formula of one property; None if it rises here and falls there."""
    if len(formula.free_symbols) != 1:
        return None
    (unknown,) = formula.free_symbols
    codes = print_code(formula), print_code(sympy.diff(formula, unknown))
    function, slope = (evaluated([unknown.name], code) for code in codes)
    if not TabulatedInverse(function, slope, PROPERTIES[unknown.name].plausible).has_inverse:
        return None
    return {"needed": [name], "formula": codes[0], "slope": codes[1]}
