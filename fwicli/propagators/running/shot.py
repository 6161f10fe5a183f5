"""Operators of one shot, by component: user's arrays in, kernels, gathers and images out.

Inputs and outputs have components: one for each direction along which the equation is
differentiated, and one for each product of directions (see `directions`). Without directions there
is one component, number 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.checks import failures
from fwicli.propagators.checks.entrance import Entrance
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import registry
from fwicli.propagators.kernels import compilation, ports
from fwicli.propagators.kernels.kernel import ACCUMULATED, Kernel
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.locations import FullField, Locations
from fwicli.propagators.running import store_selection
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.excitation_store import ExcitationStore
from fwicli.propagators.running.kernel_run import KernelRun, Model, Recorded, parameters
from fwicli.propagators.running.results import GradientRequest, ShotResult, history_signature
from fwicli.propagators.running.shared_memory import SharedSlot
from fwicli.propagators.running.shot_points import PartKey, ShotPoints, on_fields
from fwicli.propagators.running.time_series import SourceCorrelation, SourceTerms
from fwicli.propagators.running.wavefield_stores import WavefieldStore
from fwicli.propagators.sampling.resampling import Resampling
from fwicli.propagators.symbolic.component_names import prefix, split_prefix
from fwicli.threads import blas, passes

Array = NDArray[Any]
# Parameters, and changes of them along directions, by component.
Models = Mapping[int, Model]
# Wavelets or gathers by component; components that are left out are zero.
Components = Mapping[int, Array]
# From modelled gathers to the number of directions of the adjoint source, and its components.
Residual = Callable[[dict[int, Array]], tuple[int, Components]]


class ShotRunner:
    """Runs the kernels of a discretization, for one call at a time.

    Its arrays are allocated on first use and reused for the next shot.

    Parameters
    ----------
    discretization : Discretization
    quiet : bool
        Whether implausible units raise no warning.
    """

    def __init__(self, discretization: Discretization, quiet: bool = False) -> None:
        self.discretization = discretization
        self.grid = discretization.grid
        self.resampling = Resampling(discretization.time, discretization.precision)
        self.arrays = GridArrays(discretization, self.resampling.steps)
        self.entrance = Entrance(discretization, quiet, self.arrays.model)

    # --- operators -------------------------------------------------------------------------------

    @blas.alone()
    def forward_components(
        self,
        models: Models,
        wavelets: Components,
        sources: Locations,
        receivers: Locations,
        n_directions: int,
        slot: SharedSlot | None = None,
    ) -> dict[int, Array]:
        """Gathers: d = F(p) q and its derivatives along directions.

        With p(e) = p0 + e1 p1 + e2 p2 + e1 e2 p3 + ... and q(e) likewise, the component of a
        product of the e is its coefficient in F(p(e)) q(e), a mixed derivative.

        Parameters
        ----------
        models : mapping of int to mapping of str to ndarray
            Parameters, component 0, and others along the directions; zero where left out.
        wavelets : mapping of int to ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        sources, receivers : Locations
        n_directions : int
            Number of directions.
        slot : SharedSlot, optional
            Shared memory that stores the history for `gradient_components`; by default none is
            stored. A slot without room runs the same kernel: records do not depend on the room.

        Returns
        -------
        gathers : dict of int to ndarray of shape (n_receivers, samples)
            All components.
        """
        models = self.entrance.models(models, n_directions)
        self.entrance.components("wavelet", wavelets, n_directions)
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        samples = {c: self._sources_in(w, source) for c, w in wavelets.items()}
        signature, store = self._signature("forward", n_directions=n_directions), None
        if slot is not None:
            signature = history_signature(self.discretization, n_directions, slot)
        signature = self._at(signature, source, receiver)
        if slot is not None:
            store = self._store(signature, slot)
        terms = SourceTerms(self.resampling, signature, source, samples)
        run = self._kernel_run(signature, models, terms, receiver, store)
        return self._gathers(run.run(), receiver)

    @blas.alone()
    def adjoint_components(
        self,
        models: Models,
        gathers: Components,
        sources: Locations,
        receivers: Locations,
        n_directions: int,
    ) -> dict[int, Array]:
        """Adjoint field at the sources, F(p)^T d, and its derivatives along directions.

        Parameters
        ----------
        models : mapping of int to mapping of str to ndarray
            Parameters, component 0, and others along the directions; zero where left out.
        gathers : mapping of int to ndarray of shape (n_receivers, samples)
        sources, receivers : Locations
        n_directions : int
            Number of directions.

        Returns
        -------
        at_sources : dict of int to ndarray of shape (n_sources, samples)
            All components.
        """
        models = self.entrance.models(models, n_directions)
        self.entrance.components("gather", gathers, n_directions)
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        signature = self._signature("adjoint", n_directions=n_directions)
        signature = self._at(signature, source, receiver)
        samples = {c: self._receivers_in(g, receiver) for c, g in gathers.items()}
        terms = SourceTerms(self.resampling, signature, receiver, samples)
        return self._wavelets(self._kernel_run(signature, models, terms, source).run(), source)

    def gradient_components(
        self,
        models: Models,
        wavelets: Components,
        residual: Residual,
        sources: Locations,
        receivers: Locations,
        request: GradientRequest,
    ) -> ShotResult:
        """Model gathers, propagate residuals of them backwards, and accumulate images.

        The gradient is g = (dF(p) q / dp)^T r, with its derivatives along directions.

        Parameters
        ----------
        models : mapping of int to mapping of str to ndarray
            Parameters, component 0, and others along the directions; zero where left out.
        wavelets : mapping of int to ndarray of shape (n_sources, samples)
            Source time functions [Pa] in 2D, [Pa m] in 3D.
        residual : callable
            From the modelled gathers to the number of directions of the adjoint source, which may
            be fewer, and the components of it. The gathers are empty if none are modelled.
        sources, receivers : Locations
        request : GradientRequest

        Returns
        -------
        ShotResult
        """
        return self.gradients_of_each(
            models, wavelets, lambda gathers: [residual(gathers)], sources, receivers, request
        )[0]

    @blas.alone()
    def gradients_of_each(
        self,
        models: Models,
        wavelets: Components,
        residuals: Callable[[dict[int, Array]], Sequence[tuple[int, Components]]],
        sources: Locations,
        receivers: Locations,
        request: GradientRequest,
    ) -> list[ShotResult]:
        """Model gathers once, and propagate each of some residuals of them backwards.

        Parameters
        ----------
        models, wavelets, sources, receivers, request
            See `gradient_components`.
        residuals : callable
            As there, with several adjoint sources.

        Returns
        -------
        list of ShotResult
            One for each adjoint source, in their order.
        """
        models = self.entrance.models(models, request.n_directions)
        self.entrance.components("wavelet", wavelets, request.n_directions)
        self.entrance.images(request.images, request.derivatives)
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        samples = {c: self._sources_in(w, source) for c, w in wavelets.items()}
        signature = self._at(request.forward_signature(self.discretization), source, receiver)
        store = self._store(signature, request.slot)
        gathers: dict[int, Array] = {}
        if not store.is_complete:
            terms = SourceTerms(self.resampling, signature, source, samples)
            run = self._kernel_run(signature, models, terms, receiver, store)
            gathers = self._gathers(run.run(), receiver)
        results = []
        for number, residual in enumerate(residuals(gathers)):
            if number:
                store.rewind()
            run, kernel = self._backwards(models, residual, (source, receiver), request, store)
            recorded = run.run()
            at_sources = self._wavelets(recorded, source) if request.at_sources else {}
            images = self._images(kernel, store)
            results.append(ShotResult(gathers, at_sources, self._gradients(kernel), images))
        store.close()
        return results

    def _backwards(
        self,
        models: Models,
        residual: tuple[int, Components],
        at: tuple[ShotPoints, ShotPoints],
        request: GradientRequest,
        store: WavefieldStore,
    ) -> tuple[KernelRun, Kernel]:
        """The run that propagates a residual backwards from the receivers, and its kernel."""
        n_directions, residuals = residual
        source, receiver = at
        self.entrance.components("adjoint source", residuals, n_directions)
        samples = {c: self._receivers_in(g, receiver) for c, g in residuals.items()}
        signature = request.adjoint_signature(self.discretization, n_directions)
        signature = self._at(signature, source, receiver)
        kernel = self._cleared(signature)
        models = {c: part for c, part in models.items() if c < 2**n_directions}
        terms = SourceTerms(self.resampling, signature, receiver, samples)
        recorded_at = source if request.at_sources else None
        return self._kernel_run(signature, models, terms, recorded_at, store), kernel

    @blas.alone()
    def source_weights_adjoint(
        self, model: Model, gather: Array, wavelet: Array, receivers: Locations
    ) -> Array:
        """Transpose of modelling with extended sources (see `Propagator`).

        Parameters
        ----------
        model : mapping of str to ndarray
        gather : ndarray of shape (n_receivers, samples)
        wavelet : ndarray of shape (n_sources, samples)
        receivers : Locations

        Returns
        -------
        weights : ndarray of shape (n_sources, *grid.shape)
        """
        models = self.entrance.models({0: model}, 0)
        receiver, everywhere = self._at_receivers(receivers), self._at_sources(FullField())
        wavelet = self.entrance.wavelets(wavelet)
        signature = self._at(self._signature("adjoint"), everywhere, receiver)
        samples = {0: self._receivers_in(gather, receiver)}
        terms = SourceTerms(self.resampling, signature, receiver, samples)
        longer = self.resampling.disperse(wavelet)
        sums = {
            part.key: SourceCorrelation(
                self.resampling.upsample(longer, half_steps=part.channel.half_steps),
                part.at.count,
            )
            for part in everywhere.parts
        }
        self._kernel_run(signature, models, terms, everywhere).run(sums)
        totals = {name: correlation.total for name, correlation in sums.items()}
        total = everywhere.record(totals, lambda traces: traces.T).T
        return (total / self.grid.cell_volume).reshape(-1, *self.grid.shape)

    # --- parts of a run --------------------------------------------------------------------------

    def _signature(self, kind: str, **extra: Any) -> Signature:
        return self.discretization.signature(kind, **extra)

    def _at(self, signature: Signature, source: ShotPoints, receiver: ShotPoints) -> Signature:
        """The signature of a kernel for the fields of sources and receivers."""
        return ports.for_fields(signature, source.fields, receiver.fields)

    def _kernel_run(
        self,
        signature: Signature,
        models: Models,
        terms: SourceTerms,
        recorded: ShotPoints | None,
        store: WavefieldStore | None = None,
    ) -> KernelRun:
        """A run of a kernel; components that the models lack are zero."""
        model = {f"{prefix(c)}{n}": a for c, part in models.items() for n, a in part.items()}
        zero = np.zeros(self.grid.shape, dtype=self.discretization.precision)
        changes = [n for n in parameters(signature) if split_prefix(n)[0]]
        whole = {**dict.fromkeys(changes, zero), **model}
        return KernelRun(self.arrays, signature, whole, terms, recorded, store)

    def _store(self, signature: Signature, slot: SharedSlot | None) -> WavefieldStore:
        """The store of the history that a kernel makes."""
        made_of = self.discretization, self.arrays, compilation.load(signature)
        if slot is not None:
            return store_selection.of_slot(*made_of, slot)
        return store_selection.of_kernel(*made_of)

    def _cleared(self, signature: Signature) -> Kernel:
        """The kernel of a signature, with the arrays that it accumulates set to zero."""
        kernel = compilation.load(signature)
        for spec in kernel.arrays:
            if spec.name.startswith(ACCUMULATED):
                passes.clear(self.arrays.array(spec), self.discretization.threads)
        return kernel

    def _gradients(self, kernel: Kernel) -> dict[int, dict[str, Array]]:
        """Derivatives that a kernel has accumulated, on the model's grid."""
        gradients: dict[int, dict[str, Array]] = {}
        specs = {s.name: s for s in kernel.arrays if s.name.startswith("gradient_")}
        last = kernel.signature.components - 1
        for c in range(kernel.signature.components):
            for name in registry.load(self.discretization.equation).parameters(self.grid.ndim):
                spec = specs.get(f"gradient_{prefix(last ^ c)}{name}")
                if spec is not None:
                    values = self.arrays.fold(spec)
                    values *= self.discretization.history_step
                    gradients.setdefault(c, {})[name] = values
        return gradients

    def _images(self, kernel: Kernel, store: WavefieldStore) -> dict[str, Array]:
        """Images that a kernel has accumulated from a history, on the model's grid."""
        images = {
            spec.name.removeprefix("image_"): self.arrays.crop(spec)
            * self.discretization.history_step
            for spec in kernel.arrays
            if spec.name.startswith("image_")
        }
        if isinstance(store, ExcitationStore):
            images["illumination"] = store.illumination
        elif "illumination" in images:
            images["illumination"] *= store.energy_share
        if self.discretization.topography is not None:
            air = self.discretization.topography.is_air
            images = {name: np.where(air, 0, image) for name, image in images.items()}
        return images

    # --- sources, receivers and time -------------------------------------------------------------

    def _at_sources(self, locations: Locations) -> ShotPoints:
        return on_fields(locations, self.discretization, self.resampling.steps, "emit")

    def _at_receivers(self, locations: Locations) -> ShotPoints:
        return on_fields(locations, self.discretization, self.resampling.steps, "record")

    def _sources_in(self, data: Array, at: ShotPoints) -> dict[PartKey, Array]:
        traces = self._checked("wavelet", data, at) / self.grid.cell_volume
        return at.inject(traces, self.resampling.disperse)

    def _wavelets(self, recorded: Recorded, at: ShotPoints) -> dict[int, Array]:
        """Records at the sources, by component."""
        disperse = self.resampling.disperse_transpose
        return {
            c: at.data(at.record(longer, disperse)) / self.grid.cell_volume
            for c, longer in recorded.items()
        }

    def _receivers_in(self, data: Array, at: ShotPoints) -> dict[PartKey, Array]:
        return at.inject(self._checked("gather", data, at), self.resampling.restore_transpose)

    def _gathers(self, recorded: Recorded, at: ShotPoints) -> dict[int, Array]:
        """Records at the receivers, by component."""
        precision = self.discretization.precision
        return {
            c: at.data(at.record(longer, self.resampling.restore)).astype(precision, copy=False)
            for c, longer in recorded.items()
        }

    def _checked(self, role: str, data: Array, at: ShotPoints) -> Array:
        time = self.discretization.time
        data = self.entrance.traces(role, data, at.shape(time.samples))
        traces = at.traces(data, time.samples)
        failures.check_traces(traces, time.interval)
        return traces
