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

from fwicli.inversion.misfits.traces import SILENT, padded, strength, weights

Array = NDArray[Any]


@dataclass(frozen=True)
class Linearized:
    """An attribute at a gather: its values, and its derivative and the transpose of that."""

    values: Array
    forward: Callable[[Array], Array]
    transpose: Callable[[Array], Array]


class Attribute(ABC):
    """What its kinds share: the comparison of the attributes."""

    @abstractmethod
    def at(self, gather: Array, observed: Array) -> Linearized:
        """The attribute at a gather; the observed one sets units and damping."""

    @abstractmethod
    def weights(self, observed: Array) -> Array:
        """Weights of the traces, of shape (n_receivers, 1)."""

    def __call__(self, synthetic: Array, observed: Array, interval: float) -> tuple[float, Array]:
        """Value, and its derivative with respect to the synthetic gather."""
        observed = observed.astype(np.float64)
        seen = self.at(synthetic.astype(np.float64), observed)
        residual = seen.values - self.at(observed, observed).values
        weighted = interval * self.weights(observed) * residual
        return 0.5 * float(np.vdot(weighted, residual)), seen.transpose(weighted)

    def scale(self, observed: Array, interval: float) -> float:
        """The value for no waves at all."""
        return self(np.zeros_like(observed), observed, interval)[0]

    def curvature(self, synthetic: Array, observed: Array, interval: float, change: Array) -> Array:
        """dt a'^T w a' applied to a change of the synthetic gather."""
        observed = observed.astype(np.float64)
        seen = self.at(synthetic.astype(np.float64), observed)
        weighted = interval * self.weights(observed) * seen.forward(change.astype(np.float64))
        return seen.transpose(weighted)


@dataclass(frozen=True)
class Envelope(Attribute):
    """Envelopes: where energy arrives, whatever its phase.

    exponent: of the envelope; 1 weighs arrivals by their amplitude, 2 the strong ones more.
    damping: c, relative to the strongest trace of the observed gather.
    """

    exponent: float = 1.0
    damping: float = 0.01

    def at(self, gather: Array, observed: Array) -> Linearized:
        """The power of the envelope."""
        hilbert = quadrature(gather)
        floor = self.damping * float(strength(observed).max(initial=0.0))
        square = gather**2 + hilbert**2 + floor**2
        # Where all is zero there is no slope.
        known = np.where(square > 0, square, 1.0)
        slope = np.where(square > 0, self.exponent * known ** (self.exponent / 2 - 1), 0.0)

        def forward(change: Array) -> Array:
            return np.asarray(slope * (gather * change + hilbert * quadrature(change)))

        def transpose(residual: Array) -> Array:
            scaled = slope * residual
            return np.asarray(gather * scaled - quadrature(hilbert * scaled))

        return Linearized(square ** (self.exponent / 2), forward, transpose)

    def weights(self, observed: Array) -> Array:
        """All traces alike: the envelope has their amplitude."""
        return np.ones((len(observed), 1))


@dataclass(frozen=True)
class Phase(Attribute):
    """Instantaneous phase: amplitudes do not count, neither of traces nor within them.

    damping: c, the strength relative to the rms of the trace below which waves lose their phase.
    silent: relative strength at which a trace counts half.
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
            moved = np.stack([change, quadrature(change)])
            stretch = (circle * moved).sum(axis=0)
            stretch += share * (gather * change).sum(axis=-1, keepdims=True)
            return np.asarray(inverse * moved - inverse**3 * circle * stretch)

        def transpose(residual: Array) -> Array:
            stretch = inverse**3 * (circle * residual).sum(axis=0)
            moved = inverse * residual - circle * stretch
            back = moved[0] - quadrature(moved[1])
            return np.asarray(back - share * gather * stretch.sum(axis=-1, keepdims=True))

        return Linearized(inverse * circle, forward, transpose)

    def weights(self, observed: Array) -> Array:
        """Nothing for silent traces."""
        return weights(observed, self.silent)


NORMS = ("rms", "mean", "peak")


@dataclass(frozen=True)
class TraceNormalized(Attribute):
    """Least squares of traces that are each divided by their norm.

    norm: root mean square, mean absolute value, or peak.  weights: `equal` lets all traces count
    alike; `observed` gives each the weight that it has in least squares, by its norm in the
    observed gather, so that the strength of the synthetic trace alone does not matter.  silent:
    relative strength at which a trace counts half, where all count alike.
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
        """Norm of each trace and its derivative; a trace that is zero has none."""
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
        """As the setting says."""
        if self.weighting == "equal":
            return weights(observed, self.silent)
        return np.asarray(self._norms(observed)[0] ** 2)


def quadrature(traces: Array) -> Array:
    """Hilbert transform of traces that are zero before and after; antisymmetric as a matrix."""
    samples = traces.shape[-1]
    analytic = scipy.signal.hilbert(traces, padded(samples), axis=-1)
    return np.asarray(analytic.imag[..., :samples])
