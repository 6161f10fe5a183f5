"""From physical properties of the earth to the parameters of an equation, and gradients back.

An equation holds parameters p in which its residuals are simple, such as squared slowness; a model
holds properties c, such as velocity and density, with p = P(c) point by point. Then

    dphi/dc_j = sum_i dP_i/dc_j dphi/dp_i,

with the derivatives of the equation's own formulas, found by symbolic differentiation. Where an
equation takes means of density, the properties at the nodes come from those of the cells first (see
`interfaces`), and the chain has one link more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import ndarrays
from fwicli.errors import ModelError
from fwicli.propagators.equations import interfaces, registry
from fwicli.propagators.equations.equation import Equation, arguments
from fwicli.propagators.equations.formulas import function
from fwicli.survey.properties import PROPERTIES

Array = NDArray[Any]
Properties = Mapping[str, Array]


def parameters(equation: str, properties: Properties) -> dict[str, Array]:
    """Parameters of an equation from physical properties; those it does not need are left out.

    Parameters
    ----------
    equation : str
        Name of the equation.
    properties : mapping of str to ndarray of shape (*grid,)
        `vp` [m/s], and what else the equation needs: `rho` [kg/m3], `epsilon`, `delta`, `theta`
        and `phi` [rad]; one number stands for all points, but for `vp`, or `vs` without P waves.

    Returns
    -------
    dict of str to ndarray of shape (*grid,)
        In float64.

    Raises
    ------
    ModelError
        If a property is missing, of another shape or kind, or no equation has it; if velocity or
        density is not positive.
    """
    stated = registry.load(equation)
    check_names(stated, properties)
    arrays = {name: ndarrays.real(name, v, ModelError) for name, v in properties.items()}
    check_kinds(
        stated.leading,
        {name: a.shape for name, a in arrays.items()},
        {name: str(a.dtype) for name, a in arrays.items()},
    )
    for name, values in arrays.items():
        sign = PROPERTIES[name].sign
        if sign == "positive" and not (values > 0).all():
            raise ModelError(f"{name} is {values.min():g} somewhere; it must be positive")
        if sign == "not negative" and (values < 0).any():
            raise ModelError(f"{name} is {values.min():g} somewhere; it must be 0 or more")
    shape = arrays[stated.leading].shape
    properties = {n: a if a.ndim else np.full(shape, a) for n, a in arrays.items()}
    complete = stated.complete(_nodes(stated, properties), len(shape))
    values_by_name = {}
    for name, formula in stated.parameters(len(shape)).items():
        values = function(formula)(*[complete[a] for a in arguments(formula)])
        values_by_name[name] = np.array(np.broadcast_to(values, shape), dtype=float)
    return values_by_name


def check_names(stated: Equation, properties: Any) -> None:
    """Refuse missing properties, and those that no equation has.

    Parameters
    ----------
    stated : Equation
    properties : mapping of str to object

    Raises
    ------
    ModelError
        If one is missing, or unknown.
    """
    if not isinstance(properties, Mapping):
        raise ModelError(
            f"the properties are a {type(properties).__name__}; give them by name, as in "
            f"{{'{stated.leading}': array}}"
        )
    ndim = np.ndim(properties[stated.leading]) if stated.leading in properties else 2
    missing = [n for n in stated.properties_in(ndim) if n not in {*properties, *stated.defaults}]
    if missing:
        raise ModelError(f"{stated.name} needs {', '.join(missing)}, too; give them on the grid")
    every = dict.fromkeys(n for e in registry.EQUATIONS for n in registry.load(e).properties)
    unknown = [str(n) for n in properties if n not in every]
    if unknown:
        raise ModelError(
            f"no equation has the property {', '.join(unknown)}; there are: {', '.join(every)}"
        )


def check_kinds(
    leading: str, shapes: Mapping[str, Sequence[int]], kinds: Mapping[str, str]
) -> None:
    """Make sure that properties are given on one grid, in a precision that holds them.

    Parameters
    ----------
    leading : str
        Name of the property that has a value at every point.
    shapes, kinds : mapping
        Shapes of arrays and names of their types, by the names of properties.

    Raises
    ------
    ModelError
        If shapes differ, but for those of one number, or numbers are complex or in half precision.
    """
    grid = tuple(shapes[leading])
    for name, shape in shapes.items():
        if tuple(shape) != grid and (tuple(shape) or name == leading):
            raise ModelError(
                f"{name} has the shape {tuple(shape)} and {leading} {grid}; give both on the same "
                f"grid"
            )
    if len(grid) not in (2, 3):
        raise ModelError(
            f"{leading} has the shape {grid}; give it on the grid, (x, z) or (x, y, z), as by "
            f"numpy.full(grid.shape, 2000.0)"
        )
    for name, kind in kinds.items():
        if "complex" in kind or kind.endswith("float16"):
            raise ModelError(f"{name} is in {kind}; give it in float32 or float64")


def gradient(
    equation: str, properties: Properties, derivatives: Mapping[str, Array], name: str
) -> Array:
    """Derivative with respect to the property `name` from those with respect to parameters.

    Parameters
    ----------
    equation : str
        Name of the equation.
    properties : mapping of str to ndarray
        Physical properties by name, in SI units.
    derivatives : mapping of str to ndarray
        Derivatives with respect to parameters, by name.
    name : str
        Name of the property.

    Returns
    -------
    ndarray of shape (*grid,)
    """
    stated = registry.load(equation)
    nodes = _nodes(stated, properties)
    if nodes is properties or name not in ("vp", "rho"):
        return _pointwise(stated, nodes, derivatives, name)
    by_vp, by_rho = (_pointwise(stated, nodes, derivatives, n) for n in ("vp", "rho"))
    return interfaces.gradient(properties, by_vp, by_rho, name)


def perturbation(equation: str, properties: Properties, changes: Properties) -> dict[str, Array]:
    """First-order changes of parameters from changes of properties; the transpose of `gradient`.

    Parameters
    ----------
    equation : str
        Name of the equation.
    properties : mapping of str to ndarray
        Physical properties by name, in SI units.
    changes : mapping of str to ndarray
        Changes of some of them.

    Returns
    -------
    dict of str to ndarray of shape (*grid,)
        For every parameter that depends on one of the properties that change.
    """
    stated = registry.load(equation)
    nodes = _nodes(stated, properties)
    shape = properties[stated.leading].shape
    if nodes is not properties and {"vp", "rho"} & set(changes):
        at_nodes = interfaces.perturbation(properties, changes)
        # A change of velocities leaves the densities of the nodes as they are.
        changes = {**changes, **(at_nodes if "rho" in changes else {"vp": at_nodes["vp"]})}
    complete, formulas = stated.complete(nodes, len(shape)), stated.parameters(len(shape))
    result = {}
    for name in stated.depending(changes, len(shape)):
        names = arguments(formulas[name])
        result[name] = np.zeros(shape)
        for target in set(names) & set(changes):
            slope = function(formulas[name], target)(*[complete[a] for a in names])
            result[name] += slope * changes[target]
    return result


def _nodes(stated: Equation, properties: Properties) -> Properties:
    """Properties at the nodes, from those of the cells."""
    prepared = stated.mean_density and "rho" in properties
    return interfaces.sharpened(properties) if prepared else properties


def _pointwise(
    stated: Equation, properties: Properties, derivatives: Mapping[str, Array], target: str
) -> Array:
    """The sum over the parameters, point by point."""
    shape = properties[stated.leading].shape
    complete = stated.complete(properties, len(shape))
    formulas = stated.parameters(len(shape))
    total = np.zeros(shape)
    for name, derivative in derivatives.items():
        names = arguments(formulas[name])
        if target in names:
            total += function(formulas[name], target)(*[complete[a] for a in names]) * derivative
    return total
