"""Stores of a history, from the forward run to the adjoint run.

A kernel writes the snapshots of one segment to a buffer, and another kernel reads them there. A
store takes the snapshots out of the buffer after the forward segment, and puts them back before the
adjoint segment, last segment first. `history` states what each store does and needs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import ExecutionError
from fwicli.propagators import history
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.history import BLOCK
from fwicli.propagators.kernels.kernel import Kernel
from fwicli.propagators.kernels.signature import ArraySpec, Signature
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.time_series import SourceTerms

Array = NDArray[Any]

INTEGERS: dict[int, type[np.signedinteger[Any]]] = {16: np.int16, 8: np.int8}


class ForwardRun(Protocol):
    """A forward run as its store sees it."""

    def repeat(self, segment: int) -> None:
        """Run a segment again, from the state that the fields are in."""
        ...

    def begin(self) -> None:
        """Set the fields to zero."""
        ...

    def companion(self, signature: Signature) -> ForwardRun:
        """A run of another kernel with the same sources and model."""
        ...

    @property
    def terms(self) -> SourceTerms:
        """Values that are injected, and their locations."""
        ...


class WavefieldStore:
    """Stores a history as it is: one segment for the whole run.

    Parameters
    ----------
    discretization : Discretization
    arrays : GridArrays
        Arrays of the discretization, with those of the store.
    kernel : Kernel
        The one that makes the history.
    """

    def __init__(self, discretization: Discretization, arrays: GridArrays, kernel: Kernel) -> None:
        self._arrays = arrays
        self._step = discretization.time.step
        self._options = discretization.history
        self._history_step = discretization.history_step
        self._dtype = np.dtype(discretization.precision)
        self._specs = [s for s in kernel.arrays if s.kind == "history"]
        self._state = [s for s in kernel.arrays if s.kind == "field" and s.remembered]
        self.segments = self._options.segments(arrays.steps, self._history_step)
        self._forward: ForwardRun | None = None

    def buffer(self, spec: ArraySpec) -> Array:
        """The array from and to which kernels take the snapshots of a segment."""
        return self._arrays.snapshots(spec, self._snapshots(0))

    def edges(self, spec: ArraySpec) -> Array:
        """The array from and to which kernels take the values of a segment in the layer."""
        first, last = self.segments[0]
        return self._arrays.edges(spec, last - first)

    @property
    def energy_share(self) -> float:
        """Energy of the source over that of the history's waves, to scale an illumination by."""
        return 1.0

    @property
    def is_complete(self) -> bool:
        """Whether the history is stored already, and no forward run is needed."""
        return False

    def begin(self, forward: ForwardRun) -> None:
        """A forward run begins."""
        self._forward = forward

    def before_segment(self, segment: int, is_backward: bool) -> None:
        """Called before a segment is run: load its snapshots if the run is the adjoint one.

        Parameters
        ----------
        segment : int
        is_backward : bool
            Whether the run is the adjoint one, whose segments come last first.
        """
        if is_backward:
            self.load(segment)
        else:
            self.before_forward(segment)

    def before_forward(self, segment: int) -> None:
        """Called before a segment of the forward run."""

    def save(self, segment: int) -> None:
        """Take the snapshots of a segment from the buffers."""

    def load(self, segment: int) -> None:
        """Put the snapshots of a segment into the buffers; segments are wanted last first."""

    def rewind(self) -> None:
        """Prepare to load all segments again, from the last."""

    def close(self) -> None:
        """Release the forward run: without this cycle, arrays are freed with their runner."""
        self._forward = None

    def _run(self) -> ForwardRun:
        if self._forward is None:
            raise RuntimeError("a history is restored that was never made")
        return self._forward

    def _snapshots(self, segment: int) -> int:
        first, last = self.segments[segment]
        return history.snapshots(last - first, self._history_step)

    def _first(self, segment: int) -> int:
        """Number of the first snapshot of a segment."""
        return self.segments[segment][0] // self._history_step

    def _flat(self, spec: ArraySpec, segment: int) -> Array:
        """Snapshots of a segment, each of them a row."""
        count = self._snapshots(segment)
        return self.buffer(spec)[:count].reshape(count, -1)

    def _total(self) -> int:
        return history.snapshots(self._arrays.steps, self._history_step)


class CompressedStore(WavefieldStore):
    """Stores integers of 16 or 8 bits, relative to the largest value of a block."""

    def save(self, segment: int) -> None:
        """Take the snapshots of a segment from the buffers."""
        # Waves that are no longer finite end the run after its last step, with an explanation.
        with np.errstate(invalid="ignore", over="ignore"):
            for values, codes, scales in self._rows(segment):
                _squeeze(values, codes, scales)

    def load(self, segment: int) -> None:
        """Put the snapshots of a segment into the buffers."""
        for values, codes, scales in self._rows(segment):
            np.multiply(codes, scales[:, None], out=values)

    def _rows(self, segment: int) -> Iterator[tuple[Array, Array, Array]]:
        """Values, integers and scales of every snapshot of a segment, in blocks."""
        first = self._first(segment)
        for spec in self._specs:
            rows = self._flat(spec, segment)
            points = rows.shape[1]
            code = INTEGERS[self._options.bits]
            codes = self._arrays.buffer(f"codes_{spec.name}", (self._total(), points), code)
            shape = (self._total(), -(-points // BLOCK))
            scales = self._arrays.buffer(f"scales_{spec.name}", shape, self._dtype)
            whole = points // BLOCK
            for number, row in enumerate(rows, first):
                parts = codes[number], scales[number]
                yield (
                    row[: whole * BLOCK].reshape(-1, BLOCK),
                    parts[0][: whole * BLOCK].reshape(-1, BLOCK),
                    parts[1][:whole],
                )
                if whole * BLOCK < points:
                    yield (
                        row[whole * BLOCK :][None],
                        parts[0][whole * BLOCK :][None],
                        parts[1][whole:],
                    )


def _squeeze(values: Array, codes: Array, scales: Array) -> None:
    """Integers and their scales for blocks of values of shape (n, BLOCK)."""
    largest = np.maximum(values.max(axis=1), -values.min(axis=1))
    np.divide(largest, np.iinfo(codes.dtype).max, out=scales)
    tiny = np.finfo(values.dtype).tiny
    scaled = values * (1 / np.maximum(scales, tiny))[:, None]
    np.rint(scaled, out=scaled)
    codes[...] = scaled


class DiskStore(WavefieldStore):
    """Stores snapshots in a temporary file, which is deleted with the process."""

    def begin(self, forward: ForwardRun) -> None:
        """A forward run begins: nothing is kept of the one before."""
        super().begin(forward)
        self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115

    def save(self, segment: int) -> None:
        """Take the snapshots of a segment from the buffers."""
        try:
            for position, values in self._places(segment):
                self._file.seek(position)
                values.tofile(self._file)
        except OSError as error:
            needed = self._total() * self._width() / 1e9
            raise ExecutionError(
                f"the history of the forward field, {needed:.1f} GB, does not fit into a temporary "
                f"file in {tempfile.gettempdir()} ({error}); set TMPDIR to a folder on a larger "
                f"disk, or give it more memory with `execution.memory`"
            ) from error

    def load(self, segment: int) -> None:
        """Put the snapshots of a segment into the buffers."""
        for position, values in self._places(segment):
            self._file.seek(position)
            values[...] = np.fromfile(self._file, self._dtype, values.size).reshape(values.shape)

    def _width(self) -> int:
        points = sum(int(self._flat(spec, 0).shape[1]) for spec in self._specs)
        return points * self._dtype.itemsize

    def _places(self, segment: int) -> Iterator[tuple[int, Array]]:
        """Places in the file, and the values there."""
        position = self._first(segment) * self._width()
        for spec in self._specs:
            values = self._flat(spec, segment)
            yield position, values
            position += values.nbytes
