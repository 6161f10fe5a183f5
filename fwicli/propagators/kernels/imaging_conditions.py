"""Imaging conditions: what is summed over time from the forward field and its multiplier.

Each is a function of the forward field u(t, x) and the back-propagated field v(t, x):

    correlation     sum_t u v        zero-lag cross-correlation
    illumination    sum_t u u        energy of the source field, to divide a correlation by

Reference: Claerbout (1971), Geophysics 36, 467-481.

The gradient, J^T r, is not in this list: it is derived from the wave equation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CONDITIONS: dict[str, Callable[[Any, Any], Any]] = {
    "correlation": lambda u, v: u * v,
    "illumination": lambda u, _: u * u,
}
# Sums of the adjoint run of an inversion.
INVERSION = ("gradient", "illumination")
