"""Stacks: sums over shots of values on a grid, kept in the windows of their shots.

    S(x) = sum_shots C_s^T g_s

with C_s the window of a shot (see `survey.windows`) and g_s its values there. A sum of stacks
covers the smallest window that includes both; the whole grid is filled at the end. Sums are in
double precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.windows import Window

Array = NDArray[Any]


@dataclass(frozen=True)
class Stack:
    """Values of one shot in its window, or a sum of them.

    Parameters
    ----------
    window : Window
        It includes the windows of all shots of the sum.
    values : mapping of hashable to ndarray of shape window.shape
        By name.
    summed : bool
        Whether the values are a sum, whose memory further sums may take.
    """

    window: Window
    values: Mapping[Any, Array]
    summed: bool = False

    def plus(self, other: Stack) -> Stack:
        """The sum with another one of the same grid; values that one of them lacks are zero."""
        window = self.window.union(other.window)
        total = self._in_double(window)
        for name, values in other.values.items():
            place = other.window.slices_in(window)
            if name in total:
                total[name][place] += values
            else:
                total[name] = np.zeros(window.shape)
                total[name][place] = values
        return Stack(window, total, summed=True)

    def everywhere(self) -> dict[Any, Array]:
        """Values on the whole grid, in double precision; zero where there is no shot."""
        grid = self.window.grid
        return self._in_double(Window(grid, (0,) * grid.ndim, grid.shape))

    def _in_double(self, window: Window) -> dict[Any, Array]:
        """Values in a window that includes this one; those of a sum in their own memory."""
        if window == self.window:
            return {
                name: np.array(values, dtype=np.float64, copy=None if self.summed else True)
                for name, values in self.values.items()
            }
        placed = {}
        for name, values in self.values.items():
            placed[name] = np.zeros(window.shape)
            placed[name][self.window.slices_in(window)] = values
        return placed


@dataclass(frozen=True)
class StackAndRecords:
    """A stack, and what is recorded by each of its shots.

    Parameters
    ----------
    stack : Stack
    records : mapping of hashable to tuple of ndarray
        By name, one for each shot in their order.
    """

    stack: Stack
    records: Mapping[Any, tuple[Array, ...]]

    def plus(self, other: StackAndRecords) -> StackAndRecords:
        """The sum with that of the following shots, whose records come behind these."""
        records = {name: each + other.records[name] for name, each in self.records.items()}
        return StackAndRecords(self.stack.plus(other.stack), records)
