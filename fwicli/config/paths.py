"""Settings of a config that may be the path of a file, in place of a section or a number."""

from __future__ import annotations

from fwicli.config.problems import Key
from fwicli.survey.properties import PROPERTIES

TABLES = ("sources", "receivers", "relation")
PATHS: set[Key] = {
    *((section, name) for section in ("model", "reference") for name in PROPERTIES),
    ("physics", "topography"),
    *(("geometry", name) for name in (*TABLES, "traces")),
    *(("geometry", "sps", name) for name in TABLES),
}


def may_be_path(key: Key) -> bool:
    """Whether text at a key, or in a list there, is the path of a file."""
    return "file" in key[-2:] or key in PATHS
