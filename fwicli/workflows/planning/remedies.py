"""Changes of coordinates that bring positions into the model, each tried before it is advised."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.config.coordinates import CoordinatesSection
from fwicli.errors import FwiError
from fwicli.survey.coordinates import EAST
from fwicli.survey.grid import Grid
from fwicli.workflows.assembly import frames
from fwicli.workflows.assembly.frames import MapPositions

Array = NDArray[Any]

# Remedies of one message.
MOST = 2


@dataclass(frozen=True)
class _Change:
    """Signs and order of coordinates, and settings, in place of those of a survey.

    Attributes
    ----------
    words : str
        Name of the change in a message.
    advice : str
        Settings to type, in a message.
    section : CoordinatesSection
    columns : tuple of int
        Order of the coordinates of all positions.
    signs : tuple of float
        Sign of the depths of sources and of receivers.
    """

    words: str
    advice: str
    section: CoordinatesSection
    columns: tuple[int, ...] = ()
    signs: tuple[float, float] = (1.0, 1.0)


def remedies(grid: Grid, survey: MapPositions) -> list[str]:
    """Changes that bring all positions into the model, in words and as they are typed.

    Parameters
    ----------
    grid : Grid
        Of the model.
    survey : MapPositions
        Some of its positions are outside.

    Returns
    -------
    remedies : list of str
        At most two, of one change each; where no single one helps, of one and a shift.
    """
    own, section = survey.section or CoordinatesSection(), survey.key
    single = list(_directions(own, section)) if survey.sources.shape[1] == 3 else []
    if not survey.settled:
        single = [*_signs(own, section), *_orders(own, section, survey), *single]
    shifts = _shifts(grid, survey, _Change("", "", own), section)
    texts = _successful([*single, *shifts], survey, grid)
    if not texts:
        double = (shift for change in single for shift in _shifts(grid, survey, change, section))
        texts = _successful(double, survey, grid)
    return texts


def _successful(changes: Iterable[_Change], survey: MapPositions, grid: Grid) -> list[str]:
    """The first of some changes that bring all positions into a grid, in words."""
    texts: list[str] = []
    for change in changes:
        placed = _placed(change, survey, grid.ndim)
        if placed is None or any(grid.outside(positions).any() for positions in placed):
            continue
        texts.append(f"{change.words}: {change.advice}")
        if len(texts) == MOST:
            break
    return texts


def _placed(change: _Change, survey: MapPositions, ndim: int) -> list[Array] | None:
    """Sources and receivers on the axes of the model after a change; None if it is impossible."""
    sources, receivers = (
        _turned(positions, change.columns, sign)
        for positions, sign in zip((survey.sources, survey.receivers), change.signs, strict=True)
    )
    try:
        return list(frames.in_model(change.section, sources, receivers, ndim)[:2])
    except FwiError:
        return None


def _turned(positions: Array, columns: tuple[int, ...], sign: float) -> Array:
    """Positions with their coordinates in another order, and depths of another sign."""
    turned = positions[:, columns] if len(columns) == positions.shape[1] else positions.copy()
    turned[:, -1] *= sign
    return turned


# --- changes --------------------------------------------------------------------------------------


def _signs(own: CoordinatesSection, section: str) -> Iterator[_Change]:
    """Depths of the other sign: of all positions, of the receivers, or of the sources."""
    of_records = (
        f"`{section}.axes: {{z: -z}}`",
        f"`{section}.receiver_axes: {{z: -z}}`",
        f"`{section}.axes: {{z: -z}}` and `{section}.receiver_axes: {{z: z}}`",
    )
    whose = (((-1.0, -1.0), "sources and receivers"), ((1.0, -1.0), "receivers"))
    for (signs, points), setting in zip(
        (*whose, ((-1.0, 1.0), "sources")), of_records, strict=True
    ):
        words = f"with z of the {points} of the other sign, as of elevations"
        advice = f"set {setting}"
        if section == "geometry":
            advice = "change the sign, or name a column, as in `columns: {elevation: NAME}`"
        yield _Change(words, advice, own, signs=signs)


def _orders(own: CoordinatesSection, section: str, survey: MapPositions) -> Iterator[_Change]:
    """Two coordinates exchanged."""
    solid = survey.sources.shape[1] == 3
    pairs = (("x", "y", (1, 0, 2)), ("x", "z", (2, 1, 0))) if solid else (("x", "z", (1, 0)),)
    for first, second, columns in pairs:
        advice = f"name their columns, as in `columns: {{{first}: NAME, {second}: NAME}}`"
        if section != "geometry":
            advice = f"set `{section}.axes: {{{first}: {second}, {second}: {first}}}`"
        yield _Change(f"with {first} and {second} exchanged", advice, own, columns=columns)


def _directions(own: CoordinatesSection, section: str) -> Iterator[_Change]:
    """Another azimuth, or a fitted line."""
    if own.fit is None:
        azimuth = EAST if own.azimuth is None else own.azimuth
        others = (90 - azimuth, -azimuth, azimuth + 180, azimuth + 90, azimuth - 90)
        for other in dict.fromkeys(angle % 360 for angle in others):
            words = f"with an x axis of azimuth {other:.9g} degrees"
            yield _with(own, section, words, azimuth=other)
        words = "with an x axis along the best line through them"
        yield _with(own, section, words, fit="line", azimuth=None, origin=None)


def _with(own: CoordinatesSection, section: str, words: str, **settings: Any) -> _Change:
    """A change of settings of the coordinates."""
    changed = CoordinatesSection.model_validate({**own.model_dump(), **settings})
    return _Change(words, f"set `{section}.coordinates: {_shown(changed)}`", changed)


def _shown(section: CoordinatesSection) -> str:
    """Settings of a section as they are typed."""
    values = section.model_dump(exclude_defaults=True, exclude_none=True)
    return f"{{{', '.join(f'{name}: {_value(value)}' for name, value in values.items())}}}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _shifts(grid: Grid, survey: MapPositions, change: _Change, section: str) -> Iterator[_Change]:
    """A change followed by a shift: along z, along x and y, and along all of them."""
    placed = _placed(change, survey, grid.ndim)
    if placed is None:
        return
    everything = np.concatenate(placed)
    everything = everything[np.isfinite(everything).all(axis=1)]
    if not len(everything):
        return
    steps = [_step(everything[:, axis], grid, axis) for axis in range(grid.ndim)]
    if None in steps:
        return
    *aside, down = (float(step or 0.0) for step in steps)
    old = change.section.shift or [0.0, 0.0]
    shift = [o + s for o, s in zip(old, (*aside, 0.0), strict=False)]
    words = []
    settings: dict[str, Any] = {}
    if any(aside):
        settings["shift"] = shift
        moves = zip(("x", "y"), aside, strict=False)
        words.append("a shift of " + " and ".join(f"{s:.9g} m in {a}" for a, s in moves if s))
    if down:
        settings["datum"] = change.section.datum + down
        words.append(f"z = 0 at the elevation {settings['datum']:.9g} m")
    if not words:
        return
    shifted = _with(change.section, section, f"with {' and '.join(words)}", **settings)
    if change.words:
        turned = change.section == (survey.section or CoordinatesSection())
        also = f"{change.advice}, and {shifted.advice}" if turned else shifted.advice
        shifted = _Change(
            f"{change.words} and {' and '.join(words)}",
            also,
            shifted.section,
            change.columns,
            change.signs,
        )
    yield shifted


def _step(values: Array, grid: Grid, axis: int) -> float | None:
    """Shift along an axis that brings values into a grid [m]; None if none does.

    It is 0 where they are inside, along x and y that to the middle where all are outside, and else
    the least one; in whole grid spacings where they fit.
    """
    start, end, spacing = grid.origin[axis], grid.end[axis], grid.spacing[axis]
    low, high = float(values.min()), float(values.max())
    if high - low > (end - start) + 2e-6 * spacing:
        return None
    least = max(start - low, 0.0) + min(end - high, 0.0)
    if least == 0 or abs(least) <= 1e-6 * spacing:
        return 0.0
    apart = (high < start or low > end) and axis < grid.ndim - 1
    exact = (start + end - low - high) / 2 if apart else least
    whole = math.copysign(math.ceil(abs(exact) / spacing - 1e-9), exact) * spacing
    return whole if start <= low + whole and high + whole <= end else least
