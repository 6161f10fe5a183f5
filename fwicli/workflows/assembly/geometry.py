"""From the section `geometry` to sources and receivers along the axes of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.coordinates import CoordinatesSection
from fwicli.config.data import RecordsSection
from fwicli.config.geometry import (
    Geometry,
    GeometrySection,
    Receivers,
    ReceiversSection,
    RecordsGeometrySection,
    Sources,
    SpsGeometrySection,
    SpsSection,
    TracesGeometrySection,
)
from fwicli.config.problems import Key
from fwicli.config.tables import TableSection, TracesTableSection
from fwicli.config.values import Section
from fwicli.errors import FwiError, GeometryError
from fwicli.files.geometry import relations, sps, stations
from fwicli.files.geometry.stations import Point, Reading, Stations
from fwicli.survey.acquisition import Acquisition, towed
from fwicli.survey.shapes import within_offsets
from fwicli.survey.topography import Topography
from fwicli.workflows.assembly import corrections, depths, field_records, frames, points, sizes
from fwicli.workflows.assembly.components import components
from fwicli.workflows.assembly.frames import MapPositions

Array = NDArray[Any]
Depths = float | Array | None


@dataclass(frozen=True)
class SurveyLayout:
    """Sources and receivers of a section, and how they came there.

    Attributes
    ----------
    acquisition : Acquisition
    on_map : MapPositions or None
        Positions before they came to the axes of the model; None where receivers are towed.
    notes : tuple of str
        How files were read, and which way map coordinates went.
    """

    acquisition: Acquisition
    on_map: MapPositions | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Survey:
    """Sources, receivers, and those of each shot, as they are in the config and its files.

    Attributes
    ----------
    sources : Stations
        One a shot.
    receivers : ndarray of shape (n, 2) or (n, 3)
        [m].
    spreads : list of ndarray of int, optional
        Indices of the receivers of each shot; without it, all.
    notes : tuple of str
    below : pair of float, ndarray or None
        Depths of sources and of receivers below the topography, where these count [m].
    keys : pair of Key
        Where these depths are in the section.
    """

    sources: Array
    receivers: Array
    spreads: list[Array] | None = None
    notes: tuple[str, ...] = ()
    below: tuple[Depths, Depths] = (None, None)
    keys: tuple[Key, Key] = (("sources", depths.SURFACE), ("receivers", depths.SURFACE))


def layout(section: Geometry, ndim: int, topography: Topography | None = None) -> SurveyLayout:
    """Sources and receivers of a geometry section.

    Parameters
    ----------
    section : GeometrySection, or another one of a geometry
    ndim : int
        Dimensions of the model.
    topography : Topography, optional
        Of the model, from which depths may count.

    Returns
    -------
    layout : SurveyLayout

    Raises
    ------
    GeometryError
        If positions do not fit the model's dimensions, or a shot has no receivers.
    DataError
        If a table cannot be read.
    SizeError
        If there are more positions than there is memory for.
    """
    placed = _placed(section, ndim, topography)
    if not isinstance(section, GeometrySection):
        return placed
    with _below("receivers"):
        recorded = components(section.receivers.component)
    with _below("sources"):
        emitted = components(section.sources.component)
        if len(emitted) > 1:
            raise GeometryError(
                f"a source emits one component, and {len(emitted)} are listed; name one, and model "
                f"the others in runs of their own"
            )
    acquisition = replace(placed.acquisition.recording(recorded), emitted=emitted[0])
    return replace(placed, acquisition=acquisition)


def _placed(section: Geometry, ndim: int, topography: Topography | None) -> SurveyLayout:
    """Sources and receivers on the axes of the model."""
    if isinstance(section, RecordsGeometrySection):
        return _of_records(section.records, ndim, topography)
    offsets: Sequence[float] | None = None
    if isinstance(section, TracesGeometrySection):
        survey = _of_traces(section.traces)
    elif isinstance(section, SpsGeometrySection):
        survey, offsets = _of_sps(section.sps), section.sps.offsets
    else:
        offsets = section.receivers.offsets
        survey = _of_points(section, ndim)
        if _is_towed(section):
            return _towed(section.coordinates, survey, ndim, topography)
    with _below("coordinates"):
        sources, receivers, notes = frames.in_model(
            section.coordinates, survey.sources, survey.receivers, ndim
        )
    sources, receivers = _lowered(survey, (sources, receivers), topography)
    spreads = survey.spreads
    if offsets is not None:
        with _below("sps" if isinstance(section, SpsGeometrySection) else "receivers"):
            spreads = _by_offset(offsets, sources, receivers, spreads)
    on_map = None
    if all(depth is None for depth in survey.below):
        on_map = MapPositions(section.coordinates, survey.sources, survey.receivers)
    return SurveyLayout(_acquisition(sources, receivers, spreads), on_map, (*survey.notes, *notes))


def _lowered(
    survey: _Survey, in_model: tuple[Array, Array], topography: Topography | None
) -> tuple[Array, Array]:
    """Sources and receivers in the model, some at depths below the topography."""
    (sources, receivers), (first, second) = in_model, survey.below
    sources = depths.placed(topography, sources, first, survey.keys[0])
    return sources, depths.placed(topography, receivers, second, survey.keys[1])


def _acquisition(sources: Array, receivers: Array, spreads: list[Array] | None) -> Acquisition:
    """Shots with their receivers; those of equal shots are stored once."""
    if spreads is None:
        return Acquisition(sources, receivers)
    if all(np.array_equal(spread, spreads[0]) for spread in spreads[1:]):
        return Acquisition(sources, receivers[spreads[0]])
    if len({len(spread) for spread in spreads}) == 1:
        return Acquisition(sources, receivers[np.stack(spreads)])
    return Acquisition(sources, [receivers[spread] for spread in spreads])


@contextmanager
def _below(name: str) -> Iterator[None]:
    """Errors with the key of the section that they concern."""
    try:
        yield
    except FwiError as error:
        error.key = (name, *error.key)
        raise


# --- from the config and its files ----------------------------------------------------------------


def _of_records(section: RecordsSection, ndim: int, topography: Topography | None) -> SurveyLayout:
    """Positions of shot records, at the key `records`."""
    with _below("records"):
        records = field_records.read(section, wavelet=False)
        records = corrections.corrected(records, section)
        with _below("coordinates"):
            before = records.acquisition
            acquisition, notes = frames.acquisition_in_model(section.coordinates, before, ndim)
        acquisition = depths.of_records(section, acquisition, topography)
    settled = section.axes is not None or section.receiver_axes is not None
    on_map = MapPositions(
        section.coordinates, before.sources, before.all_receivers(), "geometry.records", settled
    )
    return SurveyLayout(acquisition, on_map, (*records.notes, *notes))


def _of_points(section: GeometrySection, ndim: int) -> _Survey:
    """Positions of sources and receivers, with the relation of tables."""
    related = section.relation is not None
    on_map = section.coordinates is not None
    with _below("sources"):
        sources = _stations(section.sources, "source", related, (ndim, on_map))
    with _below("receivers"):
        on_map = on_map and not _is_towed(section)
        receivers = _stations(section.receivers, "receiver", related, (ndim, on_map))
    notes = (*sources.notes, *receivers.notes)
    below = (
        _depths_below(section.sources, sources.positions),
        _depths_below(section.receivers, receivers.positions),
    )
    if section.relation is not None:
        with _below("relation"):
            stated = _columns(section.relation.columns)
            relation = relations.read(section.relation.file, stated, sources, receivers)
        shots = sources.positions[relation.shots]
        notes += relation.notes
        return _Survey(shots, receivers.positions, relation.receivers, notes, below)
    if section.receivers.offsets is None:
        counts = np.full(len(sources.positions), len(receivers.positions))
        sizes.records(counts, 1, ndim)
    return _Survey(sources.positions, receivers.positions, None, notes, below)


def _depths_below(section: Sources | Receivers, positions: Array) -> Depths:
    """Depths below the topography that a section states; None where it states depths."""
    if getattr(section, depths.SURFACE, None) is None:
        return None
    return section.depth_below_surface if isinstance(section, TableSection) else positions[:, -1]


def _stations(
    section: Sources | Receivers, point: Point, identified: bool, axes: tuple[int, bool]
) -> Stations:
    """Points of a section; `axes` are the model's dimensions, and whether they are on a map."""
    if isinstance(section, TableSection):
        flat = section.depth_below_surface is not None
        reading = Reading(_columns(section.columns), section.unit, section.depth, flat)
        return stations.read(section.file, point, reading, identified)
    return Stations(points.positions(section, *axes), (), "")


def _of_traces(section: TracesTableSection) -> _Survey:
    """Positions of the shots of a table of traces."""
    below = section.source_depth_below_surface, section.receiver_depth_below_surface
    with _below("traces"):
        flat = None not in below
        reading = Reading(_columns(section.columns), section.unit, section.depth, flat)
        sources, receivers = stations.read_traces(section.file, reading)
    ends = np.cumsum([len(r) for r in receivers])
    spreads = np.split(np.arange(ends[-1]), ends[:-1])
    places = sources.positions, np.concatenate(receivers)
    names = (f"source_{depths.SURFACE}", f"receiver_{depths.SURFACE}")
    keys: tuple[Key, Key] = (("traces", names[0]), ("traces", names[1]))
    return _Survey(*places, spreads, sources.notes, below, keys)


def _of_sps(section: SpsSection) -> _Survey:
    """Positions and relation of files of the SPS standard."""
    paths: dict[sps.Kind, Path] = {"S": section.sources.file, "R": section.receivers.file}
    if section.relation is not None:
        paths["X"] = section.relation.file
    with _below("sps"):
        sources, receivers, relation = sps.read(paths, section.revision, section.unit)
    notes = (*sources.notes, *receivers.notes)
    below = section.sources.depth_below_surface, section.receivers.depth_below_surface
    keys: tuple[Key, Key] = (
        ("sps", "sources", depths.SURFACE),
        ("sps", "receivers", depths.SURFACE),
    )
    if relation is None:
        return _Survey(sources.positions, receivers.positions, None, notes, below, keys)
    shots, notes = sources.positions[relation.shots], notes + relation.notes
    return _Survey(shots, receivers.positions, relation.receivers, notes, below, keys)


def _columns(section: Section | None) -> dict[str, str | int]:
    """Columns that a section states, by role."""
    return {} if section is None else section.model_dump(exclude_none=True)


# --- receivers of each shot -----------------------------------------------------------------------


def _is_towed(section: GeometrySection) -> bool:
    return isinstance(section.receivers, ReceiversSection) and section.receivers.towed


def _towed(
    section: CoordinatesSection | None,
    survey: _Survey,
    ndim: int,
    topography: Topography | None,
) -> SurveyLayout:
    """Receivers that move with the sources; the depth of a streamer is its own."""
    with _below("coordinates"):
        sources, _, notes = frames.in_model(section, survey.sources, survey.sources[:0], ndim)
    offsets = survey.receivers.copy()
    offsets[:, -1] = 0.0
    sizes.positions([len(sources), len(offsets)], "grid")
    spread = towed(sources, offsets)
    datum = section.datum if section is not None else 0.0
    spread[..., -1] = survey.receivers[:, -1] + datum
    sources, spread = _lowered(survey, (sources, spread), topography)
    return SurveyLayout(Acquisition(sources, spread), None, (*survey.notes, *notes))


def _by_offset(
    offsets: Sequence[float], sources: Array, receivers: Array, spreads: list[Array] | None
) -> list[Array]:
    """Receivers of each shot within a range of horizontal offsets.

    Raises
    ------
    GeometryError
        If a shot has none.
    SizeError
        If there are more positions than there is memory for.
    """
    within: list[Array] = []
    counts = np.zeros(len(sources), dtype=np.int64)
    for shot, source in enumerate(sources):
        spread = np.arange(len(receivers)) if spreads is None else spreads[shot]
        spread = spread[within_offsets(source, receivers[spread], offsets)]
        within.append(spread)
        counts[shot] = len(spread)
        if shot % 100 == 0:
            sizes.records(counts, 1, sources.shape[1])
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        error = GeometryError(
            f"{len(empty)} of {len(sources)} shots have no receiver at offsets from "
            f"{offsets[0]:g} to {offsets[1]:g} m, the first, shot {empty[0]}, at "
            f"{_place(sources[empty[0]])}; widen `offsets`, or leave out these sources"
        )
        error.key = ("offsets",)
        raise error
    return within


def _place(position: Array) -> str:
    return f"({', '.join(f'{c:.9g}' for c in position)}) m"
