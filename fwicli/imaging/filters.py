"""Filters of images.

Backscattered and diving waves correlate to smooth, strong amplitudes along whole ray paths. With
`angle` half of that between the directions of the two fields at a point x,

    -laplacian I  ~  (2 w cos(angle) / vp)**2 I,

which is small where they run in opposite directions. The weight by vp**2 makes the factor the same
at all depths; without it, slow rock near the surface outshines what lies below.

Reference: Zhang and Sun (2009), First Break 27(1), 53-59.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.model import EarthModel

Array = NDArray[Any]


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
