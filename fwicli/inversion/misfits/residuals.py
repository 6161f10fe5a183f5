"""Misfits that are a sum over all samples of a function of the residual r = s - d.

    least squares    rho(r) = r**2 / 2
    Huber            rho(r) = r**2 / 2 where |r| <= k,    k |r| - k**2 / 2 beyond
    Student's t      rho(r) = sigma**2 (nu + 1) / 2 log(1 + r**2 / (nu sigma**2))

    phi = dt sum rho(s - d),    dphi/ds = dt rho'(s - d)

with synthetic s, observed d, sampling interval dt [s], threshold k, width sigma and degrees of
freedom nu. k and sigma are given as multiples of the level of the observed gather (see `traces`),
so that the same setting serves all shots and units.

The curvature is dt w(r) times a change, w = rho'(r) / r: that of the parabola which touches rho at
+r and -r and lies nowhere below it, positive also where rho is concave. For least squares it is
the second derivative.

References: Huber (1964), Ann. Math. Statist. 35, 73-101; Guitton and Symes (2003), Geophysics 68,
1310-1319; Aravkin, Friedlander, Herrmann and van Leeuwen (2012), Math. Program. 134, 101-125.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.inversion.misfits.misfit import CurvedMisfit
from fwicli.inversion.misfits.traces import level

Array = NDArray[Any]


class Residual(CurvedMisfit, ABC):
    """Base of the misfits that sum a function of the residual over all samples."""

    @abstractmethod
    def density(self, residual: Array, level: float) -> tuple[Array, Array]:
        """rho and its weight for each sample.

        Parameters
        ----------
        residual : ndarray of shape (n_receivers, samples)
            Synthetic minus observed gather, in the unit of the data.
        level : float
            Typical strength of the observed gather, in the same unit (see `traces.level`).

        Returns
        -------
        values : ndarray of shape (n_receivers, samples)
            rho(r).
        weights : ndarray of shape (n_receivers, samples)
            rho'(r) / r.
        """

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        residual = synthetic.astype(np.float64) - observed
        values, weight = self.density(residual, level(observed))
        return interval * float(values.sum()), interval * weight * residual

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather of zeros."""
        return self(np.zeros_like(observed), observed, interval)[0]

    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """Second derivative of the touching parabolas, applied to a change of the gather."""
        residual = synthetic.astype(np.float64) - observed
        return np.asarray(interval * self.density(residual, level(observed))[1] * change)


@dataclass(frozen=True)
class LeastSquares(Residual):
    """Energy of the residual, dt/2 sum (s - d)**2; its adjoint source is dt (s - d)."""

    def density(self, residual: Array, level: float) -> tuple[Array, Array]:  # noqa: ARG002
        """Half the square, with weight 1."""
        return 0.5 * residual**2, np.ones_like(residual)


@dataclass(frozen=True)
class Huber(Residual):
    """Squares of small residuals, absolute values of large ones.

    Parameters
    ----------
    threshold : float
        Residual at which the one becomes the other, relative to the level of the observed gather.
    """

    threshold: float = 1.0

    def density(self, residual: Array, level: float) -> tuple[Array, Array]:
        """Half the square up to the threshold, linear beyond."""
        size, k = np.abs(residual), self.threshold * level
        within = size <= k
        values = np.where(within, 0.5 * residual**2, k * size - 0.5 * k**2)
        return values, np.where(within, 1.0, k / np.where(within, 1.0, size))


@dataclass(frozen=True)
class StudentT(Residual):
    """Negative logarithm of Student's t distribution: large residuals hardly count.

    Parameters
    ----------
    degrees : float
        Degrees of freedom nu; the larger, the nearer to least squares.
    width : float
        sigma, relative to the level of the observed gather.
    """

    degrees: float = 4.0
    width: float = 1.0

    def density(self, residual: Array, level: float) -> tuple[Array, Array]:
        """The logarithm; zero if the level is zero."""
        square = (self.width * level) ** 2
        if square == 0:
            return np.zeros_like(residual), np.zeros_like(residual)
        bent = residual**2 / (self.degrees * square)
        factor = (self.degrees + 1) / self.degrees
        values = 0.5 * factor * self.degrees * square * np.log1p(bent)
        return values, factor / (1 + bent)
