"""Shots that fire together, and sums over shots.

With a weight w_cs and a delay t_cs of shot s in code c, sources that fire together make the records

    F(p) sum_s w_cs q_s(t - t_cs) = sum_s w_cs [F(p) q_s](t - t_cs),        E = records encoder,

so that E @ F, which propagates every shot, and F.encoded(w, t), which propagates once for each
code, are the same operator; so are E @ J and J.encoded(w, t). Nothing is propagated until one is
applied. Gauss-Newton operators and Hessians that are encoded are those of the records of the codes.

For weights this holds to round-off. For delays, which are whole samples, it holds as far as
wavelets and records are sampled well. The random signs and delays of inversions are in
`inversion.shots.encoding`; `codes` makes weights and delays of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import GeometryError
from fwicli.inversion.shots.encoding import Code
from fwicli.operators.operator import Operator, Shape
from fwicli.operators.shot_set import PLACES, ShotSet
from fwicli.propagators.locations import FullField
from fwicli.simulation import shape_of

Array = NDArray[Any]


class Encoder(Operator):
    """E: the data of shots, weighted, delayed and added.

    Parameters
    ----------
    weights : ndarray of shape (codes, shots) or (shots,)
        For the latter, a single sum, without a dimension of codes.
    delays : ndarray of int of the same shape, or None
        Samples, not negative; what is moved beyond the end of the record is lost.
    each : tuple of int
        Shape of the data of a shot, the samples last.
    dtype : dtype
    apart : bool
        Whether data are put beside each other, (codes, shots x n, samples), and not added.
    """

    def __init__(
        self, weights: Array, delays: Array | None, each: Shape, dtype: Any, apart: bool = False
    ) -> None:
        self.weights, self.delays, self.apart = weights, delays, apart
        shots = weights.shape[-1]
        coded = (shots * each[0], *each[1:]) if apart else each
        super().__init__((shots, *each), (*weights.shape[:-1], *coded), dtype)

    def _apply(self, x: Array) -> Array:
        coded = self._each(x, forwards=True)
        if not self.apart:
            coded = coded.sum(axis=2)
        return np.asarray(coded.reshape(-1, *self.dimsd))

    def _apply_adjoint(self, y: Array) -> Array:
        codes, shots = np.atleast_2d(self.weights).shape
        y = y.reshape(len(y), codes, shots if self.apart else 1, *self.dims[1:])
        y = np.broadcast_to(y, (len(y), codes, *self.dims))
        shots_of_codes = self._each(y, forwards=False)
        return np.asarray(shots_of_codes.sum(axis=1))

    def _each(self, x: Array, forwards: bool) -> Array:
        """Every shot of every code, of shape (k, codes, shots, ...): weighted, and delayed."""
        weights = np.atleast_2d(self.weights)
        if forwards:
            x = np.broadcast_to(x[:, None], (len(x), len(weights), *self.dims))
        beyond = (1,) * (len(self.dims) - 1)
        coded: Array = (x * weights.reshape(*weights.shape, *beyond)).astype(self.dtype)
        if self.delays is None:
            return coded
        for code, shot in np.argwhere(np.atleast_2d(self.delays)):
            delay = int(np.atleast_2d(self.delays)[code, shot])
            coded[:, code, shot] = _moved(coded[:, code, shot], delay if forwards else -delay)
        return coded


def _moved(traces: Array, delay: int) -> Array:
    """Traces that come later, or earlier for a negative delay; zeros follow."""
    shifted, samples = np.zeros_like(traces), traces.shape[-1]
    if delay >= 0:
        shifted[..., delay:] = traces[..., : samples - delay]
    else:
        shifted[..., :delay] = traces[..., -delay:]
    return shifted


def codes(drawn: Sequence[Code], shots: int) -> tuple[Array, Array]:
    """Weights and delays of codes of `inversion.shots.encoding`.

    Parameters
    ----------
    drawn : sequence of Code
    shots : int
        Number of all shots; those that are not in a code have the weight zero in it.

    Returns
    -------
    weights, delays : ndarray of shape (codes, shots)
    """
    weights, delays = np.zeros((len(drawn), shots)), np.zeros((len(drawn), shots), int)
    for number, code in enumerate(drawn):
        weights[number, code.shots] = code.signs
        delays[number, code.shots] = code.delays
    return weights, delays


def of_records(shot_set: ShotSet, weights: Any, delays: Any) -> Encoder:
    """The encoder of the gathers of shots.

    Parameters
    ----------
    shot_set : ShotSet
    weights : ndarray of shape (codes, shots) or (shots,)
        Weight of each shot in each code.
    delays : ndarray of int of the same shape, optional
        Delay of each shot [samples].

    Returns
    -------
    Encoder

    Raises
    ------
    GeometryError
        If weights or delays do not belong to these shots, or their receivers differ.
    """
    _common_receivers(shot_set)
    return _encoder(shot_set, "gather", weights, delays)


def of_wavelets(shot_set: ShotSet, weights: Any, delays: Any) -> Encoder:
    """The encoder of the wavelets of shots, for sources as those of `encode_shots`.

    Parameters
    ----------
    shot_set : ShotSet
    weights : ndarray of shape (codes, shots) or (shots,)
        Weight of each shot in each code.
    delays : ndarray of int of the same shape, optional
        Delay of each shot [samples].

    Returns
    -------
    Encoder
    """
    return _encoder(shot_set, "wavelet", weights, delays, np.ndim(shot_set.simulation.sources) == 3)


def encode_shots(shot_set: ShotSet, weights: Any, delays: Any) -> ShotSet:
    """Codes as shots: all sources fire in each, and fixed data are encoded.

    Parameters
    ----------
    shot_set : ShotSet
    weights : ndarray of shape (codes, shots) or (shots,)
        Weight of each shot in each code.
    delays : ndarray of int of the same shape, optional
        Delay of each shot [samples].

    Returns
    -------
    ShotSet
    """
    receivers = _common_receivers(shot_set)
    encoders = {"wavelet": of_wavelets, "gather": of_records}
    data = {}
    for role, values in shot_set.data.items():
        encoder = encoders[role](shot_set, weights, delays)
        coded = encoder.dot(values)
        data[role] = coded.reshape(-1, *coded.shape[-len(encoder.dims) + 1 :])
    sources = shot_set.simulation.sources
    if np.ndim(sources) == 3:
        sources = sources.reshape(-1, sources.shape[-1])
    simulation = replace(shot_set.simulation, sources=sources, receivers=receivers)
    several, shots = np.ndim(weights) == 2, len(np.atleast_2d(weights))
    return replace(shot_set, simulation=simulation, shots=shots, several=several, data=data)


def _encoder(
    shot_set: ShotSet, role: str, weights: Any, delays: Any, apart: bool = False
) -> Encoder:
    """An encoder of some of the data of the shots."""
    w = np.asarray(weights, float)
    if not shot_set.several or w.ndim not in (1, 2) or w.shape[-1] != shot_set.shots:
        raise GeometryError(
            f"weights of codes need the shape (codes, shots) or (shots,), and there are "
            f"{shot_set.shots if shot_set.several else 'no'} shots; got {w.shape}"
        )
    samples = shot_set.simulation.discretization.time.samples
    t = None if delays is None else np.asarray(delays)
    if t is not None:
        whole = t.shape == w.shape and np.equal(t, np.round(t)).all()
        if not whole or not ((t >= 0) & (t < samples)).all():
            raise GeometryError(
                f"delays need a whole number of samples from 0 to {samples - 1} for each weight; "
                f"got shape {t.shape}, from {t.min():g} to {t.max():g}"
            )
        if isinstance(getattr(shot_set.simulation, PLACES[role]), FullField):
            raise GeometryError("whole wave fields cannot be delayed; leave out `delays`")
    each = shape_of(shot_set.simulation, PLACES[role], samples)
    return Encoder(w, t, each, shot_set.dtype, apart)


def _common_receivers(shot_set: ShotSet) -> Any:
    """Receivers of all shots, which have to be the same."""
    receivers = shot_set.simulation.receivers
    if np.ndim(receivers) < 3:
        return receivers
    if counts := shot_set.simulation.counts:
        place, each = next(iter(counts.items()))
        raise GeometryError(
            f"shots have {each.min()} to {each.max()} {place}, and only records of the same "
            f"receivers, and sources of the same number, can be added; select shots that have "
            f"them in common"
        )
    elsewhere = np.abs(receivers - receivers[0]).max(axis=(1, 2)) > 1e-3
    if elsewhere.any():
        raise GeometryError(
            f"the receivers of shot {int(np.flatnonzero(elsewhere)[0])} lie elsewhere than those "
            f"of shot 0, and only records of the same receivers can be added; select shots that "
            f"have them in common"
        )
    return receivers[0]
