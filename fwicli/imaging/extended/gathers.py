"""Residual moveout of angle gathers, and images by distance from the source.

In the right velocity an event of an angle gather (see `angle_stacks`) is at one depth for all
angles; else it is curved, to first order in the error of velocity as

    z(gamma) = z(0) + c tan(gamma)**2,

with c negative where the velocity of migration is too low. Under one velocity V, a flat reflector
at the depth z that is migrated with V' has z**2 = z0**2 (r**2 + (r**2 - 1) tan(gamma)**2) with
r = V' / V, from offsets and time shifts alike. c is that of the largest semblance.

Reference: Biondi and Symes (2004), Geophysics 69, 1283-1298.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.imaging.extended.depth_interpolation import at_rows
from fwicli.survey.grid import Grid

Array = NDArray[Any]


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
    width, rows = smoothing / grid.spacing[-1], np.arange(grid.shape[-1])

    def averaged(values: Array) -> Array:
        return np.asarray(scipy.ndimage.gaussian_filter1d(values, width, axis=-1))

    semblances, energies = [], []
    for curvature in curvatures:
        flat = [
            at_rows(gather, rows + curvature * square / grid.spacing[-1])
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
