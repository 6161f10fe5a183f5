"""Filters of images by wavenumber, in cosines: even beyond the sides of the model.

Cosine transforms with `norm="ortho"` are orthogonal matrices, so that a filter by a function of
wavenumbers is symmetric, and its own transpose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]


def wavenumbers(shape: Sequence[int], spacing: Sequence[float]) -> list[Array]:
    """Wavenumbers of the cosines along each axis [rad/m], each of a shape that broadcasts.

    Parameters
    ----------
    shape : sequence of int
    spacing : sequence of float
        [m]

    Returns
    -------
    list of ndarray
    """
    return [
        (np.pi * np.arange(n) / (n * h)).reshape(
            [-1 if i == axis else 1 for i in range(len(shape))]
        )
        for axis, (n, h) in enumerate(zip(shape, spacing, strict=True))
    ]


def filtered(image: Array, response: Array) -> Array:
    """An image with its cosine spectrum multiplied by a response.

    Parameters
    ----------
    image : ndarray of shape (*grid,)
    response : ndarray that broadcasts to (*grid,)

    Returns
    -------
    ndarray of shape (*grid,)
    """
    spectrum = scipy.fft.dctn(np.asarray(image, dtype=float), norm="ortho")
    return np.asarray(scipy.fft.idctn(spectrum * response, norm="ortho"))


def laplacian(image: Array, spacing: Sequence[float]) -> Array:
    """Laplacian of an image [1/m2 of its unit], exact for every wavelength of the grid.

    Parameters
    ----------
    image : ndarray of shape (*grid,)
    spacing : sequence of float
        [m]

    Returns
    -------
    ndarray of shape (*grid,)
    """
    squares = [k**2 for k in wavenumbers(image.shape, spacing)]
    return filtered(image, -sum(squares[1:], squares[0]))
