"""Strips along the last axis whose lengths are numbers in the code: a pass over Devito's tree.

One kernel serves layers of any thickness: the lengths of strips are arguments of it. A loop over a
strip is short, and where its length is unknown the compiler prepares for any number of turns, with
dozens of addresses before the first point, and points at the end that fill no vector. With a number
the loop is a few vectors without a turn (`compilation` says where it is worth a kernel of its own).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from devito.ir.iet import FindNodes, Iteration, Transformer

from fwicli.propagators.kernels import passes


def counted(axes: tuple[Any, ...], wanting: bool) -> AbstractContextManager[None]:
    """Let Devito generate loops over strips along the last axis with numbers for their lengths.

    Parameters
    ----------
    axes : tuple of Dimension
        Axes of the grid.
    wanting : bool
        If not, lengths stay arguments of the kernel.

    Returns
    -------
    context manager
    """
    return passes.appended(partial(_counted, axis=axes[-1])) if wanting else nullcontext()


def _counted(iet: Any, axis: Any) -> Any:
    """The function of a kernel with numbers for the lengths of strips."""
    loops = [i for i in FindNodes(Iteration).visit(iet) if i.dim.root is axis and i.dim.is_Sub]
    return Transformer({loop: _of_length(loop) for loop in loops}).visit(iet)


def _of_length(loop: Any) -> Any:
    """A loop over a strip of which the length is a number."""
    lengths = {t: t.value for t in loop.dim.thickness if t.value is not None}
    first, last, step = loop.limits
    return loop._rebuild(limits=(first.subs(lengths), last.subs(lengths), step))
