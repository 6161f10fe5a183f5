"""How the points of the grid are shared out among threads: contiguous parts, one a thread.

Devito deals rows out one by one. A difference of order 8 along the first axis then makes every
thread load every row; with parts that hang together it loads its own and those next to them. Dealt
out, a small plane is slower on two threads than on one (`benchmarks/peers.py` times both). Results
do not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devito.passes.iet.languages.openmp import OmpIteration

_DEALT, _CONTIGUOUS = "schedule(static,1)", "schedule(static)"


@contextmanager
def contiguous() -> Iterator[None]:
    """Let Devito give every thread one contiguous part of a loop."""
    kept = OmpIteration.__dict__["_make_clauses"]

    def clauses(cls: type[OmpIteration], /, **kwargs: Any) -> list[str]:
        found: list[str] = kept.__get__(None, cls)(**kwargs)
        return [_CONTIGUOUS if clause == _DEALT else clause for clause in found]

    OmpIteration._make_clauses = classmethod(clauses)
    try:
        yield
    finally:
        OmpIteration._make_clauses = kept
