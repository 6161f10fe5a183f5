"""Angle gathers, their residual moveout, and images by distance from the source.

A subsurface-offset gather I(h, z) of a reflector is a line with the slope -tan(gamma) for every
angle gamma at which it was lit. A slant stack separates them,

    A(gamma, x, z) = sum_h I(h, x, z - h tan(gamma)),

for reflectors of gentle dip. In the right velocity an event is at one depth for all angles; else it
is curved, to first order in the error of velocity as

    z(gamma) = z(0) + c tan(gamma)**2,

with c negative where the velocity of migration is too low. c is that of the largest semblance.

References: Sava and Fomel (2003), Geophysics 68, 1065-1074; Biondi and Symes (2004), Geophysics 69,
1283-1298, for the moveout.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.survey.grid import Grid

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SlantStack:
    """Angle gathers from subsurface-offset gathers, in 2D, as an exact pair.

    Parameters
    ----------
    offsets : ndarray of shape (n_h,)
        Half offsets h [m].
    angles : ndarray of shape (n_angles,)
        Angles gamma between a ray and the normal of the reflector [deg].
    grid : Grid
    """

    offsets: Array
    angles: Array
    grid: Grid

    def gathers(self, lags: Array) -> Array:
        """Angle gathers of subsurface-offset gathers.

        Parameters
        ----------
        lags : ndarray of shape (n_h, *grid)

        Returns
        -------
        ndarray of shape (n_angles, *grid)
        """
        rows = [
            sum((shift @ lag.T).T for shift, lag in zip(shifts, lags, strict=True))
            for shifts in self._shifts
        ]
        return np.asarray(rows)

    def transpose(self, gathers: Array) -> Array:
        """Transpose of `gathers`.

        Parameters
        ----------
        gathers : ndarray of shape (n_angles, *grid)

        Returns
        -------
        ndarray of shape (n_h, *grid)
        """
        result = np.zeros((len(self.offsets), *self.grid.shape))
        for shifts, gather in zip(self._shifts, gathers, strict=True):
            for lag, shift in zip(result, shifts, strict=True):
                lag += (shift.T @ gather.T).T
        return result

    @cached_property
    def _shifts(self) -> list[list[Any]]:
        """For each angle and offset, the values at z - h tan(gamma), linear between points."""
        slopes = np.tan(np.radians(self.angles))
        depth, points = self.grid.spacing[-1], self.grid.shape[-1]
        return [[_shifted(-h * slope / depth, points) for h in self.offsets] for slope in slopes]


def _shifted(distance: float, points: int) -> Any:
    """Matrix of the values at index + distance, zero beyond the ends."""
    whole = int(np.floor(distance))
    share = distance - whole
    shape = (points, points)
    lower = scipy.sparse.eye(*shape, k=whole, format="csr")
    return (1 - share) * lower + share * scipy.sparse.eye(*shape, k=whole + 1, format="csr")


@dataclass(frozen=True)
class Moveout:
    """Residual moveout of angle gathers.

    Attributes
    ----------
    curvature : ndarray of shape (n_x, n_z)
        c of the largest semblance at each point [m].
    semblance : ndarray of shape (n_x, n_z)
        From 0 to 1: energy of the stack over that of its angles.
    energy : ndarray of shape (n_x, n_z)
        Of the stack along the best curve.
    """

    curvature: Array
    semblance: Array
    energy: Array

    def at(self, depths: slice) -> float:
        """Curvature of a range of depths, averaged over the energy of coherent events [m].

        Parameters
        ----------
        depths : slice
            Of points along z.

        Returns
        -------
        float
        """
        weights = (self.energy * self.semblance**2)[:, depths]
        total = float(weights.sum())
        return float((weights * self.curvature[:, depths]).sum() / total) if total > 0 else 0.0


def moveout(
    gathers: Array, angles: Array, grid: Grid, curvatures: Array, smoothing: float
) -> Moveout:
    """Scan the residual moveout of angle gathers.

    Parameters
    ----------
    gathers : ndarray of shape (n_angles, n_x, n_z)
    angles : ndarray of shape (n_angles,)
        [deg]
    grid : Grid
    curvatures : ndarray of shape (n,)
        Values of c that are tried [m].
    smoothing : float
        Energies are averaged along depth by a Gaussian of this standard deviation [m].

    Returns
    -------
    Moveout
    """
    squares = np.tan(np.radians(angles)) ** 2
    width = smoothing / grid.spacing[-1]

    def averaged(values: Array) -> Array:
        return np.asarray(scipy.ndimage.gaussian_filter1d(values, width, axis=-1))

    semblances, energies = [], []
    for curvature in curvatures:
        flat = [
            (_shifted(curvature * square / grid.spacing[-1], grid.shape[-1]) @ gather.T).T
            for square, gather in zip(squares, gathers, strict=True)
        ]
        stacked = averaged(np.sum(flat, axis=0) ** 2)
        total = averaged(len(angles) * np.sum(np.square(flat), axis=0))
        floor = 1e-6 * float(total.max()) or 1.0
        semblances.append(stacked / (total + floor))
        energies.append(stacked)
    scanned = np.array(semblances)
    best = scanned.argmax(axis=0)[None]
    return Moveout(
        np.asarray(curvatures)[best[0]],
        np.take_along_axis(scanned, best, axis=0)[0],
        np.take_along_axis(np.array(energies), best, axis=0)[0],
    )


@dataclass(frozen=True)
class DistanceBins:
    """Shares of the image of a shot by the distance of a point from its source along x.

    Linear weights between the centres of the bins sum to one within the largest distance.

    Parameters
    ----------
    largest : float
        Distance of the outer centres [m].
    count : int
        Number of bins, odd.
    """

    largest: float
    count: int

    @property
    def centres(self) -> Array:
        """Centres of the bins [m]."""
        return np.linspace(-self.largest, self.largest, self.count)

    def shares(self, image: Array, grid: Grid, sources: Array) -> Array:
        """The image in each bin.

        Parameters
        ----------
        image : ndarray of shape grid.shape
        grid : Grid
        sources : ndarray of shape (n_sources, ndim)
            Positions [m]; their centre counts.

        Returns
        -------
        ndarray of shape (count, *grid.shape)
        """
        distance = grid.coordinates(0) - np.atleast_2d(sources).mean(axis=0)[0]
        width = 2 * self.largest / (self.count - 1)
        away = np.abs(distance[None] - self.centres[:, None]) / width
        weights = np.maximum(0.0, 1.0 - away)
        return np.asarray(weights.reshape(*weights.shape, *[1] * (grid.ndim - 1)) * image)
