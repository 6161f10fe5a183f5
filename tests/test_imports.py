"""What is imported, and what works without."""

from __future__ import annotations

import subprocess
import sys

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import pkgutil, importlib, fwicli
for module in pkgutil.walk_packages(fwicli.__path__, "fwicli."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
for name in fwicli.__all__:
    getattr(fwicli, name)
"""

HELP = """
import sys
sys.argv = ["fwi", "--help"]
from fwicli.cli.main import main
try:
    main()
except SystemExit as done:
    assert not done.code
heavy = {"numpy", "scipy", "devito", "h5py", "matplotlib", "pydantic", "rich", "ruamel"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def run(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_everything_imports_without_torch() -> None:
    run(WITHOUT_TORCH)


def test_help_imports_nothing_heavy() -> None:
    run(HELP)
