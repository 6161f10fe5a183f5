"""Files that a pattern names, as in `line*.sgy`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

WILD = frozenset("*?[")


def files(paths: Iterable[Path]) -> list[Path]:
    """Paths, with those of files that match in place of patterns.

    Parameters
    ----------
    paths : iterable of Path
        A path that exists is no pattern, whatever its name.

    Returns
    -------
    files : list of Path
        Files of a pattern are in the order of their names; there are none where none matches.
    """
    named: list[Path] = []
    for path in paths:
        if not WILD & set(path.name) or path.exists():
            named.append(path)
        else:
            named += sorted(path.parent.glob(path.name))
    return named
