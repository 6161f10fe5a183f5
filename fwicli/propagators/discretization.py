"""Discretization of a wave equation: everything that a propagator is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Self, Unpack

import numpy as np

from fwicli import ndarrays, scalars
from fwicli.deprecation import renamed_fields
from fwicli.errors import ModelError, PhysicsError
from fwicli.propagators.absorbing import SURFACE, AbsorbingLayer
from fwicli.propagators.equations import cut_cells, properties, registry
from fwicli.propagators.equations.component_fields import component_fields
from fwicli.propagators.equations.constant_q import reference_frequency
from fwicli.propagators.equations.cut_cells import CutCells
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.history import STORED, WRITING, Demand, HistoryOptions, demand
from fwicli.propagators.kernels import compilation, footprints, ports
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.sampling.interpolation import RADIUS
from fwicli.propagators.sampling.model_options import ModelOptions, check_options
from fwicli.propagators.sampling.resampling import Resampling
from fwicli.propagators.sampling.stability import (
    TimeAxis,
    check_order,
    fastest_allowed,
    sample_count,
    time_axis,
)
from fwicli.survey.components import Recording
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel
from fwicli.survey.topography import Topography

# Options that are passed on.
_PASSED = (
    *("order", "precision", "history_step", "history", "threads", "interpolation"),
    *("stencil", "reference_frequency"),
)


@renamed_fields(axis="time", every="history_step", keeping="history")
@dataclass(frozen=True)
class Discretization:
    """Everything that a propagator is made of; equal discretizations share one propagator.

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
    stencil : {"taylor", "optimised"}
        Weights of the space differences (see `stencils`).
    topography : Topography, optional
        Surface with air above, of a layer that is free on top; values in the air are never read.
    reference_frequency : float, optional
        At which waves that lose energy have the velocities of the model [Hz]; by default the
        frequency of the layer. None for equations without losses.

    Raises
    ------
    PhysicsError
        If there is no such equation, precision, interpolation, stencil or parameter, or a number is
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
    reference_frequency: float | None = None
    stencil: str = "taylor"
    topography: Topography | None = None

    def __post_init__(self) -> None:
        parts = {"grid": Grid, "time": TimeAxis, "layer": AbsorbingLayer, "history": HistoryOptions}
        for name, kind in parts.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise PhysicsError(
                    f"`{name}` of a discretization is {value!r}; it is a {kind.__name__}"
                )
        registry.load(self.equation).check_dimensions(self.grid.ndim)
        footprints.prepare(self.equation, self.grid.ndim)
        footprints.check_stencil(self.equation, self.grid.ndim, self.differences)
        equation, points = registry.load(self.equation), self.grid.shape[-1]
        if self.topography is None:
            equation.check_sides(self.layer.free, self.differences, points)
        else:
            equation.check_topography(self.layer.free, self.differences)
        changes: dict[str, Any] = {
            "order": check_order(self.order),
            "precision": _precision(self.precision),
            "history_step": scalars.whole("`history_step`", self.history_step, 1, PhysicsError),
            "threads": scalars.whole("`threads`", self.threads, 1, PhysicsError),
            "parameters": self._parameters(),
            "reference_frequency": reference_frequency(
                self.equation, self.reference_frequency, self.layer.frequency
            ),
        }
        for name, value in changes.items():
            object.__setattr__(self, name, value)
        if self.interpolation not in tuple(RADIUS):
            raise PhysicsError(
                f"there is no interpolation {self.interpolation!r}; choose one of "
                f"{', '.join(RADIUS)}"
            )

    @classmethod
    def for_model(
        cls,
        vp: Any,
        spacing: float | tuple[float, ...],
        *,
        dt: float,
        frequency: float,
        samples: int | None = None,
        **options: Unpack[ModelOptions],
    ) -> Self:
        """The discretization for an earth model, with a stable time step.

        Parameters
        ----------
        vp : ndarray of shape (nx, nz) or (nx, ny, nz), or None
            P velocity [m/s]; z is the last axis and points down. Without P waves there is none.
        spacing : float or tuple of float
            Grid spacing, or that of each axis [m].
        dt : float
            Sampling interval of wavelets and records [s].
        frequency : float
            Centre of the source's band, such as the peak frequency of a Ricker wavelet [Hz].
        samples : int, optional
            Number of samples of a record; or give its `duration`.
        **options
            See `ModelOptions`.

        Returns
        -------
        Discretization

        Raises
        ------
        PhysicsError
            If a number, a shape or a name is impossible; the message says what to give.
        """
        check_options(options)
        named = _properties(vp, options)
        arrays = {name: ndarrays.real(name, values, ModelError) for name, values in named.items()}
        shape = arrays["vp" if "vp" in arrays else "vs"].shape
        spacings = spacing if isinstance(spacing, tuple) else (spacing,) * len(shape)
        grid = Grid(shape, spacings, options.get("origin", (0.0,) * len(shape)))
        filled = {n: v if v.ndim else np.full(shape, v) for n, v in arrays.items()}
        topography = options.get("topography")
        if topography is not None:
            topography = Topography.on(grid, topography)
            filled = {name: topography.fill(values) for name, values in filled.items()}
        free = options.get("free", () if topography is None else SURFACE)
        earth = EarthModel.of(grid, filled)
        equation = options.get("equation", registry.simplest(earth))
        properties.check_names(stated := registry.load(equation), earth.properties)
        order = check_order(options.get("order", cls.order))
        stencil = Stencil(order, options.get("stencil", cls.stencil))
        speed = stated.speeds(earth.properties, grid.ndim)[1]
        fastest = fastest_allowed(speed, options.get("fastest"))
        frequency = scalars.positive("`frequency`", frequency, " [Hz]", PhysicsError)
        count = sample_count(dt, samples, options.get("duration"))
        gap = RADIUS.get(options.get("interpolation", cls.interpolation), 0)
        return cls(
            equation,
            grid,
            time_axis(dt, count, fastest, grid.spacing, stencil),
            AbsorbingLayer(options.get("cells", 20), fastest, frequency, gap, free),
            topography=topography,
            **{name: options[name] for name in _PASSED if name in options},  # type: ignore[literal-required]
        )

    @property
    def differences(self) -> Stencil:
        """Order and weights of the space differences."""
        return Stencil(check_order(self.order), self.stencil)

    @property
    def cut_cells(self) -> CutCells:
        """Volumes and masses of the cells that the topography cuts.

        Raises
        ------
        PhysicsError
            If there is none.
        """
        if self.topography is None:
            raise PhysicsError("there is no topography; give one to `Discretization`")
        pads = tuple(self.layer.pads(self.grid.ndim))
        return cut_cells.cut_cells(self.topography, pads, self.differences)

    def of_rock(self, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        """Properties by name, those in the air replaced by those of the rock below it."""
        if self.topography is None:
            return properties
        arrays = {n: ndarrays.real(n, v, ModelError) for n, v in properties.items()}
        fits = self.grid.shape
        return {n: self.topography.fill(v) if v.shape == fits else v for n, v in arrays.items()}

    def _parameters(self) -> tuple[str, ...] | None:
        """Names of the parameters whose gradients are wanted."""
        all_parameters = registry.load(self.equation).parameters(self.grid.ndim)
        if self.parameters is None:
            return None
        chosen = self.parameters
        names = (chosen,) if isinstance(chosen, str) else tuple(chosen)
        unknown = [name for name in names if name not in all_parameters]
        if unknown:
            raise ModelError(
                f"`parameters` of a discretization are {chosen!r}; choose some of those of "
                f"{self.equation}, {', '.join(all_parameters)}, or None for all"
            )
        return names

    def signature(self, kind: str, **extra: Any) -> Signature:
        """Signature of the kernel of a kind (see `compilation`).

        Of a lifted equation the gradients are those of the last component, if not said otherwise.

        Parameters
        ----------
        kind : {"forward", "adjoint", "gradient", "reverse"}
        **extra : object
            Other fields of `Signature`.

        Returns
        -------
        Signature
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
            reference_frequency=self.reference_frequency or 0.0,
            weights=self.stencil,
            # Strips reach half a stencil into the model from both sides.
            thin=self.grid.shape[-1] < self.order,
            topography=self.topography is not None,
            **extra,
        )

    def history_demand(self) -> Demand:
        """Sizes that the history of a gradient depends on.

        Its methods give the memory of `HistoryOptions` [bytes], the steps that they repeat, and the
        quickest options for a memory.
        """
        return demand(
            registry.load(self.equation),
            self.grid.shape,
            self.layer,
            self.order,
            (Resampling(self.time, self.precision).steps, self.history_step, self.time.step),
            np.dtype(self.precision).itemsize,
            self._parameters(),
        )

    def with_smaller_history(self) -> Discretization | None:
        """With the next smaller history, of at most half the memory; None if there is none.

        The smaller ones are exact: a gradient is that with a stored history, in most equations to
        the last bit.
        """
        options = _smaller(self.history_demand(), self.history)
        return None if options is None else replace(self, history=options)

    def history_in_words(self) -> str:
        """How the history is stored, and the memory that it takes."""
        size = self.history_demand().memory(self.history) / 1e6
        return f"history: {self.history.kind}, {size:.3g} MB"

    def missing_kernels(
        self,
        images: tuple[str, ...] = (),
        curvature: str | None = None,
        components: Collection[Recording] | None = None,
    ) -> list[Callable[[], None]]:
        """Tasks that compile the kernels of a run which are not on disk yet.

        Parameters
        ----------
        images : tuple of str
            Images that an adjoint run accumulates; empty for modelling alone.
        curvature : {"gauss_newton", "full"}, optional
            Kind of the second derivative of which products are wanted, too.
        components : collection of (Component, frozenset of Component)
            Of the source and of the receivers, for each kind of shot; else the usual ones.

        Returns
        -------
        list of callable
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
        equation, ndim = registry.load(self.equation), self.grid.ndim
        signatures: dict[Signature, None] = {}
        for emitted, recorded in components or [equation.usual_recording(ndim)]:
            driven = tuple(component_fields(equation, [emitted], "emit", ndim))
            sensed = tuple(component_fields(equation, recorded, "record", ndim))
            for one in needed:
                at_receivers = () if one.kind == "reverse" else sensed
                signatures[ports.for_fields(one, driven, at_receivers)] = None
        missing = [s for s in signatures if not compilation.is_cached(s)]
        return [partial(compilation.prepare, signature) for signature in missing]


def _properties(vp: Any, options: ModelOptions) -> Mapping[str, Any]:
    """All properties by name, vp among them if there is one."""
    others = options.get("properties", {})
    if not isinstance(others, Mapping) or "vp" in others:
        raise ModelError(
            f"`properties` are {others!r}; give those beside vp by name, as in "
            f"{{'rho': array}} [kg/m3]"
        )
    if vp is None and "vs" not in others:
        raise ModelError("there is no vp; give P velocities [m/s], or `vs` among `properties`")
    return others if vp is None else {"vp": vp, **others}


def _precision(precision: Any) -> str:
    """Name of the precision, as NumPy spells it."""
    try:
        name = np.dtype(precision).name
    except TypeError:
        name = ""
    if precision is None or name not in ("float32", "float64"):
        raise PhysicsError(f"there is no precision {precision!r}; choose float32 or float64")
    return str(name)


@lru_cache(maxsize=64)
def _smaller(demand: Demand, options: HistoryOptions) -> HistoryOptions | None:
    """Exact history options that take at most half the memory of others, the quickest of them."""
    if options.kind == "excitation":
        return None
    room = demand.memory(options) // 2
    checkpoints = demand.with_checkpoints(room)
    if checkpoints is not None and demand.repeated(checkpoints) <= WRITING * demand.steps:
        return checkpoints
    disk = HistoryOptions("disk")
    return disk if demand.memory(disk) <= room else None
