"""Faults of records, geometry or wavelet, each with the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "dead_shot",
    "sampling",
    "coordinates",
    "elevations",
    "wavelet_band",
    "time_zero",
    "polarity",
)


@dataclass(frozen=True)
class Fault:
    """A fault that records show.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    text : str
        The fault and how it shows, with values and units.
    numbers : mapping of str to object
        Numbers that a cure needs.
    """

    kind: str
    text: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
