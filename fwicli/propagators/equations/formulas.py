"""Formulas of parameters as functions of arrays: from disk, or printed now.

An equation states its parameters as formulas of properties, such as `1 / vp**2`. SymPy prints code
of NumPy for them and for their derivatives. Its import takes a quarter of a second. The code is
therefore stored beside compiled kernels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.disk import cache as disk
from fwicli.propagators.equations.equation import arguments

Array = NDArray[Any]
Function = Callable[..., Array]

# Of the stored code; that of other versions is printed again.
VERSION = "1"


@cache
def function(formula: str, target: str = "") -> Function:
    """A formula as a function of the properties that it names, in their order.

    Parameters
    ----------
    formula : str
        As an equation states it.
    target : str
        Property by which it is differentiated; empty for the formula itself.

    Returns
    -------
    callable
        Takes and returns arrays; their shape may be that of one number.
    """
    code = remembered(f"function {formula} by {target}", lambda: _printed(formula, target))
    return evaluated(arguments(formula), code)


def evaluated(names: Sequence[str], code: str) -> Function:
    """The function of arrays that printed code computes.

    Parameters
    ----------
    names : sequence of str
        Arguments, in order.
    code : str
        As `print_code` returns it.

    Returns
    -------
    callable
    """
    # The code is this program's, or of a file that this user or root has written (see `disk`).
    result: Function = eval(f"lambda {', '.join(names)}: {code}", {"numpy": np})
    return result


def remembered(question: str, answer: Callable[[], str]) -> str:
    """The answer of SymPy to a question: from disk, or worked out now and stored there.

    Parameters
    ----------
    question : str
        Everything that the answer depends on, but for versions.
    answer : callable
        Works it out.

    Returns
    -------
    str
    """
    whole = f"{VERSION}\n{metadata.version('sympy')}\n{question}"
    name = f"{hashlib.sha256(whole.encode()).hexdigest()[:32]}.formula"
    if (stored := disk.read(name)) is not None:
        return stored.decode()
    text = answer()
    disk.write(name, text.encode())
    return text


def print_code(expression: Any) -> str:
    """Code of NumPy for an expression of SymPy.

    Parameters
    ----------
    expression : sympy.Expr

    Returns
    -------
    str
    """
    from sympy.printing.numpy import NumPyPrinter  # late: what is on disk needs no SymPy

    return str(NumPyPrinter().doprint(expression))


def _printed(formula: str, target: str) -> str:
    """Code of a formula, or of its derivative."""
    import sympy  # late: what is on disk needs no SymPy

    symbols = {name: sympy.Symbol(name, real=True) for name in arguments(formula)}
    expression = sympy.sympify(formula, locals=symbols)
    return print_code(sympy.diff(expression, symbols[target]) if target else expression)
