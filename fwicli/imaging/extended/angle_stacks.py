"""Angle gathers from gathers of lags, by slant stacks.

A reflector at the depth z0, lit at the angle gamma between a ray and its normal, is a line in a
gather of half offsets h or half time shifts tau,

    z = z0 - h tan(gamma),                                  from subsurface offsets,
    z = z0 - tau v / (cos(gamma) cos(alpha)),               from time shifts,

with the velocity of migration v and the dip of the reflector alpha. With s its slope, a stack over
the lags separates the angles,

    A(gamma, x, z) = sum_lags I(lag, x, z - lag s(gamma, x, z)),

from offsets for reflectors of gentle dip. Time shifts tell small angles apart poorly, as the cosine
hardly changes there, and need v; their lags are the same along x and z, and cost no run more.

References: Sava and Fomel (2003), Geophysics 68, 1065-1074; Sava and Fomel (2006), Geophysics 71,
S209-S217. Dips by the structure tensor: van Vliet and Verbeek (1995), Proc. ASCI, 442-450.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.imaging.extended.depth_interpolation import at_rows, at_rows_transpose
from fwicli.survey.grid import Grid

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class AngleStack(ABC):
    """Angle gathers from gathers of lags, as an exact pair.

    Parameters
    ----------
    lags : ndarray of shape (n,)
        Half offsets h [m], or half time shifts tau [s].
    angles : ndarray of shape (n_angles,)
        Angles gamma between a ray and the normal of the reflector [deg].
    grid : Grid
    """

    lags: Array
    angles: Array
    grid: Grid

    @abstractmethod
    def slope(self, angle: float) -> Array | float:
        """How far up an event moves for a unit of the lag, at every point or everywhere.

        Parameters
        ----------
        angle : float
            Between a ray and the normal of the reflector [deg].
        """

    def gathers(self, images: Array) -> Array:
        """Angle gathers of images at lags.

        Parameters
        ----------
        images : ndarray of shape (n, *grid)

        Returns
        -------
        ndarray of shape (n_angles, *grid)
        """
        result = np.zeros((len(self.angles), *self.grid.shape))
        for total, angle in zip(result, self.angles, strict=True):
            for image, rows in zip(images, self._rows(angle), strict=True):
                total += at_rows(image, rows)
        return result

    def transpose(self, gathers: Array) -> Array:
        """Transpose of `gathers`.

        Parameters
        ----------
        gathers : ndarray of shape (n_angles, *grid)

        Returns
        -------
        ndarray of shape (n, *grid)
        """
        result = np.zeros((len(self.lags), *self.grid.shape))
        for gather, angle in zip(gathers, self.angles, strict=True):
            for total, rows in zip(result, self._rows(angle), strict=True):
                total += at_rows_transpose(gather, rows)
        return result

    def _rows(self, angle: float) -> Iterator[Array]:
        """For each lag, where its image has the event that is at a point without it [points]."""
        per_point = self.slope(angle) / self.grid.spacing[-1]
        for lag in self.lags:
            yield np.arange(self.grid.shape[-1]) - lag * per_point


class SlantStack(AngleStack):
    """From half offsets [m] of subsurface-offset gathers, for reflectors of gentle dip."""

    def slope(self, angle: float) -> float:
        """tan(gamma)."""
        return float(np.tan(np.radians(angle)))


@dataclass(frozen=True, eq=False)
class TimeShiftStack(AngleStack):
    """From half time shifts [s].

    Parameters
    ----------
    velocity : ndarray of shape (*grid,)
        Of P waves in the model of the migration [m/s].
    dips : ndarray of shape (*grid,) or float
        Of reflectors from the horizontal, alpha [deg] (see `local_dips`).
    """

    velocity: Array
    dips: Array | float = 0.0

    def slope(self, angle: float) -> Array:
        """v / (cos(gamma) cos(alpha)) [m/s]."""
        cosines = np.cos(np.radians(angle)) * np.cos(np.radians(self.dips))
        return np.asarray(self.velocity / cosines)


def local_dips(image: Array, grid: Grid, width: float, largest: float = 60.0) -> Array:
    """Dip of the reflectors of an image, from the averaged products of its slopes.

    Parameters
    ----------
    image : ndarray of shape grid.shape
    grid : Grid
    width : float
        Products are averaged by a Gaussian of this standard deviation [m].
    largest : float
        Steeper dips are taken for this one [deg].

    Returns
    -------
    ndarray of shape grid.shape
        From the horizontal [deg], not negative.
    """
    widths = [width / h for h in grid.spacing]
    # The same weight of each wavenumber in all slopes: differences would turn steep reflectors.
    narrow = [max(grid.spacing) / h for h in grid.spacing]
    orders = np.eye(grid.ndim, dtype=int)
    values = np.asarray(image, dtype=float)
    slopes = [
        scipy.ndimage.gaussian_filter(values, narrow, order) / h
        for order, h in zip(orders, grid.spacing, strict=True)
    ]
    tensor = np.zeros((*grid.shape, grid.ndim, grid.ndim))
    for i, along in enumerate(slopes):
        for j, across in enumerate(slopes):
            tensor[..., i, j] = scipy.ndimage.gaussian_filter(along * across, widths)
    # The normal of a reflector is the eigenvector of the largest eigenvalue.
    vertical = np.abs(np.linalg.eigh(tensor)[1][..., -1, -1])
    dips = np.degrees(np.arccos(np.minimum(vertical, 1.0)))
    # Where there is no image, any vector is one.
    none = np.trace(tensor, axis1=-2, axis2=-1) <= 0
    return np.asarray(np.where(none, 0.0, np.minimum(dips, largest)))
