"""Filters of images.

    laplacian       -(vp / 2)**2 laplacian(I)
    low cut         1 / (1 + (kc / k_z)**8),        kc = 2 pi / wavelength
    dips            cos(pi / 2 clip((a - dip) / 10 degrees, 0, 1))**2,        tan a = |k_h| / |k_z|
    mute            sin(pi / 2 distance / taper)**2 below the muted region, 0 in it
    balance         I / sqrt(mean of I**2 nearby), for pictures alone

The second to fourth are symmetric matrices. Backscattered and diving waves correlate to smooth,
strong amplitudes along whole ray paths. With `angle` half of that between the directions of the two
fields at a point x,

    -laplacian I  ~  (2 w cos(angle) / vp)**2 I,

which is small where they run in opposite directions. The weight by vp**2 makes the factor the same
at all depths; without it, slow rock near the surface outshines that of greater depth.

Reference: Zhang and Sun (2009), First Break 27(1), 53-59.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.imaging import spectra
from fwicli.survey.grid import Grid
from fwicli.survey.model import EarthModel

Array = NDArray[Any]

# Dips over which a dip filter falls [deg].
DIP_TAPER = 10.0
# Share of the largest local amplitude that balancing adds to all.
BALANCE_FLOOR = 0.02


def laplacian(image: Array, earth: EarthModel) -> Array:
    """Laplacian of an image times -(vp / 2)**2 [1/s2]: reflectors keep their sign.

    Parameters
    ----------
    image : ndarray of shape earth.grid.shape
    earth : EarthModel
        The smooth model that the image was made in.

    Returns
    -------
    ndarray of shape earth.grid.shape
    """
    result = np.zeros(image.shape)
    for axis, spacing in enumerate(earth.grid.spacing):
        padded = np.pad(
            image.astype(float),
            [(1, 1) if i == axis else (0, 0) for i in range(image.ndim)],
            "edge",
        )
        size = image.shape[axis]
        below, middle, above = (padded.take(range(k, k + size), axis) for k in range(3))
        result -= (below - 2 * middle + above) / spacing**2
    return result * (earth.vp / 2) ** 2


def low_cut(image: Array, grid: Grid, wavelength: float) -> Array:
    """Remove long wavelengths along depth.

    Parameters
    ----------
    image : ndarray of shape grid.shape
    grid : Grid
    wavelength : float
        Half the amplitude of this one is left [m].

    Returns
    -------
    ndarray of shape grid.shape
    """
    *_, k = spectra.wavenumbers(grid.shape, grid.spacing)
    with np.errstate(divide="ignore"):
        response = 1 / (1 + (2 * np.pi / wavelength / k) ** 8)
    return spectra.filtered(image, response)


def dips(image: Array, grid: Grid, largest: float) -> Array:
    """Remove reflectors of steep dip.

    Parameters
    ----------
    image : ndarray of shape grid.shape
    grid : Grid
    largest : float
        Dip from the horizontal that is left as it is [deg].

    Returns
    -------
    ndarray of shape grid.shape
    """
    *horizontal, vertical = spectra.wavenumbers(grid.shape, grid.spacing)
    across = np.sqrt(sum(k**2 for k in horizontal))
    dip = np.degrees(np.arctan2(across, vertical))
    share = np.clip((dip - largest) / DIP_TAPER, 0.0, 1.0)
    return spectra.filtered(image, np.cos(0.5 * np.pi * share) ** 2)


def mute_weights(muted: NDArray[np.bool_], grid: Grid, taper: float) -> Array:
    """Weights of an image that leaves a region out, and rises below it.

    Parameters
    ----------
    muted : ndarray of bool, shape grid.shape
        Points from the top of each column that are left out.
    grid : Grid
    taper : float
        Distance over which the weights rise [m].

    Returns
    -------
    ndarray of shape grid.shape
    """
    below = np.cumsum(~muted, axis=-1) * grid.spacing[-1]
    rise = np.sin(0.5 * np.pi * np.minimum(below / taper, 1.0)) ** 2 if taper > 0 else 1.0
    return np.asarray(np.where(muted, 0.0, rise))


def balanced(image: Array, grid: Grid, length: float) -> Array:
    """An image with even amplitudes, for pictures: its own no longer mean anything.

    Parameters
    ----------
    image : ndarray of shape grid.shape
    grid : Grid
    length : float
        Amplitudes are averaged by a Gaussian of this standard deviation [m].

    Returns
    -------
    ndarray of shape grid.shape
    """
    width = [length / h for h in grid.spacing]
    power = scipy.ndimage.gaussian_filter(np.asarray(image, dtype=float) ** 2, width)
    size = np.sqrt(power)
    largest = float(size.max())
    return np.asarray(image / (size + BALANCE_FLOOR * largest)) if largest > 0 else image
