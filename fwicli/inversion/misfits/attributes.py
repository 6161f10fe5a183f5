"""Misfits that compare an attribute a of the traces, such as their envelope or their phase.

    phi = dt/2 sum w (a(s) - a(d))**2,     dphi/ds = dt a'(s)^T w (a(s) - a(d))

with synthetic s, observed d, sampling interval dt [s] and weights w of the traces. The curvature is
that of Gauss and Newton, dt a'(s)^T w a'(s).

With the Hilbert transform H, of which the transpose is -H:

    envelope     a = (s**2 + (H s)**2 + c**2)**(p/2)
    phase        a = (s, H s) / e,    e**2 = s**2 + (H s)**2 + c**2 mean_t s**2
    normalised   a = s / |s|

The phase is compared as a point on the unit circle, cos and sin of the angle, so it need not be
unwrapped: phi = dt sum w (1 - cos(phase(s) - phase(d))) where the waves are strong. The damping c
takes what is weak to the centre of the circle, where it has no phase.

References: Bozdag, Trampert and Tromp (2011), Geophys. J. Int. 185, 845-870; Wu, Luo and Wu (2014),
Geophysics 79, WA13-WA24, for the powers of the envelope; Yuan, Bozdag, Ciardelli, Gao and Simons
(2020), Geophys. J. Int. 221, 1145-1164, for the phase as a point on the circle; Louboutin,
Guasch and Herrmann (2017), 79th EAGE Conference and Exhibition, for normalised traces.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its parts are loaded at use: their import takes longer than a check may
from numpy.typing import NDArray

from fwicli.inversion.misfits.misfit import CurvedMisfit
from fwicli.inversion.misfits.traces import SILENT, padded, strength, weights

Array = NDArray[Any]


@dataclass(frozen=True)
class Linearized:
    """An attribute at a gather: its values, its derivative, and the transpose of the derivative."""

    values: Array
    forward: Callable[[Array], Array]
    transpose: Callable[[Array], Array]


class Attribute(CurvedMisfit, ABC):
    """Base of the misfits that compare attributes by least squares."""

    @abstractmethod
    def at(self, gather: Array, observed: Array) -> Linearized:
        """The attribute at a gather.

        Parameters
        ----------
        gather : ndarray of shape (n_receivers, samples)
            Gather at which the attribute is linearised.
        observed : ndarray of shape (n_receivers, samples)
            Observed gather, which sets units and damping.

        Returns
        -------
        attribute : Linearized
        """

    @abstractmethod
    def weights(self, observed: Array) -> Array:
        """Weights of the traces, of shape (n_receivers, 1)."""

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        observed = observed.astype(np.float64)
        attribute = self.at(synthetic.astype(np.float64), observed)
        residual = attribute.values - self.at(observed, observed).values
        weighted = interval * self.weights(observed) * residual
        return 0.5 * float(np.vdot(weighted, residual)), attribute.transpose(weighted)

    def scale(self, observed: Array, interval: float) -> float:
        """Value of a gather of zeros."""
        return self(np.zeros_like(observed), observed, interval)[0]

    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """dt a'^T w a' applied to a change of the synthetic gather."""
        observed = observed.astype(np.float64)
        attribute = self.at(synthetic.astype(np.float64), observed)
        weighted = interval * self.weights(observed) * attribute.forward(change.astype(np.float64))
        return attribute.transpose(weighted)


@dataclass(frozen=True)
class Envelope(Attribute):
    """Envelopes: where energy arrives, whatever its phase.

    Parameters
    ----------
    exponent : float
        Power of the envelope; 1 weighs arrivals by their amplitude, 2 the strong ones more.
    damping : float
        c, relative to the strongest trace of the observed gather.
    """

    exponent: float = 1.0
    damping: float = 0.01

    def at(self, gather: Array, observed: Array) -> Linearized:
        """The power of the envelope."""
        hilbert = quadrature(gather)
        floor = self.damping * float(strength(observed).max(initial=0.0))
        square = gather**2 + hilbert**2 + floor**2
        # The envelope has no slope where it is zero.
        base = np.where(square > 0, square, 1.0)
        slope = np.where(square > 0, self.exponent * base ** (self.exponent / 2 - 1), 0.0)

        def forward(change: Array) -> Array:
            return np.asarray(slope * (gather * change + hilbert * quadrature(change)))

        def transpose(residual: Array) -> Array:
            scaled = slope * residual
            return np.asarray(gather * scaled - quadrature(hilbert * scaled))

        return Linearized(square ** (self.exponent / 2), forward, transpose)

    def weights(self, observed: Array) -> Array:
        """Equal weights: envelopes have the amplitude of their traces."""
        return np.ones((len(observed), 1))


@dataclass(frozen=True)
class Phase(Attribute):
    """Instantaneous phase, independent of the amplitudes of traces and within traces.

    Parameters
    ----------
    damping : float
        c, the strength relative to the rms of the trace below which waves lose their phase.
    silent : float
        Relative strength at which a trace counts half.
    """

    damping: float = 0.1
    silent: float = SILENT

    def at(self, gather: Array, observed: Array) -> Linearized:  # noqa: ARG002
        """Cosine and sine of the phase, of shape (2, n_receivers, samples)."""
        circle = np.stack([gather, quadrature(gather)])
        share = self.damping**2 / gather.shape[-1]
        square = (circle**2).sum(axis=0) + share * (gather**2).sum(axis=-1, keepdims=True)
        inverse = np.where(square > 0, 1 / np.sqrt(np.where(square > 0, square, 1.0)), 0.0)

        def forward(change: Array) -> Array:
            turned = np.stack([change, quadrature(change)])
            stretch = (circle * turned).sum(axis=0)
            stretch += share * (gather * change).sum(axis=-1, keepdims=True)
            return np.asarray(inverse * turned - inverse**3 * circle * stretch)

        def transpose(residual: Array) -> Array:
            stretch = inverse**3 * (circle * residual).sum(axis=0)
            turned = inverse * residual - circle * stretch
            derivative = turned[0] - quadrature(turned[1])
            return np.asarray(derivative - share * gather * stretch.sum(axis=-1, keepdims=True))

        return Linearized(inverse * circle, forward, transpose)

    def weights(self, observed: Array) -> Array:
        """Weights that leave out silent traces."""
        return weights(observed, self.silent)


NORMS = ("rms", "mean", "peak")


@dataclass(frozen=True)
class TraceNormalized(Attribute):
    """Least squares of traces that are each divided by their norm.

    Parameters
    ----------
    norm : str
        Root mean square ("rms"), mean absolute value ("mean") or largest value ("peak").
    weighting : str
        "equal" gives all traces the same weight. "observed" gives each its weight in least
        squares, the squared norm of the observed trace.
    silent : float
        Relative strength at which a trace counts half, for equal weights.
    """

    norm: str = "rms"
    weighting: str = "equal"
    silent: float = SILENT

    def at(self, gather: Array, observed: Array) -> Linearized:  # noqa: ARG002
        """The normalised traces."""
        norms, slopes = self._norms(gather)
        inverse = np.where(norms > 0, 1 / np.where(norms > 0, norms, 1.0), 0.0)

        def forward(change: Array) -> Array:
            grown = (slopes * change).sum(axis=-1, keepdims=True)
            return np.asarray(inverse * change - inverse**2 * gather * grown)

        def transpose(residual: Array) -> Array:
            grown = inverse**2 * (gather * residual).sum(axis=-1, keepdims=True)
            return np.asarray(inverse * residual - slopes * grown)

        return Linearized(inverse * gather, forward, transpose)

    def _norms(self, gather: Array) -> tuple[Array, Array]:
        """Norm of each trace and its derivative; zero for a trace of zeros."""
        size, samples = np.abs(gather), gather.shape[-1]
        if self.norm == "mean":
            return size.mean(axis=-1, keepdims=True), np.sign(gather) / samples
        if self.norm == "peak":
            peak = size.max(axis=-1, keepdims=True)
            first = np.arange(samples) == size.argmax(axis=-1)[:, None]
            return peak, np.where(first, np.sign(gather), 0.0)
        rms = strength(gather)
        return rms, gather / (samples * np.where(rms > 0, rms, 1.0))

    def weights(self, observed: Array) -> Array:
        """Weights of the traces by `weighting`."""
        if self.weighting == "equal":
            return weights(observed, self.silent)
        return np.asarray(self._norms(observed)[0] ** 2)


def quadrature(traces: Array) -> Array:
    """Hilbert transform of traces that are zero before and after; antisymmetric as a matrix."""
    samples = traces.shape[-1]
    analytic = scipy.signal.hilbert(traces, padded(samples), axis=-1)
    return np.asarray(analytic.imag[..., :samples])
