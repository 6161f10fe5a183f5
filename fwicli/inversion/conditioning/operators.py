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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.survey import points
from fwicli.survey.components import PRESSURE, Component, rows
from fwicli.survey.points import Points
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


@runtime_checkable
class TraceOperator(GatherOperator, Protocol):
    """An operator that differs between traces."""

    def select(self, traces: NDArray[np.bool_]) -> Self:
        """The operator for some of the traces."""
        ...

    def placed(self, numbers: Sequence[NDArray[np.int64]], parts: Sequence[Self]) -> Self:
        """The operator of all traces, from those of parts of them, this one first.

        Parameters
        ----------
        numbers : sequence of ndarray of int
            Traces of each part.
        parts : sequence of TraceOperator
            Operators of the parts.

        Returns
        -------
        operator : TraceOperator
        """
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
        Recorded traces in the band that is inverted, in the units of their components.
    components : tuple of Component
        Of each trace; empty where all are of pressure.
    traces : ndarray of int, of shape (n_receivers,), or None
        Their numbers in the shot where this is a part of its traces; None for all.
    count : int
        Number of all traces of the shot, of which this is a part.
    """

    shot: int
    offsets: Array
    interval: float
    observed: Array
    components: tuple[Component, ...] = ()
    traces: NDArray[np.int64] | None = None
    count: int = 0

    @property
    def times(self) -> Array:
        """Times of the samples [s]."""
        return np.asarray(self.interval * np.arange(self.observed.shape[-1]))

    @classmethod
    def of(
        cls,
        shot: int,
        source: Array | Points,
        receivers: Array | Points,
        interval: float,
        observed: Array,
    ) -> Record:
        """The record of a shot, with offsets from the positions.

        Parameters
        ----------
        shot : int
            Number of the shot in the survey.
        source : ndarray of shape (1, ndim), or Points
            Position of the source [m].
        receivers : ndarray of shape (n_receivers, ndim), or Points
            Positions of the receivers [m], and their components.
        interval : float
            Sampling interval [s].
        observed : ndarray of shape (n_receivers, samples)
            Recorded traces in the band that is inverted, in the units of their components.

        Returns
        -------
        record : Record
        """
        across = points.positions(receivers)[:, :-1] - points.positions(source)[:1, :-1]
        components = receivers.components if isinstance(receivers, Points) else ()
        return cls(shot, np.linalg.norm(across, axis=1), interval, observed, components)

    def by_component(self) -> dict[Component, Record]:
        """The record of each component: neighbours and means are those of one quantity."""
        if len(set(self.components)) < 2:
            return {(*self.components, PRESSURE)[0]: self}
        parts = {}
        for component, numbers in rows(self.components).items():
            parts[component] = replace(
                self,
                offsets=self.offsets[numbers],
                observed=self.observed[numbers],
                components=(component,) * len(numbers),
                traces=numbers,
                count=len(self.offsets),
            )
        return parts


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

    def placed(self, numbers: Sequence[NDArray[np.int64]], parts: Sequence[Weights]) -> Weights:
        """The operator of all traces, from those of parts of them, this one first.

        Its factors are of shape (n_receivers, 1 or samples).

        Parameters
        ----------
        numbers : sequence of ndarray of int
            Traces of each part.
        parts : sequence of Weights
            Operators of the parts.

        Returns
        -------
        operator : Weights
        """
        count = sum(len(rows) for rows in numbers)
        width = max(part.factors.shape[1] for part in parts)
        factors = np.empty((count, width))
        for own, part in zip(numbers, parts, strict=True):
            factors[own] = part.factors
        return Weights(factors)


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
            tuple(o.select(traces) if isinstance(o, TraceOperator) else o for o in self.operators)
        )

    def weights(self, shape: tuple[int, int]) -> Array:
        """Product of all weights in the chain; filters do not count."""
        factors = np.ones(shape)
        for operator in self.operators:
            if isinstance(operator, Weights):
                factors = factors * operator.factors
        return factors


def joined(
    chains: Mapping[Component, Chain], numbers: Mapping[Component, NDArray[np.int64]]
) -> Chain:
    """The chain of all traces of a shot, from those of its components.

    Parameters
    ----------
    chains : mapping of Component to Chain
        Of the same operators, of which some differ between traces.
    numbers : mapping of Component to ndarray of int
        Traces of each component.

    Returns
    -------
    chain : Chain
    """
    rows = list(numbers.values())
    operators: list[GatherOperator] = []
    for each in zip(*(chains[c].operators for c in numbers), strict=True):
        first = each[0]
        operators.append(first.placed(rows, each) if isinstance(first, TraceOperator) else first)
    return Chain(tuple(operators))


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
