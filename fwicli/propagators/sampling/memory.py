"""Sizes of the arrays of a propagation, known before it runs.

Arrays on the grid have a halo of the order of the differences on every side, and rows that end
where vectors end; snapshots of a history have such rows, and no halo. With R the values of all
steps at the grid points that are visited for the receivers, and S the traces of a shot, a process
holds

    forward     arrays, matrices, the larger of R for a window and 3 S
    gradient    arrays, matrices, history, R for a window as it is recorded and as it is injected,
                and the larger of R for all steps and 3 S + the traces of the misfit

where R for a window is that of a segment of the history, or of all steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# Of vectors and lines of the cache [bytes], and distances that share the same lines.
ALIGNMENT, CONFLICT = 64, 2048

# Traces of a shot that are there at once while synthetic and observed ones are compared.
MISFIT = 6


def row(points: int, order: int, itemsize: int) -> int:
    """Points of a row in memory: with its halo, a row ends where a vector ends.

    Parameters
    ----------
    points : int
        Points of the grid along the last axis.
    order : int
        Order of the space differences.
    itemsize : int
        Bytes of a value.

    Returns
    -------
    int
    """
    lanes, halo = ALIGNMENT // itemsize, 2 * order
    length = -(-(points + halo) // lanes) * lanes
    # Rows a power of two apart share the same lines of the cache.
    if length * itemsize % CONFLICT == 0:
        length += lanes
    return length - halo


def allocated(shape: tuple[int, ...], order: int, itemsize: int) -> tuple[int, ...]:
    """Points in memory of a grid with its absorbing layer, without the halo.

    Parameters
    ----------
    shape : tuple of int
        Points along every axis.
    order : int
        Order of the space differences.
    itemsize : int
        Bytes of a value.

    Returns
    -------
    tuple of int
    """
    return (*shape[:-1], row(shape[-1], order, itemsize))


def with_halo(shape: tuple[int, ...], order: int, itemsize: int) -> int:
    """Number of points in memory of a field on a grid with its absorbing layer.

    Parameters
    ----------
    shape : tuple of int
        Points along every axis.
    order : int
        Order of the space differences.
    itemsize : int
        Bytes of a value.

    Returns
    -------
    int
    """
    return math.prod(n + 2 * order for n in allocated(shape, order, itemsize))


def packed(shape: tuple[int, ...], order: int, itemsize: int, strips: tuple[int, ...]) -> int:
    """Number of points in memory of a field that is zero but for strips along the last axis.

    Parameters
    ----------
    shape : tuple of int
        Points along every axis.
    order : int
        Order of the space differences.
    itemsize : int
        Bytes of a value.
    strips : tuple of int
        Points of the strips.

    Returns
    -------
    int
        That of the whole field where strips overlap or there are none.
    """
    if not strips or shape[-1] < sum(strips):
        return with_halo(shape, order, itemsize)
    # With the gap between them, and the halo.
    length, lanes = sum(strips) + 3 * order, ALIGNMENT // itemsize
    return math.prod(n + 2 * order for n in shape[:-1]) * (-(-length // lanes) * lanes)


@dataclass(frozen=True)
class TraceMemory:
    """Source and receiver traces of one shot.

    Attributes
    ----------
    count, samples : int
        Receivers, and their samples.
    visited : int
        Points of the grid that are visited for them (see `interpolation.condensed`).
    """

    count: int = 0
    samples: int = 0
    visited: int = 0

    def memory(self, steps: int, window: int, itemsize: int, gradient: bool) -> int:
        """Memory of the traces in a process [bytes].

        Parameters
        ----------
        steps, window : int
            Steps of the propagation, and of the longest window that is run at once.
        itemsize : int
            Bytes of a value.
        gradient : bool
            Whether they are compared and propagated backwards.

        Returns
        -------
        int
        """
        traces = self.count * self.samples * itemsize
        recorded = window * self.visited * itemsize
        if not gradient:
            return recorded + 3 * traces
        return 2 * recorded + max(steps * self.visited * itemsize, recorded + MISFIT * traces)
