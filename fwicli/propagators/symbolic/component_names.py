"""Names of the components of a lifted system (see `directions`), by the set of its directions."""

from __future__ import annotations

import re


def prefix(component: int) -> str:
    """Prefix of the names of fields and parameters of a component."""
    bits = [level for level in range(component.bit_length()) if component >> level & 1]
    return "".join(level_prefix(level) for level in reversed(bits))


def split_prefix(name: str) -> tuple[bool, str]:
    """Whether a name is that of a component other than the first, and the name of that one."""
    bare = re.sub(r"^(d\d+_)+", "", name)
    return bare != name, bare


def level_prefix(level: int) -> str:
    """Prefix of the names of a direction."""
    return f"d{level + 1}_"
