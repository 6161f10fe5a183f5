"""Traces next to their source, which depend on the grid that waves are modelled on.

The field of a point source grows without end towards the source, like log(1 / r) in 2D and like
1 / r in 3D. On a grid it ends at the size of a cell, and how it ends depends on the cells, on the
place of the source between them, and on the difference formulas. What is lost are wavenumbers k
beyond those of the grid, far from those of waves, where

    1 / (k**2 - w**2 / v**2) = 1 / k**2 + (w / v)**2 / k**4 + ...,

so that records next to the source q(t) differ by

    a q(t) + b q''(t) + ...

with numbers a and b of each trace that depend on the two grids: without delay, whatever the medium.
Relative L2 errors of records of a homogeneous medium at the distance r [cells], off the points of
the grid, with 3.4 points in the shortest wavelength, the largest of twelve; and of what is left of
these errors without their part in q and q'':

    r           0.25   0.5    1     2     3     4     5
    2D          23     7     10     8     2    0.5   0.5 %
    2D, left   0.2    0.3   0.2   0.3   0.3    0.4   0.4 %
    3D          52    13     18    17     2    0.7   0.5 %
    3D, left   0.1    0.2   0.3   0.2   0.4    0.3   0.5 %

At r = 0 there is no true value at all. No model explains such differences, in the loudest of all
traces. Up to the reach of the sinc functions that put sources between the points, four cells,
traces are compared without their part in the span of q and q'', which is nearly all that the grids
differ by and little of the waves that come back from below. Where q is not known, they fade out by
weights

    w(r) = sin(pi/2 (r - l/4) / (3 l / 4))**2      for l / 4 < r < l = 4 cells,

0 nearer to the source, 1 beyond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import PointSource

Array = NDArray[Any]

# Cells from the source from which records are those of any grid. Traces that fade count in full
# there, and not at all within a share of it.
CELLS = 4.0
NONE = 0.25


def length(waves: PointSource, records: PointSource | None) -> float:
    """Distance from the source from which records are those of any grid [m].

    Parameters
    ----------
    waves : PointSource
        As the waves are modelled that are compared with the records.
    records : PointSource or None
        As the records were modelled; None if they were not, or nobody knows.

    Returns
    -------
    float
        0 where both are modelled in the same way, so that they agree at the source, too.
    """
    if records is not None and waves.like(records):
        return 0.0
    return CELLS * max(waves.spacing)


def distances(acquisition: Acquisition, shot: int) -> Array:
    """Of the receivers of a shot from its source, shape (n_receivers,) [m]."""
    apart = acquisition.receivers_of(shot) - acquisition.source(shot)
    return np.asarray(np.linalg.norm(apart, axis=1))


def weights(distance: Array, full: float) -> Array:
    """Of traces, w(r).

    Parameters
    ----------
    distance : ndarray
        From the source [m].
    full : float
        l, the distance at which traces count in full [m]; 0 for all of them.
    """
    if full <= 0:
        return np.ones(np.shape(distance))
    none = NONE * full
    # Positions in files are rounded; a trace at the edge is one within it.
    share = np.clip((distance - none) / (full - none), 0.0, 1.0)
    return np.asarray(np.sin(0.5 * np.pi * np.where(share < 1e-4, 0.0, share)) ** 2)


@dataclass(frozen=True)
class Near:
    """What is compared of the traces of a shot: a symmetric operator on its gathers.

    Attributes
    ----------
    factors : ndarray of shape (n_receivers, 1)
        Weights of the traces.
    rows : ndarray of int, shape (n,)
        Traces without their part in some functions of time.
    basis : ndarray of shape (n or 1, samples, k)
        Orthonormal functions, or zeros, for each of these or for all.
    """

    factors: Array
    rows: NDArray[np.int64]
    basis: Array

    def apply(self, gather: Array) -> Array:
        """A gather of shape (n_receivers, samples) as it is compared."""
        seen = self.factors * gather.astype(np.float64)
        if self.rows.size:
            part = seen[self.rows, :, None]
            seen[self.rows] -= (self.basis * (self.basis * part).sum(axis=1, keepdims=True)).sum(2)
        return np.asarray(seen)


def fading(distance: Array, full: float) -> Near:
    """Traces fade out by their distances from the source [m], for a distance l [m]."""
    return _weighted(weights(distance, full))


def without(distance: Array, full: float, wavelet: Array, interval: float) -> Near:
    """Traces nearer to the source than a distance [m] are compared without q and q''.

    Parameters
    ----------
    wavelet : ndarray of shape (samples,)
        q, sampled at `interval` [s] as the traces are.
    """
    basis = orthonormal(direct(wavelet, interval))[None]
    return Near(np.ones((len(distance), 1)), np.flatnonzero(distance < full * (1 - 1e-6)), basis)


def joined(factors: Array, columns: Mapping[int, Sequence[Array]]) -> Near:
    """Traces without their part in functions of their own.

    Parameters
    ----------
    factors : ndarray of shape (n_receivers, 1)
        Weights of the traces.
    columns : mapping of int to sequence of ndarray of shape (samples, n)
        Functions by the number of the trace.
    """
    rows = sorted(columns)
    spans = [orthonormal(np.concatenate(columns[row], axis=1)) for row in rows]
    if not spans:
        return _weighted(factors[:, 0])
    width = max(span.shape[1] for span in spans)
    basis = np.stack([np.pad(s, ((0, 0), (0, width - s.shape[1]))) for s in spans])
    return Near(factors, np.asarray(rows, dtype=np.int64), basis)


def direct(wavelet: Array, interval: float) -> Array:
    """q and q'' in columns, shape (samples, 2), each of about the same size."""
    q = wavelet.astype(np.float64)
    frequencies = np.fft.rfftfreq(2 * q.size, interval)
    second = np.fft.irfft(frequencies**2 * np.fft.rfft(q, 2 * q.size), 2 * q.size)[: q.size]
    return np.stack([v / (np.linalg.norm(v) or 1.0) for v in (q, second)], axis=1)


def orthonormal(columns: Array) -> Array:
    """Orthonormal functions that span columns of shape (samples, n), as many, some of them zero."""
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left * (sizes > 1e-6 * max(sizes[0], 1e-300)))


def _weighted(factors: Array) -> Near:
    return Near(factors[:, None], np.zeros(0, dtype=np.int64), np.zeros((1, 1, 1)))


@dataclass(frozen=True)
class Nearest:
    """What a grid cannot explain of the records of a survey.

    Attributes
    ----------
    length : float
        Distance from the source [m] within which records depend on the grid; 0 if none do.
    traces : int
        Within it.
    of : int
        Traces in all.
    energy : float
        Share of the energy of all traces that these hold.
    fades : bool
        Whether they fade out, in place of being compared without the wavelet.
    """

    length: float = 0.0
    traces: int = 0
    of: int = 0
    energy: float = 0.0
    fades: bool = False

    def numbers(self) -> dict[str, float | str]:
        """For a summary."""
        return {
            "distance_m": round(self.length, 3),
            "traces": self.traces,
            "energy_share": round(self.energy, 6),
            "summary": str(self),
        }

    def __str__(self) -> str:
        """In words."""
        if not self.traces:
            return "no trace is so near to its source that it depends on the grid"
        how = "fade out" if self.fades else "are compared without their part in the wavelet"
        return (
            f"{self.traces} of {self.of} traces, with {self.energy:.2%} of the energy, are nearer "
            f"than {self.length:.4g} m to their source, where records depend on the grid; they "
            f"{how}"
        )
