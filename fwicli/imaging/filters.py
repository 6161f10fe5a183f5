"""Filters of images.

Backscattered and diving waves correlate to smooth, strong amplitudes along whole ray paths. The
Laplacian weights them by (2 k cos(angle))**2, which is small where the two fields travel in
opposite directions.

Reference: Zhang and Sun (2009), First Break 27(1), 53-59.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.grid import Grid

Array = NDArray[Any]


def laplacian(image: Array, grid: Grid) -> Array:
    """Negative Laplacian of an image [1/m2]: reflectors keep their sign."""
    result = np.zeros(image.shape)
    for axis, spacing in enumerate(grid.spacing):
        padded = np.pad(
            image.astype(float),
            [(1, 1) if i == axis else (0, 0) for i in range(image.ndim)],
            "edge",
        )
        size = image.shape[axis]
        below, middle, above = (padded.take(range(k, k + size), axis) for k in range(3))
        result -= (below - 2 * middle + above) / spacing**2
    return result
