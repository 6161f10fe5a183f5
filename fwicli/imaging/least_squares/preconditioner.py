"""Scale of the unknown of a least-squares migration: weak where sources are strong.

    x = S y,    S = (mean(E) / (E + epsilon mean(E)))**(1/2)

with E the energy of the source fields and epsilon the damping. The diagonal of the Hessian of x is
about E times the energy from the receivers, so that y has a more even one: conjugate gradients for
y converge in fewer steps. Points that the image leaves out have S = 0.

Reference: Herrmann, Brown, Erlangga and Moghaddam (2009), Geophysics 74, A59-A62.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError

Array = NDArray[Any]


def scale(illumination: Array, damping: float, free: NDArray[np.bool_]) -> Array:
    """S, of the shape of the image.

    Parameters
    ----------
    illumination : ndarray of shape (*grid,)
        E.
    damping : float
        epsilon; 0 for S = 1.
    free : ndarray of bool, of shape (*grid,)
        Points of the image.

    Returns
    -------
    scale : ndarray of shape (*grid,)

    Raises
    ------
    DataError
        If there is no energy anywhere.
    """
    if damping == 0:
        return free.astype(np.float64)
    mean = float(illumination.mean())
    if not mean > 0:
        raise DataError(
            "the source fields are zero everywhere: check that sources are not where the pressure "
            "is zero, that the record is long enough, and the units of velocity and times"
        )
    return np.where(free, np.sqrt(mean / (illumination + damping * mean)), 0.0)
