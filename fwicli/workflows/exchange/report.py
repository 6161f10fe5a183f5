"""Report on a file: its kind, what it holds, and what looks wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Report:
    """Report on one file or folder.

    Attributes
    ----------
    file : Path
    kind : str
        In words, as `shot records (HDF5)`.
    contents : dict
        Quantities by names with their units, as in `interval_s`.
    odd : list of str
        Sentences on oddities; empty if nothing does.
    draw : callable or None
        Draws the content into a PNG file.
    """

    file: Path
    kind: str
    contents: dict[str, Any] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)
    draw: Callable[[Path], None] | None = None

    def summary(self) -> dict[str, Any]:
        """The report as numbers, lists and text."""
        return {"file": str(self.file), "kind": self.kind, **self.contents, "odd": self.odd}
