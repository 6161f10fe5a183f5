"""Optimal transport of traces in time, by the Wasserstein distance of order 2.

    f = softplus(b s / a) / sum softplus(b s / a),        g the same of d
    W(f, g) = int_0^1 (F^-1(q) - G^-1(q))**2 dq
    phi = 1/2 sum_r w_r (W(s_r, d_r) + W(-s_r, -d_r))

with synthetic s, observed d, the peak a of the observed trace, sharpness b, weights w_r of the
traces, and F the integral of f, which is constant within each sample. Only positive traces of equal
mass can be transported. The softplus, log(1 + exp(x)), keeps their peaks and suppresses their
troughs, which count in the second term.

The quantiles F^-1 and G^-1 are linear between the values of F and G at the samples, so the
integral is exact. Its derivative by the mass at a time is the potential p, dp/dt = 2 (t - G^-1(F)).

References: Engquist and Froese (2014), Commun. Math. Sci. 12, 979-988; Yang, Engquist, Sun and
Hamfeldt (2018), Geophysics 83, R43-R62; Qiu, Ramos-Martinez, Valenciano, Yang and Engquist (2017),
SEG Tech. Prog. Exp. Abs., 1286-1290, for the encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.misfits.misfit import Misfit
from fwicli.inversion.misfits.traces import SILENT, weights

Array = NDArray[Any]


@dataclass(frozen=True)
class Wasserstein(Misfit):
    """Squared distance in time that the waves have to be moved.

    Parameters
    ----------
    sharpness : float
        b, the weight of a peak of the trace against its zero line.
    silent : float
        Relative strength at which a trace counts half.
    """

    sharpness: float = 5.0
    silent: float = SILENT

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        s, d = synthetic.astype(np.float64), observed.astype(np.float64)
        weight = 0.5 * weights(d, self.silent)[:, 0]
        peaks = np.abs(d).max(axis=-1)
        value, derivative = 0.0, np.zeros_like(s)
        for trace in np.flatnonzero(weight > 0):
            factor = self.sharpness / peaks[trace]
            for sign in (factor, -factor):
                distance, slope = _between(sign * s[trace], sign * d[trace], interval)
                value += weight[trace] * distance
                derivative[trace] += weight[trace] * sign * slope
        return float(value), derivative

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather of zeros."""
        return self(np.zeros_like(observed), observed, interval)[0]


def _between(s: Array, d: Array, interval: float) -> tuple[float, Array]:
    """Distance [s2] between the encoded traces, and its derivative by the first trace."""
    encoded = np.logaddexp(0.0, s)
    total = encoded.sum()
    other = np.logaddexp(0.0, d)
    distance, by_mass = distance_of(encoded / total, other / other.sum(), interval)
    by_encoded = (by_mass - np.vdot(by_mass, encoded) / total) / total
    return distance, by_encoded * scipy.special.expit(s)


def distance_of(f: Array, g: Array, interval: float) -> tuple[float, Array]:
    """Squared Wasserstein distance of masses f and g, and its derivative by f.

    Parameters
    ----------
    f, g : ndarray of shape (samples,)
        Positive masses, each of sum one, spread evenly over intervals of time.
    interval : float
        Length of these intervals [s].

    Returns
    -------
    distance : float
        Squared distance [s2].
    derivative : ndarray of shape (samples,)
        Its derivative by f [s2].
    """
    edges = interval * np.arange(f.size + 1)
    ends_f, ends_g = _integral(f), _integral(g)
    q = np.concatenate([ends_f, ends_g])
    order = np.argsort(q, kind="stable")
    q = q[order]
    t = np.interp(q, ends_f, edges)
    distances = t - np.interp(q, ends_g, edges)
    left, right = distances[:-1], distances[1:]
    distance = float(np.diff(q) @ (left**2 + left * right + right**2)) / 3
    # The potential is quadratic between the values of q, its integral over time cubic.
    length = np.diff(t)
    growth = length * (left + right)
    potential = np.concatenate([[0.0], np.cumsum(growth)])
    area = length * (potential[:-1] + length * (2 * left + right) / 3)
    integral = np.concatenate([[0.0], np.cumsum(area)])
    rank = np.empty(q.size, dtype=int)
    rank[order] = np.arange(q.size)
    return distance, np.diff(integral[rank[: f.size + 1]]) / interval


def _integral(mass: Array) -> Array:
    """Sum of the masses up to the beginning of each sample, and one at the end."""
    total = np.concatenate([[0.0], np.cumsum(mass)])
    return np.asarray(total / total[-1])
