"""Equal traces: recorded twice, or copied under other positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.workflows.exchange.positions import RESOLUTION, PositionStatistics
from fwicli.workflows.exchange.traces import TraceStatistics

Array = NDArray[Any]


def odd(traces: TraceStatistics, positions: PositionStatistics, modelled: bool) -> Iterator[str]:
    """Sentences on traces that equal another one, sample by sample.

    In a uniform model, traces of equal distance between source and receiver are equal; such traces
    are odd in measured records alone.

    Parameters
    ----------
    traces : TraceStatistics
    positions : PositionStatistics
    modelled : bool
        Whether the file says that its records were modelled.

    Yields
    ------
    sentence : str
    """
    live = np.flatnonzero(np.concatenate(traces.live))
    checksums = np.concatenate(traces.checksums)[live]
    order = np.argsort(checksums, kind="stable")
    equal = np.flatnonzero(np.diff(checksums[order]) == 0)
    first, second = live[order[equal]], live[order[equal + 1]]
    if not first.size:
        return
    same = _near(positions.sources, first, second) & _near(positions.receivers, first, second)
    alike = np.abs(positions.distances[first] - positions.distances[second]) < RESOLUTION
    copied = ~same & ~alike if modelled else ~same
    for mask, words in (
        (same, "with the same source and receiver: recorded twice?"),
        (copied, "at another position: copied, or keys that do not belong to them?"),
    ):
        pairs = np.flatnonzero(mask)
        if pairs.size:
            one, other = first[pairs].min(), second[pairs[np.argmin(first[pairs])]]
            yield (
                f"{pairs.size} of {traces.traces} traces equal another one sample by sample "
                f"({_trace(positions, one)} and {_trace(positions, other)}), {words}"
            )


def _near(points: Array, first: Array, second: Array) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = (np.abs(points[first] - points[second]) < RESOLUTION).all(axis=1)
    return near


def _trace(positions: PositionStatistics, number: int) -> str:
    """A trace by its shot and its number there."""
    shot = int(positions.shot_of[number])
    begin = int(np.searchsorted(positions.shot_of, shot))
    return f"trace {number - begin} of shot {shot}"
