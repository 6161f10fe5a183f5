"""Handles: tensors that keep a shared history alive as long as PyTorch keeps them.

PyTorch saves tensors for a derivative, and nothing else. A handle is a tensor on the memory of an
array that refers to the history. The history is freed with the last tensor on that memory. The
value of the tensor is the number by which the history is found.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from fwicli.propagators.running.shared_memory import SharedHistory

_histories: WeakValueDictionary[int, SharedHistory] = WeakValueDictionary()


class _Array(np.ndarray[Any, Any]):
    """An array that holds a history."""

    history: SharedHistory


def handle(history: SharedHistory) -> torch.Tensor:
    """A tensor for a history."""
    array: NDArray[Any] = np.array([history.number]).view(_Array)
    array.history = history  # type: ignore[attr-defined]
    _histories[history.number] = history
    return torch.from_numpy(array)


def history_of(tensor: torch.Tensor) -> SharedHistory | None:
    """The history of a handle, unless it is gone."""
    return _histories.get(int(tensor))
