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
from fwicli.operators.setting import PLACES, Setting
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
        made = (shots * each[0], *each[1:]) if apart else each
        super().__init__((shots, *each), (*weights.shape[:-1], *made), dtype)

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
    moved, samples = np.zeros_like(traces), traces.shape[-1]
    if delay >= 0:
        moved[..., delay:] = traces[..., : samples - delay]
    else:
        moved[..., :delay] = traces[..., -delay:]
    return moved


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


def of_records(setting: Setting, weights: Any, delays: Any) -> Encoder:
    """The encoder of the gathers of shots.

    Raises
    ------
    GeometryError
        If weights or delays do not belong to these shots, or their receivers differ.
    """
    _common_receivers(setting)
    return _encoder(setting, "gather", weights, delays)


def of_wavelets(setting: Setting, weights: Any, delays: Any) -> Encoder:
    """The encoder of the wavelets of shots, for sources as those of `encode_shots`."""
    return _encoder(setting, "wavelet", weights, delays, np.ndim(setting.waves.sources) == 3)


def encode_shots(setting: Setting, weights: Any, delays: Any) -> Setting:
    """Codes as shots: all sources fire in each, and fixed data are encoded."""
    receivers = _common_receivers(setting)
    encoders = {"wavelet": of_wavelets, "gather": of_records}
    data = {}
    for role, values in setting.data.items():
        encoder = encoders[role](setting, weights, delays)
        made = encoder.dot(values)
        data[role] = made.reshape(-1, *made.shape[-len(encoder.dims) + 1 :])
    sources = setting.waves.sources
    if np.ndim(sources) == 3:
        sources = sources.reshape(-1, sources.shape[-1])
    waves = replace(setting.waves, sources=sources, receivers=receivers)
    several, shots = np.ndim(weights) == 2, len(np.atleast_2d(weights))
    return replace(setting, waves=waves, shots=shots, several=several, data=data)


def _encoder(
    setting: Setting, role: str, weights: Any, delays: Any, apart: bool = False
) -> Encoder:
    """An encoder of some of the data of the shots."""
    w = np.asarray(weights, float)
    if not setting.several or w.ndim not in (1, 2) or w.shape[-1] != setting.shots:
        raise GeometryError(
            f"weights of codes need the shape (codes, shots) or (shots,), and there are "
            f"{setting.shots if setting.several else 'no'} shots; got {w.shape}"
        )
    samples = setting.waves.discretization.time.samples
    t = None if delays is None else np.asarray(delays)
    if t is not None:
        whole = t.shape == w.shape and np.equal(t, np.round(t)).all()
        if not whole or not ((t >= 0) & (t < samples)).all():
            raise GeometryError(
                f"delays need a whole number of samples from 0 to {samples - 1} for each weight; "
                f"got shape {t.shape}, from {t.min():g} to {t.max():g}"
            )
        if isinstance(getattr(setting.waves, PLACES[role]), FullField):
            raise GeometryError("whole wave fields cannot be delayed; leave out `delays`")
    each = shape_of(setting.waves, PLACES[role], samples)
    return Encoder(w, t, each, setting.dtype, apart)


def _common_receivers(setting: Setting) -> Any:
    """Receivers of all shots, which have to be the same."""
    receivers = setting.waves.receivers
    if np.ndim(receivers) < 3:
        return receivers
    moved = np.abs(receivers - receivers[0]).max(axis=(1, 2)) > 1e-3
    if moved.any():
        raise GeometryError(
            f"the receivers of shot {int(np.flatnonzero(moved)[0])} lie elsewhere than those of "
            f"shot 0, and only records of the same receivers can be added; select shots that have "
            f"them in common"
        )
    return receivers[0]
