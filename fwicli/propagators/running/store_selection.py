"""Which store keeps the history of a run: one in shared memory, or that of the history options."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.propagators import history
from fwicli.propagators.discretization import Discretization
from fwicli.propagators.history import STORED, HistoryOptions
from fwicli.propagators.kernels.kernel import Kernel
from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.running.excitation_store import ExcitationStore
from fwicli.propagators.running.frequency_stores import FrequencyStore, ProbeStore
from fwicli.propagators.running.recomputation import BoundaryStore, CheckpointStore
from fwicli.propagators.running.shared_memory import SharedSlot
from fwicli.propagators.running.wavefield_stores import (
    CompressedStore,
    DiskStore,
    ForwardRun,
    WavefieldStore,
)

Array = NDArray[Any]

STORES: dict[str, Callable[[Discretization, GridArrays, Kernel], WavefieldStore]] = {
    "stored": WavefieldStore,
    "compressed": CompressedStore,
    "fourier": FrequencyStore,
    "probes": ProbeStore,
    "checkpoints": CheckpointStore,
    "boundary": BoundaryStore,
    "disk": DiskStore,
    "excitation": ExcitationStore,
}


def of_kernel(discretization: Discretization, arrays: GridArrays, kernel: Kernel) -> WavefieldStore:
    """The store for the history that a kernel makes, as the discretization says.

    Parameters
    ----------
    discretization : Discretization
    arrays : GridArrays
    kernel : Kernel

    Returns
    -------
    WavefieldStore
    """
    if discretization.history.kind == "boundary" and not kernel.signature.edges:
        # A lifted system has sources in the layer, too: it is not run backwards.
        discretization = replace(discretization, history=HistoryOptions("checkpoints"))
    return STORES[discretization.history.kind](discretization, arrays, kernel)


def of_slot(
    discretization: Discretization, arrays: GridArrays, kernel: Kernel, slot: SharedSlot
) -> WavefieldStore:
    """The store for a history in shared memory; one in this process if there is no room.

    Parameters
    ----------
    discretization : Discretization
    arrays : GridArrays
    kernel : Kernel
    slot : SharedSlot

    Returns
    -------
    WavefieldStore
    """
    discretization = replace(discretization, history=STORED)
    if slot.size:
        # Some systems forbid opening another process's descriptors.
        with suppress(OSError):
            return SharedStore(discretization, arrays, kernel, slot)
    return WavefieldStore(discretization, arrays, kernel)


class SharedStore(WavefieldStore):
    """Stores a history as it is in shared memory, from one task to the next.

    Parameters
    ----------
    discretization : Discretization
    arrays : GridArrays
    kernel : Kernel
        The kernel that makes the history.
    slot : SharedSlot

    Raises
    ------
    OSError
        If the slot cannot be opened.
    """

    def __init__(
        self, discretization: Discretization, arrays: GridArrays, kernel: Kernel, slot: SharedSlot
    ) -> None:
        super().__init__(discretization, arrays, kernel)
        room = slot.open()
        self._buffers: dict[str, Array] = {}
        # The number of the shared history precedes a history that is complete.
        self._number, self._complete = slot.number, room[:8].view(np.int64)
        first = 8
        for spec in self._specs:
            shape = arrays.of_snapshots(spec, self._total())
            array, first = arrays.placed(room, first, shape, spec.space_order)
            self._buffers[spec.name] = array

    def begin(self, forward: ForwardRun) -> None:  # noqa: ARG002
        """A forward run begins; it is not needed again."""
        self._complete[0] = 0

    def save(self, segment: int) -> None:  # noqa: ARG002
        """The forward run is at its end."""
        self._complete[0] = self._number

    @property
    def is_complete(self) -> bool:
        """Whether the slot holds the history already."""
        return bool(self._complete[0] == self._number)

    def buffer(self, spec: ArraySpec) -> Array:
        """The array from and to which kernels take the snapshots."""
        return self._buffers[spec.name]


def history_within(
    discretization: Discretization, n_directions: int, memory: float
) -> history.HistoryOptions:
    """History options that fit into a memory [bytes], for a number of directions.

    Parameters
    ----------
    discretization : Discretization
    n_directions : int
        Number of directions of the components.
    memory : float
        Most memory of the history [bytes].

    Returns
    -------
    HistoryOptions
    """
    needed = discretization.history_demand()
    copies = 2**n_directions
    lifted = replace(needed, snapshot=needed.snapshot * copies, state=needed.state * copies)
    chosen, _ = lifted.choose(int(memory))
    return chosen
