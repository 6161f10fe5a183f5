"""Sizes that a reader can take in: of modules, of functions, and of lists of parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.test_tree import MODULES, root

# The largest number of lines of a module, of lines of a function without its docstring, and of
# parameters beside self.
LIMITS = {"module": 400, "function": 40, "parameters": 6}

# What is larger, and how large it is. Numbers only fall: split what grows, lower what shrinks, and
# delete what has come below the limit.
CEILINGS: dict[str, dict[str, int]] = {
    "module": {},
    "function": {},
    "parameters": {
        "fwicli.propagators.history.demand": 7,
        "fwicli.propagators.propagator.Propagator.curvature": 7,
        "fwicli.propagators.sampling.stability.time_axis": 7,
    },
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    """Functions and methods at any depth, with their dotted names."""
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, Function | ast.ClassDef):
            name = f"{prefix}.{child.name}"
        if isinstance(child, Function):
            yield name, child
        yield from functions(child, name)


def body(function: Function) -> int:
    """Lines of a function between its docstring and its end."""
    statements = function.body[ast.get_docstring(function) is not None :]
    if not statements:
        return 0
    return (statements[-1].end_lineno or 0) - statements[0].lineno + 1


def parameters(function: Function) -> int:
    """Parameters beside self and cls; *args and **kwargs are one each."""
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    names += [a.arg for a in (given.vararg, given.kwarg) if a is not None]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def sizes(module: str, source: str, tree: ast.Module) -> dict[str, dict[str, int]]:
    """Sizes of a module by what is measured and by dotted name."""
    inside = list(functions(tree, module))
    return {
        "module": {module: len(source.splitlines())},
        "function": {name: body(function) for name, function in inside},
        "parameters": {name: parameters(function) for name, function in inside},
    }


@cache
def measured() -> dict[str, dict[str, int]]:
    """Sizes in the package by what is measured and by dotted name."""
    largest: dict[str, dict[str, int]] = {measure: {} for measure in LIMITS}
    for module, path in MODULES.items():
        source = path.read_text(encoding="utf-8")
        for measure, numbers in sizes(module, source, root(module)).items():
            for name, size in numbers.items():
                # Of functions with one name, as of a property and its setter, the largest counts.
                largest[measure][name] = max(size, largest[measure].get(name, 0))
    return largest


@pytest.mark.parametrize("measure", LIMITS)
def test_sizes(measure: str) -> None:
    """None above the limit but those of the table, and those exactly as it says."""
    larger = {name: n for name, n in measured()[measure].items() if n > LIMITS[measure]}
    allowed = CEILINGS[measure]
    grown = {name: n for name, n in larger.items() if n > allowed.get(name, LIMITS[measure])}
    assert not grown, "split these, or give them fewer parameters"
    shrunk = {name: larger.get(name) for name, n in allowed.items() if larger.get(name, 0) < n}
    assert not shrunk, "lower their ceilings in CEILINGS; None is no longer needed there"


def test_what_is_measured() -> None:
    """Nested functions count twice, docstrings not; decorators are no part of a body."""
    source = '''
class A:
    @property
    def f(self, a, /, b, *c, d, **e):
        """Text.

        More of it.
        """
        def g(b):
            return a

        return g

    def h(cls): """Text."""
'''
    assert sizes("m", source, ast.parse(source)) == {
        "module": {"m": 14},
        "function": {"m.A.f": 4, "m.A.f.g": 1, "m.A.h": 0},
        "parameters": {"m.A.f": 5, "m.A.f.g": 1, "m.A.h": 0},
    }
