"""Formulas as code: what SymPy's own functions compute, whoever has printed it."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from fwicli.disk import cache as disk
from fwicli.propagators.equations import formulas
from fwicli.propagators.equations.equation import arguments
from fwicli.propagators.equations.registry import EQUATIONS
from tests.earths import random_earth


def lambdified(formula: str, target: str) -> formulas.Function:
    symbols = {name: sympy.Symbol(name, real=True) for name in arguments(formula)}
    expression = sympy.sympify(formula, locals=symbols)
    if target:
        expression = sympy.diff(expression, symbols[target])
    function: formulas.Function = sympy.lambdify(list(symbols.values()), expression, "numpy")
    return function


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_every_bit_is_that_of_lambdify(equation: str, ndim: int) -> None:
    """Of parameters, and of their slopes by each property."""
    shape = (5, 4, 3)[:ndim]
    earth = random_earth(shape, rho=np.linspace(1000.0, 2500.0, np.prod(shape)).reshape(shape))
    stated = EQUATIONS[equation]
    complete = stated.complete(earth, ndim)
    for formula in stated.parameters(ndim).values():
        names = arguments(formula)
        arrays = [complete[name] for name in names]
        for target in ("", *names):
            expected = lambdified(formula, target)(*arrays)
            np.testing.assert_array_equal(formulas.function(formula, target)(*arrays), expected)


def test_what_is_on_disk_is_not_printed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another question is."""
    files: dict[str, bytes] = {}
    monkeypatch.setattr(disk, "read", files.get)
    monkeypatch.setattr(disk, "write", files.__setitem__)
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return question.upper()

    for question in ("a", "b", "a"):
        text = formulas.remembered(question, lambda q=question: answer(q))  # type: ignore[misc]
        assert text == question.upper()
    assert questions == ["a", "b"]
    monkeypatch.setattr(formulas.metadata, "version", lambda _: "another")
    formulas.remembered("a", lambda: answer("a"))
    assert questions == ["a", "b", "a"]
