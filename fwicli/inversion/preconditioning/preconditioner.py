"""Preconditioner of the gradient: a symmetric positive approximation to the inverse Hessian.

    P = M W S W M,        W = (energy / mean + eps)**(-1/2) Z**(1/2) T

with M zero at fixed points and S a smoothing over a length or a share of the local wavelength
(`smoothing`). The diagonal W contains the inverse root of the energy of the waves at each point,
which stands for the Hessian. Its other factors are prior expectations: the depth to a power, Z, and
the tapers T towards sources, receivers and fixed points (`tapers`). W stands on both sides of S, so
that P is symmetric and positive. P is the inner product in which the optimizer sees the gradient;
the gradient itself stays exact.

The energy is that of the source fields u, to a power, or its product with that of the receivers,

    sum_shots (sum_t u**2) (sum_t v**2),

where v is the field of all receivers of a shot that send random signals of the wavelet's spectrum
at once: on average its energy is the sum over single receivers.

References: Shin, Jang and Min (2001), Geophysical Prospecting 49, 592-606, for the diagonal;
Plessix and Mulder (2004), Geophys. J. Int. 157, 975-987, for its receivers; Romero et al. (2000),
Geophysics 65, 426-436, for random signals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.preconditioning.smoothing import Smoother

Array = NDArray[Any]


@dataclass(frozen=True)
class Preconditioner:
    """P = M W S W M on the grid, for one variable or for each block of several.

    Parameters
    ----------
    free : ndarray of bool
        Points that may change.
    weight : ndarray or float
        W; 1 by default.
    smoother : Smoother, optional
        S; the identity by default.
    """

    free: NDArray[np.bool_]
    weight: Array | float = 1.0
    smoother: Smoother | None = None

    def __call__(self, gradient: Array) -> Array:
        """P applied to a gradient."""
        value = self.weight * np.where(self.free, gradient, 0.0)
        if self.smoother is not None:
            value = self.smoother(value)
        return np.where(self.free, self.weight * value, 0.0)


def illumination_weight(illumination: Array, free: NDArray[np.bool_], damping: float) -> Array:
    """W from the energy of the waves.

    Parameters
    ----------
    illumination : ndarray of shape grid.shape
        Energy of the waves.
    free : ndarray of bool, of shape grid.shape
        Points that may change, over which the mean is taken.
    damping : float
        eps, relative to the mean.

    Returns
    -------
    weight : ndarray of shape grid.shape
    """
    mean = float(illumination[free].mean()) or 1.0
    return np.asarray(1 / np.sqrt(illumination / mean + damping))
