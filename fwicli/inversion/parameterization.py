"""What the optimizer sees: a variable x on the grid in place of velocity v.

    vp                  v = x               x in km/s
    slowness            v = 1 / x           x in s/km
    squared_slowness    v = x**(-1/2)       x in s2/km2

with x of order one. The gradient with respect to x is dv/dx times that with respect to v.
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
    """A monotone change of variable between velocity v [m/s] and x.

    Attributes
    ----------
    from_velocity, to_velocity : callable
        x of velocity [m/s] and back.
    slope : callable
        dv/dx at x.
    """

    from_velocity: Callable[[Array], Array]
    to_velocity: Callable[[Array], Array]
    slope: Callable[[Array], Array]

    def bounds(self, low: float, high: float) -> tuple[float, float]:
        """Bounds of x from bounds of velocity [m/s], in increasing order."""
        first, second = (float(self.from_velocity(np.asarray(v))) for v in (low, high))
        return min(first, second), max(first, second)


PARAMETERIZATIONS = {
    "vp": Parameterization(
        from_velocity=lambda v: v / 1e3,
        to_velocity=lambda x: 1e3 * x,
        slope=lambda x: np.full_like(x, 1e3),
    ),
    "slowness": Parameterization(
        from_velocity=lambda v: 1e3 / v,
        to_velocity=lambda x: 1e3 / x,
        slope=lambda x: -1e3 / x**2,
    ),
    "squared_slowness": Parameterization(
        from_velocity=lambda v: 1e6 / v**2,
        to_velocity=lambda x: 1e3 / np.sqrt(x),
        slope=lambda x: -5e2 / x**1.5,
    ),
}
