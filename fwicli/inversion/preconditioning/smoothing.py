"""Smoothing over a length that may vary from point to point, symmetric and positive.

    S = B B^T,        B = (F_x F_z)**m,        F_k = (I - d/dx_k c d/dx_k)^-1,    c = s**2 / 4m

with the length s at every point. As m grows, S tends to a Gaussian of standard deviation s. Each
F_k is one step of implicit diffusion along the lines of the grid in one direction, a symmetric
tridiagonal system that LAPACK solves. Nothing diffuses across the edges of the grid, or between
fixed points and others, so that S keeps constants, and sums are conserved.

References: Weaver and Courtier (2001), Q. J. R. Meteorol. Soc. 127, 1815-1846, and Mirouze and
Weaver (2010), Q. J. R. Meteorol. Soc. 136, 1421-1443, for implicit diffusion as a covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

Array = NDArray[Any]

# m: two rounds of B and of B^T make the kernel close to a Gaussian.
ROUNDS = 2


@dataclass(frozen=True)
class Smoother:
    """S on one grid.

    Parameters
    ----------
    length : ndarray of shape grid.shape
        s [m]; 0 for no smoothing.
    free : ndarray of bool, of shape grid.shape
        Points among which values are smoothed.
    spacing : tuple of float
        Of the grid [m].
    """

    length: Array
    free: NDArray[np.bool_]
    spacing: tuple[float, ...]

    def __call__(self, values: Array) -> Array:
        """S v for values of shape (..., *grid.shape)."""
        if not self.length.any():
            return values
        smoothed = values.astype(float)
        order = list(range(len(self.spacing)))
        # B^T first, then B; B^T has the axes in reverse order.
        for axis in (order * ROUNDS) + (order[::-1] * ROUNDS):
            smoothed = self._along(axis, smoothed)
        return smoothed

    def _along(self, axis: int, values: Array) -> Array:
        """F_k v: one system for all lines in a row, with no coupling from line to line."""
        position = values.ndim - len(self.spacing) + axis
        lines = np.moveaxis(values, position, -1)
        couplings = np.moveaxis(self._couplings(axis), axis, -1)
        upper = np.concatenate([np.zeros((*couplings.shape[:-1], 1)), -couplings], axis=-1)
        diagonal = np.ones(upper.shape)
        diagonal[..., 1:] += couplings
        diagonal[..., :-1] += couplings
        bands = np.stack([upper.ravel(), diagonal.ravel()])
        right = lines.reshape(-1, upper.size).T
        solved = scipy.linalg.solveh_banded(bands, right, check_finite=False)
        return np.ascontiguousarray(np.moveaxis(solved.T.reshape(lines.shape), -1, position))

    def _couplings(self, axis: int) -> Array:
        """Diffusion between neighbours along an axis, c / h**2."""
        before = (*[slice(None)] * axis, slice(None, -1))
        after = (*[slice(None)] * axis, slice(1, None))
        square = 0.5 * (self.length[before] ** 2 + self.length[after] ** 2)
        joined = self.free[before] & self.free[after]
        return np.where(joined, square / (4 * ROUNDS * self.spacing[axis] ** 2), 0.0)
