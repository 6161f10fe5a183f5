"""Apertures of images: where a shot adds to the sum over shots.

At a point x a shot has the weight

    w = cos(pi / 2 clip((a - a1) / (a2 - a1), 0, 1))**2,        tan a = |x_h - s_h| / (z - s_z)

with the angle a from the vertical below the source s, 1 up to a1 and 0 beyond a2. Far from the
vertical below its source a shot adds refractions, turning waves and reflections beyond the critical
angle, which reflectors of gentle dip do not need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.grid import Grid

Array = NDArray[Any]


@dataclass(frozen=True)
class AngleTaper:
    """Weight of a shot by the angle from the vertical below its source.

    Parameters
    ----------
    inner, outer : float
        Angles at which the weight begins to fall, and is zero [deg].
    """

    inner: float
    outer: float

    def weights(self, grid: Grid, sources: Array) -> Array:
        """Weights on a grid; the centre of several sources counts.

        Parameters
        ----------
        grid : Grid
        sources : ndarray of shape (n_sources, ndim)
            Positions [m].

        Returns
        -------
        ndarray of shape grid.shape
        """
        centre = np.atleast_2d(sources).mean(axis=0)
        axes = [grid.coordinates(axis) - centre[axis] for axis in range(grid.ndim)]
        *horizontal, depth = np.meshgrid(*axes, indexing="ij")
        distance = np.sqrt(sum(x**2 for x in horizontal))
        angle = np.degrees(np.arctan2(distance, np.maximum(depth, 0.0)))
        share = np.clip((angle - self.inner) / (self.outer - self.inner), 0.0, 1.0)
        return np.asarray(np.cos(0.5 * np.pi * share) ** 2)
