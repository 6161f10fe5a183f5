"""How far a run has come, from its folder alone: two such measures tell whether it has advanced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fwicli.workflows.run_folder.manifest import FOLDERS, MANIFEST
from fwicli.workflows.run_folder.outputs import PROGRESS


@dataclass(frozen=True, order=True)
class Advance:
    """Work of a run that is on disk; more of it is greater.

    Attributes
    ----------
    steps : int
        Lines of its progress: iterations of an inversion.
    parts : int
        Evaluations of the iteration that runs, or blocks of finished shots.
    """

    steps: int = 0
    parts: int = 0


def measure(folder: Path) -> Advance:
    """Work of the run in a folder; none where no run has begun."""
    progress = folder / PROGRESS
    steps = progress.read_bytes().count(b"\n") if progress.is_file() else 0
    return Advance(steps, sum(_entries(folder / name) for name in FOLDERS))


def _entries(folder: Path) -> int:
    """Whole files in a folder within, and the growth of those that are extended [64 KiB]."""
    if not folder.is_dir():
        return 0
    return sum(not p.name.startswith(".") and p.name != MANIFEST for p in folder.iterdir())
