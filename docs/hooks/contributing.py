"""The page on development: CONTRIBUTING, which GitHub shows as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[2] / ".github" / "CONTRIBUTING.md"
PAGE = "development/index.md"


def on_files(files: Any, config: Any) -> Any:
    """Add the page to those of the site."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=SOURCE.read_text(encoding="utf-8")))
    return files
