"""From physical properties of the earth to the parameters of an equation, and gradients back.

An equation holds parameters p in which its residuals are simple, such as squared slowness; a model
holds properties c, such as velocity and density, with p = P(c) point by point. Then

    dphi/dc_j = sum_i dP_i/dc_j dphi/dp_i,

with the derivatives of the equation's own formulas, found by symbolic differentiation. Where an
equation takes means of density, the properties at the nodes come from those of the cells first (see
`interfaces`), and the chain has one link more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from fwicli.propagators import interfaces
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.equation import Equation, arguments

Array = NDArray[Any]
Properties = Mapping[str, Array]
Function = Callable[..., Array]


def parameters(equation: str, properties: Properties) -> dict[str, Array]:
    """Parameters of an equation from physical properties; those it does not need are left out."""
    shape = properties["vp"].shape
    stated = registry.load(equation)
    known = stated.complete(_nodes(stated, properties), len(shape))
    made = {}
    for name, formula in stated.parameters(len(shape)).items():
        values = _function(formula)(*[known[a] for a in arguments(formula)])
        made[name] = np.array(np.broadcast_to(values, shape), dtype=float)
    return made


def gradient(
    equation: str, properties: Properties, derivatives: Mapping[str, Array], wanted: str
) -> Array:
    """Derivative with respect to the property `wanted` from those with respect to parameters."""
    stated = registry.load(equation)
    nodes = _nodes(stated, properties)
    if nodes is properties or wanted not in ("vp", "rho"):
        return _pointwise(stated, nodes, derivatives, wanted)
    by_vp, by_rho = (_pointwise(stated, nodes, derivatives, name) for name in ("vp", "rho"))
    return interfaces.gradient(properties, by_vp, by_rho, wanted)


def _nodes(stated: Equation, properties: Properties) -> Properties:
    """Properties at the nodes, from those of the cells."""
    prepared = stated.mean_density and "rho" in properties
    return interfaces.sharpened(properties) if prepared else properties


def _pointwise(
    stated: Equation, properties: Properties, derivatives: Mapping[str, Array], wanted: str
) -> Array:
    """The sum over the parameters, point by point."""
    shape = properties["vp"].shape
    known = stated.complete(properties, len(shape))
    formulas = stated.parameters(len(shape))
    total = np.zeros(shape)
    for name, derivative in derivatives.items():
        names = arguments(formulas[name])
        if wanted in names:
            total += _slope(formulas[name], wanted)(*[known[a] for a in names]) * derivative
    return total


@cache
def _function(formula: str) -> Function:
    """A formula as a function of the properties that it names."""
    symbols = [sympy.Symbol(a, real=True) for a in arguments(formula)]
    made: Function = sympy.lambdify(symbols, _expression(formula), "numpy")
    return made


@cache
def _slope(formula: str, wanted: str) -> Function:
    """Derivative of a formula with respect to one of the properties that it names."""
    symbols = [sympy.Symbol(a, real=True) for a in arguments(formula)]
    derivative = sympy.diff(_expression(formula), sympy.Symbol(wanted, real=True))
    made: Function = sympy.lambdify(symbols, derivative, "numpy")
    return made


def _expression(formula: str) -> Any:
    symbols = {a: sympy.Symbol(a, real=True) for a in arguments(formula)}
    return sympy.sympify(formula, locals=symbols)
