"""Velocity from the residual moveout of image gathers by offset or by source.

Waves in the velocity V that are migrated with the velocity V' put a flat reflector at

    z(h)**2 = z(0)**2 + c h**2,        c = (V' / V)**2 - 1,

with h half the distance of source and receiver, or the distance of the point of the image from the
source, and z below the sources. Where V' is too low, c is negative: events curve upwards. In
layered media V is the mean of velocities down to the reflector. The ratio V' / V is that of the
largest semblance.

Reference: Al-Yahya (1989), Geophysics 54, 718-729.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.imaging.extended.depth_interpolation import at_rows
from fwicli.imaging.extended.gathers import Moveout
from fwicli.survey.grid import Grid

Array = NDArray[Any]

# Ratios of velocities that are tried.
RATIOS = np.linspace(0.8, 1.25, 91)


def velocity_ratios(
    gathers: Array, halves: Array, grid: Grid, depth: float, ratios: Array = RATIOS
) -> Moveout:
    """Scan image gathers for the velocity of migration over that of the waves.

    Parameters
    ----------
    gathers : ndarray of shape (n, n_x, n_z)
    halves : ndarray of shape (n,) or (n, n_x)
        Half offsets, or distances of the points from the sources [m].
    grid : Grid
        In 2D.
    depth : float
        Of the sources [m].
    ratios : ndarray of shape (n_ratios,), optional
        V' / V that are tried.

    Returns
    -------
    Moveout
        Its curvature is V' / V.
    """
    squares = np.broadcast_to(np.reshape(halves, (len(gathers), -1)), gathers.shape[:2]) ** 2
    below = np.maximum(grid.coordinates(1) - depth, 0.0)
    width = 3.0  # points

    def averaged(values: Array) -> Array:
        return np.asarray(scipy.ndimage.gaussian_filter1d(values, width, axis=-1))

    semblances, energies = [], []
    for ratio in ratios:
        total, power = np.zeros((2, *grid.shape))
        for gather, square in zip(gathers, squares, strict=True):
            depths = np.sqrt(np.maximum(below**2 + (ratio**2 - 1) * square[:, None], 0.0))
            event = at_rows(gather, (depths + depth - grid.origin[1]) / grid.spacing[1])
            total += event
            power += event**2
        stacked, energy = averaged(total**2), averaged(len(gathers) * power)
        semblances.append(stacked / (energy + (1e-6 * float(energy.max()) or 1.0)))
        energies.append(stacked)
    scanned = np.array(semblances)
    best = scanned.argmax(axis=0)[None]
    return Moveout(
        np.asarray(ratios)[best[0]],
        np.take_along_axis(scanned, best, axis=0)[0],
        np.take_along_axis(np.array(energies), best, axis=0)[0],
    )
