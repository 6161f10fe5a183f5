"""What of the forward field a gradient keeps, and the memory that takes.

The gradient correlates the forward field with the multiplier over time. Both end at a highest
frequency f, so their product may be summed at any rate above 2 f: the history keeps every k-th
step with

    k = floor(1 / (2 * 3 f dt)),

weighted by k. The rate is three times the least one because records end abruptly, and so does the
multiplier's band: the error of the gradient is then below 1e-3 (5e-5 where the residual is tapered
to zero at its end). `full` keeps every step, and is exact for any signal.
"""

from __future__ import annotations

import math
from collections.abc import Collection

from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.sampling import TimeAxis

OVERSAMPLING = 3.0


def subsampling(axis: TimeAxis, frequency: float) -> int:
    """Steps between snapshots for a band that ends at `frequency` [Hz]."""
    return max(1, math.floor(1 / (2 * OVERSAMPLING * frequency * axis.step)))


def snapshots(steps: int, every: int) -> int:
    """Number of snapshots of a run."""
    return (steps - 1) // every + 1


def working_bytes(
    equation: Equation,
    ndim: int,
    points: int,
    kept: int,
    itemsize: int,
    gradient: bool,
    parameters: Collection[str] | None = None,
) -> int:
    """Memory of one shot [bytes].

    Parameters
    ----------
    equation : Equation
    ndim : int
        Number of space dimensions.
    points : int
        Grid points with the absorbing layer.
    kept : int
        Snapshots of the history.
    gradient : bool
        Whether the multiplier is propagated, too.
    parameters : collection of str, optional
        Parameters of which a gradient is wanted; by default all.
    """
    footprint = equation.footprint(ndim)
    arrays = footprint.forward
    if gradient:
        arrays += footprint.gradient + kept * len(footprint.kept(equation.receiver, parameters))
    return points * itemsize * arrays
