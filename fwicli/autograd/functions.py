"""The operators of `propagators.propagator` as functions of tensors, for several shots.

A model is a mapping from the names of the equation's parameters to tensors on the grid, or the
tensor alone where there is one parameter. Data are (shots, n, samples), or (n, samples) for one
shot or for all shots alike; whole wave fields (shots, samples, *grid). The result has the dimension
of shots where data or positions have it.

`forward` stores the history that a gradient needs, if there is memory. Otherwise waves are
propagated again, shot by shot, within the memory of the history options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from fwicli import ndarrays
from fwicli.autograd import rules
from fwicli.autograd.compilation import opaque
from fwicli.deprecation import renamed_keywords
from fwicli.errors import DataError, FwiError, GeometryError, ModelError
from fwicli.evaluation import Quantity
from fwicli.propagators.checks import entrance
from fwicli.propagators.locations import ExtendedSource, FullField
from fwicli.simulation import Evaluation, Simulation, shape_of
from fwicli.survey.points import Points

Model: TypeAlias = Mapping[str, Any] | Tensor


@renamed_keywords(waves="simulation")
@opaque
def forward(simulation: Simulation, model: Model, wavelet: Any) -> Tensor:
    """Gathers d = F(p) q.

    Parameters
    ----------
    simulation : Simulation
    model : mapping of str to Tensor of shape (*grid,), or Tensor
        Parameters of the equation (see `properties`).
    wavelet : Tensor of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.

    Returns
    -------
    gather : Tensor of shape (n_receivers, samples) or (shots, n_receivers, samples)
        Pressure [Pa].

    Raises
    ------
    ModelError, DataError, GeometryError
        If shapes or precisions do not fit, or something is not differentiable that should be.
    """
    return _call(simulation, model, {"wavelet": wavelet}, Quantity("gather"))


@renamed_keywords(waves="simulation")
@opaque
def adjoint(simulation: Simulation, model: Model, gather: Any) -> Tensor:
    """Adjoint field at the sources, q' = F(p)^T d; shapes and errors as those of `forward`.

    Parameters
    ----------
    simulation : Simulation
    model : mapping of str to Tensor of shape (*grid,), or Tensor
        Parameters of the equation (see `properties`).
    gather : Tensor of shape (n_receivers, samples) or (shots, n_receivers, samples)

    Returns
    -------
    wavelet : Tensor of shape (n_sources, samples) or (shots, n_sources, samples)
    """
    return _call(simulation, model, {"gather": gather}, Quantity("wavelet"))


@renamed_keywords(waves="simulation")
@opaque
def jacobian(simulation: Simulation, model: Model, wavelet: Any, perturbation: Model) -> Tensor:
    """Change of the gathers for a change of the model, dd = J(p, q) dp (Born modelling).

    Parameters
    ----------
    simulation : Simulation
    model : mapping of str to Tensor of shape (*grid,), or Tensor
        Parameters of the equation (see `properties`).
    wavelet : Tensor of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    perturbation : mapping of str to Tensor of shape (*grid,), or Tensor
        Changes of parameters; those that are left out are zero.

    Returns
    -------
    change : Tensor of shape (n_receivers, samples) or (shots, n_receivers, samples)
    """
    return _call(simulation, model, {"wavelet": wavelet}, Quantity("gather", 1), perturbation)


@renamed_keywords(waves="simulation")
@opaque
def jacobian_adjoint(
    simulation: Simulation, model: Model, wavelet: Any, gather: Any
) -> dict[str, Tensor] | Tensor:
    """Images g = J(p, q)^T r, summed over shots.

    Parameters
    ----------
    simulation : Simulation
    model : mapping of str to Tensor of shape (*grid,), or Tensor
        Parameters of the equation (see `properties`).
    wavelet : Tensor of shape (n_sources, samples) or (shots, n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    gather : Tensor of shape (n_receivers, samples) or (shots, n_receivers, samples)

    Returns
    -------
    gradient : dict of str to Tensor of shape (*grid,), or Tensor
        For each parameter; a tensor where the model is one.
    """
    arrays = {"wavelet": wavelet, "gather": gather}
    data = {role: _tensor(f"the {role}", values, DataError) for role, values in arrays.items()}
    outputs = [Quantity("model", 0, n) for n in _named(simulation, model)]
    outputs_of_run = _run(simulation, model, data, outputs, backward=True)
    gradients = {s.name: f[0] for s, f in zip(outputs, outputs_of_run, strict=True)}
    return gradients if isinstance(model, Mapping) else next(iter(gradients.values()))


def _call(
    simulation: Simulation,
    model: Model,
    data: dict[str, Any],
    output: Quantity,
    perturbation: Model | None = None,
) -> Tensor:
    """A single output that is data."""
    data = {role: _tensor(f"the {role}", values, DataError) for role, values in data.items()}
    batched = _batched(simulation, data)
    backward = output.role == "wavelet"
    (record,) = _run(simulation, model, data, [output], backward, perturbation)
    return record if batched else record[0]


def _run(
    simulation: Simulation,
    model: Model,
    data: dict[str, Any],
    outputs: list[Quantity],
    backward: bool,
    perturbation: Model | None = None,
) -> tuple[Tensor, ...]:
    """Bring everything into the shapes of a call, and run it."""
    parameters = _tensors(simulation, model, whole=True)
    like = next(iter(parameters.values()))
    inputs = {Quantity("model", 0, n): t[None] for n, t in parameters.items()}
    if perturbation is not None:
        changes = _tensors(simulation, perturbation, whole=False)
        inputs |= {Quantity("model", 1, n): t[None] for n, t in changes.items()}
    shots, samples = _shots(simulation, data), simulation.discretization.time.samples
    shapes = {place: shape_of(simulation, place, samples) for place in ("sources", "receivers")}
    for role, values in data.items():
        place = "sources" if role == "wavelet" else "receivers"
        inputs[Quantity(role)] = _traces(role, place, values, shots, shapes[place], like)
    for place in ("sources", "receivers"):
        at = getattr(simulation, place)
        if not isinstance(at, FullField | ExtendedSource | Points):
            positions = _tensor(place, at, GeometryError)
            if not positions.is_floating_point():
                positions = positions.double()
            inputs[Quantity(place)] = positions.expand(shots, *positions.shape[-2:])
        elif isinstance(at, ExtendedSource) and getattr(at.weights, "requires_grad", False):
            raise GeometryError(
                f"{place} are an ExtendedSource whose weights require a gradient: there is none; "
                f"use FullField(), and multiply wavelet and weights before it"
            )
    kinds = {s.name: _short(t) for s, t in inputs.items() if s.role == "model"}
    entrance.check_precision(kinds)
    call = Evaluation(simulation, backward, tuple(inputs), tuple(outputs), shots)
    return rules.apply(call, inputs.values())


def _named(simulation: Simulation, model: Model) -> dict[str, Any]:
    """Parameters by name."""
    if isinstance(model, Mapping):
        return dict(model)
    names = simulation.parameters
    if len(names) > 1:
        raise ModelError(
            f"{simulation.discretization.equation} has the parameters {', '.join(names)}: give "
            f"them by name, as in {{{names[0]!r}: tensor, ...}}"
        )
    return {names[0]: model}


def _tensors(simulation: Simulation, model: Model, whole: bool) -> dict[str, Tensor]:
    """Parameters, or changes of them, as tensors."""
    grid, named = simulation.discretization.grid, _named(simulation, model)
    entrance.check_names(simulation.discretization.equation, grid.ndim, named, whole)
    tensors = {n: _tensor(f"parameter {n}", v, ModelError) for n, v in named.items()}
    for name, tensor in tensors.items():
        entrance.check_on_grid(name, tuple(tensor.shape), grid, change=not whole)
    return {name: tensor.reshape(grid.shape) for name, tensor in tensors.items()}


def _tensor(what: str, values: Any, error: type[FwiError]) -> Tensor:
    """Values as a tensor of real numbers."""
    if torch.is_tensor(values):
        if values.is_complex() or values.dtype == torch.bool:
            raise error(f"{what} is a tensor of {_short(values)}; waves take real numbers")
        if values.layout != torch.strided:
            layout = str(values.layout).removeprefix("torch.")
            raise error(f"{what} is a tensor of layout {layout}; give a dense one, .to_dense()")
        if values.is_meta:
            raise error(f"{what} is a tensor on the device `meta`, without values; give it some")
        return values
    array = ndarrays.real(what, values, error)
    return torch.as_tensor(array if isinstance(values, np.ndarray) else values)


def _data_ndim(simulation: Simulation, place: str) -> int:
    """Dimensions of the data of one shot."""
    at = getattr(simulation, place)
    return 1 + simulation.discretization.grid.ndim if isinstance(at, FullField) else 2


def _batched(simulation: Simulation, data: dict[str, Any]) -> bool:
    """Whether data or positions have a dimension of shots."""
    places = {"wavelet": "sources", "gather": "receivers"}
    more = [len(np.shape(v)) > _data_ndim(simulation, places[r]) for r, v in data.items()]
    positions = [simulation.sources, simulation.receivers]
    return any(more) or any(len(getattr(p, "shape", ())) == 3 for p in positions)


def _shots(simulation: Simulation, data: dict[str, Any]) -> int:
    """Number of shots."""
    counts = {}
    for role, values in data.items():
        place = "sources" if role == "wavelet" else "receivers"
        if len(np.shape(values)) > _data_ndim(simulation, place):
            counts[role] = int(np.shape(values)[0])
    for place in ("sources", "receivers"):
        shape: tuple[int, ...] = tuple(getattr(getattr(simulation, place), "shape", ()))
        if len(shape) == 3:
            counts[place] = shape[0]
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise GeometryError(f"the numbers of shots differ: {said}; give one for each, or none")
    if 0 in counts.values():
        empty = next(name for name, count in counts.items() if not count)
        raise GeometryError(f"the number of shots is 0, by the shape of {empty}; give at least one")
    return next(iter(counts.values()), 1)


def _traces(
    role: str, place: str, values: Any, shots: int, shape: tuple[int, ...], like: Tensor
) -> Tensor:
    """Data of all shots."""
    traces: Tensor = values
    if tuple(traces.shape[-len(shape) :]) != shape or traces.ndim > len(shape) + 1:
        of_shots = f", or (shots, {', '.join(map(str, shape))})"
        entrance.check_traces(role, tuple(traces.shape), shape, place, of_shots)
    if traces.dtype != like.dtype:
        raise DataError(
            f"the {role} is {_short(traces)} and the model {_short(like)}: both need the same "
            f"precision, as in {role}.to(model.dtype)"
        )
    return traces.to(like.device).expand(shots, *shape)


def _short(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
