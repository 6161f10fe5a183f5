"""The scale of greys of images of reflectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Largest ratio of the end of the scale to the usual value at a depth. Images of layers below water
# have 1.5 to 1.7; one of elastic waves with sources in rock has 89.
LOUDEST = 10.0


def end_of_greys(values: Array, counted: NDArray[np.bool_]) -> float:
    """The value at the end of a grey scale of an image of reflectors.

    It is exceeded by a hundredth of the values. Sources and receivers in rock can be so much louder
    that nothing else would be seen: at most it is `LOUDEST` of the middle of all depths.

    Parameters
    ----------
    values : ndarray of shape (n, nz) or (n, m, nz)
        Image.
    counted : ndarray of bool, of the same shape
        Points that count; all do where none is.

    Returns
    -------
    float
        1 for an image of zeros.
    """
    sizes = np.abs(values)
    sizes = np.where(counted, sizes, np.nan) if counted.any() else sizes
    rows = sizes.reshape(-1, sizes.shape[-1])
    rows = rows[:, ~np.isnan(rows).all(axis=0)]
    loud = np.nanpercentile(rows, 99, axis=0)
    usual = float(np.median(loud[loud > 0])) if loud.any() else 1.0
    return min(float(np.nanpercentile(rows, 99)) or usual, LOUDEST * usual)
