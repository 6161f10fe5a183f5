"""What is imported, and what works without."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

WITHOUT_EXTRAS = """
import sys
for extra in ("torch", "pylops", "dask", "distributed", "dask_jobqueue"):
    sys.modules[extra] = None
import pkgutil, importlib, fwicli
for module in pkgutil.walk_packages(fwicli.__path__, "fwicli."):
    if not module.name.endswith("__main__") and not module.name.startswith("fwicli.autograd."):
        importlib.import_module(module.name)
for name in fwicli.__all__:
    getattr(fwicli, name)
"""


def test_everything_imports_without_extras() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Prints what of the libraries that take long to import a command has imported.
LOADED = """
import sys
from fwicli.cli.main import cli
try:
    cli.main(sys.argv[1:], standalone_mode=False)
finally:
    slow = ("devito", "matplotlib", "numpy", "scipy.ndimage", "scipy.sparse", "sympy", "pydantic")
    print("loaded:", *(name for name in slow if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], set()),
        (["invert", "--help"], set()),
        (["check", "configs/demo_model.yaml"], {"numpy", "pydantic"}),
    ],
    ids=["help", "help of a verb", "check"],
)
def test_quick_commands_import_little(arguments: list[str], allowed: set[str]) -> None:
    """Help needs click alone, and a check neither Devito nor most of SciPy."""
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    (line,) = [text for text in done.stdout.splitlines() if text.startswith("loaded:")]
    assert set(line.split()[1:]) <= allowed


# A module that is missing on purpose.
MISSING = {"import fwicli.waves"}
IMPORT = re.compile(
    r"^ *(?:from (fwicli[\w.]*) import ([\w, ]+|\([^)]*\))|import (fwicli[\w.]*))", re.M
)


def programs_in_texts() -> Iterator[tuple[Path, str]]:
    """Files of Python with each text that they hold: linters do not look into these."""
    for folder in ("benchmarks", "docs", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield path, node.value


def test_imports_of_programs_in_texts_exist() -> None:
    """Programs that tests and benchmarks hand to other interpreters import what there is."""
    lost, count = [], 0
    for path, text in programs_in_texts():
        for match in IMPORT.finditer(text):
            count += 1
            module, names, plain = match.groups()
            wanted = re.findall(r"\w+", re.sub(r"\bas \w+|#.*", "", names or ""))
            if match[0].strip() not in MISSING and not _exist(module or plain, wanted):
                lost.append(f"{path.relative_to(ROOT)}: {match[0].strip()}")
    assert count > 30
    assert not lost


def _exist(module: str, names: list[str]) -> bool:
    """Whether a module is there, with these attributes or modules, if its libraries are, too."""
    try:
        loaded = importlib.import_module(module)
        for name in names:
            if not hasattr(loaded, name):
                importlib.import_module(f"{module}.{name}")
    except DeprecationWarning:  # an old name
        return True
    except ImportError as error:
        return not (error.name or "").startswith("fwicli")
    return True
