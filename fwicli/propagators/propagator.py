"""The operators of a wave equation on a grid: F, F^T, J and J^T.

With q the source time functions, d the gather and p the model parameters,

    forward            d  = F(p) q
    adjoint            q' = F(p)^T d
    jacobian           dd = J(p, q) dp,         J = dF(p) q / dp
    jacobian_adjoint   g  = J(p, q)^T r

All four are exact transposes and derivatives of each other for the discrete scheme, including
the absorbing layer, the points, the resampling in time and the padding of the model. A source
is a point source of the continuum: q(t) delta(x - x_s), with q in [Pa] in 2D and [Pa m] in 3D.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import devito
import numpy as np
from numpy.typing import NDArray

from fwicli.errors import StabilityError
from fwicli.propagators import kernels, points, timeloops
from fwicli.propagators.absorbing import AbsorbingLayer
from fwicli.propagators.kernels import ArraySpec, Signature
from fwicli.propagators.resampling import Resampling
from fwicli.propagators.sampling import TimeAxis
from fwicli.survey.grid import Grid

Array = NDArray[Any]
Model = Mapping[str, Array]

ALIGNMENT = 64


@dataclass(frozen=True)
class Images:
    """What one adjoint run accumulates.

    Attributes
    ----------
    gather : ndarray of shape (n_receivers, samples)
        Modelled gather [Pa].
    gradient : dict of str to ndarray
        Derivative with respect to each parameter, on the model's grid.
    images : dict of str to ndarray
        Other images asked for, on the model's grid, by name.
    """

    gather: Array
    gradient: dict[str, Array] = field(default_factory=dict)
    images: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Discretization:
    """What a propagator is made of; two that are equal share one propagator.

    Parameters
    ----------
    equation : str
        Name in the registry of equations.
    grid : Grid
        Grid of the model, without the absorbing layer.
    axis : TimeAxis
        Recorded sampling and propagation step.
    layer : AbsorbingLayer
        Absorbing layer added on all sides.
    order : int
        Order of the space differences, even.
    precision : {"float32", "float64"}
    every : int
        The history keeps every so manieth step; 1 makes gradients exact.
    threads : int
        OpenMP threads of one propagation.
    """

    equation: str
    grid: Grid
    axis: TimeAxis
    layer: AbsorbingLayer
    order: int = 8
    precision: str = "float32"
    every: int = 1
    threads: int = 1

    def signature(self, kind: str, **extra: Any) -> Signature:
        """Signature of the kernel of a kind (see `kernels`)."""
        return Signature(
            kind=kind,
            equation=self.equation,
            spacing=self.grid.spacing,
            order=self.order,
            layer=self.layer.cells,
            precision=self.precision,
            **extra,
        )

    def missing_kernels(self, images: tuple[str, ...] = ()) -> list[Callable[[], None]]:
        """Tasks that compile the kernels of a run which are not on disk yet.

        Parameters
        ----------
        images : tuple of str
            What an adjoint run accumulates; none for modelling alone.
        """
        needed = [self.signature("forward", history=bool(images))]
        if images:
            needed.append(self.signature("gradient", images=images))
        return [partial(kernels.prepare, s) for s in needed if not kernels.is_cached(s)]


class Propagator:
    """Operators of one wave equation on one grid and time axis.

    Its arrays are made when they are first needed and kept for the next shot.
    """

    def __init__(self, discretization: Discretization) -> None:
        self.discretization = discretization
        self.equation = discretization.equation
        self.grid = discretization.grid
        self.axis = discretization.axis
        self.layer = discretization.layer
        self.order = discretization.order
        self.precision = discretization.precision
        self.every = discretization.every
        self.threads = discretization.threads
        self.resampling = Resampling(self.axis)
        self._shape = tuple(n + 2 * self.layer.pad for n in self.grid.shape)
        self._pool: dict[tuple[str, tuple[int, ...]], Array] = {}

    # --- the operators ---------------------------------------------------------------------------

    def forward(self, model: Model, wavelet: Array, sources: Array, receivers: Array) -> Array:
        """Model one gather, d = F q.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : ndarray of shape (n_points, ndim)
            Positions [m]; they need not lie on grid points.

        Returns
        -------
        gather : ndarray of shape (n_receivers, samples)
            Pressure [Pa]; the first sample is t = 0.

        Raises
        ------
        StabilityError
            If the field does not stay finite.
        """
        recorded = self._run(
            self._signature("forward"), model, self._sources_in(wavelet), sources, receivers
        )
        return self._receivers_out(recorded)

    def adjoint(self, model: Model, gather: Array, sources: Array, receivers: Array) -> Array:
        """Back-propagate a gather, q' = F^T d; the exact transpose of `forward`.

        Parameters
        ----------
        gather : ndarray of shape (n_receivers, samples)

        Returns
        -------
        wavelet : ndarray of shape (n_sources, samples)
            What arrives at the sources.
        """
        recorded = self._run(
            self._signature("adjoint"), model, self._receivers_in(gather), receivers, sources
        )
        return self._sources_out(recorded)

    def jacobian(
        self,
        model: Model,
        perturbation: Model,
        wavelet: Array,
        sources: Array,
        receivers: Array,
    ) -> Array:
        """First-order change of the gather, dd = J dp (Born modelling).

        Parameters
        ----------
        perturbation : mapping of str to ndarray
            Change of each parameter, on the model's grid.

        Returns
        -------
        change : ndarray of shape (n_receivers, samples)
            Change of the pressure [Pa].
        """
        changes = {f"d{name}": value for name, value in perturbation.items()}
        recorded = self._run(
            self._signature("born"),
            {**model, **changes},
            self._sources_in(wavelet),
            sources,
            receivers,
        )
        return self._receivers_out(recorded)

    def jacobian_adjoint(
        self, model: Model, gather: Array, wavelet: Array, sources: Array, receivers: Array
    ) -> dict[str, Array]:
        """Transpose of `jacobian`, g = J^T d: the gradient for an adjoint source d.

        Parameters
        ----------
        gather : ndarray of shape (n_receivers, samples)
            Adjoint source.

        Returns
        -------
        gradient : dict of str to ndarray
            For each parameter, on the model's grid. Exact if the discretisation keeps every step
            of the history; else the sum over time is taken at the steps that are kept.
        """
        return self.images(model, lambda _: gather, wavelet, sources, receivers).gradient

    def images(
        self,
        model: Model,
        residual: Callable[[Array], Array],
        wavelet: Array,
        sources: Array,
        receivers: Array,
        kinds: tuple[str, ...] = ("gradient",),
    ) -> Images:
        """Model a gather, propagate a residual of it backwards, and correlate the two.

        Parameters
        ----------
        residual : callable
            From the modelled gather to the adjoint source, both of shape
            (n_receivers, samples).
        kinds : tuple of str
            "gradient", and names of imaging conditions (see `conditions`).
        """
        recorded = self._run(
            self._signature("forward", history=True),
            model,
            self._sources_in(wavelet),
            sources,
            receivers,
        )
        gather = self._receivers_out(recorded)
        signature = self._signature("gradient", images=kinds)
        kernel = kernels.load(signature)
        for spec in kernel.arrays:
            if spec.name.startswith(("gradient_", "image_")):
                self._array(spec)[:] = 0
        adjoint_source = self._receivers_in(residual(gather))
        self._run(signature, model, adjoint_source, receivers, None)
        gradient, images = {}, {}
        for spec in kernel.arrays:
            kind, _, name = spec.name.partition("_")
            if kind == "gradient":
                gradient[name] = self._fold(self._array(spec), spec) * self.every
            elif kind == "image":
                images[name] = self._crop(self._array(spec), spec) * self.every
        return Images(gather, gradient, images)

    # --- sources, receivers and time -------------------------------------------------------------

    def _sources_in(self, wavelet: Array) -> Array:
        steps = self.resampling.to_steps(np.atleast_2d(wavelet))
        return steps / self.grid.cell_volume

    def _sources_out(self, values: Array) -> Array:
        return self.resampling.to_steps_transpose(values) / self.grid.cell_volume

    def _receivers_in(self, gather: Array) -> Array:
        return self.resampling.to_samples_transpose(np.atleast_2d(gather))

    def _receivers_out(self, values: Array) -> Array:
        return self._real(self.resampling.to_samples(values))

    def _interpolation(self, positions: Array) -> points.Interpolation:
        """Interpolation on the padded grid at positions [m]."""
        origin, spacing = np.asarray(self.grid.origin), np.asarray(self.grid.spacing)
        return points.interpolation((np.atleast_2d(positions) - origin) / spacing + self.layer.pad)

    # --- running a kernel ------------------------------------------------------------------------

    def _signature(self, kind: str, **extra: Any) -> Signature:
        return self.discretization.signature(kind, **extra)

    def _run(
        self,
        signature: Signature,
        model: Model,
        values: Array,
        injected: Array,
        recorded: Array | None,
    ) -> Array:
        """Run a kernel; return what it recorded, of shape (steps, n_points)."""
        kernel = kernels.load(signature)
        arguments: dict[str, Any] = {}
        for spec in kernel.arrays:
            array = self._array(spec)
            if spec.kind == "field":
                array[:] = 0
            elif spec.name in model:
                self._pad(model[spec.name], array, spec)
            arguments[spec.name] = array
            if spec.kind == "history":
                arguments[spec.name] = self._history(spec, array)
        steps = self.resampling.steps
        sources = points.transpose(self._interpolation(injected))
        arguments["q"] = self._aligned(values)
        arguments["inj_member"] = self._aligned(sources.members, np.int32)
        arguments["inj_weight"] = self._aligned(sources.weights)
        for axis, index in enumerate(sources.indices):
            arguments[f"inj_i{axis}"] = self._aligned(index, np.int32)
        output = np.zeros((steps, 0))
        if recorded is not None:
            receivers = self._interpolation(recorded)
            output = self._aligned(np.zeros((steps, receivers.weights.shape[0])))
            arguments["d"] = output
            arguments["rec_weight"] = self._aligned(receivers.weights)
            for axis, index in enumerate(receivers.indices):
                arguments[f"rec_i{axis}"] = self._aligned(index, np.int32)
        with kernels.strict():
            kernel.operator.apply(
                **arguments,
                dt=self.axis.step,
                time_m=0,
                time_M=steps - 1,
                **self._thread_arguments(kernel.operator),
            )
        if not np.isfinite(output).all():
            raise StabilityError(
                f"the wave field of {signature.equation} became infinite; the time step is "
                f"{self.axis.step:g} s"
            )
        return output

    def _thread_arguments(self, operator: Any) -> dict[str, int]:
        known = {p.name for p in operator.parameters}
        return {n: self.threads for n in ("nthreads", "nthreads_nonaffine") if n in known}

    # --- arrays ----------------------------------------------------------------------------------

    def _real(self, values: Array) -> Array:
        return values.astype(self.precision, copy=False)

    def _aligned(self, values: Array, dtype: Any = None) -> Array:
        """A contiguous copy that starts where vector instructions may load from."""
        array = _empty(values.shape, np.dtype(dtype or self.precision))
        array[...] = values
        return array

    def _array(self, spec: ArraySpec) -> Array:
        """The array of a specification; made once, and used by every kernel that needs it."""
        halo = 2 * spec.space_order
        shape = tuple(n + halo for n in self._shape)
        if spec.kind == "line":
            shape = (shape[spec.axis],)
        elif spec.kind == "field":
            shape = (spec.levels, *shape)
        elif spec.kind == "history":
            shape = ((self.resampling.steps - 1) // self.every + 1, *shape)
        key = (spec.name, shape)
        if key not in self._pool:
            self._pool[key] = _empty(shape, np.dtype(self.precision))
            self._pool[key][...] = 0
            if spec.kind == "line":
                self._set_line(spec, self._pool[key])
        return self._pool[key]

    def _history(self, spec: ArraySpec, array: Array) -> Any:
        # Only a Devito function can tell the operator how many steps lie between snapshots.
        grid = devito.Grid(shape=self._shape, dtype=np.dtype(self.precision).type)
        return timeloops.history(spec.name.removeprefix("history_"), grid, self.every, array)

    def _set_line(self, spec: ArraySpec, array: Array) -> None:
        """Coefficients of the absorbing layer along an axis."""
        offset = 0.5 if spec.name[1] == "h" else 0.0
        n, spacing = self._shape[spec.axis], self.grid.spacing[spec.axis]
        b, c = self.layer.coefficients(n, spacing, self.axis.step, offset)
        array[spec.space_order : spec.space_order + n] = b if spec.name[0] == "b" else c

    def _interior(self, array: Array, spec: ArraySpec) -> Array:
        """View of an array without its halo."""
        return array[tuple(slice(spec.space_order, spec.space_order + n) for n in self._shape)]

    def _pad(self, values: Array, array: Array, spec: ArraySpec) -> None:
        """Extend model values into the layer by their values at the edge."""
        # A perturbation must follow the parameter that it perturbs.
        self._interior(array, spec)[...] = np.pad(values, self.layer.pad, mode="edge")

    def _crop(self, array: Array, spec: ArraySpec) -> Array:
        pad = self.layer.pad
        inside = tuple(slice(pad, pad + n) for n in self.grid.shape)
        return self._interior(array, spec)[inside].copy()

    def _fold(self, array: Array, spec: ArraySpec) -> Array:
        """Transpose of `_pad`: add the values in the layer to those at the edge."""
        values = self._interior(array, spec).astype(np.float64)
        pad = self.layer.pad
        for axis in range(values.ndim):
            values = np.moveaxis(values, axis, 0)
            inside = values[pad : values.shape[0] - pad].copy()
            inside[0] += values[:pad].sum(axis=0)
            inside[-1] += values[values.shape[0] - pad :].sum(axis=0)
            values = np.moveaxis(inside, 0, axis)
        return self._real(values)


@lru_cache(maxsize=1)
def propagator(discretization: Discretization) -> Propagator:
    """The propagator of a discretization; the last one is kept with its arrays."""
    return Propagator(discretization)


def _empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """An uninitialised array that starts at a multiple of `ALIGNMENT` bytes."""
    count = int(np.prod(shape))
    raw = np.empty(count * dtype.itemsize + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + count * dtype.itemsize].view(dtype).reshape(shape)
