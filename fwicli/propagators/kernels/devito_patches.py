"""Changes of Devito for this package: threads, loops, and time to generate code.

Threads: Devito deals rows out one by one. A difference of order 8 along the first axis then makes
every thread load every row; with parts that hang together it loads its own and those next to them.
Dealt out, a small plane is slower on two threads than on one (`benchmarks/speed_beside_deepwave.py`
times both).

Order: Devito puts loops over the same points next to each other, and makes one loop of them, even
where the second reads next to a point what the first writes there; `apart` keeps these apart.

Results depend on no other than the last.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devito.ir.support import Scope
from devito.passes.iet.languages.openmp import OmpIteration
from devito.tools import Stamp

_DEALT, _CONTIGUOUS = "schedule(static,1)", "schedule(static)"


@contextmanager
def patched() -> Iterator[None]:
    """Let Devito generate an operator as this package wants it."""
    with contiguous(), apart(), remembered(), settled(), identical():
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
def apart() -> Iterator[None]:
    """Keep Devito from fusing loops of which one reads next to a point what another writes there.

    It takes care of this in the order in which equations are stated, but not in its own order.
    """
    fusion: Any = importlib.import_module("devito.passes.clusters.fusion").Fusion
    original = fusion._apply_heuristics

    def groups(self: Any, clusters: Any) -> list[Any]:
        separate = []
        for group in original(self, clusters):
            together: list[Any] = []
            # Loops with unequal stamps are never fused.
            axis = stamp = None
            for cluster in group:
                c = cluster if axis is None else _lifted(cluster, axis, stamp)
                if together and (carrier := _carrier(together, c)) is not None:
                    separate.append(tuple(together))
                    axis, stamp, together = carrier, Stamp(), []
                    c = _lifted(cluster, axis, stamp)
                together.append(c)
            separate.append(tuple(together))
        return separate

    fusion._apply_heuristics = groups
    try:
        yield
    finally:
        fusion._apply_heuristics = original


def _lifted(cluster: Any, axis: Any, stamp: Any) -> Any:
    """The same equations in a loop of their own along an axis."""
    return cluster.rebuild(ispace=cluster.ispace.lift(axis, stamp))


def _carrier(before: list[Any], cluster: Any) -> Any:
    """Outermost loop whose points depend on each other if a cluster joins those before it, or None.

    Parameters
    ----------
    before : list of Cluster
    cluster : Cluster

    Returns
    -------
    Dimension or None
    """
    joined = [c.scope for c in before]
    touched = set(cluster.scope.reads) | set(cluster.scope.writes)
    if not any(touched & set(s.writes) or set(s.reads) & set(cluster.scope.writes) for s in joined):
        return None
    earlier = [e for c in before for e in c.exprs]
    carriers: set[Any] = set()
    for d in Scope([*earlier, *cluster.exprs]).d_all_gen():
        stamps = sorted((d.source.timestamp, d.sink.timestamp))
        if stamps[0] < len(earlier) <= stamps[1]:
            carriers |= set(d.cause)
    loops = (i.dim for i in cluster.ispace if cluster.properties.is_parallel(i.dim))
    return next((d for d in loops if d._defines & carriers), None)


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
