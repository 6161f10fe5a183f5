"""From physical properties of the earth to the parameters of an equation, and gradients back.

An equation holds parameters p in which its residuals are simple, such as squared slowness; a model
holds properties c, such as velocity and density, with p = P(c) point by point. Then

    dphi/dc_j = sum_i dP_i/dc_j dphi/dp_i,

with the derivatives of the equation's own formulas, found by symbolic differentiation.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from fwicli.propagators.equations import registry

Array = NDArray[Any]
Properties = Mapping[str, Array]


def parameters(equation: str, properties: Properties) -> dict[str, Array]:
    """Parameters of an equation from physical properties; those it does not need are left out."""
    return {
        name: np.asarray(formula(*[properties[a] for a in inspect.signature(formula).parameters]))
        for name, formula in registry.load(equation).parameters.items()
    }


def gradient(
    equation: str, properties: Properties, derivatives: Mapping[str, Array], wanted: str
) -> Array:
    """Derivative with respect to the property `wanted` from those with respect to parameters."""
    first = next(iter(derivatives.values()))
    total = np.zeros(first.shape)
    for name, derivative in derivatives.items():
        slope, arguments = _slope(equation, name, wanted)
        total += slope(*[properties[a] for a in arguments]) * derivative
    return total


@cache
def _slope(equation: str, parameter: str, wanted: str) -> tuple[Any, tuple[str, ...]]:
    """Function dP/dc of the properties, and their names."""
    formula = registry.load(equation).parameters[parameter]
    arguments = tuple(inspect.signature(formula).parameters)
    symbols = {a: sympy.Symbol(a, positive=True) for a in arguments}
    if wanted not in symbols:
        return (lambda *_: 0.0), ()
    expression = sympy.diff(formula(*symbols.values()), symbols[wanted])
    return sympy.lambdify(list(symbols.values()), expression, "numpy"), arguments
