"""Kernels that a run needs: those that are made ready before it, and those that it loads."""

from __future__ import annotations

from typing import Any

import pytest

from fwicli import Discretization
from fwicli.propagators.kernels import compilation


def made_ready(monkeypatch: pytest.MonkeyPatch, d: Discretization, *kernels: Any) -> set[Any]:
    """Signatures that `missing_kernels` compiles where no kernel is on disk."""
    with monkeypatch.context() as patched:
        patched.setattr(compilation, "is_cached", lambda _: False)
        return {task.args[0] for task in d.missing_kernels(*kernels)}  # type: ignore[attr-defined]


def noted(monkeypatch: pytest.MonkeyPatch) -> set[Any]:
    """A set to which every signature is added that is loaded from now on."""
    loaded, load = set(), compilation.load

    def noting(signature: Any) -> Any:
        loaded.add(signature)
        return load(signature)

    monkeypatch.setattr(compilation, "load", noting)
    return loaded
