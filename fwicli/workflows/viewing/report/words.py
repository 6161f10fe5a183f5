"""Numbers, times and settings of a run as a reader of its page wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MISSING = "\N{EN DASH}"
# Names of plans and results whose words and units are not those of the name.
WORDS = {
    "gigapoint_steps_per_propagation": "work of a propagation [billion point updates]",
    "history_every": "steps between snapshots",
    "memory_mb": "memory of all workers [MB]",
    "memory_with_imports_mb": "memory with libraries [MB]",
    "vp_m_s": "P velocity [m/s]",
    "with_layer": "grid with layer",
}
UNITS = {"_m_s": "m/s", "_mb": "MB", "_hz": "Hz", "_pa": "Pa", "_s": "s", "_m": "m"}


def number(value: Any) -> str:
    """A number with four significant digits; lists with commas, and texts as they are."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return MISSING
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e9 else f"{value:.4g}"
    if isinstance(value, str):
        parts = value.split("x")
        return " x ".join(parts) if len(parts) > 1 and all(p.isdigit() for p in parts) else value
    if isinstance(value, list | tuple):
        texts = list(map(number, value))
        return texts[0] if len(texts) > 1 and len(set(texts)) == 1 else ", ".join(texts)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {number(part)}" for name, part in value.items())
    return str(value)


def label(name: str) -> str:
    """The words of a name of plans and results, with its unit in brackets."""
    if name in WORDS:
        return WORDS[name]
    for suffix, unit in UNITS.items():
        if name.endswith(suffix):
            return f"{name.removesuffix(suffix).replace('_', ' ')} [{unit}]"
    return name.replace("_", " ")


def duration(seconds: float) -> str:
    """A time in its two largest units."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def megabytes(size: int) -> str:
    """Bytes in MB."""
    return f"{size / 1e6:.3g} MB"
