"""The operators of a wave equation on a grid: F, F^T, J and J^T.

With q the source time functions, d the gather and p the model parameters,

    forward            d  = F(p) q
    adjoint            q' = F(p)^T d
    jacobian           dd = J(p, q) dp,         J = dF(p) q / dp
    jacobian_adjoint   g  = J(p, q)^T r

All four are exact transposes and derivatives of each other for the discrete scheme, including
the absorbing layer, the points, the resampling in time and the padding of the model. A source
is a point source of the continuum: q(t) delta(x - x_s), with q in [Pa] in 2D and [Pa m] in 3D; or
an extended one, or a whole wave field (see `places`). What is said of gathers of shape
(n_receivers, samples) holds for whole fields of shape (samples, *grid) as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators import diagnosis, kernels
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import registry
from fwicli.propagators.history import Keeping
from fwicli.propagators.integral import Integral
from fwicli.propagators.keepers import KEEPERS, Keeper
from fwicli.propagators.kernels import Kernel, Signature
from fwicli.propagators.places import Everywhere, Place, Port, enter, leave, port
from fwicli.propagators.propagation import Collect, Model, Propagation
from fwicli.propagators.resampling import Resampling
from fwicli.propagators.storage import Storage
from fwicli.propagators.timeloops import records

Array = NDArray[Any]


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
class Curvature:
    """What one action of the Hessian accumulates.

    Attributes
    ----------
    product : dict of str to ndarray
        Hessian times a perturbation for each parameter, on the model's grid.
    images : dict of str to ndarray
        Images asked for, on the model's grid, by name.
    """

    product: dict[str, Array] = field(default_factory=dict)
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
        self.resampling = Resampling(self.axis, self.precision)
        self.storage = Storage(discretization, self.resampling.steps)

    # --- the operators ---------------------------------------------------------------------------

    def forward(self, model: Model, wavelet: Array, sources: Place, receivers: Place) -> Array:
        """Model one gather, d = F q.

        Parameters
        ----------
        model : mapping of str to ndarray
            Parameters of the equation on the model's grid, by name.
        wavelet : ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : ndarray of shape (n_points, ndim), Volume or Everywhere
            Positions [m], which need not lie on grid points; or places of other kinds.

        Returns
        -------
        gather : ndarray of shape (n_receivers, samples)
            Pressure [Pa]; the first sample is t = 0.

        Raises
        ------
        ModelError, DataError
            If parameters or sources are not finite, or parameters are not positive that must be.
        StabilityError
            If the waves do not stay finite; it says where, when, and the likely cause.
        """
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        entering = self._sources_in(wavelet, source)
        recorded = self._run(self._signature("forward"), model, entering, source, receiver)
        return self._receivers_out(recorded, receiver)

    def adjoint(self, model: Model, gather: Array, sources: Place, receivers: Place) -> Array:
        """Back-propagate a gather, q' = F^T d; the exact transpose of `forward`.

        Parameters
        ----------
        gather : ndarray of shape (n_receivers, samples)

        Returns
        -------
        wavelet : ndarray of shape (n_sources, samples)
            What arrives at the sources.
        """
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        entering = self._receivers_in(gather, receiver)
        recorded = self._run(self._signature("adjoint"), model, entering, receiver, source)
        return self._sources_out(recorded, source)

    def source_weights_adjoint(
        self, model: Model, gather: Array, wavelet: Array, receivers: Place
    ) -> Array:
        """Transpose of modelling with extended sources, w -> F (w q), for fixed q.

        Parameters
        ----------
        gather : ndarray of shape (n_receivers, samples)
        wavelet : ndarray of shape (n_sources, samples)
            q, a source time function for each volume source.

        Returns
        -------
        weights : ndarray of shape (n_sources, *grid.shape)
            The derivative with respect to the weights of a `Volume` of sources.
        """
        receiver, everywhere = self._at_receivers(receivers), self._at_sources(Everywhere())
        steps = self.resampling.to_steps(np.atleast_2d(wavelet))
        total = np.zeros((steps.shape[1], everywhere.count))

        def correlate(first: int, last: int, recorded: Array) -> None:
            total[...] += steps[first:last].T @ recorded

        self._run(
            self._signature("adjoint"),
            model,
            self._receivers_in(gather, receiver),
            receiver,
            everywhere,
            collect=correlate,
        )
        return (total / self.grid.cell_volume).reshape(-1, *self.grid.shape)

    def jacobian(
        self,
        model: Model,
        perturbation: Model,
        wavelet: Array,
        sources: Place,
        receivers: Place,
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
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        entering = self._sources_in(wavelet, source)
        both = {**model, **changes}
        recorded = self._run(self._signature("born"), both, entering, source, receiver)
        return self._receivers_out(recorded, receiver)

    def jacobian_adjoint(
        self, model: Model, gather: Array, wavelet: Array, sources: Place, receivers: Place
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
        sources: Place,
        receivers: Place,
    ) -> dict[str, Array]:
        """Gauss-Newton Hessian of half the squared residual, J^T J dp."""
        return self.curvature(
            model,
            perturbation,
            lambda _, change: (None, change),
            wavelet,
            sources,
            receivers,
            kinds=(),
        ).product

    def hessian(
        self,
        model: Model,
        perturbation: Model,
        residual: Array,
        wavelet: Array,
        sources: Place,
        receivers: Place,
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
        return self.curvature(
            model,
            perturbation,
            lambda _, change: (residual, change),
            wavelet,
            sources,
            receivers,
            kinds=(),
        ).product

    def curvature(
        self,
        model: Model,
        perturbation: Model,
        residual: Callable[[Array, Array], tuple[Array | None, Array]],
        wavelet: Array,
        sources: Place,
        receivers: Place,
        kinds: tuple[str, ...] = ("illumination",),
    ) -> Curvature:
        """The product of a Hessian with a perturbation, and images from the same propagations.

        For a function phi(F q) it is J^T W J dp + (dJ[dp])^T r, with r its derivative by the
        gather and W the second one.

        Parameters
        ----------
        residual : callable
            From the modelled gather d and its change J dp to r and to W J dp, all of shape
            (n_receivers, samples). With None for r the product is that of Gauss and Newton, for
            three propagations, not four.
        kinds : tuple of str
            Names of imaging conditions (see `conditions`); for other parameters see `hessian`.
        """
        changes = {f"d{name}": value for name, value in perturbation.items()}
        both = {**model, **changes}
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        entering = self._sources_in(wavelet, source)
        makes = self._signature("born", history=True)
        keeper = self._keeper(makes)
        recorded = self._run(makes, both, entering, source, receiver, keeper=keeper)
        change, gather = np.split(recorded, 2, axis=1)
        adjoint, moved = residual(
            self._receivers_out(gather, receiver), self._receivers_out(change, receiver)
        )
        if adjoint is None:
            # The multipliers are those of a gradient, whose source is W J dp.
            signature, adjoint = self._signature("gradient", images=("gradient", *kinds)), moved
            changed = None
        else:
            signature = self._signature("hessian", images=kinds)
            changed = self._receivers_in(moved, receiver)
        kernel = kernels.load(signature)
        self._clear(kernel)
        entering = self._receivers_in(adjoint, receiver)
        self._run(signature, both, entering, receiver, None, changed, keeper=keeper)
        return Curvature(self._gradients(kernel), self._images(kernel))

    def images(
        self,
        model: Model,
        residual: Callable[[Array], Array],
        wavelet: Array,
        sources: Place,
        receivers: Place,
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
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        entering = self._sources_in(wavelet, source)
        makes = self._signature("forward", **self._kept())
        keeper = self._keeper(makes)
        gather = self._receivers_out(
            self._run(makes, model, entering, source, receiver, keeper=keeper), receiver
        )
        signature = self._signature("gradient", images=kinds)
        kernel = kernels.load(signature)
        self._clear(kernel)
        adjoint_source = self._receivers_in(residual(gather), receiver)
        self._run(signature, model, adjoint_source, receiver, None, keeper=keeper)
        return Images(gather, self._gradients(kernel), self._images(kernel))

    def _kept(self) -> dict[str, bool]:
        """What a forward kernel has to keep."""
        return {"edges" if self.discretization.keeping.kind == "boundary" else "history": True}

    def _keeper(self, makes: Signature) -> Keeper:
        """A keeper of the history that a kernel makes."""
        made = self.discretization
        if made.keeping.kind == "boundary" and not makes.edges:
            # The Born system has sources in the layer, too: it is not run backwards.
            made = replace(made, keeping=Keeping("checkpoints"))
        return KEEPERS[made.keeping.kind](made, self.storage, kernels.load(makes))

    def _clear(self, kernel: Kernel) -> None:
        """Set what a kernel accumulates to zero."""
        for spec in kernel.arrays:
            if spec.name.startswith(kernels.ACCUMULATED):
                self.storage.array(spec)[:] = 0

    def _gradients(self, kernel: Kernel) -> dict[str, Array]:
        """Derivatives that a kernel has accumulated, on the model's grid."""
        return {
            spec.name.removeprefix("gradient_"): self.storage.fold(spec) * self.every
            for spec in kernel.arrays
            if spec.name.startswith("gradient_")
        }

    def _images(self, kernel: Kernel) -> dict[str, Array]:
        """Images that a kernel has accumulated, on the model's grid."""
        return {
            spec.name.removeprefix("image_"): self.storage.crop(spec) * self.every
            for spec in kernel.arrays
            if spec.name.startswith("image_")
        }

    # --- sources, receivers and time -------------------------------------------------------------

    def _at_sources(self, place: Place) -> Port:
        return port(place, self.discretization, self.resampling.steps, density=True)

    def _at_receivers(self, place: Place) -> Port:
        return port(place, self.discretization, self.resampling.steps)

    def _sources_in(self, data: Array, at: Port) -> Array:
        traces = self._checked(data, at) / self.grid.cell_volume
        return enter(traces, at, self.resampling.disperse)

    def _sources_out(self, longer: Array, at: Port) -> Array:
        return at.data(leave(longer, at, self.resampling.disperse_transpose)) / (
            self.grid.cell_volume
        )

    def _receivers_in(self, data: Array, at: Port) -> Array:
        return enter(self._checked(data, at), at, self.resampling.restore_transpose)

    def _receivers_out(self, longer: Array, at: Port) -> Array:
        traces = leave(longer, at, self.resampling.restore)
        return at.data(traces).astype(self.precision, copy=False)

    def _checked(self, data: Array, at: Port) -> Array:
        traces = at.traces(np.asarray(data), self.axis.samples)
        diagnosis.check_traces(traces, self.axis.interval)
        return traces

    # --- running a kernel ------------------------------------------------------------------------

    def _signature(self, kind: str, **extra: Any) -> Signature:
        return self.discretization.signature(kind, **extra)

    def _run(
        self,
        signature: Signature,
        model: Model,
        values: Array,
        injected: Port,
        recorded: Port | None,
        second: Array | None = None,
        collect: Collect | None = None,
        keeper: Keeper | None = None,
    ) -> Array:
        """Run a kernel; return what it recorded, of shape (extended, n_visited).

        Parameters
        ----------
        values : ndarray of shape (extended, n_visited)
            What is injected. `second` enters the change of the field that it enters.
        collect : callable, optional
            Takes what is recorded instead.
        keeper : Keeper, optional
            Keeps the history that the kernel makes or reads.
        """
        resampling = self.resampling
        integral = Integral(self.axis.step, self.precision)
        integrated = registry.load(signature.equation).integrated
        steps_in: Callable[..., Array] = resampling.upsample
        if integrated and signature.kind in ("forward", "born"):
            steps_in = integral.forwards(steps_in)

        def entering(first: int, last: int) -> dict[str, Array]:
            found = {"q": steps_in(values, first, last)}
            if second is not None:
                found["dq"] = resampling.upsample(second, first, last)
            return found

        columns = recorded.count * len(records(signature)) if recorded else 0
        shape = (resampling.extended, columns if not collect else 0)
        total = np.zeros(shape, dtype=self.precision)

        def add(first: int, last: int, steps: Array) -> None:
            total[...] += resampling.downsample(steps, first, last)

        # Segments of a history must not show in the sums: records are the same to the last bit.
        steps_of_all = np.zeros((resampling.steps if keeper else 0, shape[1]), self.precision)

        def gather(first: int, last: int, steps: Array) -> None:
            steps_of_all[first:last] = steps
            if last == resampling.steps:
                add(0, last, steps_of_all)

        run = Propagation(
            self.discretization, self.storage, signature, model, injected, recorded, keeper
        )
        collect = collect or (gather if keeper else add)
        if integrated and signature.kind == "adjoint":
            collect = integral.backwards(collect)
        run.run(entering, collect)
        return total


@lru_cache(maxsize=1)
def propagator(discretization: Discretization) -> Propagator:
    """The propagator of a discretization; the last one is kept with its arrays."""
    return Propagator(discretization)
