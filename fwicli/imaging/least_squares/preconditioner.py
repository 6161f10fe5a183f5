"""Scale of the unknown of a least-squares migration: weak where sources are strong.

    x = S y,    S = mean(m) / m (mean(E) / (E + epsilon mean(E)))**(1/2)

with E the energy of the source fields, epsilon the damping, and m the squared slowness, as
dm = -2 m x. The diagonal of the Hessian of x is about m**2 E times the energy from the receivers.
That of y is more even, so that conjugate gradients converge in fewer steps. Points that the image
leaves out have S = 0.

Reference: Herrmann, Brown, Erlangga and Moghaddam (2009), Geophysics 74, A59-A62.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError

Array = NDArray[Any]


def scale(illumination: Array, damping: float, slowness: Array, free: NDArray[np.bool_]) -> Array:
    """S, of the shape of the image.

    Parameters
    ----------
    illumination : ndarray of shape (*grid,)
        E.
    damping : float
        epsilon; 0 for S = 1.
    slowness : ndarray of shape (*grid,)
        m, in any unit.
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
    even = np.sqrt(mean / (illumination + damping * mean)) * slowness.mean() / slowness
    return np.where(free, even, 0.0)
