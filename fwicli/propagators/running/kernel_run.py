"""One run of a kernel: its arguments, its steps, and what went wrong if waves are not finite.

The steps are run in one call, or in windows: the segments of a history, or what the values that
enter or leave leave room for. Fields keep their levels by the number of the step, modulo 2 or 3, so
that a window must begin at a multiple of 6 to be run as if it began at zero. What is summed for
coefficients derived from parameters is passed on to these at the end of every window.

Waves that are no longer finite never become finite again. It is enough to look at the fields after
the run; only if they are not is the run repeated, in parts, to find the first step that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isqrt
from typing import Any

import devito
import numpy as np
from numpy.typing import NDArray

from fwicli.errors import StabilityError
from fwicli.propagators.checks import failures
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.equations import registry
from fwicli.propagators.history import PERIOD
from fwicli.propagators.kernels import compilation, time_loops
from fwicli.propagators.kernels.signature import ArraySpec, Signature
from fwicli.propagators.locations import GridLocations
from fwicli.propagators.running.arguments import Arguments, shapes
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.wavefield_stores import WavefieldStore
from fwicli.propagators.sampling import interpolation
from fwicli.propagators.symbolic import blocking
from fwicli.propagators.symbolic.directions import prefix
from fwicli.threads import locks

Array = NDArray[Any]
Model = Mapping[str, Array]
# Values that enter in the steps from first to last, by the name of their argument.
Values = Callable[[int, int], dict[str, Array]]
# Takes what was recorded in the steps from first to last.
Collect = Callable[[int, int, Array], None]

# Memory of the values of one window [bytes].
WINDOW = 128e6


class KernelRun:
    """A kernel with its arrays, ready to run.

    Parameters
    ----------
    storage : GridArrays
        Arrays of the discretization; the fields are set to zero.
    model : mapping of str to ndarray
        Parameters, and changes of them, on the model's grid.
    injected, recorded : GridLocations
        Where values enter, and where they are recorded, if anywhere.
    store : WavefieldStore, optional
        Keeps the history, of a kernel that makes or reads one.
    """

    def __init__(
        self,
        discretization: Discretization,
        storage: GridArrays,
        signature: Signature,
        model: Model,
        injected: GridLocations,
        recorded: GridLocations | None,
        store: WavefieldStore | None = None,
    ) -> None:
        locks.check_threads(discretization.threads)
        self._made = discretization
        self._storage = storage
        self._model = model
        self._recorded = recorded
        self._kernel = compilation.load(signature)
        self._backward = signature.kind in ("adjoint", "gradient", "reverse")
        self._injected = injected
        self._store = store
        self._values: Values = lambda *_: {}
        self._steps = storage.steps
        self._records = time_loops.records(signature) if recorded is not None else ()
        self._rows = max(injected.count, recorded.count if recorded else 0)
        self._windows = self._divided()
        # Arrays that may be elsewhere for another shot.
        self._moving: dict[str, Array] = {}
        given = parameters(signature)
        for spec in self._kernel.arrays:
            if spec.name in model:
                # A perturbation follows the parameter that it perturbs.
                storage.extend(model[spec.name], spec)
            elif spec.name in given:
                # The array holds those of an earlier run.
                raise RuntimeError(f"{signature.equation} runs without its `{spec.name}`")
            if spec.kind == "history":
                self._moving[spec.name] = self._history_store().buffer(spec)
            elif spec.kind == "edge":
                self._moving[spec.name] = self._history_store().edges(spec)
        self._arguments = self._set_arguments()
        self._is_placed = False

    def run(self, values: Values, collect: Collect) -> None:
        """All steps, in the direction of the kernel.

        Raises
        ------
        StabilityError
            If the waves do not stay finite: it says where and when, and the likely cause.
        """
        self._values = values
        self.begin()
        if self._store is not None and not self._backward:
            self._store.begin(self)
        for number in self._order():
            first, last = self._windows[number]
            if self._store is None:
                self.repeat(number)
            elif self._backward:
                self._store.load(number)
                self.repeat(number)
            else:
                self._store.before_segment(number)
                self.repeat(number)
                self._store.save(number)
            if self._recorded is not None:
                seen = [self._arguments.own[name][: last - first] for name in self._records]
                collect(first, last, seen[0] if len(seen) == 1 else np.concatenate(seen, axis=1))
        if not self._finite(self._fields() + self._sums()):
            raise self._failure()

    def begin(self) -> None:
        """Set the fields to zero."""
        for spec in self._fields():
            self._storage.array(spec)[:] = 0

    def companion(self, signature: Signature) -> KernelRun:
        """A run of another kernel with the same values, model and store."""
        made = KernelRun(
            self._made,
            self._storage,
            signature,
            self._model,
            self._injected,
            None,
            self._store,
        )
        made._values = self._values
        return made

    def repeat(self, number: int) -> None:
        """Run a window from the state that the fields are in."""
        first, last = self._windows[number]
        self._load(self._values(first, last))
        self._advance(first, last, first)

    # --- steps -----------------------------------------------------------------------------------

    def _divided(self) -> list[tuple[int, int]]:
        """First and last steps of the windows, the last excluded."""
        if self._store is not None:
            return self._store.segments
        itemsize = np.dtype(self._made.precision).itemsize
        size = max(PERIOD, int(WINDOW / itemsize / max(self._rows, 1)) // PERIOD * PERIOD)
        return [(i, min(i + size, self._steps)) for i in range(0, self._steps, size)]

    def _order(self) -> range:
        """Numbers of the windows, in the order in which they are run."""
        numbers = range(len(self._windows))
        return numbers[::-1] if self._backward else numbers

    def _load(self, values: dict[str, Array]) -> None:
        """Take over the values that enter in a window."""
        for name, array in values.items():
            self._arguments.own[name][: array.shape[0]] = array

    def _advance(self, first: int, last: int, base: int) -> None:
        """Steps from first to last, the last excluded, in a window that begins at `base`."""
        operator, made = self._kernel.operator, self._arguments
        if not made.compiled:
            with locks.DEVITO:
                made.compiled = self._prepared()
        if not self._is_placed:
            for name, array in self._moving.items():
                made.place(name, array)
            self._is_placed = True
        for spec in self._kernel.arrays:
            if spec.name.startswith(compilation.DERIVED):
                self._storage.array(spec)[:] = 0
        # Devito's own call would check, and convert, all arguments every time.
        made.compiled |= {"time_m": first - base, "time_M": last - 1 - base}
        self._kernel.function(*(made.compiled[p.name] for p in operator.parameters))

    def _prepared(self) -> dict[str, Any]:
        """Arguments of the compiled function, for the longest window."""
        operator = self._kernel.operator
        known = {p.name for p in operator.parameters}
        longest = self._longest()
        arrays = {
            s.name: self._storage.array(s)
            for s in self._kernel.arrays
            if s.name not in self._moving
        }
        moving = {s.name: self._stand_in(s) for s in self._kernel.arrays if s.name in self._moving}
        # Rows are longer in memory than what is computed.
        row = {f"{'xyz'[len(self._storage.shape) - 1]}_M": self._storage.shape[-1] - 1}
        rows = min(blocking.ROWS, *self._storage.shape)
        # In 3D the blocks are Devito's own.
        blocks = {n: rows for n in known if "_blk" in n and len(self._storage.shape) == 2}
        threads = {n: self._made.threads for n in ("nthreads", "nthreads_nonaffine") if n in known}
        # Devito takes the distance from the last points for a halo.
        thickness = self._made.layer.cells + self._made.order // 2
        rims = {n: 0 if n.endswith("_m") else thickness - 1 for n in known if _bounds_rim(n)}
        with compilation.strict():
            return dict(
                operator.arguments(
                    **arrays,
                    **moving,
                    **self._arguments.own,
                    dt=self._made.time.step,
                    time_m=0,
                    time_M=longest - 1,
                    **row,
                    **blocks,
                    **rims,
                    **threads,
                )
            )

    # --- arguments -------------------------------------------------------------------------------

    def _longest(self) -> int:
        """Steps of the longest window."""
        first, last = self._windows[0]
        return last - first

    def _set_arguments(self) -> Arguments:
        """Arguments for the shapes of this run, with its points; nothing has entered or left."""
        sources, receivers = interpolation.transpose(self._injected.visited), self._recorded
        visited = None if receivers is None else receivers.visited
        floats = {"inj_weight": sources.weights}
        integers = {"inj_member": sources.members}
        integers |= {f"inj_i{axis}": index for axis, index in enumerate(sources.indices)}
        if visited is not None:
            floats["rec_weight"] = visited.weights
            integers |= {f"rec_i{axis}": index for axis, index in enumerate(visited.indices)}
        signature, longest = self._kernel.signature, self._longest()
        count = self._injected.count
        for component in range(signature.components):
            floats[time_loops.values("q", component)] = np.zeros((longest, count))
        for name in self._records:
            floats[name] = np.zeros((longest, receivers.count if receivers is not None else 0))
        found = {**floats, **integers}
        made_for = self._kernel.operator, blocking.ROWS
        moving = shapes(*self._moving.values())
        key = (made_for, tuple(found), shapes(*found.values()), moving)
        made = self._storage.prepared.take(key)
        for name, values in floats.items():
            made.set(name, values, self._storage.aligned)
        for name, values in integers.items():
            made.set(name, values, lambda v: self._storage.aligned(v, np.int32))
        return made

    def _history_store(self) -> WavefieldStore:
        if self._store is None:
            raise RuntimeError(f"{self._kernel.signature.kind} needs a store of its history")
        return self._store

    def _stand_in(self, spec: ArraySpec) -> Any:
        """What Devito is told instead of an array that moves: one of its shape, without memory."""
        dtype, shape = np.dtype(self._made.precision), self._moving[spec.name].shape
        array = np.lib.stride_tricks.as_strided(np.zeros(1, dtype), shape, (0,) * len(shape))
        if spec.kind != "history":
            return array
        # Only a Devito function can tell the operator how many steps lie between snapshots.
        name = spec.name.removeprefix("history_")
        grid = devito.Grid(shape=self._storage.allocated, dtype=dtype.type)
        return time_loops.history(name, grid, spec.space_order, self._made.history_step, array)

    # --- failures --------------------------------------------------------------------------------

    def _fields(self) -> list[ArraySpec]:
        return [s for s in self._kernel.arrays if s.kind == "field"]

    def _sums(self) -> list[ArraySpec]:
        return [s for s in self._kernel.arrays if s.name.startswith(compilation.ACCUMULATED)]

    def _finite(self, arrays: list[ArraySpec]) -> bool:
        """Whether all values of arrays are finite."""
        return all(bool(np.isfinite(self._storage.array(s)).all()) for s in arrays)

    def _failure(self) -> StabilityError:
        """Run again in parts, and say where and when the waves failed, and why."""
        backward = self._store if self._backward else None
        if backward is not None:
            backward.rewind()
        self.begin()
        peak_amplitude = 0.0
        for number in self._order():
            first, last = self._windows[number]
            entering = self._values(first, last)
            peak_amplitude = max(
                [peak_amplitude, *(float(np.abs(v).max(initial=0)) for v in entering.values())]
            )
            if backward is not None:
                backward.load(number)
            self._load(entering)
            step = self._first_failure(first, last)
            if step is not None:
                return self._explained(step, peak_amplitude)
        return StabilityError(
            f"the images of {self._kernel.signature.equation} overflow {self._made.precision}, "
            f"while the waves do not; scale source or residual down, or set `precision: float64`"
        )

    def _first_failure(self, first: int, last: int) -> int | None:
        """First step of a window after which a field is not finite."""
        size = max(1, isqrt(last - first))
        parts = [(i, min(i + size, last)) for i in range(first, last, size)]
        for low, high in parts[::-1] if self._backward else parts:
            kept = [self._storage.array(s).copy() for s in self._fields()]
            self._advance(low, high, first)
            if self._finite(self._fields()):
                continue
            for spec, array in zip(self._fields(), kept, strict=True):
                self._storage.array(spec)[:] = array
            steps = range(low, high)
            for step in steps[::-1] if self._backward else steps:
                self._advance(step, step + 1, first)
                if not self._finite(self._fields()):
                    return step
        return None

    def _explained(self, step: int, peak_amplitude: float) -> StabilityError:
        made = self._made
        spec = next(s for s in self._fields() if not np.isfinite(self._storage.array(s)).all())
        inside = tuple(slice(spec.space_order, spec.space_order + n) for n in self._storage.shape)
        bad = ~np.isfinite(self._storage.array(spec)[(slice(None), *inside)])
        _, *index = np.unravel_index(int(np.argmax(bad)), bad.shape)
        pads = made.layer.pads(made.grid.ndim)
        inner = tuple(int(i) - before for i, (before, _) in zip(index, pads, strict=True))
        at_home = all(0 <= i < n for i, n in zip(inner, made.grid.shape, strict=True))
        why = failures.cause(
            self._kernel.signature.equation,
            made.grid,
            made.order,
            made.time.step,
            self._model,
            peak_amplitude,
        )
        return StabilityError(
            f"the waves of {self._kernel.signature.equation} are no longer finite: `{spec.name}` "
            f"at step {step} of {self._steps} ({step * made.time.step:g} s), at "
            f"{failures.position(made.grid, inner)} in the "
            f"{'model' if at_home else 'absorbing layer'}. Likely cause: {why}"
        )


def parameters(signature: Signature) -> list[str]:
    """Names of the parameters of a kernel, and of changes of them."""
    names = registry.load(signature.equation).parameters(len(signature.spacing))
    return [f"{prefix(c)}{n}" for c in range(signature.components) for n in names]


def _bounds_rim(name: str) -> bool:
    """Whether an argument is a bound of a loop over the layer on one side."""
    return name.startswith(time_loops.RIM) and name.endswith(("_m", "_M"))
