"""The tree of the package: few rooms a level, and arrows between them that point downwards."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "fwicli"
# Rooms (modules and folders) at one level that a reader can oversee.
ROOMS = 13
# Packages that hand out names of their modules; all others import nothing.
PUBLIC = {"fwicli", "fwicli.autograd", "fwicli.execution", "fwicli.operators"}
with (ROOT / "pyproject.toml").open("rb") as _file:
    _contracts = tomllib.load(_file)["tool"]["importlinter"]["contracts"]
LAYERS = {
    container: [[room.strip() for room in layer.split("|")] for layer in contract["layers"]]
    for contract in _contracts
    if contract["type"] == "layers"
    for container in contract["containers"]
}


def name_of(path: Path) -> str:
    """Dotted name of a module or package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
PACKAGES = sorted(name for name, path in MODULES.items() if path.stem == "__init__")


@cache
def nodes(module: str) -> tuple[ast.AST, ...]:
    """Nodes of the tree of a module, its root first; parsed once for all tests."""
    return tuple(ast.walk(ast.parse(MODULES[module].read_bytes())))


def root(module: str) -> ast.Module:
    """Tree of a module."""
    first = nodes(module)[0]
    assert isinstance(first, ast.Module)
    return first


def imports(module: str) -> Iterator[str]:
    """Modules that one imports: at once, late, or for types alone."""
    for node in nodes(module):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module} has a relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if target := next((n for n in (inner, node.module or "") if n in MODULES), None):
                    yield target


@cache
def arrows() -> set[tuple[str, str]]:
    """All pairs of a module and one that it imports."""
    return {(module, target) for module in MODULES for target in imports(module)}


def rooms(package: str) -> set[str]:
    """Modules and folders of a package."""
    depth = package.count(".") + 1
    return {name.split(".")[depth] for name in MODULES if name.startswith(f"{package}.")}


def between(package: str) -> set[tuple[str, str]]:
    """Arrows between the rooms of a package."""
    depth = package.count(".") + 1
    inside = [
        (a.split(".")[depth], b.split(".")[depth])
        for a, b in arrows()
        if a.startswith(f"{package}.") and b.startswith(f"{package}.")
    ]
    return {(a, b) for a, b in inside if a != b}


def circles(pairs: Iterable[tuple[str, str]]) -> set[str]:
    """Rooms that stand in a circle, or lie between two circles."""
    left = set(pairs)
    while True:
        starts, ends = {a for a, _ in left}, {b for _, b in left}
        rest = {(a, b) for a, b in left if a in ends and b in starts}
        if rest == left:
            return starts | ends
        left = rest


def upwards(package: str) -> set[tuple[str, str]]:
    """Arrows of a package against the order of its layers, or within one of them."""
    floor = {room: i for i, layer in enumerate(LAYERS[package]) for room in layer}
    return {(a, b) for a, b in between(package) if floor[a] >= floor[b]}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_between_rooms(package: str) -> None:
    """What is imported late, or for types alone, counts as well."""
    assert not circles(between(package))


def test_no_circle_between_modules() -> None:
    assert not circles(arrows())


@pytest.mark.parametrize("package", sorted(LAYERS))
def test_arrows_point_downwards(package: str) -> None:
    """The contracts leave out what is imported for types alone; this does not."""
    assert {room for layer in LAYERS[package] for room in layer} == rooms(package)
    assert not upwards(package)


@pytest.mark.parametrize("package", ["propagators", "inversion", "workflows"])
def test_rooms_can_be_overseen(package: str) -> None:
    assert len(rooms(f"fwicli.{package}")) <= ROOMS


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_state_their_rule_and_import_nothing(package: str) -> None:
    text = ast.get_docstring(root(package))
    assert text is not None
    assert text.splitlines()[0].endswith(".")
    assert package in PUBLIC or not [m for m, _ in arrows() if m == package]


def test_circles_are_seen() -> None:
    """Of two rooms, of three, and not of a chain."""
    assert circles([("a", "b"), ("b", "a"), ("b", "c")]) == {"a", "b"}
    assert circles([("a", "b"), ("b", "c"), ("c", "a")]) == {"a", "b", "c"}
    assert not circles([("a", "b"), ("b", "c"), ("a", "c")])
