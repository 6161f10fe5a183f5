"""Tensors that stand for a shelf, and keep it as long as PyTorch keeps them.

A shelf of histories is to go when PyTorch frees what it has saved for a derivative. What it saves
are tensors. A ticket is one whose memory is that of an array with the shelf, so that the shelf goes
with the last tensor of that memory; its value is the number by which the shelf is found.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from fwicli.propagators.running.shared_memory import Shelf

_shelves: WeakValueDictionary[int, Shelf] = WeakValueDictionary()


class _Array(np.ndarray[Any, Any]):
    """An array that holds a shelf."""

    shelf: Shelf


def ticket(shelf: Shelf) -> torch.Tensor:
    """A tensor for a shelf."""
    array: NDArray[Any] = np.array([shelf.number]).view(_Array)
    array.shelf = shelf  # type: ignore[attr-defined]
    _shelves[shelf.number] = shelf
    return torch.from_numpy(array)


def shelf_of(tensor: torch.Tensor) -> Shelf | None:
    """The shelf of a ticket, unless it is gone."""
    return _shelves.get(int(tensor))
