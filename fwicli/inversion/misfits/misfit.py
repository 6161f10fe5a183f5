"""Protocols of the misfits: what each of them computes from two gathers.

    phi(s, d),    dphi/ds,    phi_0(d),    d2phi/ds2 ds

with synthetic gather s and observed gather d, in the unit of the data. phi_0 is the value of a
gather that explains nothing. Value and derivative may not depend on anything else.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]


class Misfit(Protocol):
    """A measure of the difference between two gathers."""

    @abstractmethod
    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather.

        Parameters
        ----------
        synthetic, observed : ndarray of shape (n_receivers, samples)
            Gathers, in the unit of the data.
        interval : float
            Sampling interval [s].

        Returns
        -------
        value : float
        derivative : ndarray of shape (n_receivers, samples)
            Adjoint source, in double precision.
        """

    @abstractmethod
    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather that explains nothing; values are divided by it.

        Parameters
        ----------
        observed : ndarray of shape (n_receivers, samples)
            Observed gather, in the unit of the data.
        interval : float
            Sampling interval [s].

        Returns
        -------
        scale : float
            Not negative, in the unit of the value.
        """


class CurvedMisfit(Misfit, Protocol):
    """A misfit with a second derivative, which second-order optimizers need."""

    @abstractmethod
    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """Positive semi-definite second derivative, applied to a change of the synthetic gather.

        Parameters
        ----------
        synthetic, observed : ndarray of shape (n_receivers, samples)
            Gathers, in the unit of the data.
        interval : float
            Sampling interval [s].
        change : ndarray of shape (n_receivers, samples)
            Change of the synthetic gather.

        Returns
        -------
        product : ndarray of shape (n_receivers, samples)
            Second derivative times the change.
        """
