"""Images at lags in space and time: subsurface-offset and time-shift gathers.

    subsurface offset       I(h, x) = sum_t u(x - h, t) v(x + h, t)
    time shift              I(tau, x) = sum_t u(x, t - tau) v(x, t + tau)

In the right velocity the image is focused at no lag. Fields are zero beyond grid and record.

References: Sava and Fomel (2003), Geophysics 68, 1065-1074; Sava and Fomel (2006), Geophysics 71,
S209-S217.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended.extension import Extension, Shape

Array = NDArray[Any]


@dataclass(frozen=True)
class LaggedImage(Extension):
    """Products of two fields at lags -n to n along an axis.

    Parameters
    ----------
    n : int
        Largest lag: points or samples.
    """

    n: int

    axis: ClassVar[int]
    """Axis of the fields along which they are shifted."""

    def shape(self, grid: Shape) -> Shape:
        """All lags from -n to n, and the grid."""
        return (2 * self.n + 1, *grid)

    def image(self, u: Array, v: Array) -> Array:
        """The image at every lag."""
        result = np.zeros(self.shape(u.shape[1:]), np.result_type(u, v))
        for row, at, of_u, of_v in self._places(u.shape[self.axis]):
            product = np.einsum("t...,t...->...", u[of_u], v[of_v])
            result[row][at] = product
        return result

    def source(self, image: Array, u: Array) -> Array:
        """Sources at every point, from the images at all lags."""
        result = np.zeros(u.shape, np.result_type(u, image))
        for row, at, of_u, of_v in self._places(u.shape[self.axis]):
            result[of_v] += image[row][at] * u[of_u]
        return result

    def _places(self, size: int) -> Iterator[tuple[int, Any, Any, Any]]:
        """Row of a lag, and slices of the image, of u and of v that belong to each other."""
        for row, lag in enumerate(range(-self.n, self.n + 1)):
            reach = abs(lag)
            if 2 * reach >= size:
                continue
            middle = slice(reach, size - reach)
            of_u = slice(reach - lag, size - reach - lag)
            of_v = slice(reach + lag, size - reach + lag)
            before = (slice(None),) * self.axis
            # The axis of time is summed over, those of space are the image's.
            at = (*before[1:], middle) if self.axis else (Ellipsis,)
            yield row, at, (*before, of_u), (*before, of_v)


class SubsurfaceOffset(LaggedImage):
    """Half the horizontal distance h of the two fields along x, in points from -n to n."""

    name = "subsurface_offset"
    axis = 1


class TimeShift(LaggedImage):
    """Half the time tau between the two fields, in samples from -n to n."""

    name = "time_shift"
    axis = 0
