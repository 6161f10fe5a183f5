"""Experiments: one propagation each, with the comparison of its gather.

An experiment is a shot of the survey, or several shots that fire together.
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
from fwicli.inversion.misfits.misfit import Misfit
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
        Part of the waves' grid that is propagated; by default the whole grid.
    """

    source: Array
    wavelet: Array
    receivers: Array
    comparison: Comparison
    window: Window | None = None


@dataclass(frozen=True)
class Preparation:
    """Conditioning and source estimation of the gathers of a shot.

    Attributes
    ----------
    conditioning : Chain
    source : SourceFit or None
        None if the wavelet is known.
    """

    conditioning: Chain
    source: SourceFit | None = None

    def with_source_weights(self, near: Array) -> Preparation:
        """Weigh the traces that the source is fitted to, by weights of shape (n_receivers,)."""
        if self.source is None or (near == 1).all():
            return self
        weights = np.broadcast_to(self.source.weights, (len(near), *self.source.weights.shape[1:]))
        return replace(self, source=replace(self.source, weights=near[:, None] * weights))

    def compared_traces(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Traces of a gather of this shape that have weight in the misfit or the source fit."""
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
    """One experiment for every shot, without muted traces; shots without any trace are left out.

    Parameters
    ----------
    gathers : Gathers
        Observed data of a band, with the wavelet of the band.
    misfit : Misfit
    windows : sequence of Window, optional
        One for each shot; by default the whole grid.
    prepare : callable, optional
        Conditioning and source estimation from the record of a shot.
    near : float
        Distance from the source [m] from which records no longer depend on the grid (see
        `survey.proximity`).
    aligned : bool
        Keep traces without weight, so that all shots have the same receivers.

    Returns
    -------
    experiments : tuple of Experiment

    Raises
    ------
    DataError
        If there is no wavelet, or no trace is compared.
    """
    gathers = _judged(gathers)
    acquisition, wavelet = gathers.acquisition, gathers.wavelet
    if wavelet is None:
        raise DataError("the data come without a wavelet; give one as `wavelet`")
    compared = []
    for shot in range(acquisition.shots):
        receivers, comparison = _compared(gathers, shot, misfit, prepare, near, aligned)
        if len(receivers):
            window = windows[shot] if windows else None
            source = acquisition.source(shot)
            compared.append(
                Experiment(source, wavelet.reshape(1, -1), receivers, comparison, window)
            )
    if not compared:
        raise DataError(SILENT if near == 0 else NEAR)
    return tuple(compared)


def compared_traces(gathers: Gathers, prepare: Prepare, near: float = 0.0) -> NDArray[np.bool_]:
    """Traces that are compared, or that sources are fitted to.

    Traces next to their source are included.

    Parameters
    ----------
    gathers : Gathers
        Observed data of a band.
    prepare : callable
        Conditioning and source estimation from the record of a shot.
    near : float
        Distance from the source [m] from which records no longer depend on the grid.

    Returns
    -------
    traces : ndarray of bool, of shape (n_shots, n_receivers)

    Raises
    ------
    DataError
        If there is none, or the traces of a shot do not allow to estimate its source.
    """
    gathers = _judged(gathers)
    shape = gathers.data.shape[1], gathers.samples
    shots = range(gathers.acquisition.shots)
    traces = np.stack(
        [_prepared(gathers, shot, prepare, near).compared_traces(shape) for shot in shots]
    )
    traces &= gathers.live
    if not traces.any():
        raise DataError(SILENT)
    return traces


def _judged(gathers: Gathers) -> Gathers:
    """Records with their silent traces marked, of which at least one is not silent."""
    if gathers.silence is None:
        gathers = gathers.with_silence()
    if not gathers.live.any():
        raise DataError("all traces are silent: there is nothing to compare; check the records")
    return gathers


def _prepared(gathers: Gathers, shot: int, prepare: Prepare, near: float = 0.0) -> Preparation:
    """Conditioning and source estimation of a shot; traces next to the source do not fit it."""
    positions = gathers.acquisition.source(shot), gathers.acquisition.receivers_of(shot)
    prepared = prepare(Record.of(shot, *positions, gathers.interval, gathers.data[shot]))
    if near > 0:
        distance = proximity.distances(gathers.acquisition, shot)
        prepared = prepared.with_source_weights(proximity.weights(distance, near))
    fit, shape = prepared.source, (gathers.data.shape[1], gathers.samples)
    no_source = fit is not None and not fit.common and not fit.weights.any()
    if no_source and prepared.compared_traces(shape).any():
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
    """Receivers of the compared traces of a shot, and their comparison."""
    receivers, observed = gathers.acquisition.receivers_of(shot), gathers.data[shot]
    interval, live = gathers.interval, gathers.live[shot]
    prepared = None if prepare is None else _prepared(gathers, shot, prepare, near)
    distance = proximity.distances(gathers.acquisition, shot)
    if prepared is not None:
        live = live & prepared.compared_traces((observed.shape[0], observed.shape[1]))
    fit = None if prepared is None else prepared.source
    if fit is not None and near > 0:
        live = live & (proximity.weights(distance, near) > 0)
        near_source: Near | None = proximity.fading(distance[live], near)
    else:
        near_source = _near(gathers, distance, near, live, aligned)
        live = live | aligned
    fit = None if fit is None else fit.select(live)
    conditioning = None if prepared is None else prepared.conditioning.select(live)
    return receivers[live], Comparison(
        observed[live], interval, misfit, conditioning, fit, near_source
    )


def _near(
    gathers: Gathers, distance: Array, near: float, live: NDArray[np.bool_], aligned: bool
) -> Near | None:
    """N for traces next to a known source; for all rows if they are to be aligned."""
    wavelet = gathers.wavelet
    if wavelet is None or (near <= 0 and (live.all() or not aligned)):
        return None
    if not aligned:
        return proximity.without(distance[live], near, wavelet, gathers.interval)
    # Dead traces keep their row, with weight zero.
    near_source = proximity.without(distance, near, wavelet, gathers.interval)
    return replace(near_source, factors=live[:, None].astype(np.float64))
