"""Conditioning: the part of the data that is compared, as a linear operator on gathers.

    phi = misfit(C s, C d),        dphi/ds = C^T dmisfit/d(C s)

with synthetic s and observed d, gathers of shape (n_receivers, samples). C is a chain of operators,
applied in their order, and C^T the transposes in reverse:

    weights      (C s)(r, t) = w(r, t) s(r, t)               mutes, tapers, damping, dead traces
    band-pass    (C s)(r, t) = int_0^t h(t - t') s(r, t') dt'      causal Butterworth, from rest
    derivative   C s = d**a s / dt**a                      of any order, from rest
                 C = H^T H, H as above                         zero phase, symmetric

C depends on the observed data (as through picks of first arrivals) and the geometry, never on the
model, so that the gradient is that of the objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.survey.signals import fractional
from fwicli.survey.signals.bands import Band

Array = NDArray[Any]


class GatherOperator(Protocol):
    """A linear operator on gathers of one shape, picklable."""

    def apply(self, gather: Array) -> Array:
        """C applied to a gather of shape (n_receivers, samples)."""
        ...

    def transpose(self, gather: Array) -> Array:
        """C^T applied to a gather of shape (n_receivers, samples)."""
        ...


@dataclass(frozen=True)
class Record:
    """The traces of one shot, for which operators are built.

    Attributes
    ----------
    shot : int
        Number of the shot in the survey.
    offsets : ndarray of shape (n_receivers,)
        Horizontal distances of the receivers from the source [m].
    interval : float
        Sampling interval [s]; the first sample is t = 0.
    observed : ndarray of shape (n_receivers, samples)
        Recorded pressure in the band that is inverted [Pa].
    """

    shot: int
    offsets: Array
    interval: float
    observed: Array

    @property
    def times(self) -> Array:
        """Times of the samples [s]."""
        return np.asarray(self.interval * np.arange(self.observed.shape[-1]))

    @classmethod
    def of(
        cls, shot: int, source: Array, receivers: Array, interval: float, observed: Array
    ) -> Record:
        """The record of a shot, with offsets from the positions.

        Parameters
        ----------
        shot : int
            Number of the shot in the survey.
        source : ndarray of shape (1, ndim)
            Position of the source [m].
        receivers : ndarray of shape (n_receivers, ndim)
            Positions of the receivers [m].
        interval : float
            Sampling interval [s].
        observed : ndarray of shape (n_receivers, samples)
            Recorded pressure in the band that is inverted [Pa].

        Returns
        -------
        record : Record
        """
        across = receivers[:, :-1] - source[:1, :-1]
        return cls(shot, np.linalg.norm(across, axis=1), interval, observed)


@dataclass(frozen=True)
class Weights:
    """Multiplication with factors, a symmetric operator.

    Parameters
    ----------
    factors : ndarray of shape (n_receivers, samples), or that broadcasts to it
    """

    factors: Array

    def apply(self, gather: Array) -> Array:
        """The gather, weighted."""
        return np.asarray(self.factors * gather.astype(np.float64))

    def transpose(self, gather: Array) -> Array:
        """The same: weights are symmetric."""
        return self.apply(gather)

    def select(self, traces: NDArray[np.bool_]) -> Weights:
        """The operator for some of the traces."""
        return Weights(self.factors[traces]) if len(self.factors) > 1 else self


@dataclass(frozen=True)
class BandPass:
    """Band-pass filter of gathers.

    Parameters
    ----------
    band : Band
        Corner frequencies [Hz].
    interval : float
        Sampling interval of the gathers [s].
    zero_phase : bool
        Run the filter forwards and backwards: no delay, and twice the decibels.
    """

    band: Band
    interval: float
    zero_phase: bool = False

    def apply(self, gather: Array) -> Array:
        """The gather, filtered."""
        filtered = self.band.apply(gather.astype(np.float64), self.interval)
        return self._backwards(filtered) if self.zero_phase else filtered

    def transpose(self, gather: Array) -> Array:
        """The gather, filtered backwards in time from rest at its end."""
        if self.zero_phase:
            return self.apply(gather)
        return self._backwards(gather.astype(np.float64))

    def _backwards(self, gather: Array) -> Array:
        """H^T: the matrix of a causal filter is lower triangular and Toeplitz."""
        return np.asarray(self.band.apply(gather[:, ::-1], self.interval)[:, ::-1])


@dataclass(frozen=True)
class TimeDerivative:
    """Derivative of gathers in time (see `survey.signals.fractional`).

    Parameters
    ----------
    order : float
        Of the derivative; negative for an integral.
    interval : float
        Sampling interval of the gathers [s].
    """

    order: float
    interval: float

    def apply(self, gather: Array) -> Array:
        """The derivative of a gather."""
        return fractional.derivative(gather, self.order, self.interval)

    def transpose(self, gather: Array) -> Array:
        """The transpose of the derivative."""
        return fractional.transpose(gather, self.order, self.interval)


@dataclass(frozen=True)
class Chain:
    """Operators one after the other; an empty chain is the identity.

    Parameters
    ----------
    operators : tuple of GatherOperator
        In the order in which they are applied.
    """

    operators: tuple[GatherOperator, ...] = ()

    def apply(self, gather: Array) -> Array:
        """C applied to a gather of shape (n_receivers, samples)."""
        for operator in self.operators:
            gather = operator.apply(gather)
        return gather

    def transpose(self, gather: Array) -> Array:
        """C^T applied to a gather of shape (n_receivers, samples)."""
        for operator in reversed(self.operators):
            gather = operator.transpose(gather)
        return gather

    def select(self, traces: NDArray[np.bool_]) -> Chain:
        """The chain for some of the traces."""
        return Chain(
            tuple(o.select(traces) if isinstance(o, Weights) else o for o in self.operators)
        )

    def weights(self, shape: tuple[int, int]) -> Array:
        """Product of all weights in the chain; filters do not count."""
        factors = np.ones(shape)
        for operator in self.operators:
            if isinstance(operator, Weights):
                factors = factors * operator.factors
        return factors


def chain(operators: Sequence[GatherOperator]) -> Chain:
    """A chain with consecutive weights merged into one operator.

    Raises
    ------
    DataError
        If weights are not finite numbers.
    """
    merged: list[GatherOperator] = []
    for operator in operators:
        if isinstance(operator, Weights):
            if not np.isfinite(operator.factors).all():
                raise DataError("weights of the conditioning must be finite numbers")
            if merged and isinstance(merged[-1], Weights):
                operator = Weights(merged.pop().factors * operator.factors)  # type: ignore[attr-defined]
        merged.append(operator)
    return Chain(tuple(merged))
