"""One library has one owner: what each module imports of others, at once, late, or for types."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache

import pytest

from tests.test_tree import MODULES, nodes

# Packages or modules that may import a library; everything below them may, too.
OWNERS: dict[str, tuple[str, ...]] = {
    "checkpoint_schedules": ("fwicli.propagators.running",),
    "click": ("fwicli.cli",),
    "dask": ("fwicli.execution.dask",),
    "dask_jobqueue": ("fwicli.execution.dask",),
    "deepinv": ("fwicli.autograd",),
    "PIL": ("fwicli.plotting",),
    "devito": ("fwicli.propagators",),
    "distributed": ("fwicli.execution.dask",),
    "h5py": ("fwicli.files",),
    "matplotlib": ("fwicli.plotting",),
    "numpy": ("fwicli",),
    "platformdirs": ("fwicli.disk",),
    "pydantic": ("fwicli.config",),
    "pydantic_core": ("fwicli.config",),
    "pylops": ("fwicli.operators",),
    "curvelets": ("fwicli.imaging.least_squares",),
    "pywt": ("fwicli.imaging.least_squares",),
    "pyxu": ("fwicli.operators",),
    "rich": ("fwicli.cli",),
    "ruamel": ("fwicli.config", "fwicli.workflows.run_folder"),
    "scipy": ("fwicli",),
    "segyio": ("fwicli.segy",),
    # Formulas of parameters are differentiated for tensors as they are for arrays.
    "sympy": ("fwicli.propagators", "fwicli.autograd.properties"),
    "threadpoolctl": ("fwicli.threads",),
    # A misfit of the user's may be a function of tensors.
    "torch": ("fwicli.autograd", "fwicli.inversion.misfits.user"),
}
# Functions that import what their first argument names.
IMPORTERS = {"import_module", "__import__", "find_spec"}


def named(tree: Iterable[ast.AST]) -> Iterator[str]:
    """Names of modules that a source imports or finds, as statements and as calls."""
    for node in tree:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Call) and node.args:
            function = getattr(node.func, "attr", getattr(node.func, "id", ""))
            name = node.args[0]
            if function in IMPORTERS and isinstance(name, ast.Constant):
                yield str(name.value)


def libraries(tree: Iterable[ast.AST]) -> set[str]:
    """Libraries of others that a source imports."""
    return {name.split(".")[0] for name in named(tree)} - sys.stdlib_module_names - {"fwicli"}


def belongs(module: str, owner: str) -> bool:
    """Whether a module is an owner or below it."""
    return module == owner or module.startswith(f"{owner}.")


@cache
def imported(module: str) -> set[str]:
    """Libraries of others that a module imports."""
    return libraries(nodes(module))


@pytest.mark.parametrize("module", MODULES)
def test_libraries_are_imported_by_their_owners(module: str) -> None:
    """A library that the table does not name has no owner yet."""
    foreign = {
        library
        for library in imported(module)
        if not any(belongs(module, owner) for owner in OWNERS.get(library, ()))
    }
    assert not foreign


@pytest.mark.parametrize(("library", "owner"), [(k, o) for k, v in OWNERS.items() for o in v])
def test_owners_need_their_libraries(library: str, owner: str) -> None:
    """A row of the table that nothing needs any more is deleted."""
    assert any(library in imported(module) for module in MODULES if belongs(module, owner))


@pytest.mark.parametrize(
    "source",
    [
        "import h5py",
        "import h5py._hl.files as files",
        "from h5py import File",
        "def late():\n    from h5py import File",
        "if TYPE_CHECKING:\n    import h5py",
        "import_module('h5py.h5d')",
        "importlib.import_module('h5py')",
        "__import__('h5py')",
    ],
)
def test_every_way_to_import_is_seen(source: str) -> None:
    tree = ast.parse(f"import os, numpy, fwicli.files\n{source}\n")
    assert libraries(ast.walk(tree)) == {"numpy", "h5py"}
