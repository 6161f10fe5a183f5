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


def test_everything_imports_without_torch() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
