"""Images at lags in space and time: subsurface-offset and time-shift gathers.

    subsurface offset       I(h, x) = sum_t u(x - h, t) v(x + h, t)
    time shift              I(tau, x) = sum_t u(x, t - tau) v(x, t + tau)

In the right velocity the image is focused at no lag. Fields are zero beyond grid and record.

References: Sava and Fomel (2003), Geophysics 68, 1065-1074; Sava and Fomel (2006), Geophysics 71,
S209-S217.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended.extension import Extension, Shape

Array = NDArray[Any]


@dataclass(frozen=True)
class LaggedImage(Extension):
    """Products of two fields at lags -n to n.

    Parameters
    ----------
    n : int
        Largest lag.
    """

    n: int

    def shape(self, grid: Shape) -> Shape:
        """All lags from -n to n, and the grid."""
        return (2 * self.n + 1, *grid)

    def image(self, u: Array, v: Array) -> Array:
        """The image at every lag."""
        result = np.zeros(self.shape(u.shape[1:]), np.result_type(u, v))
        for row, at, of_u, of_v in self._places(u.shape):
            product = np.einsum("t...,t...->...", u[of_u], v[of_v])
            result[row][at] = product
        return result

    def source(self, image: Array, u: Array) -> Array:
        """Sources at every point, from the images at all lags."""
        result = np.zeros(u.shape, np.result_type(u, image))
        for row, at, of_u, of_v in self._places(u.shape):
            result[of_v] += image[row][at] * u[of_u]
        return result

    @abstractmethod
    def _places(self, dims: Shape) -> Iterator[tuple[int, Any, Any, Any]]:
        """Row of a lag, and slices of the image, of u and of v that belong to each other."""


class SubsurfaceOffset(LaggedImage):
    """Half the horizontal distance h of the two fields along x, in points from -n to n."""

    name = "subsurface_offset"

    def _places(self, dims: Shape) -> Iterator[tuple[int, Any, Any, Any]]:
        points = dims[1]
        for row, lag in enumerate(range(-self.n, self.n + 1)):
            reach = abs(lag)
            if 2 * reach < points:
                middle = slice(reach, points - reach)
                of_u = slice(reach - lag, points - reach - lag)
                of_v = slice(reach + lag, points - reach + lag)
                yield row, (middle,), (slice(None), of_u), (slice(None), of_v)


class TimeShift(LaggedImage):
    """Half the time tau between the two fields, in halves of a sampling interval from -n to n.

    In steps of whole ones, waves of more than a quarter of the sampling frequency would appear with
    the slopes of others.
    """

    name = "time_shift"

    def _places(self, dims: Shape) -> Iterator[tuple[int, Any, Any, Any]]:
        samples = dims[0]
        for row, delay in enumerate(range(-self.n, self.n + 1)):
            if abs(delay) < samples:
                of_u = slice(max(0, -delay), samples - max(0, delay))
                of_v = slice(max(0, delay), samples - max(0, -delay))
                yield row, (Ellipsis,), (of_u,), (of_v,)
