"""Traces next to their source, which depend on the grid that waves are modelled on.

The field of a point source grows without end towards the source, like log(1 / r) in 2D and like
1 / r in 3D. On a grid it ends at the size of a cell, and how it ends depends on the cells, on the
place of the source between them, and on the difference formulas. At the distance r [cells], off
the grid points, the largest errors of a record of a homogeneous medium were

    r       0.5     1     2     3    4    5
    2D      11 %   13 %   8 %   4 %  0.5 %  0.5 %
    3D      18 %   28 %  18 %  10 %  2 %   0.6 %

for 3.4 to 12 points in the shortest wavelength, relative L2; at r = 0 there is no true value at
all. They end with the reach of the sinc functions that put sources between the points, four cells.
No model explains such traces, and they are the loudest. They fade out by the weights

    w(r) = sin(pi/2 (r - l/4) / (3 l / 4))**2      for l / 4 < r < l = 4 cells,

0 nearer to the source, 1 beyond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.acquisition import Acquisition
from fwicli.survey.gathers import PointSource

Array = NDArray[Any]

# Cells from the source at which traces count in full, and the share of that within which they do
# not count at all.
CELLS = 4.0
NONE = 0.25


def length(waves: PointSource, records: PointSource | None) -> float:
    """Distance from the source at which traces count in full [m].

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


def of_shot(acquisition: Acquisition, shot: int, full: float) -> Array:
    """Weights of the traces of a shot, shape (n_receivers,)."""
    return weights(distances(acquisition, shot), full)


@dataclass(frozen=True)
class Fading:
    """What fades out in the records of a survey.

    Attributes
    ----------
    length : float
        Distance from the source at which traces count in full [m]; 0 if nothing fades out.
    traces : int
        That do not count in full.
    of : int
        Traces in all.
    energy : float
        Share of the energy of all traces that these hold.
    """

    length: float = 0.0
    traces: int = 0
    of: int = 0
    energy: float = 0.0

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
            return "no trace is too near to its source"
        return (
            f"{self.traces} of {self.of} traces are nearer than {self.length:.4g} m to their "
            f"source, where records depend on the grid, and fade out: {self.energy:.2%} of the "
            f"energy"
        )
