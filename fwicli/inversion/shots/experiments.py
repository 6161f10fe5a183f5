"""Experiments: one propagation each, and what its gather is compared with.

An experiment is a shot of the survey, or something made of shots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.inversion.comparison import Comparison
from fwicli.inversion.conditioning.operators import Chain, Record
from fwicli.inversion.misfits.registry import Misfit
from fwicli.inversion.source_estimation import SourceFit
from fwicli.survey import proximity
from fwicli.survey.gathers import Gathers
from fwicli.survey.proximity import Near
from fwicli.survey.windows import Window

Array = NDArray[Any]


@dataclass(frozen=True)
class Experiment:
    """Sources, receivers and the comparison of one propagation.

    Parameters
    ----------
    source : ndarray of shape (n_sources, ndim)
        Positions [m].
    wavelet : ndarray of shape (n_sources, samples)
        Source time functions [Pa] in 2D, [Pa m] in 3D.
    receivers : ndarray of shape (n_receivers, ndim)
        Positions [m].
    comparison : Comparison
    window : Window, optional
        What of the grid of the waves is propagated; all of it if there is none.
    """

    source: Array
    wavelet: Array
    receivers: Array
    comparison: Comparison
    window: Window | None = None


@dataclass(frozen=True)
class Preparation:
    """What is done with the gathers of a shot before they are compared.

    Attributes
    ----------
    conditioning : Chain
    source : SourceFit or None
        None where the wavelet is known.
    """

    conditioning: Chain
    source: SourceFit | None = None

    def with_source_weights(self, near: Array) -> Preparation:
        """The source fitted to traces with these weights, of shape (n_receivers,)."""
        if self.source is None or (near == 1).all():
            return self
        weights = np.broadcast_to(self.source.weights, (len(near), *self.source.weights.shape[1:]))
        return replace(self, source=replace(self.source, weights=near[:, None] * weights))

    def compared_traces(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Traces of a gather of this shape that are compared, or that the source is fitted to."""
        weights = self.conditioning.weights(shape)
        if self.source is not None:
            weights = weights + np.abs(self.source.weights)
        return np.asarray((weights != 0).any(axis=1))


SILENT = "the conditioning mutes every trace of every shot; widen its offsets [m] and times [s]"
NEAR = (
    "every trace of every shot is so near to its source that records depend on the grid there; use "
    "a finer grid, or set `near_source` to a shorter distance [m], or to nothing"
)
Prepare = Callable[[Record], Preparation]


def experiments(
    gathers: Gathers,
    misfit: Misfit,
    windows: Sequence[Window] = (),
    prepare: Prepare | None = None,
    near: float = 0.0,
    aligned: bool = False,
) -> tuple[Experiment, ...]:
    """An experiment for every shot; traces that are muted are left out, and shots without any.

    Parameters
    ----------
    gathers : Gathers
        Observed data of a band, with the wavelet of the band.
    prepare : callable, optional
        Makes conditioning and source estimation from the record of a shot.
    near : float
        Distance from the source [m] from which records are those of any grid (see
        `survey.proximity`).
    aligned : bool
        Keep traces that do not count, so that all shots have the same receivers.

    Raises
    ------
    DataError
        If there is no wavelet, or nothing is left to compare.
    """
    gathers = _judged(gathers)
    acquisition, wavelet = gathers.acquisition, gathers.wavelet
    if wavelet is None:
        raise DataError("the data come without a wavelet; give one as `wavelet`")
    made = []
    for shot in range(acquisition.shots):
        receivers, comparison = _compared(gathers, shot, misfit, prepare, near, aligned)
        if len(receivers):
            window = windows[shot] if windows else None
            source = acquisition.source(shot)
            made.append(Experiment(source, wavelet.reshape(1, -1), receivers, comparison, window))
    if not made:
        raise DataError(SILENT if near == 0 else NEAR)
    return tuple(made)


def compared_traces(gathers: Gathers, prepare: Prepare, near: float = 0.0) -> NDArray[np.bool_]:
    """Traces that are compared, or that sources are fitted to, shape (n_shots, n_receivers).

    Those next to their source are among them.

    Raises
    ------
    DataError
        If there are none, or those of a shot do not allow to estimate its source.
    """
    gathers = _judged(gathers)
    shape = gathers.data.shape[1], gathers.samples
    shots = range(gathers.acquisition.shots)
    found = np.stack(
        [_prepared(gathers, shot, prepare, near).compared_traces(shape) for shot in shots]
    )
    found &= gathers.live
    if not found.any():
        raise DataError(SILENT)
    return found


def _judged(gathers: Gathers) -> Gathers:
    """Records whose silent traces are known, of which some are not."""
    if gathers.silence is None:
        gathers = gathers.with_silence()
    if not gathers.live.any():
        raise DataError("all traces are silent: there is nothing to compare; check the records")
    return gathers


def _prepared(gathers: Gathers, shot: int, prepare: Prepare, near: float = 0.0) -> Preparation:
    """Conditioning and source estimation of a shot, which traces next to the source are not for."""
    place = gathers.acquisition.source(shot), gathers.acquisition.receivers_of(shot)
    prepared = prepare(Record.of(shot, *place, gathers.interval, gathers.data[shot]))
    if near > 0:
        distance = proximity.distances(gathers.acquisition, shot)
        prepared = prepared.with_source_weights(proximity.weights(distance, near))
    fit, shape = prepared.source, (gathers.data.shape[1], gathers.samples)
    alone = fit is not None and not fit.common and not fit.weights.any()
    if alone and prepared.compared_traces(shape).any():
        raise DataError(
            f"nothing of shot {shot} is left to estimate its source from; widen "
            f"`inversion.source.window`, or set `inversion.source.estimate: common`"
        )
    return prepared


def _compared(
    gathers: Gathers,
    shot: int,
    misfit: Misfit,
    prepare: Prepare | None,
    near: float = 0.0,
    aligned: bool = False,
) -> tuple[Array, Comparison]:
    """Receivers of a shot that count, and the comparison of their traces."""
    receivers, observed = gathers.acquisition.receivers_of(shot), gathers.data[shot]
    interval, there = gathers.interval, gathers.live[shot]
    prepared = None if prepare is None else _prepared(gathers, shot, prepare, near)
    distance = proximity.distances(gathers.acquisition, shot)
    if prepared is not None:
        there = there & prepared.compared_traces((observed.shape[0], observed.shape[1]))
    fit = None if prepared is None else prepared.source
    if fit is not None and near > 0:
        there = there & (proximity.weights(distance, near) > 0)
        seen: Near | None = proximity.fading(distance[there], near)
    else:
        seen = _near(gathers, distance, near, there, aligned)
        there = there | aligned
    fit = None if fit is None else fit.select(there)
    chosen = None if prepared is None else prepared.conditioning.select(there)
    return receivers[there], Comparison(observed[there], interval, misfit, chosen, fit, seen)


def _near(
    gathers: Gathers, distance: Array, near: float, there: NDArray[np.bool_], aligned: bool
) -> Near | None:
    """What is compared of traces next to a known source; all rows, if they are to be aligned."""
    wavelet = gathers.wavelet
    if wavelet is None or (near <= 0 and (there.all() or not aligned)):
        return None
    if not aligned:
        return proximity.without(distance[there], near, wavelet, gathers.interval)
    # Traces that do not count have no weight, but stay in their row.
    every = proximity.without(distance, near, wavelet, gathers.interval)
    return replace(every, factors=there[:, None].astype(np.float64))
