"""From physical properties of the earth to the parameters of an equation, differentiably.

The formulas are the equation's own (see `propagators.equations.properties`), in operations of
PyTorch. Where an equation takes means of density, the properties at the nodes come from those of
the cells first, as `propagators.equations.interfaces` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import sympy
import torch
from torch import Tensor

from fwicli.autograd.compilation import opaque
from fwicli.errors import ModelError
from fwicli.propagators.equations import interfaces, registry
from fwicli.propagators.equations.equation import arguments
from fwicli.propagators.equations.properties import check_kinds, check_names


@opaque
def parameters(equation: str, properties: Mapping[str, Any]) -> dict[str, Tensor]:
    """Parameters of an equation from physical properties.

    Parameters
    ----------
    equation : str
        Name in the registry.
    properties : mapping of str to Tensor of shape (*grid,)
        `vp` [m/s], and what else the equation needs: `rho` [kg/m3], `epsilon`, `delta`, `theta`
        and `phi` [rad].

    Returns
    -------
    dict of str to Tensor
        In the precision of `vp`, or of `vs` without P waves; of integers, in float64.

    Raises
    ------
    ModelError
        If a property is missing that has no default, of another shape or kind, or no equation has
        it.
    """
    stated = registry.load(equation)
    check_names(stated, properties)
    tensors = {name: _tensor(name, values) for name, values in properties.items()}
    check_kinds(
        stated.leading,
        {name: values.shape for name, values in tensors.items()},
        {name: str(values.dtype) for name, values in tensors.items()},
    )
    like = tensors[stated.leading]
    ndim = like.ndim
    if stated.mean_density and "rho" in tensors:
        tensors["rho"] = tensors["rho"].expand(like.shape)
        tensors |= _sharpened(tensors["vp"], tensors["rho"])
    complete = stated.complete(tensors, ndim)
    parameters_by_name = {}
    for name, formula in stated.parameters(ndim).items():
        values = _function(formula)(*[torch.as_tensor(complete[a]) for a in arguments(formula)])
        parameters_by_name[name] = values.to(like.dtype).expand(like.shape).clone()
    return parameters_by_name


def _tensor(name: str, values: Any) -> Tensor:
    """A property as a tensor of floating-point numbers."""
    try:
        tensor = torch.as_tensor(values)
    except (TypeError, ValueError, RuntimeError) as reason:
        raise ModelError(f"{name} makes no tensor: {reason}") from reason
    if tensor.dtype == torch.bool:
        raise ModelError(f"{name} holds truth values; give it in float32 or float64")
    return tensor if tensor.is_floating_point() or tensor.is_complex() else tensor.double()


def _sharpened(vp: Tensor, rho: Tensor) -> dict[str, Tensor]:
    """Velocity and density at the nodes; the same as `interfaces.sharpened`."""
    scale = float(rho.detach().flatten()[0])
    logarithm = (rho.double() / scale).log()
    level = _filter(logarithm)
    spread = _filter(logarithm**2) - level**2
    small = interfaces.SHARE * spread / (1 + (spread / interfaces.LIMIT) ** 2).sqrt()
    sharper = {"vp": vp * (-small).exp(), "rho": scale * (level + small).exp()}
    return {"vp": sharper["vp"].to(vp.dtype), "rho": sharper["rho"].to(rho.dtype)}


def _filter(values: Tensor) -> Tensor:
    """The filter of `interfaces` along all axes."""
    for axis in range(values.ndim):
        turned = values.movedim(axis, 0)
        flat = turned.reshape(turned.shape[0], -1)
        values = (_matrix(turned.shape[0]) @ flat).reshape(turned.shape).movedim(0, axis)
    return values


@cache
def _matrix(n: int) -> Tensor:
    return torch.from_numpy(interfaces._matrix(n).toarray())


@cache
def _function(formula: str) -> Any:
    """A formula as a function of tensors."""
    symbols = {a: sympy.Symbol(a, real=True) for a in arguments(formula)}
    expression = sympy.sympify(formula, locals=symbols)
    functions = {n: getattr(torch, n) for n in ("sin", "cos", "sqrt", "exp", "log", "abs")}
    return sympy.lambdify([symbols[a] for a in arguments(formula)], expression, [functions, "math"])
