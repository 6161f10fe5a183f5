"""Commented configs that `fwi init` writes, one a file; a command may do without."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

FOLDER = resources.files(__name__)


def kinds() -> list[str]:
    """Kinds of configs that have a template."""
    names = [Path(entry.name) for entry in FOLDER.iterdir()]
    return sorted(name.stem for name in names if name.suffix == ".yaml")


def text(kind: str) -> str:
    """The template of a kind, in YAML."""
    return (FOLDER / f"{kind}.yaml").read_text(encoding="utf-8")
