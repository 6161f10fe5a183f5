"""Excitation amplitude: the back-propagated field when the wave of the source is strongest.

    I(x) = v(x, T(x)) / u(x, T(x)),        T(x) = argmax_t |u(x, t)|

a reflection coefficient where the strongest arrival lit the reflector. No sum over time is taken;
the division is damped by a share of the largest u anywhere. `fwi rtm` takes u(T) and T while the
waves go forwards, and keeps no field (see `propagators.running.excitation_store`).

Reference: Nguyen and McMechan (2013), Geophysics 78, S37-S45.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.imaging.extended.extension import Extension
from fwicli.propagators.running.excitation_store import damped_inverse

Array = NDArray[Any]


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
    amplitude = np.take_along_axis(u, times, axis=0)[0]
    return times, damped_inverse(amplitude, float(np.abs(amplitude).max()))
