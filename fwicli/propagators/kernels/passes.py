"""Passes of this package over Devito's intermediate tree, run when Devito's own are done."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from devito.passes.iet.engine import iet_pass


@contextmanager
def appended(rewrite: Callable[[Any], Any]) -> Iterator[None]:
    """Let Devito rewrite the functions that it generates once more, before loops get threads.

    Of several, the one that was appended last runs last.

    Parameters
    ----------
    rewrite : callable
        Makes the tree of a function of the one that Devito made.
    """
    cpu: Any = importlib.import_module("devito.core.cpu")
    original = cpu.relax_incr_dimensions

    def then_rewrite(graph: Any, **kwargs: Any) -> None:
        original(graph, **kwargs)
        _rewritten(graph, rewrite=rewrite)

    cpu.relax_incr_dimensions = then_rewrite
    try:
        yield
    finally:
        cpu.relax_incr_dimensions = original


@contextmanager
def finished(rewrite: Callable[[Any], tuple[Any, list[Any]]]) -> Iterator[None]:
    """Let Devito rewrite the function of a kernel when all of its own passes are done.

    Of several, the one that was entered last runs last.

    Parameters
    ----------
    rewrite : callable
        Makes the tree of the function of the one that Devito made, and others that it calls.
    """
    operator: Any = importlib.import_module("devito.operator.operator")
    original = operator.minimize_symbols

    def then_rewrite(graph: Any) -> None:
        original(graph)
        name = graph.root.name
        tree, functions = rewrite(graph.root)
        # Devito's own passes would rename the arrays of functions that are alike.
        graph.efuncs |= {name: tree} | {f.name: f for f in functions}

    operator.minimize_symbols = then_rewrite
    try:
        yield
    finally:
        operator.minimize_symbols = original


@iet_pass  # type: ignore[untyped-decorator]
def _rewritten(iet: Any, rewrite: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
    """The function of a kernel, rewritten."""
    return rewrite(iet), {}
