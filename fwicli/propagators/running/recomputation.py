"""Stores that run steps again: from checkpoints, or backwards from the fields in the layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from checkpoint_schedules import MultistageCheckpointSchedule
from numpy.typing import NDArray

from fwicli.propagators import history
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.kernels import compilation
from fwicli.propagators.kernels.kernel import Kernel
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.wavefield_stores import ForwardRun, WavefieldStore

Array = NDArray[Any]


class CheckpointStore(WavefieldStore):
    """Stores states of the propagation, and repeats the steps after them."""

    def begin(self, forward: ForwardRun) -> None:
        """A forward run begins: nothing is kept of the one before."""
        super().begin(forward)
        count = history.states(self._options, len(self.segments))
        self._slots: dict[int, list[Array]] = {}
        self._unused = [self._slot(number) for number in range(count)]
        self._until = 0
        self._schedule: Iterator[Any] = iter(())
        if len(self.segments) > 1:
            self._schedule = iter(
                MultistageCheckpointSchedule(len(self.segments), count, 0, trajectory="maximum")
            )

    def before_forward(self, segment: int) -> None:
        """Store the state before a segment, if the schedule asks for it."""
        if segment == self._until:
            action = next(self._schedule, None)
            if action is not None:
                self._until = action.n1
                if action.write_ics:
                    self._save_state(segment)

    def load(self, segment: int) -> None:  # noqa: ARG002
        """Run the steps again that make the snapshots of a segment."""
        for action in self._schedule:
            match type(action).__name__:
                case "Copy":
                    self._load_state(action.n)
                case "Move":
                    self._load_state(action.n)
                    self._unused.append(self._slots.pop(action.n))
                case "Forward":
                    if action.write_ics:
                        self._save_state(action.n0)
                    for number in range(action.n0, action.n1):
                        self._run().repeat(number)
                case "Reverse":
                    return

    def rewind(self) -> None:
        """All segments will be wanted again, from the last."""
        forward = self._run()
        forward.begin()
        self.begin(forward)
        for segment in range(len(self.segments)):
            self.before_forward(segment)
            forward.repeat(segment)

    def _views(self) -> list[Array]:
        return [view for spec in self._state for view in self._arrays.parts(spec)]

    def _slot(self, number: int) -> list[Array]:
        return [
            self._arrays.buffer(f"checkpoint{number}_{part}", view.shape, self._dtype)
            for part, view in enumerate(self._views())
        ]

    def _save_state(self, segment: int) -> None:
        self._slots[segment] = self._unused.pop()
        for state, view in zip(self._slots[segment], self._views(), strict=True):
            state[...] = view

    def _load_state(self, segment: int) -> None:
        for state, view in zip(self._slots[segment], self._views(), strict=True):
            view[...] = state


class BoundaryStore(WavefieldStore):
    """Stores the fields in the layer, and reconstructs the others backwards from the last ones."""

    def __init__(self, discretization: Discretization, arrays: GridArrays, kernel: Kernel) -> None:
        super().__init__(discretization, arrays, kernel)
        driven = kernel.signature.driven
        self._signature = replace(discretization.signature("reverse"), driven=driven)
        self._sides = [s for s in kernel.arrays if s.kind == "edge"]
        self._specs = [s for s in compilation.load(self._signature).arrays if s.kind == "history"]

    def begin(self, forward: ForwardRun) -> None:
        """A forward run begins: nothing is kept of the one before."""
        super().begin(forward)
        self._reverse = forward.companion(self._signature)

    def save(self, segment: int) -> None:
        """Take the fields in the layer of a segment from the buffers."""
        first, last = self.segments[segment]
        for whole, buffer in self._pairs():
            whole[first:last] = buffer[: last - first]

    def load(self, segment: int) -> None:
        """Run a segment backwards, which makes its snapshots."""
        first, last = self.segments[segment]
        # A step backwards finds the field of the step before it.
        before = max(first, 1)
        for whole, buffer in self._pairs():
            buffer[before - first : last - first] = whole[before - 1 : last - 1]
        self._reverse.repeat(segment)

    def close(self) -> None:
        """Release the forward run and the run backwards."""
        super().close()
        del self._reverse

    def rewind(self) -> None:
        """All segments will be wanted again, from the last."""
        forward = self._run()
        forward.begin()
        for segment in range(len(self.segments)):
            forward.repeat(segment)

    def _pairs(self) -> Iterator[tuple[Array, Array]]:
        """Where the values of all steps are kept, and where kernels look for them."""
        for spec in self._sides:
            buffer = self.edges(spec)
            shape = (self._arrays.steps, *buffer.shape[1:])
            yield self._arrays.buffer(f"kept_{spec.name}", shape, self._dtype), buffer
