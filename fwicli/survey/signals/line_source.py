"""From records of point sources in 3D to those of line sources, which waves in 2D have.

The field of a line source is that of point sources along it. In a medium of speed c,

    G3(t) = delta(t - r / c) / (4 pi r)
    G2(t) = H(t - r / c) / (2 pi (t**2 - (r / c)**2)**(1/2))

and near the arrival, where t + r / c = 2 r / c = 2 t,

    G2 = c (2 pi t)**(1/2) D**(-1/2) G3,

with D**(-1/2) the integral of half an order, 1 / (pi t)**(1/2) convolved. It delays the phase by
45 degrees. For reflections the distance r = c t is that along the ray, which makes c the mean speed
along it.

Reference: Forbriger, Gross and Schaefer (2014), Geophys. J. Int. 198, 90-104.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.survey.signals.fractional import derivative

Array = NDArray[Any]


def records(traces: Array, velocity: float, interval: float, delay: float = 0.0) -> Array:
    """Records of a line source from those of a point source.

    Parameters
    ----------
    traces : ndarray of shape (..., samples)
        Of a point source; the first sample is t = 0.
    velocity : float
        c [m/s].
    interval : float
        Sampling interval [s].
    delay : float
        Time at which the wavelet peaks [s]; t counts from there.

    Returns
    -------
    records : ndarray of shape (..., samples)
        Of the type of `traces`.
    """
    times = np.maximum(interval * np.arange(traces.shape[-1]) - delay, 0.0)
    integrated = derivative(traces.astype(np.float64), -0.5, interval)
    return np.asarray((velocity * np.sqrt(2 * np.pi * times) * integrated).astype(traces.dtype))
