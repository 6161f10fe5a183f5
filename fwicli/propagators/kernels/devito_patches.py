"""Changes of Devito for this package: threads, blocks of loops, and time to generate code.

Threads: Devito deals rows out one by one. A difference of order 8 along the first axis then makes
every thread load every row; with parts that hang together it loads its own and those next to them.
Dealt out, a small plane is slower on two threads than on one (`benchmarks/speed_beside_deepwave.py`
times both).

Blocks: Devito would block loops of two dimensions along both or not at all; `rows` makes it block
them along the first.

Results depend on neither.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from devito.passes.iet.languages.openmp import OmpIteration

_DEALT, _CONTIGUOUS = "schedule(static,1)", "schedule(static)"


@contextmanager
def patched(blocked: bool) -> Iterator[None]:
    """Let Devito generate an operator as this package wants it.

    Parameters
    ----------
    blocked : bool
        Whether its loops are blocked.
    """
    with contiguous(), remembered(), settled(), identical(), rows() if blocked else nullcontext():
        yield


@contextmanager
def contiguous() -> Iterator[None]:
    """Let Devito give every thread one contiguous part of a loop."""
    original = OmpIteration.__dict__["_make_clauses"]

    def clauses(cls: type[OmpIteration], /, **kwargs: Any) -> list[str]:
        generated: list[str] = original.__get__(None, cls)(**kwargs)
        return [_CONTIGUOUS if clause == _DEALT else clause for clause in generated]

    OmpIteration._make_clauses = classmethod(clauses)
    try:
        yield
    finally:
        OmpIteration._make_clauses = original


@contextmanager
def rows() -> Iterator[None]:
    """Let Devito block loops along the first dimension alone."""
    blocking = importlib.import_module("devito.passes.clusters.blocking")
    heuristic, plain = blocking.AnalyzeHeuristicBlocking, blocking.AnayzeBlockingBase
    original = heuristic.process
    heuristic.process = plain.process
    try:
        yield
    finally:
        heuristic.process = original


@contextmanager
def remembered() -> Iterator[None]:
    """Let Devito compute once, within one operator, what it asks of the same accesses.

    That is whether two accesses can meet, and which dimensions of an access are a stencil's.
    """
    basic: Any = importlib.import_module("devito.ir.support.basic")
    utils: Any = importlib.import_module("devito.ir.support.utils")
    originals = basic.disjoint_test, utils.unbounded
    # Dimensions of one name have other bounds in other operators.
    basic.disjoint_test, utils.unbounded = map(functools.cache, originals)
    try:
        yield
    finally:
        basic.disjoint_test, utils.unbounded = originals


@contextmanager
def settled() -> Iterator[None]:
    """Let Devito derive the parameters of a function again only when its code has changed.

    It does so for every function before and after each of its passes.
    """
    engine: Any = importlib.import_module("devito.passes.iet.engine")
    original = engine._update_args_efunc
    # The functions themselves: the number of one that is gone may be that of another.
    settled: dict[int, Any] = {}

    def update(root: Any, efuncs: Any, dag: Any) -> Any:
        if settled.get(id(root)) is root:
            return efuncs
        updated = original(root, efuncs, dag)
        if updated is efuncs:
            settled[id(root)] = root
        return updated

    engine._update_args_efunc = update
    try:
        yield
    finally:
        engine._update_args_efunc = original


@contextmanager
def identical() -> Iterator[None]:
    """Let SymPy compare no expression with itself, part by part.

    It does so at each level of an expression in which it substitutes nothing.
    """
    basic: Any = importlib.import_module("sympy.core.basic")
    original = basic._aresame

    def same(a: Any, b: Any, approx: Any = None) -> bool:
        return a is b or (a.__class__ is b.__class__ and original(a, b, approx))

    basic._aresame = same
    try:
        yield
    finally:
        basic._aresame = original
