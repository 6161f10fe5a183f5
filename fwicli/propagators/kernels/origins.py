"""The sources of propagators that generated code depends on, and no others.

A compiled kernel is valid while the code that generated it stays the same: the module that
generates it and all modules that this one imports from the package, equations among them. Modules
that run kernels may change without a new compilation, and so may docstrings and comments.

Parsing them takes longer than loading a kernel. Their digest is therefore kept beside the kernels,
by the sources' bytes.
"""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterator
from pathlib import Path

from fwicli.disk import cache

FOLDER = Path(__file__).parents[1]
PACKAGE = "fwicli.propagators"


def digest(*first: str) -> str:
    """Digest of some modules of this package and of their imports from it.

    Parameters
    ----------
    *first : str
        Names of modules in propagators, as in "kernels.compilation".

    Returns
    -------
    str
    """
    entry = f"{_digest_of_bytes(*first)}.sources"
    if (earlier := cache.read(entry)) is not None:
        return earlier.decode()
    whole = hashlib.sha256()
    for path in sorted(closure(*first)):
        whole.update(statements(path.read_bytes()).encode())
    places = cache.places()
    if places.writable and not places.refused:  # who writes a kernel tells why it cannot
        cache.write(entry, whole.hexdigest().encode())
    return whole.hexdigest()


def _digest_of_bytes(*first: str) -> str:
    """Digest of all sources of this package as they are, and of the version that parses them."""
    whole = hashlib.sha256(f"{first} {platform.python_version()}".encode())
    for path in sorted(FOLDER.rglob("*.py")):
        data = path.read_bytes()
        whole.update(f"{path.relative_to(FOLDER)} {len(data)} ".encode() + data)
    return whole.hexdigest()[:32]


def statements(source: bytes) -> str:
    """The statements of a source, without docstrings, comments and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = node.body[ast.get_docstring(node) is not None :]
    return ast.dump(tree)


def closure(*first: str) -> set[Path]:
    """Files of some modules of this package and of their imports from it."""
    waiting = [FOLDER.joinpath(*name.split(".")).with_suffix(".py") for name in first]
    reached: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += _imported(path)
    return reached


def _imported(path: Path) -> Iterator[Path]:
    """Files of this package that one imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name == PACKAGE or name.startswith(f"{PACKAGE}."):
                place = FOLDER.joinpath(*name.removeprefix(PACKAGE).lstrip(".").split("."))
                yield from (
                    p for p in (place.with_suffix(".py"), place / "__init__.py") if p.is_file()
                )
