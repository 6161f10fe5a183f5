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
from functools import lru_cache
from typing import Any

import devito
import numpy as np
from numpy.typing import NDArray

from fwicli.errors import StabilityError
from fwicli.propagators import kernels, points, timeloops
from fwicli.propagators.absorbing import walls
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.kernels import ArraySpec, Kernel, Signature
from fwicli.propagators.resampling import Resampling
from fwicli.propagators.storage import Storage

Array = NDArray[Any]
Model = Mapping[str, Array]


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


class Propagator:
    """Operators of one wave equation on one grid and time axis.

    Its arrays are made when they are first needed and kept for the next shot.
    """

    def __init__(self, discretization: Discretization) -> None:
        self.discretization = discretization
        self.grid = discretization.grid
        self.axis = discretization.axis
        self.layer = discretization.layer
        self.precision = discretization.precision
        self.every = discretization.every
        self.threads = discretization.threads
        self.resampling = Resampling(self.axis)
        self.storage = Storage(discretization, self.resampling.steps)

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

    def gauss_newton(
        self,
        model: Model,
        perturbation: Model,
        wavelet: Array,
        sources: Array,
        receivers: Array,
    ) -> dict[str, Array]:
        """Gauss-Newton Hessian of half the squared residual, J^T J dp."""
        residual = np.zeros((len(np.atleast_2d(receivers)), self.axis.samples))
        return self.hessian(model, perturbation, residual, wavelet, sources, receivers)

    def hessian(
        self,
        model: Model,
        perturbation: Model,
        residual: Array,
        wavelet: Array,
        sources: Array,
        receivers: Array,
    ) -> dict[str, Array]:
        """Hessian of half the squared residual, H dp = J^T J dp + (dJ[dp])^T r.

        Parameters
        ----------
        perturbation : mapping of str to ndarray
            dp, a change of each parameter, on the model's grid.
        residual : ndarray of shape (n_receivers, samples)
            r = F q - d at the model [Pa].

        Returns
        -------
        product : dict of str to ndarray
            For each parameter, on the model's grid; exact where every step is kept.
        """
        changes = {f"d{name}": value for name, value in perturbation.items()}
        both = {**model, **changes}
        born = self._run(
            self._signature("born", history=True),
            both,
            self._sources_in(wavelet),
            sources,
            receivers,
        )
        signature = self._signature("hessian")
        kernel = kernels.load(signature)
        self._clear(kernel)
        self._run(
            signature,
            both,
            self._receivers_in(residual),
            receivers,
            None,
            self._receivers_in(self._receivers_out(born)),
        )
        return self._gradients(kernel)

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
        self._clear(kernel)
        adjoint_source = self._receivers_in(residual(gather))
        self._run(signature, model, adjoint_source, receivers, None)
        images = {
            spec.name.removeprefix("image_"): self.storage.crop(spec) * self.every
            for spec in kernel.arrays
            if spec.name.startswith("image_")
        }
        return Images(gather, self._gradients(kernel), images)

    def _clear(self, kernel: Kernel) -> None:
        """Set what a kernel accumulates to zero."""
        for spec in kernel.arrays:
            if spec.name.startswith(("gradient_", "image_")):
                self.storage.array(spec)[:] = 0

    def _gradients(self, kernel: Kernel) -> dict[str, Array]:
        """Derivatives that a kernel has accumulated, on the model's grid."""
        return {
            spec.name.removeprefix("gradient_"): self.storage.fold(spec) * self.every
            for spec in kernel.arrays
            if spec.name.startswith("gradient_")
        }

    # --- sources, receivers and time -------------------------------------------------------------

    def _sources_in(self, wavelet: Array) -> Array:
        steps = self.resampling.to_steps(np.atleast_2d(wavelet))
        return steps / self.grid.cell_volume

    def _sources_out(self, values: Array) -> Array:
        return self.resampling.to_steps_transpose(values) / self.grid.cell_volume

    def _receivers_in(self, gather: Array) -> Array:
        return self.resampling.to_samples_transpose(np.atleast_2d(gather))

    def _receivers_out(self, values: Array) -> Array:
        return self.resampling.to_samples(values).astype(self.precision, copy=False)

    def _interpolation(self, positions: Array) -> points.Interpolation:
        """Interpolation on the padded grid at positions [m]."""
        origin, spacing = np.asarray(self.grid.origin), np.asarray(self.grid.spacing)
        before = [pad for pad, _ in self.layer.pads(self.grid.ndim)]
        place = (np.atleast_2d(positions) - origin) / spacing + before
        return points.interpolation(
            place,
            self.discretization.interpolation,
            walls(self.layer.free, self.grid.ndim),
            self.storage.shape,
        )

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
        second: Array | None = None,
    ) -> Array:
        """Run a kernel; return what it recorded, of shape (steps, n_points).

        What is `second` is injected into the change of the field that `values` is injected into.
        """
        kernel = kernels.load(signature)
        aligned = self.storage.aligned
        arguments: dict[str, Any] = {}
        for spec in kernel.arrays:
            array = self.storage.array(spec)
            if spec.kind == "field":
                array[:] = 0
            elif spec.name in model:
                # A perturbation follows the parameter that it perturbs.
                self.storage.extend(model[spec.name], spec)
            arguments[spec.name] = array
            if spec.kind == "history":
                arguments[spec.name] = self._history(spec, array)
        steps = self.resampling.steps
        sources = points.transpose(self._interpolation(injected))
        arguments["q"] = aligned(values)
        if second is not None:
            arguments["dq"] = aligned(second)
        arguments["inj_member"] = aligned(sources.members, np.int32)
        arguments["inj_weight"] = aligned(sources.weights)
        for axis, index in enumerate(sources.indices):
            arguments[f"inj_i{axis}"] = aligned(index, np.int32)
        output = np.zeros((steps, 0))
        if recorded is not None:
            receivers = self._interpolation(recorded)
            output = aligned(np.zeros((steps, receivers.weights.shape[0])))
            arguments["d"] = output
            arguments["rec_weight"] = aligned(receivers.weights)
            for axis, index in enumerate(receivers.indices):
                arguments[f"rec_i{axis}"] = aligned(index, np.int32)
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

    def _history(self, spec: ArraySpec, array: Array) -> Any:
        # Only a Devito function can tell the operator how many steps lie between snapshots.
        name = spec.name.removeprefix("history_")
        grid = devito.Grid(shape=self.storage.shape, dtype=np.dtype(self.precision).type)
        return timeloops.history(name, grid, spec.space_order, self.every, array)

    def _thread_arguments(self, operator: Any) -> dict[str, int]:
        known = {p.name for p in operator.parameters}
        return {n: self.threads for n in ("nthreads", "nthreads_nonaffine") if n in known}


@lru_cache(maxsize=1)
def propagator(discretization: Discretization) -> Propagator:
    """The propagator of a discretization; the last one is kept with its arrays."""
    return Propagator(discretization)
