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
    first, second = offset(a, axis), offset(b, axis)
    return None if first is None or second is None else second - first


def offset(access: Any, axis: Any) -> int | None:
    """Points along an axis from the current one to where an access is, the halo among them.

    Parameters
    ----------
    access : Indexed
    axis : Dimension

    Returns
    -------
    int or None
        None if it is not the same at all points, or not known.
    """
    place = along(access, axis)
    if place is None:
        return None
    index = access.indices[place]
    own = [s for s in index.free_symbols if getattr(s, "root", None) is axis]
    return int(index - own[0]) if len(own) == 1 and (index - own[0]).is_Integer else None


def along(access: Any, axis: Any) -> int | None:
    """Number of the index of an access that runs along an axis; None if there is none, or several.

    Parameters
    ----------
    access : Indexed
    axis : Dimension

    Returns
    -------
    int or None
    """
    places = [n for n, d in enumerate(access.function.dimensions) if d.root is axis]
    return places[0] if len(places) == 1 else None
