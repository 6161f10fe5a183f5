"""Excitation amplitude: the back-propagated field when the wave of the source is strongest.

    I(x) = v(x, T(x)) / u(x, T(x)),        T(x) = argmax_t |u(x, t)|

a reflection coefficient where the strongest arrival lit the reflector. No sum over time is taken;
the division is damped by a share of the largest u anywhere.

Reference: Nguyen and McMechan (2013), Geophysics 78, S37-S45.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended.extension import Extension

Array = NDArray[Any]

# Share of the largest field that damps the division.
DAMPING = 1e-3


class Excitation(Extension):
    """Back-propagated field over that of the source, at the time of its largest amplitude."""

    name = "excitation"

    def image(self, u: Array, v: Array) -> Array:
        """The image at the time of excitation."""
        times, factors = _excitation(u)
        return np.asarray(np.take_along_axis(v, times, axis=0)[0] * factors)

    def source(self, image: Array, u: Array) -> Array:
        """Sources of an image."""
        times, factors = _excitation(u)
        result = np.zeros(u.shape, np.result_type(u, image))
        np.put_along_axis(result, times, (image * factors)[None], axis=0)
        return result


def _excitation(u: Array) -> tuple[NDArray[np.int64], Array]:
    """Samples of the largest amplitude, of shape (1, *grid), and the damped inverse of it."""
    times = np.abs(u).argmax(axis=0, keepdims=True)
    largest = np.take_along_axis(u, times, axis=0)[0]
    floor = (DAMPING * np.abs(largest).max()) ** 2
    power = largest**2 + floor
    return times, np.divide(largest, power, out=np.zeros_like(largest), where=power > 0)
