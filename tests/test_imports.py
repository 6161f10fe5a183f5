"""What is imported, and what works without."""

from __future__ import annotations

import subprocess
import sys

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
