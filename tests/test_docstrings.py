"""Public functions of two or more parameters document them, results and errors in numpydoc."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

from tests.test_tree import MODULES, nodes, root
from tests.test_vocabulary import compare

# Functions whose docstring is not complete, by room. Numbers only fall, to zero.
INCOMPLETE: dict[str, int] = {}

NONE = {"", "None", "NoReturn"}


@cache
def classes() -> dict[str, ast.ClassDef]:
    """Classes by name, which is unique in the package (see `test_vocabulary`)."""
    return {
        node.name: node
        for module in MODULES
        for node in nodes(module)
        if isinstance(node, ast.ClassDef)
    }


def public(
    node: ast.AST, owner: ast.ClassDef | None = None
) -> Iterator[tuple[ast.ClassDef | None, ast.FunctionDef]]:
    """Public functions, and public methods of public classes with their class; none nested."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_"):
            if isinstance(child, ast.FunctionDef):
                yield owner, child
            else:
                yield from public(child, child)


def parameters(function: ast.FunctionDef) -> list[str]:
    """Names of the parameters beside self, as they stand in a docstring."""
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names = names[names[:1] in (["self"], ["cls"]) :]
    names += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    return names + ([f"**{arguments.kwarg.arg}"] if arguments.kwarg else [])


def sections(docstring: str) -> dict[str, str]:
    """Text of the sections of a docstring by title."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}$", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented(section: str) -> list[str]:
    """Names that a section of parameters describes; several may share a line."""
    lines = re.findall(r"^(\S.*)$", section, flags=re.MULTILINE)
    return [name.strip() for line in lines for name in line.split(" : ")[0].split(",")]


def raised(node: ast.AST) -> set[str]:
    """Classes of errors that a function raises itself, without those of functions in it."""
    names = set()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            name = getattr(child.exc.func, "id", "")
            names |= {name} if name[:1].isupper() else set()
        names |= raised(child)
    return names


def overrides(owner: ast.ClassDef | None, function: ast.FunctionDef) -> bool:
    """Whether a base class documents a method of this name with the same parameters."""
    for base in owner.bases if owner is not None else []:
        name = ast.unparse(base).partition("[")[0].rpartition(".")[2]
        inherited = classes().get(name)
        for child in inherited.body if inherited is not None else []:
            if isinstance(child, ast.FunctionDef) and child.name == function.name:
                return parameters(child) == parameters(function) and not missing(inherited, child)
        if overrides(inherited, function):
            return True
    return False


def missing(owner: ast.ClassDef | None, function: ast.FunctionDef) -> list[str]:
    """Sections that a docstring lacks, or that do not fit the function.

    Parameters and results of an overriding method are those that its base class documents.
    """
    names = parameters(function)
    if len(names) < 2:
        return []
    found = sections(ast.get_docstring(function) or "")
    lacking = []
    if sorted(documented(found.get("Parameters", ""))) != sorted(names):
        lacking.append("Parameters")
    returns = "" if function.returns is None else ast.unparse(function.returns)
    if returns not in NONE and not {"Returns", "Yields"} & set(found):
        lacking.append("Returns")
    if lacking and overrides(owner, function):
        lacking = []
    if any(name not in found.get("Raises", "") for name in raised(function)):
        lacking.append("Raises")
    return lacking


def room(module: str) -> str:
    """A folder of the package, or a folder in one, or a module beside them."""
    path = MODULES[module].with_suffix("").parts
    below = path[len(path) - 1 - path[::-1].index("fwicli") :]
    return ".".join(below[: max(2, min(3, len(below) - 1))])


def test_docstrings_are_complete() -> None:
    """Parameters under their names, what is returned, and the errors that are raised."""
    counts: Counter[str] = Counter()
    for module in MODULES:
        for owner, function in public(root(module)):
            counts[room(module)] += bool(missing(owner, function))
    compare(counts, INCOMPLETE)


def test_what_is_missing() -> None:
    """A name that is not the function's, a name left out, results and errors without a word."""
    source = '''
def f(a, b: int, *c) -> int:
    """Add.

    Parameters
    ----------
    a, {} : int
        Terms.
    {}

    {}
    -------
    sum : int

    Raises
    ------
    {}
    """
    if a:
        raise ValueError("no")
'''

    def of(*texts: str) -> list[str]:
        function = ast.parse(source.format(*texts)).body[0]
        assert isinstance(function, ast.FunctionDef)
        return missing(None, function)

    assert of("b", "*c : int", "Returns", "ValueError") == []
    assert of("b", "*c : int", "Results", "ValueError") == ["Returns"]
    assert of("b", "", "Returns", "ValueError") == ["Parameters"]
    assert of("x", "*c : int", "Returns", "ValueError") == ["Parameters"]
    assert of("b", "*c : int", "Returns", "TypeError") == ["Raises"]


def test_what_is_inherited() -> None:
    """A method of a misfit takes what `Residual` documents, unless it has other parameters."""
    source = '''
class LogCosh(Residual):
    def density(self, residual, level{}) -> tuple:
        """Text."""
'''
    for more, expected in (("", []), (", more", ["Parameters", "Returns"])):
        ((owner, function),) = public(ast.parse(source.format(more)))
        assert missing(owner, function) == expected
