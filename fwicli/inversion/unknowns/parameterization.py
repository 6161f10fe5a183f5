"""The optimizer's variable x on the grid, in place of a property v of the earth.

    vp                  v = x               x in km/s
    slowness            v = 1 / x           x in s/km
    squared_slowness    v = x**(-1/2)       x in s2/km2
    log                 v = exp(x)          v in km/s

with x of order one. Other properties than vp are linear in x or, if they are positive,
logarithmic, in a unit that `variables` chooses. The gradient with respect to x is dv/dx times that
with respect to v.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Parameterization:
    """A monotone change of variable between a property v, in SI units, and x.

    Attributes
    ----------
    from_property, to_property : callable
        x of the property and back.
    slope : callable
        dv/dx at x.
    proportional : bool
        Whether x is the property in another unit.
    """

    from_property: Callable[[Array], Array]
    to_property: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    proportional: bool = False

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Bounds of x from bounds of the property.

        Parameters
        ----------
        low, high : float
            Bounds of v, in SI units.

        Returns
        -------
        low, high : float
            Bounds of x, in increasing order.
        """
        first, second = (float(self.from_property(np.asarray(v))) for v in (low, high))
        return min(first, second), max(first, second)


def linear(unit: float) -> Parameterization:
    """A property in a unit, v = unit x."""
    return Parameterization(
        from_property=lambda v: v / unit,
        to_property=lambda x: unit * x,
        slope=lambda x: np.full_like(x, unit),
        proportional=True,
    )


def logarithm(unit: float, scale: float = 1.0) -> Parameterization:
    """Relative changes of a positive property, v = unit exp(x / scale).

    Parameters
    ----------
    unit : float
        Value of v at x = 0, in SI units.
    scale : float
        Change of x for a factor e in v.

    Returns
    -------
    parameterization : Parameterization
    """
    return Parameterization(
        from_property=lambda v: scale * np.log(v / unit),
        to_property=lambda x: unit * np.exp(x / scale),
        slope=lambda x: unit / scale * np.exp(x / scale),
    )


# Parameterizations of the velocity.
PARAMETERIZATIONS = {
    "vp": linear(1e3),
    "slowness": Parameterization(
        from_property=lambda v: 1e3 / v,
        to_property=lambda x: 1e3 / x,
        slope=lambda x: -1e3 / x**2,
    ),
    "squared_slowness": Parameterization(
        from_property=lambda v: 1e6 / v**2,
        to_property=lambda x: 1e3 / np.sqrt(x),
        slope=lambda x: -5e2 / x**1.5,
    ),
    "log": logarithm(1e3),
}
# Name of the logarithmic parameterization of the other properties.
LOG = "log"
