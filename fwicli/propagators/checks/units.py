"""Units: whether the parameters of an equation give the properties of any rock.

Velocities in km/s, slowness in s2/km2 or a velocity in place of its square are numbers like others.
The properties that follow from them show the mistake.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import UnitWarning
from fwicli.propagators.checks import recovery
from fwicli.propagators.equations import registry
from fwicli.survey.properties import PLAUSIBLE, UNITS

Array = NDArray[Any]
# Least and largest value.
Extremes = tuple[float, float]

# Packages whose frames may lie between a user's call and a check.
_BETWEEN = ("fwicli", "torch", "contextlib")
# Points that are checked together: their properties stay in the cache.
POINTS = 32768


def warn(
    equation: str, model: Mapping[str, Array], extremes: Mapping[str, Extremes] | None = None
) -> None:
    """Warn of parameters that give implausible properties, most likely in other units.

    Parameters
    ----------
    equation : str
        Name of the equation.
    model : mapping of str to ndarray of shape (*grid,)
        Parameters that have been checked.
    extremes : mapping of str to (float, float), optional
        Of every property, where they have been computed before (see `ranges`).
    """
    ndim, leading = next(iter(model.values())).ndim, registry.load(equation).leading
    extremes = ranges(equation, model) if extremes is None else extremes
    for name, (least, most) in extremes.items():
        low, high = PLAUSIBLE.get(name, (-np.inf, np.inf))
        # Fluids have no vs, but waves that are slow everywhere are those of another unit.
        slow = name == leading and most < PLAUSIBLE["vp"][0]
        if least < low or most > high or slow:
            unit = f" {UNITS[name]}" if name in UNITS else ""
            text = (
                f"the parameters of {equation} give {name} from {least:.4g} to {most:.4g}{unit}, "
                f"which no rock has; check their units: {formulas(equation, ndim)}, all SI"
            )
            warnings.warn(text, UnitWarning, stacklevel=_outside())


def ranges(equation: str, model: Mapping[str, Array]) -> dict[str, Extremes]:
    """Least and largest value of every property that follows from the parameters.

    Parameters
    ----------
    equation : str
        Name of the equation.
    model : mapping of str to ndarray of shape (*grid,)
        Parameters that have been checked.

    Returns
    -------
    dict of str to (float, float)
    """
    ndim = next(iter(model.values())).ndim
    rows = {name: np.ravel(values) for name, values in model.items()}
    points = len(next(iter(rows.values())))
    extremes: dict[str, list[Extremes]] = {}
    for first in range(0, points, POINTS):
        part = {
            name: row[first : first + POINTS].reshape(-1, *[1] * (ndim - 1))
            for name, row in rows.items()
        }
        for name, values in recovery.properties(equation, part).items():
            extremes.setdefault(name, []).append((values.min(), values.max()))
    # Python's own extremes would lose what is no number.
    return {
        name: (float(np.min(least)), float(np.max(most)))
        for name, pairs in extremes.items()
        for least, most in [zip(*pairs, strict=True)]
    }


@cache
def formulas(equation: str, ndim: int) -> str:
    """The parameters of an equation as they follow from properties, in words.

    Parameters
    ----------
    equation : str
        Name of the equation.
    ndim : int
        Number of space dimensions.

    Returns
    -------
    str
    """
    parameters = registry.load(equation).parameters(ndim)
    return ", ".join(f"{name} = {formula}" for name, formula in parameters.items())


def _outside() -> int:
    """Number of frames up to the caller of this package."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and str(frame.f_globals.get("__name__")).split(".")[0] in _BETWEEN:
        level, frame = level + 1, frame.f_back
    return level
