"""One propagation of a propagator: values in, a kernel, records and images out.

What enters and leaves are components: one for each of the directions along which the equation is
lifted, and their products (see `directions`); without any, there is one component, number 0.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators.checks import failures
from fwicli.propagators.checks.entrance import Entrance
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import registry
from fwicli.propagators.history import STORED, HistoryOptions
from fwicli.propagators.kernels import compilation, time_loops
from fwicli.propagators.kernels.compilation import Kernel
from fwicli.propagators.kernels.signature import Signature
from fwicli.propagators.locations import (
    FullField,
    GridLocations,
    Locations,
    inject,
    on_grid,
    record,
)
from fwicli.propagators.running import shared_memory
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.kernel_run import Collect, KernelRun, Model, parameters
from fwicli.propagators.running.wavefield_stores import STORES, WavefieldStore
from fwicli.propagators.sampling.integral import Integral
from fwicli.propagators.sampling.resampling import Resampling
from fwicli.propagators.symbolic.directions import prefix, split_prefix
from fwicli.threads import blas

Array = NDArray[Any]
# Parameters, and changes of them along directions, by component.
Models = Mapping[int, Model]
# What enters, or is recorded, by component; what is left out is zero.
Components = Mapping[int, Array]


@dataclass(frozen=True)
class Backward:
    """What a forward and a backward propagation leave, by component.

    Attributes
    ----------
    gathers : dict of int to ndarray of shape (n_receivers, samples)
        Modelled gather [Pa], and its derivatives.
    sources : dict of int to ndarray of shape (n_sources, samples)
        What arrives at the sources, where that is wanted.
    gradient : dict of int to dict of str to ndarray
        Derivative with respect to each parameter that is wanted, on the model's grid.
    images : dict of str to ndarray
        Other images asked for, on the model's grid, by name.
    """

    gathers: dict[int, Array] = field(default_factory=dict)
    sources: dict[int, Array] = field(default_factory=dict)
    gradient: dict[int, dict[str, Array]] = field(default_factory=dict)
    images: dict[str, Array] = field(default_factory=dict)


class ShotRunner:
    """Runs the kernels of a discretization, for one call at a time.

    Its arrays are made when they are first needed and kept for the next shot.
    """

    def __init__(self, discretization: Discretization, quiet: bool = False) -> None:
        self.discretization = discretization
        self.grid = discretization.grid
        self.time = discretization.time
        self.layer = discretization.layer
        self.precision = discretization.precision
        self.history_step = discretization.history_step
        self.resampling = Resampling(self.time, self.precision)
        self.storage = GridArrays(discretization, self.resampling.steps)
        self.entrance = Entrance(discretization, quiet)

    # --- propagations ----------------------------------------------------------------------------

    @blas.alone()
    def forward_components(
        self,
        models: Models,
        wavelets: Components,
        sources: Locations,
        receivers: Locations,
        n_directions: int,
        shared: shared_memory.SharedSlot | None = None,
    ) -> dict[int, Array]:
        """Gathers: d = F(p) q and its derivatives along directions.

        With p(e) = p0 + e1 p1 + e2 p2 + e1 e2 p3 + ... and q(e) likewise, the component of a
        product of the e is what F(p(e)) q(e) has with it; it is the mixed derivative.

        Parameters
        ----------
        models : mapping of int to mapping of str to ndarray
            Parameters, component 0, and others along the directions; zero where left out.
        wavelets : mapping of int to ndarray of shape (n_sources, samples)
        n_directions : int
            Number of directions.
        shared : SharedSlot, optional
            Shared memory that stores the history for `gradient_components`; by default none is
            stored. A slot without room runs the same kernel: records do not depend on the room.

        Returns
        -------
        gathers : dict of int to ndarray of shape (n_receivers, samples)
            Of all components.
        """
        models = self.entrance.models(models, n_directions)
        self.entrance.components("wavelet", wavelets, n_directions)
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        entering = {c: self._sources_in(w, source) for c, w in wavelets.items()}
        signature, store = self._signature("forward", n_directions=n_directions), None
        if shared is not None:
            signature, store = self._shared(shared, n_directions)
        recorded = self.run(signature, models, entering, source, receiver, store)
        return {c: self._receivers_out(a, receiver) for c, a in recorded.items()}

    @blas.alone()
    def adjoint_components(
        self,
        models: Models,
        gathers: Components,
        sources: Locations,
        receivers: Locations,
        n_directions: int,
    ) -> dict[int, Array]:
        """What arrives at sources, F(p)^T d, and its derivatives along directions."""
        models = self.entrance.models(models, n_directions)
        self.entrance.components("gather", gathers, n_directions)
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        signature = self._signature("adjoint", n_directions=n_directions)
        entering = {c: self._receivers_in(g, receiver) for c, g in gathers.items()}
        recorded = self.run(signature, models, entering, receiver, source)
        return {c: self._sources_out(a, source) for c, a in recorded.items()}

    @blas.alone()
    def gradient_components(
        self,
        models: Models,
        wavelets: Components,
        residual: Callable[[dict[int, Array]], tuple[int, Components]],
        sources: Locations,
        receivers: Locations,
        n_directions: int = 0,
        wanted: Collection[tuple[int, str]] | None = None,
        kinds: tuple[str, ...] = ("gradient",),
        recorded: bool = False,
        shared: shared_memory.SharedSlot | None = None,
    ) -> Backward:
        """Model gathers, propagate residuals of them backwards, and accumulate images.

        The gradient is g = (dF(p) q / dp)^T r and its derivatives along directions.

        Parameters
        ----------
        residual : callable
            From the modelled gathers to the number of directions on the way back, which may be
            fewer, and r by component.
        n_directions : int
            Number of directions.
        wanted : collection of (int, str), optional
            Components of the gradient and names of parameters; by default the last component for
            all parameters of the discretization.
        kinds : tuple of str
            "gradient", and names of imaging conditions (see `imaging_conditions`).
        recorded : bool
            Whether what arrives at the sources is wanted.
        shared : SharedSlot, optional
            Where the history is left for the next time. If it is there, no gathers are modelled,
            and `residual` finds none. The gradient has to be that for the place's parameters.
        """
        models = self.entrance.models(models, n_directions)
        self.entrance.components("wavelet", wavelets, n_directions)
        self.entrance.images(kinds, wanted)
        source, receiver = self._at_sources(sources), self._at_receivers(receivers)
        entering = {c: self._sources_in(w, source) for c, w in wavelets.items()}
        made: dict[str, Any] = {"n_directions": n_directions}
        if wanted is not None:
            # A component of the gradient for p is the last of that for another component of p.
            lifted = {f"{prefix(2**n_directions - 1 ^ c)}{name}" for c, name in wanted}
            made["parameters"] = tuple(sorted(lifted))
        if shared is not None:
            makes, store = self._shared(shared, n_directions)
        else:
            edges = self.discretization.history.kind == "boundary" and not n_directions
            makes = self._signature("forward", **{"edges" if edges else "history": True}, **made)
            store = self._store(makes)
        gathers: dict[int, Array] = {}
        if not store.is_complete:
            seen = self.run(makes, models, entering, source, receiver, store)
            gathers = {c: self._receivers_out(a, receiver) for c, a in seen.items()}
        back, residuals = residual(gathers)
        self.entrance.components("adjoint source", residuals, back)
        adjoint = {c: self._receivers_in(g, receiver) for c, g in residuals.items()}
        last = 2**back - 1
        made |= {"n_directions": back, "recorded": recorded}
        signature = self._signature("gradient", images=kinds, **made)
        kernel = compilation.load(signature)
        self._clear(kernel)
        models = {c: part for c, part in models.items() if c <= last}
        place = source if recorded else None
        found = self.run(signature, models, adjoint, receiver, place, store)
        store.close()
        arrived = {c: self._sources_out(a, source) for c, a in found.items()} if recorded else {}
        gradient = self._gradients(kernel)
        return Backward(gathers, arrived, gradient, self._images(kernel))

    @blas.alone()
    def weights(self, model: Model, gather: Array, wavelet: Array, receivers: Locations) -> Array:
        """Transpose of modelling with extended sources (see `Propagator`)."""
        models = self.entrance.models({0: model}, 0)
        receiver, everywhere = self._at_receivers(receivers), self._at_sources(FullField())
        wavelet = self.entrance.wavelets(wavelet)
        steps = self.resampling.to_steps(wavelet)
        total = np.zeros((steps.shape[1], everywhere.count))

        def correlate(first: int, last: int, recorded: Array) -> None:
            total[...] += steps[first:last].T @ recorded

        self.run(
            self._signature("adjoint"),
            models,
            {0: self._receivers_in(gather, receiver)},
            receiver,
            everywhere,
            collect=correlate,
        )
        return (total / self.grid.cell_volume).reshape(-1, *self.grid.shape)

    # --- parts of a propagation ------------------------------------------------------------------

    def _store(self, makes: Signature) -> WavefieldStore:
        """A store of the history that a kernel makes."""
        made = self.discretization
        if made.history.kind == "boundary" and not makes.edges:
            # A lifted system has sources in the layer, too: it is not run backwards.
            made = replace(made, history=HistoryOptions("checkpoints"))
        return STORES[made.history.kind](made, self.storage, compilation.load(makes))

    def _shared(
        self, place: shared_memory.SharedSlot, n_directions: int
    ) -> tuple[Signature, WavefieldStore]:
        """The kernel that makes a history in shared memory, and its store."""
        makes = self._signature(
            "forward", history=True, n_directions=n_directions, parameters=place.parameters
        )
        discretization = replace(self.discretization, history=STORED)
        kernel = compilation.load(makes)
        if place.size:
            # Some machines let no process open what another one has.
            with suppress(OSError):
                return makes, shared_memory.SharedStore(discretization, self.storage, kernel, place)
        return makes, WavefieldStore(discretization, self.storage, kernel)

    def _clear(self, kernel: Kernel) -> None:
        """Set what a kernel accumulates to zero."""
        for spec in kernel.arrays:
            if spec.name.startswith(compilation.ACCUMULATED):
                self.storage.array(spec)[:] = 0

    def _gradients(self, kernel: Kernel) -> dict[int, dict[str, Array]]:
        """Derivatives that a kernel has accumulated, on the model's grid."""
        found: dict[int, dict[str, Array]] = {}
        arrays = {s.name: s for s in kernel.arrays if s.name.startswith("gradient_")}
        last = kernel.signature.components - 1
        for c in range(kernel.signature.components):
            for name in registry.load(self.discretization.equation).parameters(self.grid.ndim):
                spec = arrays.get(f"gradient_{prefix(last ^ c)}{name}")
                if spec is not None:
                    found.setdefault(c, {})[name] = self.storage.fold(spec) * self.history_step
        return found

    def _images(self, kernel: Kernel) -> dict[str, Array]:
        """Images that a kernel has accumulated, on the model's grid."""
        return {
            spec.name.removeprefix("image_"): self.storage.crop(spec) * self.history_step
            for spec in kernel.arrays
            if spec.name.startswith("image_")
        }

    # --- sources, receivers and time -------------------------------------------------------------

    def _at_sources(self, place: Locations) -> GridLocations:
        return on_grid(place, self.discretization, self.resampling.steps, True, "sources")

    def _at_receivers(self, place: Locations) -> GridLocations:
        return on_grid(place, self.discretization, self.resampling.steps, False, "receivers")

    def _sources_in(self, data: Array, at: GridLocations) -> Array:
        traces = self._checked("wavelet", data, at) / self.grid.cell_volume
        return inject(traces, at, self.resampling.disperse)

    def _sources_out(self, longer: Array, at: GridLocations) -> Array:
        return at.data(record(longer, at, self.resampling.disperse_transpose)) / (
            self.grid.cell_volume
        )

    def _receivers_in(self, data: Array, at: GridLocations) -> Array:
        return inject(self._checked("gather", data, at), at, self.resampling.restore_transpose)

    def _receivers_out(self, longer: Array, at: GridLocations) -> Array:
        traces = record(longer, at, self.resampling.restore)
        return at.data(traces).astype(self.precision, copy=False)

    def _checked(self, role: str, data: Array, at: GridLocations) -> Array:
        data = self.entrance.traces(role, data, at.shape(self.time.samples))
        traces = at.traces(data, self.time.samples)
        failures.check_traces(traces, self.time.interval)
        return traces

    # --- running a kernel ------------------------------------------------------------------------

    def _signature(self, kind: str, **extra: Any) -> Signature:
        return self.discretization.signature(kind, **extra)

    def run(
        self,
        signature: Signature,
        models: Models,
        entering: Components,
        injected: GridLocations,
        recorded: GridLocations | None,
        store: WavefieldStore | None = None,
        collect: Collect | None = None,
    ) -> dict[int, Array]:
        """Run a kernel; return what it recorded, of shape (extended, n_visited), by component.

        Parameters
        ----------
        entering : mapping of int to ndarray
            What is injected, of shape (extended, n_visited).
        collect : callable, optional
            Takes what is recorded instead.
        store : WavefieldStore, optional
            Keeps the history that the kernel makes or reads.
        """
        resampling = self.resampling
        integral = Integral(self.time.step, self.precision)
        integrated = registry.load(signature.equation).integrated
        count = signature.components
        empty = np.zeros((resampling.extended, injected.count), dtype=self.precision)
        values = {time_loops.values("q", c): entering.get(c, empty) for c in range(count)}
        steps_in: dict[str, Any] = dict.fromkeys(values, resampling.upsample)
        if integrated and signature.kind == "forward":
            steps_in = {name: integral.forwards(resampling.upsample) for name in values}

        def steps(first: int, last: int) -> dict[str, Array]:
            return {name: steps_in[name](values[name], first, last) for name in values}

        columns = recorded.count * count if recorded else 0
        shape = (resampling.extended, columns if not collect else 0)
        total = np.zeros(shape, dtype=self.precision)

        def add(first: int, last: int, recorded: Array) -> None:
            total[...] += resampling.downsample(recorded, first, last)

        # Segments of a history must not show in the sums: records are the same to the last bit.
        all_steps = np.zeros((resampling.steps if store else 0, shape[1]), self.precision)

        def gather(first: int, last: int, recorded: Array) -> None:
            all_steps[first:last] = recorded

        model = {f"{prefix(c)}{n}": a for c, part in models.items() for n, a in part.items()}
        propagation = KernelRun(
            self.discretization,
            self.storage,
            signature,
            self._with_zeros(signature, model),
            injected,
            recorded,
            store,
        )
        taken = collect or (gather if store else add)
        if integrated and signature.kind in ("adjoint", "gradient"):
            taken = integral.backwards(taken)
        propagation.run(steps, taken)
        if store and recorded and not collect:
            add(0, resampling.steps, all_steps)
        return dict(enumerate(np.split(total, count, axis=1)))

    def _with_zeros(self, signature: Signature, model: Model) -> Model:
        """A model with changes of zero for the components that it lacks."""
        zero = np.zeros(self.grid.shape, dtype=self.precision)
        changes = [n for n in parameters(signature) if split_prefix(n)[0]]
        return {**dict.fromkeys(changes, zero), **model}
