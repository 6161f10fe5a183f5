"""Traces next to their source, which depend on the grid of the waves.

The field of a point source diverges towards the source, like log(1 / r) in 2D and like 1 / r in 3D.
On a grid it is bounded by the size of a cell. The bound depends on the cells, on the position of
the source between them, and on the difference formulas. The grid lacks wavenumbers k far above
those of waves, where

    1 / (k**2 - w**2 / v**2) = 1 / k**2 + (w / v)**2 / k**4 + ...,

so that records next to the source q(t) differ by

    a q(t) + b q''(t) + ...

with numbers a and b of each trace that depend on the two grids: without delay, in any medium.
The table gives relative L2 errors of records of a homogeneous medium at the distance r [cells], off
the points of the grid, with 3.4 points in the shortest wavelength, the largest of twelve; and the
rest of these errors without their part in q and q'':

    r           0.25   0.5    1     2     3     4     5
    2D          23     7     10     8     2    0.5   0.5 %
    2D, rest   0.2    0.3   0.2   0.3   0.3    0.4   0.4 %
    3D          52    13     18    17     2    0.7   0.5 %
    3D, rest   0.1    0.2   0.3   0.2   0.4    0.3   0.5 %

Particle velocities are integrals over time of gradients of pressure: of them, the integral of q and
q' take the place of q and q''. At 0.25 to 4 cells they differ by up to 83 % on two grids, and by
at most 0.12 % without their part in these. Accelerations are as pressures.

A solid bears shear: the volume that a source of pressure has injected, the integral of the integral
of q, stays under stress where it is. With vs of half of vp pressures on grids of 20 and of 5 m
differ by up to 340 % within four cells, by 250 % without q and q'', and by 0.06 % without that
integral, too. In fluids it stays: next to the source it is up to a fifth of the remaining waves.

At r = 0 no true value exists. No model explains such differences, although these traces are the
strongest of all. Sinc functions interpolate sources over four cells. Up to this distance, traces
are compared without their part in the span of q and q''. This removes nearly all of the difference
of the grids, and little of the waves from below. If q is unknown, weights decrease towards the
source,

    w(r) = sin(pi/2 (r - l/4) / (3 l / 4))**2      for l / 4 < r < l = 4 cells,

0 nearer to the source, 1 beyond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import PRESSURE, Component

Array = NDArray[Any]

# Distance from the source [cells] from which records do not depend on the grid, and where weights
# reach 1; share of it within which weights are 0.
CELLS = 4.0
NONE = 0.25


@dataclass(frozen=True)
class PointSource:
    """Discretization of a point source, on which the field next to the source depends.

    Attributes
    ----------
    equation : str
        Name of the equation.
    spacing, origin : tuple of float
        Of the grid [m].
    order : int
        Order of the space differences.
    interpolation : str
        Interpolation of sources and receivers between grid points.
    stencil : str
        Weights of the space differences.
    """

    equation: str
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    order: int
    interpolation: str
    stencil: str = "taylor"

    def __post_init__(self) -> None:
        # Files hold plain text; that of a user's equation knows more (see `equations.own`).
        object.__setattr__(self, "equation", str(self.equation))

    def like(self, other: PointSource) -> bool:
        """Whether fields next to sources at equal positions are equal."""
        if replace(self, spacing=other.spacing, origin=other.origin) != other:
            return False
        if len(self.spacing) != len(other.spacing) or not np.allclose(
            self.spacing, other.spacing, rtol=1e-6, atol=0
        ):
            return False
        # Grids with common points may begin at different positions.
        offset = (np.asarray(self.origin) - np.asarray(other.origin)) / np.asarray(self.spacing)
        return bool(np.allclose(offset, np.rint(offset), rtol=0, atol=1e-4))


def length(waves: PointSource, records: PointSource | None) -> float:
    """Distance from the source from which records do not depend on the grid [m].

    Parameters
    ----------
    waves : PointSource
        Discretization of the synthetic waves.
    records : PointSource or None
        Discretization of the records; None if they were measured, or it is unknown.

    Returns
    -------
    length : float
        [m]; 0 for equal discretizations, which agree at the source, too.
    """
    if records is not None and waves.like(records):
        return 0.0
    return CELLS * max(waves.spacing)


def distances(acquisition: Acquisition, shot: int) -> Array:
    """Distances of the receivers of a shot from its source.

    Parameters
    ----------
    acquisition : Acquisition
    shot : int
        Number of the shot.

    Returns
    -------
    distances : ndarray of shape (n_receivers,)
        [m].
    """
    offsets = acquisition.receivers_of(shot) - acquisition.source(shot)
    return np.asarray(np.linalg.norm(offsets, axis=1))


def weights(distance: Array, full: float) -> Array:
    """Weights w(r) of traces.

    Parameters
    ----------
    distance : ndarray
        r, from the source [m].
    full : float
        l, the distance from which weights are 1 [m]; 0 for weights of 1 everywhere.

    Returns
    -------
    weights : ndarray of the shape of `distance`
    """
    if full <= 0:
        return np.ones(np.shape(distance))
    none = NONE * full
    # Positions in files are rounded; a trace at the edge counts as inside.
    share = np.clip((distance - none) / (full - none), 0.0, 1.0)
    return np.asarray(np.sin(0.5 * np.pi * np.where(share < 1e-4, 0.0, share)) ** 2)


@dataclass(frozen=True)
class Near:
    """Symmetric operator on the gathers of a shot, for traces next to the source.

    Attributes
    ----------
    factors : ndarray of shape (n_receivers, 1)
        Weights of the traces.
    rows : ndarray of int, of shape (n,)
        Traces whose part in some functions of time is removed.
    basis : ndarray of shape (n or 1, samples, k)
        Orthonormal functions, or zeros, for each of these traces or for all.
    """

    factors: Array
    rows: NDArray[np.int64]
    basis: Array

    def apply(self, gather: Array) -> Array:
        """Apply the operator to a gather of shape (n_receivers, samples)."""
        weighted = self.factors * gather.astype(np.float64)
        if self.rows.size:
            part = weighted[self.rows, :, None]
            weighted[self.rows] -= (
                self.basis * (self.basis * part).sum(axis=1, keepdims=True)
            ).sum(2)
        return np.asarray(weighted)


def fading(distance: Array, full: float) -> Near:
    """Operator with weights that decrease towards the source.

    Parameters
    ----------
    distance : ndarray of shape (n_receivers,)
        From the source [m].
    full : float
        l, the distance from which weights are 1 [m].

    Returns
    -------
    near : Near
    """
    return _weighted(weights(distance, full))


def without(
    distance: Array,
    full: float,
    wavelet: Array,
    interval: float,
    components: Sequence[Component] = (),
    rigid: bool = False,
) -> Near:
    """Operator that removes from traces next to the source what depends on the grid.

    Parameters
    ----------
    distance : ndarray of shape (n_receivers,)
        From the source [m].
    full : float
        Distance within which they are removed [m].
    wavelet : ndarray of shape (samples,)
        q.
    interval : float
        Sampling interval [s].
    components : sequence of Component
        Of the traces; empty where all are of pressure.
    rigid : bool
        Whether the medium may be a solid.

    Returns
    -------
    near : Near
    """
    rows = np.flatnonzero(distance < full * (1 - 1e-6))
    # A strain is a difference of displacements, each of which has these functions.
    quantities = [c.vector for c in components] or [PRESSURE.quantity]
    spans = {q: orthonormal(direct(wavelet, interval, q, rigid)) for q in sorted(set(quantities))}
    alike = len(spans) == 1 or not rows.size
    of_rows = quantities[:1] if alike else [quantities[row] for row in rows]
    basis = np.stack([spans[quantity] for quantity in of_rows])
    return Near(np.ones((len(distance), 1)), rows, basis)


def joined(factors: Array, columns: Mapping[int, Sequence[Array]]) -> Near:
    """Operator that removes other functions from each trace.

    Parameters
    ----------
    factors : ndarray of shape (n_receivers, 1)
        Weights of the traces.
    columns : mapping of int to sequence of ndarray of shape (samples, n)
        Functions by the number of the trace.

    Returns
    -------
    near : Near
    """
    rows = sorted(columns)
    spans = [orthonormal(np.concatenate(columns[row], axis=1)) for row in rows]
    if not spans:
        return _weighted(factors[:, 0])
    width = max(span.shape[1] for span in spans)
    basis = np.stack([np.pad(s, ((0, 0), (0, width - s.shape[1]))) for s in spans])
    return Near(factors, np.asarray(rows, dtype=np.int64), basis)


def direct(
    wavelet: Array, interval: float, quantity: str = "pressure", rigid: bool = False
) -> Array:
    """Functions of q in columns, each normalised.

    They are q and q'', for particle velocities the integral of q and q', and for displacements the
    integral of that and q. The third is zero but for pressures in solids, of which it is the
    integral of the integral of q.

    Parameters
    ----------
    wavelet : ndarray of shape (samples,)
        q.
    interval : float
        Sampling interval [s].
    quantity : str
        That is recorded.
    rigid : bool
        Whether the medium may be a solid.

    Returns
    -------
    columns : ndarray of shape (samples, 3)
    """
    q = wavelet.astype(np.float64)
    spectrum, frequencies = np.fft.rfft(q, 2 * q.size), np.fft.rfftfreq(2 * q.size, interval)
    power = {"velocity": 1, "displacement": 0}.get(quantity, 2)
    derivative = np.fft.irfft((1j * frequencies) ** power * spectrum, 2 * q.size)[: q.size]
    first = q
    for _ in range(power, 2):
        first = _integral(first)
    stays = rigid and quantity == "pressure"
    volume = _integral(_integral(q)) if stays else np.zeros(q.size)
    return np.stack([v / (np.linalg.norm(v) or 1.0) for v in (first, derivative, volume)], axis=1)


def _integral(values: Array) -> Array:
    """Integral over time by trapezoids, from rest, in units of the interval."""
    return np.asarray(np.cumsum(values) - 0.5 * values)


def orthonormal(columns: Array) -> Array:
    """Orthonormal functions with the span of columns of shape (samples, n); some may be zero."""
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(left * (sizes > 1e-6 * max(sizes[0], 1e-300)))


def _weighted(factors: Array) -> Near:
    return Near(factors[:, None], np.zeros(0, dtype=np.int64), np.zeros((1, 1, 1)))


@dataclass(frozen=True)
class Nearest:
    """Traces of a survey that depend on the grid.

    Attributes
    ----------
    length : float
        Distance from the source [m] within which records depend on the grid; 0 if none do.
    traces : int
        Number of traces within it.
    of : int
        Number of all traces.
    energy : float
        Their share of the energy of all traces.
    fades : bool
        Whether their weights decrease, in place of being compared without the wavelet.
    rigid : bool
        Whether the medium may be a solid.
    """

    length: float = 0.0
    traces: int = 0
    of: int = 0
    energy: float = 0.0
    fades: bool = False
    rigid: bool = False

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
            f"{self.traces} of {self.of} traces are nearer than {self.length:.4g} m to their "
            f"source and {how}: there it depends on the grid and says little about the model, "
            f"although it is {self.energy:.2%} of the energy"
        )
