"""One run of a kernel: its arguments, its steps, and the cause if waves are not finite.

The steps are run in one call, or in windows: the segments of a history, or as many steps as there
is memory for source terms and records. Fields store their time levels by the number of the step,
modulo 2 or 3: a window must begin at a multiple of 6 to be run as if it began at zero. Sums for
coefficients that derive from parameters are added to those of the parameters at the end of every
window.

Waves that are no longer finite never become finite again. It is therefore enough to check the
fields after the run. Only if they are not finite is the run repeated in parts, to find the first
step that failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import StabilityError
from fwicli.propagators.absorbing import strip_points
from fwicli.propagators.checks import failures
from fwicli.propagators.equations import registry
from fwicli.propagators.history import PERIOD
from fwicli.propagators.kernels import block_sizes, compilation, first_points, ports
from fwicli.propagators.kernels.kernel import ACCUMULATED, DERIVED, INTERVAL
from fwicli.propagators.kernels.ports import Port, is_rim
from fwicli.propagators.kernels.signature import ArraySpec, Signature
from fwicli.propagators.running.arguments import Arguments, shapes
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.shot_points import FieldPoints, PartKey, ShotPoints
from fwicli.propagators.running.time_series import Records, SourceTerms, Sum, collector
from fwicli.propagators.running.wavefield_stores import WavefieldStore
from fwicli.propagators.sampling import interpolation
from fwicli.propagators.symbolic.component_names import prefix
from fwicli.threads import locks

Array = NDArray[Any]
Model = Mapping[str, Array]
# Records at the samples, by component and part.
Recorded = dict[int, dict[PartKey, Array]]

# Memory of the values of one window [bytes].
WINDOW = 128e6


class KernelRun:
    """A kernel with its arrays, ready to run.

    Parameters
    ----------
    arrays : GridArrays
        Arrays of the discretization; the fields are set to zero.
    signature : Signature
        Of the kernel.
    model : mapping of str to ndarray
        Parameters, and changes of them, on the model's grid.
    terms : SourceTerms
        Values that are injected, and their locations.
    recorded : ShotPoints or None
        Where fields are recorded, if anywhere.
    store : WavefieldStore, optional
        Stores the history, for a kernel that makes or reads one.
    """

    def __init__(
        self,
        arrays: GridArrays,
        signature: Signature,
        model: Model,
        terms: SourceTerms,
        recorded: ShotPoints | None,
        store: WavefieldStore | None = None,
    ) -> None:
        self._discretization = arrays.discretization
        locks.check_threads(self._discretization.threads)
        self.signature = signature
        self._arrays = arrays
        self._model = model
        self.terms = terms
        self._recorded = recorded
        self._kernel = compilation.load(signature)
        self._is_backward = signature.kind in ("adjoint", "gradient", "reverse")
        self._store = store
        self._entering = _paired(ports.entering(signature), terms.at)
        self._leaving = _paired(ports.leaving(signature), recorded)
        self._windows = self._divided()
        # Arrays whose address may change from shot to shot, or of another size than the grid.
        self._moving: dict[str, Array] = {}
        names = parameters(signature)
        for spec in self._kernel.arrays:
            if spec.name in model:
                # A perturbation follows the parameter that it perturbs.
                arrays.extend(model[spec.name], spec)
            elif spec.name in names:
                # The array holds the values of an earlier run.
                raise RuntimeError(f"{signature.equation} runs without its `{spec.name}`")
            if spec.kind == "history":
                self._moving[spec.name] = self._history_store().buffer(spec)
            elif spec.kind == "edge":
                self._moving[spec.name] = self._history_store().edges(spec)
            elif spec.packed:
                self._moving[spec.name] = arrays.array(spec)
        self._arguments = self._set_arguments()
        self._is_placed = False

    def run(self, series: Mapping[PartKey, Sum] | None = None) -> Recorded:
        """All steps, in the direction of the kernel.

        Parameters
        ----------
        series : mapping of PartKey to Sum, optional
            By part, what takes the records of each window; by default they are summed to samples.

        Returns
        -------
        dict of int to dict of PartKey to ndarray of shape (extended, n_visited)
            Records at the samples, by component and part; empty if `series` takes them.

        Raises
        ------
        StabilityError
            If the waves do not stay finite: it says where and when, and the likely cause.
        """
        resampling = self.terms.resampling
        records = {} if series else self._records()
        collectors = [
            (port, collector((series or records)[part.key], resampling, self.signature, part))
            for port, part in self._leaving
        ]
        self.begin()
        if self._store is not None and not self._is_backward:
            self._store.begin(self)
        for number in self._order():
            first, last = self._windows[number]
            if self._store is not None:
                self._store.before_segment(number, self._is_backward)
            self._load(self.terms.window(first, last))
            self._advance(first, last, first)
            if self._store is not None and not self._is_backward:
                self._store.save(number)
            for port, collect in collectors:
                collect(first, last, self._window_records(port, last - first))
        if not self._finite(self._fields() + self._sums()):
            raise self._failure()
        count = self.signature.components
        each = {key: part.components(count) for key, part in records.items()}
        return {c: {key: parts[c] for key, parts in each.items()} for c in range(count)}

    def begin(self) -> None:
        """Set the fields to zero."""
        for spec in self._fields():
            self._arrays.clear(spec)

    def companion(self, signature: Signature) -> KernelRun:
        """A run of another kernel with the same source terms, model and store."""
        return KernelRun(self._arrays, signature, self._model, self.terms, None, self._store)

    def repeat(self, number: int) -> None:
        """Run a window from the state that the fields are in."""
        first, last = self._windows[number]
        self._load(self.terms.window(first, last))
        self._advance(first, last, first)

    # --- steps -----------------------------------------------------------------------------------

    def _divided(self) -> list[tuple[int, int]]:
        """First and last steps of the windows, the last excluded."""
        if self._store is not None:
            return self._store.segments
        itemsize = np.dtype(self._discretization.precision).itemsize
        rows = max(self.terms.at.visited, self._recorded.visited if self._recorded else 0, 1)
        size = max(PERIOD, int(WINDOW / itemsize / rows) // PERIOD * PERIOD)
        steps = self._arrays.steps
        return [(i, min(i + size, steps)) for i in range(0, steps, size)]

    def _records(self) -> dict[PartKey, Records]:
        """Records of each part at the samples."""
        resampling, count = self.terms.resampling, self.signature.components
        segmented = self._store is not None
        return {
            part.key: Records(resampling, part.at.count * count, segmented, part.channel.half_steps)
            for _, part in self._leaving
        }

    def _window_records(self, port: Port, steps: int) -> Array:
        """Records of a field in a window, of shape (steps, columns)."""
        names = [port.values(c) for c in range(self.signature.components)]
        parts = [self._arguments.own[name][:steps] for name in names]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _order(self) -> range:
        """Numbers of the windows, in the order in which they are run."""
        numbers = range(len(self._windows))
        return numbers[::-1] if self._is_backward else numbers

    def _load(self, values: dict[str, Array]) -> None:
        """Take over the values that enter in a window."""
        for name, array in values.items():
            self._arguments.own[name][: array.shape[0]] = array

    def _advance(self, first: int, last: int, base: int) -> None:
        """Steps from first to last, the last excluded, in a window that begins at `base`."""
        arguments = self._arguments
        if not arguments.compiled:
            arguments.compiled = self._prepared()
        if not self._is_placed:
            for name, array in self._moving.items():
                arguments.place(name, array)
            self._is_placed = True
        for spec in self._kernel.arrays:
            if spec.name.startswith(DERIVED):
                self._arrays.array(spec)[:] = 0
        arguments.compiled |= {"time_m": first - base, "time_M": last - 1 - base}
        self._kernel.function(*(arguments.compiled[p.name] for p in self._kernel.parameters))

    def _prepared(self) -> dict[str, Any]:
        """Arguments of the compiled function, for the longest window."""
        discretization, names = self._discretization, [p.name for p in self._kernel.parameters]
        specs = {s.name: s for s in self._kernel.arrays if s.name not in self._moving}
        arrays = {name: self._arrays.array(spec) for name, spec in specs.items()}
        # Devito takes the distance from the last points for a halo.
        thickness = strip_points(discretization.layer.cells, discretization.order)
        shared = self._arrays.shape, discretization.threads
        parts = [p for p in self._kernel.parameters if p.kind == "rows"]
        numbers: dict[str, float] = {
            "dt": discretization.time.step,
            "time_m": 0,
            "time_M": self._longest() - 1,
            "nthreads": discretization.threads,
            "nthreads_nonaffine": discretization.threads,
            INTERVAL: discretization.history_step,
            **{n: block_sizes.points(n, *shared) for n in names if "_blk" in n},
            **{p.name: block_sizes.rows(*shared, p.value) for p in parts},
            **{n: 0 if n.endswith("_m") else thickness - 1 for n in names if is_rim(n)},
        }
        lengths = dict(zip("xyz", self._arrays.shape, strict=False))
        for port, _ in [*self._entering, *self._leaving]:
            rows, columns = self._arguments.own[f"{port.prefix}_weight"].shape
            lengths |= {f"{port.prefix}_row": rows, f"{port.prefix}_column": columns}
        for name, points in lengths.items():
            numbers |= {f"{name}_m": 0, f"{name}_M": points - 1}
        # Rows are longer in memory than the grid.
        in_memory = zip("xyz", self._arrays.allocated, strict=False)
        numbers |= {f"{axis}_size": points for axis, points in in_memory}
        return self._kernel.arguments({**arrays, **self._moving, **self._arguments.own}, numbers)

    # --- arguments -------------------------------------------------------------------------------

    def _longest(self) -> int:
        """Steps of the longest window."""
        first, last = self._windows[0]
        return last - first

    def _set_arguments(self) -> Arguments:
        """Arguments for the shapes of this run, with its points; nothing has entered or left."""
        floats, integers = {}, {}
        entering = self._entering
        for port, part in entering:
            sources = interpolation.transpose(part.at.visited)
            floats[f"{port.prefix}_weight"] = sources.weights
            integers[f"{port.prefix}_member"] = sources.members
            integers |= {f"{port.prefix}_i{a}": index for a, index in enumerate(sources.indices)}
            integers |= self._first_points(port, sources.indices[0])
        for port, part in self._leaving:
            visited = part.at.visited
            floats[f"{port.prefix}_weight"] = visited.weights
            integers |= {f"{port.prefix}_i{a}": index for a, index in enumerate(visited.indices)}
        integers |= self._slots()
        longest = self._longest()
        for port, part in [*entering, *self._leaving]:
            for component in range(self.signature.components):
                floats[port.values(component)] = np.zeros((longest, part.at.count))
        values_by_name = {**floats, **integers}
        code = self.signature, self._kernel.parameters, block_sizes.TILE
        moving = shapes(*self._moving.values())
        key = (code, tuple(values_by_name), shapes(*values_by_name.values()), moving)
        arguments = self._arrays.prepared.take(key)
        for name, values in floats.items():
            arguments.set(name, values, self._arrays.aligned)
        for name, values in integers.items():
            arguments.set(name, values, lambda v: self._arrays.aligned(v, np.int32))
        return arguments

    def _slots(self) -> dict[str, Array]:
        """Slots of the rows of fields in rings, by the arguments that hold them."""
        shape, threads = self._arrays.shape, self._discretization.threads
        rings = [(s.ring, s.space_order) for s in self._kernel.arrays if s.ring is not None]
        return {ring.table: ring.slots(shape, halo, threads) for ring, halo in rings}

    def _first_points(self, port: Port, rows: Array) -> dict[str, Array]:
        """First point of each row by the argument that holds it, for a sweep that injects."""
        name, halo = first_points.table("x", port.prefix), self._discretization.order
        if name not in {p.name for p in self._kernel.parameters}:
            return {}
        return {name: first_points.numbers(rows, self._arrays.shape[0], halo)}

    def _history_store(self) -> WavefieldStore:
        if self._store is None:
            raise RuntimeError(f"{self.signature.kind} needs a store of its history")
        return self._store

    # --- failures --------------------------------------------------------------------------------

    def _fields(self) -> list[ArraySpec]:
        """Fields with all their rows: each step makes the rows in rings before it reads them."""
        return [s for s in self._kernel.arrays if s.kind == "field" and s.ring is None]

    def _sums(self) -> list[ArraySpec]:
        return [s for s in self._kernel.arrays if s.name.startswith(ACCUMULATED)]

    def _finite(self, arrays: list[ArraySpec]) -> bool:
        """Whether all values of arrays are finite."""
        return all(self._arrays.is_finite(s) for s in arrays)

    def _failure(self) -> StabilityError:
        """Run again in parts, and say where and when the waves failed, and why."""
        backward = self._store if self._is_backward else None
        if backward is not None:
            backward.rewind()
        self.begin()
        peak_amplitude = 0.0
        for number in self._order():
            first, last = self._windows[number]
            entering = self.terms.window(first, last)
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
            f"the images of {self.signature.equation} overflow {self._discretization.precision}, "
            f"while the waves do not; scale source or residual down, or set `precision: float64`"
        )

    def _first_failure(self, first: int, last: int) -> int | None:
        """First step of a window after which a field is not finite."""
        size = max(1, isqrt(last - first))
        parts = [(i, min(i + size, last)) for i in range(first, last, size)]
        for low, high in parts[::-1] if self._is_backward else parts:
            states = [self._arrays.array(s).copy() for s in self._fields()]
            self._advance(low, high, first)
            if self._finite(self._fields()):
                continue
            for spec, array in zip(self._fields(), states, strict=True):
                self._arrays.array(spec)[:] = array
            steps = range(low, high)
            for step in steps[::-1] if self._is_backward else steps:
                self._advance(step, step + 1, first)
                if not self._finite(self._fields()):
                    return step
        return None

    def _explained(self, step: int, peak_amplitude: float) -> StabilityError:
        discretization = self._discretization
        grid, step_length = discretization.grid, discretization.time.step
        spec = next(s for s in self._fields() if not self._arrays.is_finite(s))
        index = self._arrays.first_failure(spec)
        pads = discretization.layer.pads(grid.ndim)
        inner = tuple(i - before for i, (before, _) in zip(index, pads, strict=True))
        at_home = all(0 <= i < n for i, n in zip(inner, grid.shape, strict=True))
        why = failures.cause(
            self.signature.equation,
            grid,
            discretization.differences,
            step_length,
            self._model,
            peak_amplitude,
        )
        return StabilityError(
            f"the waves of {self.signature.equation} are no longer finite: `{spec.name}` "
            f"at step {step} of {self._arrays.steps} ({step * step_length:g} s), at "
            f"{failures.position(grid, inner)} in the "
            f"{'model' if at_home else 'absorbing layer'}. Likely cause: {why}"
        )


def parameters(signature: Signature) -> list[str]:
    """Names of the parameters of a kernel, and of changes of them."""
    names = registry.load(signature.equation).parameters(len(signature.spacing))
    return [f"{prefix(c)}{n}" for c in range(signature.components) for n in names]


def _paired(ports: tuple[Port, ...], at: ShotPoints | None) -> list[tuple[Port, FieldPoints]]:
    """Arguments of a kernel for points, each with its field's; nothing without points."""
    if at is None:
        return []
    by_field = dict(zip(at.fields, ports, strict=True))
    return [(by_field[part.field], part) for part in at.parts]
