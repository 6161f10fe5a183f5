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
from fwicli.propagators.checks import failures
from fwicli.propagators.equations import registry
from fwicli.survey.properties import PLAUSIBLE, UNITS

Array = NDArray[Any]

# Packages whose frames may lie between a user's call and a check.
_BETWEEN = ("fwicli", "torch", "contextlib")


def warn(equation: str, model: Mapping[str, Array]) -> None:
    """Warn of parameters that give implausible properties, most likely in other units.

    Parameters
    ----------
    equation : str
        Name of the equation.
    model : mapping of str to ndarray of shape (*grid,)
        Parameters that have been checked.
    """
    for name, values in failures.properties(equation, model).items():
        low, high = PLAUSIBLE.get(name, (-np.inf, np.inf))
        least, most = float(values.min()), float(values.max())
        if least < low or most > high:
            unit = f" {UNITS[name]}" if name in UNITS else ""
            text = (
                f"the parameters of {equation} give {name} from {least:.4g} to {most:.4g}{unit}, "
                f"which no rock has; check their units: {formulas(equation, values.ndim)}, all SI"
            )
            warnings.warn(text, UnitWarning, stacklevel=_outside())


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
