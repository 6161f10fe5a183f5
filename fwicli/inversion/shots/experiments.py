"""Experiments: one propagation each, with the comparison of its gather.

An experiment is a shot of the survey, or several shots that fire together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.inversion.comparison import Comparison, StoredComparison
from fwicli.inversion.conditioning.operators import Chain, Record
from fwicli.inversion.misfits import by_component
from fwicli.inversion.misfits.by_component import ByComponent
from fwicli.inversion.misfits.misfit import Misfit
from fwicli.inversion.source_estimation import SourceFit
from fwicli.survey import points, proximity
from fwicli.survey.components import Component
from fwicli.survey.gathers import Gathers
from fwicli.survey.points import Points
from fwicli.survey.proximity import Near, Nearest
from fwicli.survey.ragged import by_trace
from fwicli.survey.windows import Window

Array = NDArray[Any]


@dataclass(frozen=True)
class Experiment:
    """Sources, receivers and the comparison of one propagation.

    Parameters
    ----------
    source : ndarray of shape (n_sources, ndim), or Points
        Positions [m], with components where these are not pressure.
    wavelet : ndarray of shape (n_sources, samples)
        Source time functions, of pressure [Pa] in 2D, [Pa m] in 3D.
    receivers : ndarray of shape (n_receivers, ndim), or Points
        Positions [m], with components where these are not pressure.
    comparison : Comparison or StoredComparison
    window : Window, optional
        Part of the waves' grid that is propagated; by default the whole grid.
    """

    source: Array | Points
    wavelet: Array
    receivers: Array | Points
    comparison: Comparison | StoredComparison
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

    def within(self, span: slice | None, samples: int) -> Preparation:
        """Fit the source to the samples of a span alone.

        Parameters
        ----------
        span : slice or None
            Samples that are recorded; None for all.
        samples : int
            Number of samples of a trace.

        Returns
        -------
        preparation : Preparation
        """
        if self.source is None or span is None:
            return self
        recorded = np.zeros((1, samples))
        recorded[:, span] = 1.0
        return replace(self, source=replace(self.source, weights=self.source.weights * recorded))

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
    near: float | Nearest = 0.0,
    aligned: bool = False,
) -> tuple[Experiment, ...]:
    """One experiment for every shot, without muted traces; shots without any trace are left out.

    Parameters
    ----------
    gathers : Gathers
        Observed data of a band, with the wavelet of the band.
    misfit : Misfit
        A `ByComponent` says by its factors how much components count, relative to each other; by
        default all count alike. Traces of factor 0 are not compared.
    windows : sequence of Window, optional
        One for each shot; by default the whole grid.
    prepare : callable, optional
        Conditioning and source estimation from the record of a shot.
    near : float or Nearest
        Distance from the source [m] from which records no longer depend on the grid (see
        `survey.proximity`); as a number, of a fluid.
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
    nearest = near if isinstance(near, Nearest) else Nearest(near)
    settings = _Settings(misfit, prepare, nearest, aligned)
    if isinstance(misfit, ByComponent):
        settings = replace(settings, misfit=misfit.misfit, weights=misfit.factors)
    compared = []
    for shot in range(gathers.acquisition.shots):
        wavelet, window = gathers.wavelet_of(shot)[None], windows[shot] if windows else None
        receivers, comparison = _of_shot(gathers, shot, settings)
        if len(receivers):
            source = gathers.acquisition.source_points(shot)
            compared.append(Experiment(source, wavelet, receivers, comparison, window))
    if not compared:
        raise DataError(SILENT if nearest.length == 0 else NEAR)
    scales = [e.comparison.scales() for e in compared]
    if not any(scales):
        return tuple(compared)
    factors = by_component.factors(scales, settings.weights)
    return tuple(replace(e, comparison=e.comparison.weighted(factors)) for e in compared)


def compared_traces(gathers: Gathers, prepare: Prepare, near: float = 0.0) -> Any:
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
    traces : ndarray of bool, of shape (n_shots, n_receivers), or Ragged

    Raises
    ------
    DataError
        If there is none, or the traces of a shot do not allow to estimate its source.
    """
    gathers = _judged(gathers)
    rows = []
    for shot in range(gathers.acquisition.shots):
        record = gathers.data[shot]
        prepared = _prepared(_Shot(gathers, shot, record), prepare, near)
        rows.append(prepared.compared_traces((record.shape[0], record.shape[1])))
    traces = by_trace(rows) & gathers.live
    if not traces.any():
        raise DataError(SILENT)
    return traces


def _judged(gathers: Gathers) -> Gathers:
    """Records from t = 0 on with their silent traces marked; at least one is not silent."""
    gathers = gathers.from_zero()
    if gathers.silence is None:
        gathers = gathers.with_silence()
    if not gathers.live.any():
        raise DataError("all traces are silent: there is nothing to compare; check the records")
    return gathers


@dataclass(frozen=True)
class _Settings:
    """How the gathers of all shots are compared; see `experiments`."""

    misfit: Misfit
    prepare: Prepare | None
    nearest: Nearest
    aligned: bool
    weights: Mapping[Component, float] = field(default_factory=dict)

    def misfit_of(self, components: tuple[Component, ...], mixed: bool) -> Misfit:
        """The misfit of traces with components; of each by itself if the survey mixes them."""
        return ByComponent(self.misfit, components, {}) if mixed else self.misfit


@dataclass(frozen=True)
class _Shot:
    """A shot of some records, with its gather in memory.

    `number` counts in the survey, and `index` in the records, which may be those of this shot.
    """

    gathers: Gathers
    index: int
    observed: Array
    survey_number: int | None = None

    @property
    def number(self) -> int:
        return self.index if self.survey_number is None else self.survey_number

    @property
    def receivers(self) -> Array | Points:
        return self.gathers.acquisition.receiver_points(self.index)

    @property
    def components(self) -> tuple[Component, ...]:
        return self.gathers.acquisition.recorded_by(self.index)

    @property
    def distance(self) -> Array:
        return proximity.distances(self.gathers.acquisition, self.index)

    @property
    def live(self) -> NDArray[np.bool_]:
        return np.asarray(self.gathers.live[self.index])

    @property
    def span(self) -> slice | None:
        return None if self.gathers.spans is None else self.gathers.span(self.index)


def _of_shot(
    gathers: Gathers, shot: int, settings: _Settings
) -> tuple[Array | Points, Comparison | StoredComparison]:
    """Receivers of the compared traces of a shot, and their comparison."""
    mixed = len(gathers.acquisition.components[0]) > 1
    receivers, comparison = _compared(_Shot(gathers, shot, gathers.data[shot]), settings, mixed)
    if not gathers.stored or not len(receivers):
        return receivers, comparison
    build = _Stored(gathers.select(np.array([shot])), shot, settings, mixed)
    return receivers, StoredComparison.of(build, comparison)


@dataclass(frozen=True)
class _Stored:
    """Reads the gather of a shot and sets up its comparison, in the worker that needs it."""

    gathers: Gathers
    number: int
    settings: _Settings
    mixed: bool

    def __call__(self) -> Comparison:
        shot = _Shot(self.gathers, 0, self.gathers.data[0], self.number)
        return _compared(shot, self.settings, self.mixed)[1]


def _prepared(shot: _Shot, prepare: Prepare, near: float = 0.0) -> Preparation:
    """Conditioning and source estimation of a shot; traces next to the source do not fit it."""
    gathers, observed = shot.gathers, shot.observed
    positions = gathers.acquisition.source_points(shot.index), shot.receivers
    prepared = prepare(Record.of(shot.number, *positions, gathers.interval, observed))
    if near > 0:
        prepared = prepared.with_source_weights(proximity.weights(shot.distance, near))
    prepared = prepared.within(shot.span, observed.shape[1])
    fit, shape = prepared.source, (observed.shape[0], observed.shape[1])
    no_source = fit is not None and not fit.common and not fit.weights.any()
    if no_source and prepared.compared_traces(shape).any():
        raise DataError(
            f"nothing of shot {shot.number} is left to estimate its source from; widen "
            f"`inversion.source.window`, or set `inversion.source.estimate: common`"
        )
    return prepared


def _compared(shot: _Shot, settings: _Settings, mixed: bool) -> tuple[Array | Points, Comparison]:
    """Receivers of the compared traces of a shot, and their comparison."""
    observed, live, aligned = shot.observed, shot.live, settings.aligned
    near = settings.nearest.length
    prepared = None if settings.prepare is None else _prepared(shot, settings.prepare, near)
    distance = shot.distance
    if settings.weights:
        live = live & [settings.weights.get(c, 1.0) > 0 for c in shot.components]
    if prepared is not None:
        live = live & prepared.compared_traces((observed.shape[0], observed.shape[1]))
    fit = None if prepared is None else prepared.source
    if fit is not None and near > 0:
        live = live & (proximity.weights(distance, near) > 0)
        near_source: Near | None = proximity.fading(distance[live], near)
    else:
        near_source = _near(shot, distance, settings, live)
        live = live | aligned
    fit = None if fit is None else fit.select(live)
    conditioning = None if prepared is None else prepared.conditioning.select(live)
    return points.some(shot.receivers, live), Comparison(
        observed[live],
        shot.gathers.interval,
        settings.misfit_of(_some(shot.components, live), mixed),
        conditioning,
        fit,
        near_source,
        shot.span,
    )


def _near(
    shot: _Shot, distance: Array, settings: _Settings, live: NDArray[np.bool_]
) -> Near | None:
    """N for traces next to a known source; for all rows if they are to be aligned."""
    gathers, aligned = shot.gathers, settings.aligned
    near, rigid = settings.nearest.length, settings.nearest.rigid
    if gathers.wavelet is None or (near <= 0 and (live.all() or not aligned)):
        return None
    times = gathers.wavelet_of(shot.index), gathers.interval
    if not aligned:
        return proximity.without(distance[live], near, *times, _some(shot.components, live), rigid)
    # Dead traces keep their row, with weight zero.
    near_source = proximity.without(distance, near, *times, shot.components, rigid)
    return replace(near_source, factors=live[:, None].astype(np.float64))


def _some(components: tuple[Component, ...], rows: NDArray[np.bool_]) -> tuple[Component, ...]:
    """Components of some traces."""
    return tuple(c for c, there in zip(components, rows, strict=True) if there)
