"""Shots of a survey from trace headers: which traces form each, with positions and start time.

Traces may come in any order and from several files. Shots are numbered as the first trace of each
comes. Where receivers become sources, each component of a receiver is a shot of its own. Within a
shot, traces are sorted by channel where each has its own, and keep their order where channels
repeat, as in spreads of several cables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.segy.fields import RECEIVER, SHOT, STANDARD
from fwicli.segy.index import Index
from fwicli.segy.quantities import Quantities
from fwicli.segy.selection import Grouping, select
from fwicli.survey.components import Component

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
# Easting, northing and depth of "source" and "receiver" of all traces, each of shape (traces,), or
# (1,) where all are the same.
Ends = dict[str, tuple[Array, Array, Array]]

# Traces whose receivers are compared at once.
BLOCK = 1 << 16


@dataclass(frozen=True)
class Survey:
    """Shots of one file or several.

    Attributes
    ----------
    indexes : tuple of Index
    order : ndarray of int, of shape (n,)
        Numbers of traces over all files, shot by shot.
    begins : ndarray of int, of shape (shots + 1,)
        Where each shot begins in `order`, and the last ends.
    sources, receivers : ndarray of shape (shots, 3) and (n, 3), or 2 columns
        Easting, northing unless all are the same, and depth below elevation 0 [m].
    start : ndarray of shape (shots,)
        Time of the first sample [s].
    interval : float
        [s].
    samples : int
    factors : ndarray of int8, of shape (n,) or (1,)
        1, -1 of traces that are reversed, 0 of dead ones.
    components : tuple of Component
        All that receivers recorded.
    recorded : ndarray of int, of shape (n,) or (1,)
        Number of the component of each trace.
    emitted : Component
        Of the sources.
    exchanged : bool
        Whether sources and receivers have changed places, by reciprocity: all traces of a shot then
        have one component.
    notes : tuple of str
        Traces that are left out, and values that contradict each other, in words.
    """

    indexes: tuple[Index, ...]
    order: Numbers
    begins: Numbers
    sources: Array
    receivers: Array
    start: Array
    interval: float
    samples: int
    factors: NDArray[np.int8]
    components: tuple[Component, ...]
    recorded: NDArray[np.int16]
    emitted: Component
    exchanged: bool
    notes: tuple[str, ...]

    @property
    def shots(self) -> int:
        """Number of shots."""
        return len(self.begins) - 1

    def receivers_of(self, shot: int) -> Array:
        """Positions of the receivers of a shot, shape (n, 2 or 3) [m]."""
        return self.receivers[self.begins[shot] : self.begins[shot + 1]]

    def field(self, name: str) -> Numbers:
        """A header field of the traces, shot by shot, shape (n,)."""
        return _values(Quantities(self.indexes).stored(name), self.order)


def read_survey(
    indexes: Sequence[Index], grouping: Grouping | None = None, northing: bool = False
) -> Survey:
    """Group the traces of files into shots.

    Parameters
    ----------
    indexes : sequence of Index
        At least one.
    grouping : Grouping, optional
    northing : bool
        Whether positions have a northing even if all have the same.

    Returns
    -------
    survey : Survey

    Raises
    ------
    DataError
        If headers contradict each other, or no trace is left.
    """
    grouping = grouping or Grouping()
    headers = Quantities(indexes)
    headers.check_units()
    interval, samples = headers.sampling(grouping.interval)
    selection = select(headers, grouping)
    chosen, factors = selection.chosen, selection.factors
    ends = {end: _positions(headers, end) for end in ("source", "receiver")}
    keys = [column for key in grouping.keys for column in _key_columns(headers, key, ends)]
    source = grouping.source
    if source == "receiver":
        keys.append(selection.recorded)
    order, begins = _grouped(headers, keys, chosen)
    _check_zeros(headers, ends, chosen, begins)
    _check_sources(headers, source, ends[source], order, begins)
    other = "receiver" if source == "source" else "source"
    axes = slice(None) if northing or _have_northing(ends, chosen) else slice(None, None, 2)
    first = order[begins[:-1]]
    sources = np.stack([_values(column, first) for column in ends[source][axes]], axis=1)
    receivers = np.stack([_values(column, order) for column in ends[other][axes]], axis=1)
    recorded = selection.recorded if len(selection.components) > 1 else np.zeros(1, np.int16)
    recorded = recorded if len(recorded) == 1 else recorded[order]
    _note_duplicates(headers, receivers, recorded, begins)
    return Survey(
        headers.indexes,
        order,
        begins,
        sources,
        receivers,
        _start(headers, order, begins),
        interval,
        samples,
        factors if len(factors) == 1 else factors[order],
        selection.components,
        recorded,
        selection.emitted,
        source == "receiver",
        tuple(headers.notes),
    )


def _values(column: NDArray[Any], numbers: Numbers) -> NDArray[Any]:
    """Values of some traces, from a column of one value or of one for each trace."""
    return np.full(len(numbers), column[0]) if len(column) == 1 else column[numbers]


def _have_northing(ends: Ends, chosen: Numbers) -> bool:
    """Whether northings differ."""
    columns = [ends[end][1] for end in ends]
    parts = [column if len(column) == 1 else column[chosen] for column in columns]
    return any(bool((part != parts[0][0]).any()) for part in parts)


def _positions(headers: Quantities, end: str) -> tuple[Array, Array, Array]:
    """Easting, northing and depth of all traces, each of shape (traces,) or (1,)."""
    return headers.horizontal(f"{end}_x"), headers.horizontal(f"{end}_y"), headers.z(end)


# --- groups ---------------------------------------------------------------------------------------


def _grouped(
    headers: Quantities, keys: Sequence[NDArray[Any]], chosen: Numbers
) -> tuple[Numbers, Numbers]:
    """Numbers of traces shot by shot, and where each shot begins."""
    # Neighbours with equal keys are a run; only runs are compared with each other.
    begins_run = np.ones(len(chosen), dtype=bool)
    begins_run[1:] = False
    varying = [column for column in keys if len(column) > 1]
    for column in varying:
        values = column[chosen]
        begins_run[1:] |= values[1:] != values[:-1]
    runs = np.flatnonzero(begins_run)
    codes = np.zeros(len(runs), dtype=np.int64)
    for column in varying:
        values, inverse = np.unique(column[chosen[runs]], return_inverse=True)
        codes = np.unique(codes * len(values) + inverse, return_inverse=True)[1]
    groups, first = np.unique(codes, return_index=True)
    # Shots in the order of their first traces.
    rank = np.empty(len(groups), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(groups))
    shots = rank[codes]
    lengths = np.diff([*runs, len(chosen)])
    counts = np.bincount(shots, weights=lengths, minlength=len(groups)).astype(np.int64)
    begins = np.concatenate([[0], np.cumsum(counts)])
    order = chosen
    if len(groups) < len(runs):
        order = chosen[np.argsort(np.repeat(shots.astype(np.int32), lengths), kind="stable")]
    channels = np.asarray(headers.stored("channel"))
    return (_by_channel(channels, order, begins) if len(channels) > 1 else order), begins


def _by_channel(channels: NDArray[Any], order: Numbers, begins: Numbers) -> Numbers:
    """The order with the traces of a shot sorted by channel, where channels do not repeat."""
    same_shot = np.ones(len(order) - 1, dtype=bool)
    same_shot[begins[1:-1] - 1] = False
    if (np.diff(channels[order])[same_shot] > 0).all():
        return order
    shots = np.repeat(np.arange(len(begins) - 1, dtype=np.int32), np.diff(begins))
    by_channel = order[np.lexsort((channels[order], shots))]
    repeats = (np.diff(channels[by_channel]) == 0) & same_shot
    repeating = np.zeros(len(begins) - 1, dtype=bool)
    repeating[shots[:-1][repeats]] = True
    return np.where(repeating[shots], order, by_channel)


def _key_columns(headers: Quantities, key: str, ends: Ends) -> list[NDArray[Any]]:
    """Columns that are equal within a group."""
    if key == SHOT:
        return [headers.stored("field_record"), headers.stored("gun"), *ends["source"]]
    if key == RECEIVER:
        return [headers.stored("receiver_point"), *ends["receiver"]]
    if key not in STANDARD:
        raise DataError(
            f"`data.group` names `{key}`, which is no field; choose `shot`, `receiver`, or some of "
            f"{', '.join(STANDARD)}"
        )
    return [headers.stored(key)]


def _check_sources(
    headers: Quantities, end: str, columns: Sequence[Array], order: Numbers, begins: Numbers
) -> None:
    """Every trace of a shot must have the same source, or receiver in its place."""
    names = (f"{end}_x", f"{end}_y", f"{end}_elevation")
    for name, axis, column in zip(names, "xyz", columns, strict=True):
        if len(column) == 1:
            continue
        values = column[order]
        same = np.repeat(values[begins[:-1]], np.diff(begins))
        if not np.array_equal(values, same):
            at = int(np.argmax(values != same))
            shot = int(np.searchsorted(begins, at, side="right")) - 1
            raise DataError(
                f"shot {shot} has a {end} at {axis} = {same[at]:.9g} m and one at "
                f"{values[at]:.9g} m ({headers.place(int(order[at]), name)}); group traces by "
                f"other keys, as by `data.group: {'receiver' if end == 'receiver' else 'shot'}`"
            )


# --- checks ---------------------------------------------------------------------------------------


def _start(headers: Quantities, order: Numbers, begins: Numbers) -> Array:
    """Time of the first sample of each shot [s]."""
    column = headers.start()
    if len(column) == 1:
        return np.full(len(begins) - 1, column[0])
    values = column[order]
    start: Array = values[begins[:-1]]
    same = np.repeat(start, np.diff(begins))
    if not np.array_equal(values, same):
        at = int(np.argmax(values != same))
        shot = int(np.searchsorted(begins, at, side="right")) - 1
        raise DataError(
            f"traces of shot {shot} begin at {same[at]:g} s and at {values[at]:g} s "
            f"({headers.place(int(order[at]), 'delay')}); write them with one delay, padded with "
            f"zeros, or group them by it: `data.group: [shot, delay]`"
        )
    return start


def _check_zeros(
    headers: Quantities,
    ends: Ends,
    chosen: Numbers,
    begins: Numbers,
) -> None:
    """Positions that are zero throughout are not stated; some that are zero are noted."""
    zero = {
        end: np.broadcast_to((columns[0] == 0) & (columns[1] == 0), headers.traces)[chosen]
        for end, columns in ends.items()
    }
    several = {"source": len(begins) > 2, "receiver": len(chosen) > 1}
    for end, mask in zero.items():
        if not mask.all() or not (several[end] or zero["source"].all() & zero["receiver"].all()):
            continue
        if headers.indexes[0].fields[f"{end}_x"].byte:
            raise DataError(
                f"{headers.place(int(chosen[0]), f'{end}_x')}: x and y of all {end}s are zero, so "
                f"that the file states no positions there; name the bytes that hold them, as in "
                f"`data.bytes: {{{end}_x: 181:int32, {end}_y: 185:int32}}`, or give a position, as "
                f"in `data.bytes: {{{end}_x: {{value: 0}}}}` [m]"
            )
    nowhere = zero["source"] & zero["receiver"]
    if nowhere.any() and not nowhere.all():
        first = int(chosen[int(np.argmax(nowhere))])
        headers.notes.append(
            f"{int(nowhere.sum())} of {len(chosen)} traces have x = y = 0 of both source and "
            f"receiver (the first: {headers.place(first, 'source_x')}); they are read so: if their "
            f"positions are not known, give them trace id 2"
        )


def _note_duplicates(
    headers: Quantities, receivers: Array, recorded: NDArray[np.int16], begins: Numbers
) -> None:
    """Note shots with several traces of one component at one receiver."""
    count, first = 0, -1
    step = max(1, BLOCK // max(1, int(np.diff(begins).max())))
    for shot in range(0, len(begins) - 1, step):
        part = begins[shot : shot + step + 1]
        rows = receivers[part[0] : part[-1]]
        if len(recorded) > 1:
            rows = np.column_stack((rows, recorded[part[0] : part[-1]]))
        shots = np.repeat(np.arange(len(part) - 1), np.diff(part))
        order = np.lexsort((*rows.T, shots))
        same = np.diff(shots[order]) == 0
        for column in rows.T:
            same &= np.diff(column[order]) == 0
        if same.any() and first < 0:
            first = shot + int(shots[order][int(np.argmax(same))])
        count += int(same.sum())
    if count:
        headers.notes.append(
            f"{count} traces have the receiver of another trace of their shot (the first in shot "
            f"{first}); both are used"
        )
