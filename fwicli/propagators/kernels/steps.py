"""The nodes of a time step in Devito's intermediate tree, and a pass that rearranges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from devito.ir.iet import Expression, ExprStmt, FindNodes, Iteration, Transformer
from devito.tools import as_tuple

from fwicli.propagators.kernels import passes


def rearranged(step: Callable[[Sequence[Any]], list[Any]]) -> AbstractContextManager[None]:
    """Let Devito generate time loops whose steps are rearranged.

    Parameters
    ----------
    step : callable
        Makes the nodes of a step of those that Devito made.
    """
    return passes.appended(partial(_rearranged, step=step))


def _rearranged(iet: Any, step: Callable[[Sequence[Any]], list[Any]]) -> Any:
    """The function of a kernel with the steps of its time loop rearranged."""
    loops = [i for i in FindNodes(Iteration).visit(iet) if i.dim.is_Time]
    mapper = {loop: loop._rebuild(nodes=step(loop.nodes)) for loop in loops}
    return Transformer(mapper).visit(iet)


def loops(node: Any) -> list[Any]:
    """Nodes in a section whose loops hold expressions alone; none of another node."""
    if not node.is_Section or not all(
        isinstance(e, Expression) for e in FindNodes(ExprStmt).visit(node)
    ):
        return []
    return _unwrapped(node)


def _unwrapped(node: Any) -> list[Any]:
    """Nodes without the marks for an exchange between processes."""
    if node.is_Iteration or not hasattr(node, "body"):
        return [node]
    return [inner for part in as_tuple(node.body) for inner in _unwrapped(part)]
