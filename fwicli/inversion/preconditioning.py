"""Preconditioner of the gradient: a symmetric positive approximation to the inverse Hessian.

    P = M W S W M,        W = (illumination / mean + eps)**(-1/2)

with M zero at fixed points, S a Gaussian smoothing and W the inverse root of the energy of the
source fields at each point, a diagonal stand-in for the Hessian. P is what the optimizer starts
its own approximation from; the gradient itself stays exact.

Reference: Shin, Jang and Min (2001), Geophysical Prospecting 49, 592-606, for the diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Preconditioner:
    """P = M W S W M on the grid, for one variable or for each block of several.

    Parameters
    ----------
    free : ndarray of bool
        Points that may change.
    weight : ndarray or float
        W; 1 for none.
    sigma : tuple of float
        Standard deviation of the smoothing along each axis of the gradient, in cells; 0 for none,
        as along the axis of the blocks.
    """

    free: NDArray[np.bool_]
    weight: Array | float = 1.0
    sigma: tuple[float, ...] = ()

    def __call__(self, gradient: Array) -> Array:
        """P applied to a gradient."""
        value = self.weight * np.where(self.free, gradient, 0.0)
        if any(self.sigma):
            # Reflection at the edges keeps the smoothing symmetric.
            value = scipy.ndimage.gaussian_filter(value, self.sigma, mode="reflect")
        return np.where(self.free, self.weight * value, 0.0)


def illumination_weight(illumination: Array, free: NDArray[np.bool_], damping: float) -> Array:
    """W from the energy of the source fields; `damping` is eps, relative to the mean."""
    mean = float(illumination[free].mean()) or 1.0
    return np.asarray(1 / np.sqrt(illumination / mean + damping))
