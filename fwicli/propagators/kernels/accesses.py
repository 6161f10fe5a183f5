"""Accesses to arrays in generated loops: whether and where two of them meet."""

from __future__ import annotations

from typing import Any


def same_level(a: Any, b: Any) -> bool:
    """Whether two accesses to an array may be at the same time.

    Parameters
    ----------
    a, b : Indexed

    Returns
    -------
    bool
    """
    time, *_ = a.function.dimensions
    if not time.is_Time or a.indices[0] == b.indices[0]:
        return True
    levels = [(i.modulo, i.offset % i.modulo) for i in (a.indices[0], b.indices[0]) if i.is_Modulo]
    return len(levels) < 2 or levels[0] == levels[1]


def distance(a: Any, b: Any, axis: Any) -> int | None:
    """Points along an axis from where one access is to where another one is, in the same pass.

    Parameters
    ----------
    a, b : Indexed
        Accesses to one array.
    axis : Dimension

    Returns
    -------
    int or None
        None if it is not the same at all points, or not known.
    """
    places = [n for n, d in enumerate(a.function.dimensions) if d.root is axis]
    if len(places) != 1:
        return None
    offsets = []
    for index in (a.indices[places[0]], b.indices[places[0]]):
        own = [s for s in index.free_symbols if getattr(s, "root", None) is axis]
        if len(own) != 1 or not (index - own[0]).is_Integer:
            return None
        offsets.append(int(index - own[0]))
    return offsets[1] - offsets[0]
