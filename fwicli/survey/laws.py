"""Laws by which vs and density of rocks follow vp.

    mudrock    vs = max((vp - intercept) / slope, least)       Castagna et al. (1985)
    gardner    rho = factor vp**exponent                       Gardner et al. (1974)

An inversion takes ratios of them alone, c = c0 L(vp) / L(vp0): a model that deviates from a law
keeps the ratio, and fluids, where vs is 0, stay fluids. The factors of laws do not matter then.

References: Castagna, Batzle and Eastwood (1985), Geophysics 50, 571-581; Gardner, Gardner and
Gregory (1974), Geophysics 39, 770-780.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Law(Protocol):
    """A property of rocks as a function of vp."""

    def value(self, vp: Array) -> Array:
        """The property, positive.

        Parameters
        ----------
        vp : ndarray
            Velocity of P waves [m/s].

        Returns
        -------
        values : ndarray of the shape of `vp`
            In SI units.
        """

    def slope(self, vp: Array) -> Array:
        """Its derivative by vp.

        Parameters
        ----------
        vp : ndarray
            Velocity of P waves [m/s].

        Returns
        -------
        slopes : ndarray of the shape of `vp`
            In SI units.
        """


@dataclass(frozen=True)
class Mudrock:
    """Velocity of S waves in clastic rocks that hold brine.

    Attributes
    ----------
    intercept : float
        vp of vs = 0 [m/s].
    slope_of_vp : float
        Change of vp with vs.
    least : float
        Lowest vs [m/s].
    """

    intercept: float = 1360.0
    slope_of_vp: float = 1.16
    least: float = 100.0

    def value(self, vp: Array) -> Array:
        """vs [m/s]."""
        return np.asarray(np.maximum((vp - self.intercept) / self.slope_of_vp, self.least))

    def slope(self, vp: Array) -> Array:
        """dvs / dvp; 0 where vs is the lowest."""
        above = vp > self.intercept + self.slope_of_vp * self.least
        return np.where(above, 1 / self.slope_of_vp, 0.0)


@dataclass(frozen=True)
class Gardner:
    """Density of sediments.

    Attributes
    ----------
    exponent : float
    """

    exponent: float = 0.25

    def value(self, vp: Array) -> Array:
        """Density [kg/m3], with the factor of Gardner et al. (1974)."""
        return np.asarray(310.0 * vp**self.exponent)

    def slope(self, vp: Array) -> Array:
        """Its derivative by vp."""
        return np.asarray(self.exponent * self.value(vp) / vp)
