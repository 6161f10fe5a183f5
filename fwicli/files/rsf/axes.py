"""Axes of regular samples, their units and labels."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METRES = {"": 1.0, "m": 1.0, "km": 1000.0, "ft": 0.3048}
SECONDS = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "us": 1e-6}
# First words of labels that name an axis of the earth.
NAMES = {"z": "z", "depth": "z", "x": "x", "distance": "x", "lateral": "x", "y": "y"}


@dataclass(frozen=True)
class Axis:
    """An axis of regular samples.

    Attributes
    ----------
    count : int
    interval, origin : float or None
        Distance between samples, and position of the first, in the unit of the axis; None if the
        header does not state them.
    label, unit : str
    """

    count: int
    interval: float | None = None
    origin: float | None = None
    label: str = ""
    unit: str = ""

    @property
    def name(self) -> str:
        """The axis of the earth that the label names: x, y, z, or empty."""
        words = re.findall(r"[a-z]+", self.label.lower())
        return NAMES.get(words[0], "") if words else ""

    def values(self) -> NDArray[np.float64]:
        """Positions of the samples, in the unit of the axis."""
        interval = 1.0 if self.interval is None else self.interval
        return (self.origin or 0.0) + interval * np.arange(self.count, dtype=np.float64)
