"""Changes of Devito for this package: threads and blocks of loops.

Threads: Devito deals rows out one by one. A difference of order 8 along the first axis then makes
every thread load every row; with parts that hang together it loads its own and those next to them.
Dealt out, a small plane is slower on two threads than on one (`benchmarks/speed_beside_deepwave.py`
times both).

Blocks: Devito would block loops of two dimensions along both or not at all; `rows` makes it block
them along the first.

Results depend on neither.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devito.passes.iet.languages.openmp import OmpIteration

_DEALT, _CONTIGUOUS = "schedule(static,1)", "schedule(static)"


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
