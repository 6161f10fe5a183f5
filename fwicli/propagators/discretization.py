"""How a wave equation is discretised: everything that a propagator is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from fwicli import scalars
from fwicli.deprecation import renamed_fields
from fwicli.errors import ModelError, PhysicsError
from fwicli.propagators.absorbing import AbsorbingLayer
from fwicli.propagators.equations import registry
from fwicli.propagators.history import STORED, HistoryOptions
from fwicli.propagators.kernels import compilation
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.sampling.interpolation import RADIUS
from fwicli.propagators.sampling.stability import TimeAxis, check_order
from fwicli.survey.grid import Grid


@renamed_fields(axis="time", every="history_step", keeping="history")
@dataclass(frozen=True)
class Discretization:
    """What a propagator is made of; two that are equal share one propagator.

    Parameters
    ----------
    equation : str
        Name in the registry of equations.
    grid : Grid
        Grid of the model, without the absorbing layer.
    time : TimeAxis
        Recorded sampling and propagation step.
    layer : AbsorbingLayer
        Absorbing layer, added on all sides that are not free.
    order : int
        Order of the space differences, even.
    precision : {"float32", "float64"}
    history_step : int
        Store every n-th time step of the forward field; 1 makes gradients exact.
    history : HistoryOptions
        How the forward field is stored until the gradient needs it (see `history`).
    threads : int
        OpenMP threads of one propagation. A process that has used several must not be forked, but
        by "spawn" or "forkserver": propagations with several are refused in its children.
    interpolation : {"sinc", "linear"}
        Between the grid points, for sources and receivers.
    parameters : tuple of str or None
        Parameters of which gradients are wanted, which need less history than all; None for all.

    Raises
    ------
    PhysicsError
        If there is no such equation, precision, interpolation or parameter, or a number is
        impossible.
    """

    equation: str
    grid: Grid
    time: TimeAxis
    layer: AbsorbingLayer
    order: int = 8
    precision: str = "float32"
    history_step: int = 1
    history: HistoryOptions = STORED
    threads: int = 1
    interpolation: str = "sinc"
    parameters: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        parts = {"grid": Grid, "time": TimeAxis, "layer": AbsorbingLayer, "history": HistoryOptions}
        for name, kind in parts.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise PhysicsError(
                    f"`{name}` of a discretization is {value!r}; it is a {kind.__name__}"
                )
        changes: dict[str, Any] = {
            "order": check_order(self.order),
            "precision": _precision(self.precision),
            "history_step": scalars.whole("`history_step`", self.history_step, 1, PhysicsError),
            "threads": scalars.whole("`threads`", self.threads, 1, PhysicsError),
            "parameters": self._parameters(),
        }
        for name, value in changes.items():
            object.__setattr__(self, name, value)
        if self.interpolation not in tuple(RADIUS):
            raise PhysicsError(
                f"there is no interpolation {self.interpolation!r}; choose one of "
                f"{', '.join(RADIUS)}"
            )

    def _parameters(self) -> tuple[str, ...] | None:
        """Names of the parameters whose gradients are wanted."""
        all_parameters = registry.load(self.equation).parameters(self.grid.ndim)
        if self.parameters is None:
            return None
        given = self.parameters
        names = (given,) if isinstance(given, str) else tuple(given)
        unknown = [name for name in names if name not in all_parameters]
        if unknown:
            raise ModelError(
                f"`parameters` of a discretization are {given!r}; choose some of those of "
                f"{self.equation}, {', '.join(all_parameters)}, or None for all"
            )
        return names

    def signature(self, kind: str, **extra: Any) -> Signature:
        """Signature of the kernel of a kind (see `compilation`).

        Of a lifted equation the gradients are those of the last component, if not said otherwise.
        """
        images = kind in ("gradient", "reverse") or extra.get("history")
        parameters = extra.pop("parameters", self.parameters) if images else None
        all_parameters = tuple(registry.load(self.equation).parameters(self.grid.ndim))
        if images and extra.get("n_directions"):
            parameters = parameters or all_parameters
        elif parameters is not None and set(parameters) == set(all_parameters):
            parameters = None
        return Signature(
            kind=kind,
            equation=self.equation,
            spacing=self.grid.spacing,
            order=self.order,
            layer=self.layer.cells,
            free=self.layer.free,
            precision=self.precision,
            parameters=parameters,
            **extra,
        )

    def missing_kernels(
        self, images: tuple[str, ...] = (), curvature: str | None = None
    ) -> list[Callable[[], None]]:
        """Tasks that compile the kernels of a run which are not on disk yet.

        Parameters
        ----------
        images : tuple of str
            What an adjoint run accumulates; none for modelling alone.
        curvature : {"gauss_newton", "full"}, optional
            Kind of the second derivative of which products are wanted, too.
        """
        needed = [self.signature("forward")]
        if images and self.history.kind == "boundary":
            needed = [self.signature("forward", edges=True), self.signature("reverse")]
        elif images:
            needed = [self.signature("forward", history=True)]
        if images:
            needed.append(self.signature("gradient", images=images))
        if curvature:
            needed += [self.signature("forward", history=True, n_directions=1)]
        if curvature == "full":
            needed += [self.signature("gradient", images=("gradient",), n_directions=1)]
        return [partial(compilation.prepare, s) for s in needed if not compilation.is_cached(s)]


def _precision(given: Any) -> str:
    """Name of the precision, as NumPy spells it."""
    try:
        name = np.dtype(given).name
    except TypeError:
        name = ""
    if given is None or name not in ("float32", "float64"):
        raise PhysicsError(f"there is no precision {given!r}; choose float32 or float64")
    return str(name)
