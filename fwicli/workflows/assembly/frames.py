"""Map coordinates of a survey on the axes of a model, as the section `coordinates` says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.coordinates import CoordinatesSection
from fwicli.errors import GeometryError
from fwicli.survey import coordinates
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.coordinates import Beginning, Frame

Array = NDArray[Any]
Notes = tuple[str, ...]

# Of the northing in a 2D survey without coordinates: it may only be round-off [m].
STRAIGHT = 1e-6


@dataclass(frozen=True)
class MapPositions:
    """Positions of a survey before they come to the axes of the model.

    Parameters
    ----------
    section : CoordinatesSection or None
        How they come there.
    sources, receivers : ndarray of shape (n, 3) or (n, 2)
        Easting, northing and depth below elevation 0, or easting and depth [m].
    key : str
        Section of the config that the positions are of, as `--set` takes it.
    settled : bool
        Whether the config says already which coordinate is along which axis, and its sign.
    """

    section: CoordinatesSection | None
    sources: Array
    receivers: Array
    key: str = "geometry"
    settled: bool = False


def acquisition_in_model(
    section: CoordinatesSection | None, acquisition: Acquisition, ndim: int
) -> tuple[Acquisition, Notes]:
    """Positions of records on the axes of a model.

    Parameters
    ----------
    section : CoordinatesSection or None
        Without one, positions are on these axes already, but for a y that is constant in 2D.
    acquisition : Acquisition
        Some receivers may be nowhere (NaN).
    ndim : int
        Dimensions of the model.

    Returns
    -------
    acquisition : Acquisition
    notes : tuple of str
        Remarks on the way, in words.

    Raises
    ------
    GeometryError
        If the positions have other dimensions, or do not lie along a line.
    """
    if section is None and acquisition.ndim == ndim:
        return acquisition, ()
    everywhere = acquisition.all_receivers()
    sources, flat, notes = in_model(section, acquisition.sources, everywhere, ndim)
    receivers: Any = acquisition.receivers
    if isinstance(receivers, np.ndarray):
        receivers = flat.reshape(*receivers.shape[:-1], ndim)
    else:
        counts = [len(acquisition.receivers_of(shot)) for shot in range(acquisition.shots)]
        receivers = np.split(flat, np.cumsum(counts)[:-1])
    return replace(acquisition, sources=sources, receivers=receivers), notes


def in_model(
    section: CoordinatesSection | None, sources: Array, receivers: Array, ndim: int
) -> tuple[Array, Array, Notes]:
    """Sources and receivers on the axes of a model.

    Parameters
    ----------
    section : CoordinatesSection or None
        Without one, positions are on these axes already, but for a y that is constant in 2D.
    sources, receivers : ndarray of shape (n, 3) or (n, 2)
        Easting, northing and depth below elevation 0, or easting and depth [m].
    ndim : int
        Dimensions of the model.

    Returns
    -------
    sources, receivers : ndarray of shape (n, ndim)
        [m].
    notes : tuple of str
        Remarks on the way, in words.

    Raises
    ------
    GeometryError
        If the positions have other dimensions, or do not lie along a line.
    """
    named = {"sources": sources, "receivers": receivers}
    if ndim == 3:
        for name, positions in named.items():
            if positions.shape[1] == 2 and len(positions):
                raise GeometryError(
                    f"the {name} have 2 coordinates (x, z) and the model 3 (x, y, z); give y, or a "
                    f"model of 2 dimensions"
                )
    if section is None:
        notes = _check_straight(named) if ndim == 2 else ()
        return _without_y(sources, ndim), _without_y(receivers, ndim), notes
    frame = _frame(section, sources, receivers)
    if not len(receivers):
        receivers = np.empty((0, sources.shape[1]))
    on_axes = [frame.to_model(positions) for positions in (sources, receivers)]
    notes = (str(frame),)
    if ndim == 2:
        notes += _distances(dict(zip(named, on_axes, strict=True)), frame)
    return _without_y(on_axes[0], ndim), _without_y(on_axes[1], ndim), notes


def _frame(section: CoordinatesSection, sources: Array, receivers: Array) -> Frame:
    """Axes of the model on the map, by the settings or fitted."""
    shift = (section.shift[0], section.shift[1]) if section.shift is not None else (0.0, 0.0)
    where = section.origin
    pair = (where[0], where[1]) if isinstance(where, list) else None
    if section.fit is None:
        azimuth = coordinates.EAST if section.azimuth is None else section.azimuth
        return Frame(pair or (0.0, 0.0), azimuth, section.datum, shift)
    finite = [p[np.isfinite(p).all(axis=1)] for p in (sources, receivers)]
    if not len(finite[1]):
        finite[1] = finite[0][:1]
    named: Beginning = "first_source" if where == "first_source" else "beginning"
    return coordinates.fit(finite[0], finite[1], pair or named, section.datum, shift)


def _without_y(positions: Array, ndim: int) -> Array:
    """Positions with as many coordinates as the model has."""
    return positions[:, [0, -1]] if ndim == 2 else positions


def _check_straight(named: dict[str, Array]) -> Notes:
    """In two dimensions and without a section, y may only be a constant.

    Raises
    ------
    GeometryError
    """
    northings = [p[:, 1] for p in named.values() if p.shape[1] == 3 and len(p)]
    if not northings:
        return ()
    y = np.concatenate(northings)
    low, high = float(np.nanmin(y)), float(np.nanmax(y))
    if high - low > STRAIGHT:
        raise GeometryError(
            f"the model has 2 dimensions, and y is from {low:.9g} to {high:.9g} m: project the "
            f"positions on a line by `coordinates: {{fit: line}}`"
        )
    return (f"y is {low:.9g} m throughout and is left out",)


def _distances(named: dict[str, Array], frame: Frame) -> Notes:
    """How far positions are from the line that they are projected on."""
    largest, place, total, count = 0.0, "", 0.0, 0
    for name, positions in named.items():
        if positions.shape[1] == 2 or not len(positions):
            continue
        away = np.abs(positions[:, 1] - frame.shift[1])
        away = np.where(np.isnan(away), 0.0, away)
        if not place or away.max() > largest:
            largest, place = float(away.max()), f"{name.removesuffix('s')} {int(away.argmax())}"
        total, count = total + float(away.sum()), count + len(away)
    if not count:
        return ()
    return (
        f"sources and receivers are projected on the line of x: the farthest, {place}, is "
        f"{largest:.4g} m away, the mean {total / count:.4g} m",
    )
