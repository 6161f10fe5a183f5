"""Shared memory for histories, between the forward run of a shot and its adjoint run.

It is an anonymous memfd, opened by workers through /proc/PID/fd, and ends with the process that
created it.

A machine takes longer to allocate pages of memory than to fill them. The memory of a history is
therefore reused for the next one of the same kind and owner, until the owner is deleted or another
owner needs the memory.
"""

from __future__ import annotations

import itertools
import mmap
import os
import sys
import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.threads import locks

Array = NDArray[Any]

# Whether there are files without a name that others open.
IS_POSSIBLE = sys.platform.startswith("linux") and hasattr(os, "memfd_create")

_numbers = itertools.count(1)
_in_use = _spare = 0


def bytes_in_use() -> int:
    """Memory of the shared histories of this process [bytes]."""
    return _in_use


def spare_bytes() -> int:
    """Memory that is reserved for later histories [bytes]."""
    return _spare


@dataclass(frozen=True)
class SharedSlot:
    """Memory for the history of one shot, which a task passes to a worker.

    Attributes
    ----------
    path : str
        Of the memory.
    first, size : int
        First byte, and number of bytes; 0 if there is no memory.
    parameters : tuple of str
        Parameters whose gradient the history serves.
    number : int
        Of the shared history; unique.
    """

    path: str
    first: int
    size: int
    parameters: tuple[str, ...]
    number: int

    def open(self) -> Array:
        """The room as bytes, mapped until the array and all views of it are gone.

        Raises
        ------
        OSError
            If the process that made it has ended, or has freed it.
        """
        file = os.open(self.path, os.O_RDWR)
        try:
            # All pages at once; one by one they take several times as long.
            flags = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
            room = mmap.mmap(file, self.size, flags, offset=self.first)
        finally:
            os.close(file)
        return np.frombuffer(room, dtype=np.uint8)


class _Memory:
    """A file without a name, freed with this object."""

    def __init__(self, size: int) -> None:
        self.size = size
        file = os.memfd_create("fwi histories")
        os.truncate(file, size)
        self.path = f"/proc/{os.getpid()}/fd/{file}"
        weakref.finalize(self, _free, file, os.getpid())


def _free(file: int, process: int) -> None:
    # Workers may still have it mapped; but a fork of this process must not take it from it.
    if os.getpid() == process:
        os.truncate(file, 0)
    os.close(file)


class _Spare:
    """Memory that an owner has left, by its purpose."""

    def __init__(self) -> None:
        self.memories: dict[Hashable, list[_Memory]] = {}
        weakref.finalize(self, _drop, self.memories)

    def pop(self, key: Hashable) -> _Memory | None:
        """Memory for a purpose, if there is some."""
        memories = self.memories.get(key)
        if not memories:
            return None
        memory = memories.pop()
        _count(0, -memory.size)
        return memory


_spares: weakref.WeakKeyDictionary[Any, _Spare] = weakref.WeakKeyDictionary()


def _drop(memories: dict[Hashable, list[_Memory]]) -> None:
    """Free all memory of an owner."""
    with locks.HISTORIES:
        _count(0, -sum(m.size for some in memories.values() for m in some))
        memories.clear()


def _count(in_use: int, spare: int) -> None:
    # Finalizers may run in any thread, also while this lock is held: the caller holds it.
    global _in_use, _spare
    _in_use, _spare = _in_use + in_use, _spare + spare


class SharedHistory:
    """Slots for the histories of several shots, freed with this object.

    Parameters
    ----------
    size : int
        Of a history [bytes].
    count : int
        Number of slots that are requested.
    limit : float
        Most memory of all histories, and of memory reserved for later ones [bytes].
    parameters : tuple of str
        Parameters whose gradient the histories serve.
    owner, purpose : object
        Memory is used again for the same purpose, as long as the owner is there.

    Attributes
    ----------
    number : int
        Of the shared history; unique in this process.
    """

    def __init__(
        self,
        size: int,
        count: int,
        limit: float,
        parameters: tuple[str, ...],
        owner: object,
        purpose: Hashable,
    ) -> None:
        self._size = -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        self.parameters = parameters
        self.number = next(_numbers)
        with locks.HISTORIES:
            self.count = max(0, min(count, int((limit - _in_use) // self._size)))
            key, total = (purpose, self._size, self.count), self._size * self.count
            spare = _spares.setdefault(owner, _Spare())
            memory = spare.pop(key)
            if memory is None:
                for other in list(_spares.values()):
                    if total and _in_use + _spare + total > limit:
                        _drop(other.memories)
                memory = _Memory(total)
            _count(total, 0)
        self._path = memory.path
        weakref.finalize(self, _leave, memory, weakref.ref(spare), key)

    def slot(self, number: int) -> SharedSlot:
        """That of a shot; without room beyond the last."""
        size = self._size if number < self.count else 0
        return SharedSlot(self._path, number * self._size, size, self.parameters, self.number)


def _leave(memory: _Memory, owner: weakref.ref[_Spare], key: Hashable) -> None:
    """Keep the memory of a history for others of its owner, if that still exists."""
    with locks.HISTORIES:
        _count(-memory.size, 0)
        spare = owner()
        if spare is not None and memory.size:
            spare.memories.setdefault(key, []).append(memory)
            _count(0, memory.size)
