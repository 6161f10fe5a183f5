"""Which receivers record which shot: tables of pairs, or of ranges of receivers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files.geometry import columns as names_of_columns
from fwicli.files.geometry import tables
from fwicli.files.geometry.columns import POINTS, accepted, listed
from fwicli.files.geometry.stations import Stations, identities
from fwicli.files.geometry.tables import Table

Array = NDArray[Any]

ENDS = {"first": "first from start begin low min", "last": "last to end stop high max"}
OF_ENDS = f"{POINTS['receiver']} chan channel station stn point trace".split()


@dataclass(frozen=True)
class Relation:
    """Shots that were recorded, and the receivers of each.

    Attributes
    ----------
    shots : list of int
        Index of the source of each shot.
    receivers : list of ndarray of int
        Indices of the receivers of each shot, in the order of the file.
    notes : tuple of str
        Points that occur in no shot, and more.
    """

    shots: list[int]
    receivers: list[Array]
    notes: tuple[str, ...]


def read(
    path: Path, stated: Mapping[str, str | int], sources: Stations, receivers: Stations
) -> Relation:
    """Read a relation of sources and receivers by their identities.

    A row is a pair of a shot and a receiver, or a shot with the first and last of its receivers.

    Parameters
    ----------
    path : Path
    stated : mapping of str to str or int
        Name or number of the column, by its role: `shot`, and `receiver` or `first` and `last`.
    sources, receivers : Stations
        With identities.

    Returns
    -------
    relation : Relation

    Raises
    ------
    DataError
        If the file cannot be read, or names a point that there is not.
    """
    table = tables.read(path)
    columns = _columns(table, stated)
    shots = _indices(table, identities(table, columns, "shot"), sources, "source")
    if "receiver" in columns:
        named = identities(table, columns, "receiver")
        pairs = [np.array([i]) for i in _indices(table, named, receivers, "receiver")]
    else:
        ends = [identities(table, columns, end) for end in ENDS]
        pairs = _ranges(table, ends, receivers)
    rows = sorted(zip(shots, shots, pairs, strict=True), key=lambda row: row[0])
    return related(str(path), table.notes, rows, sources, receivers)


def related(
    name: str,
    notes: Sequence[str],
    rows: Iterable[tuple[Hashable, int, Array]],
    sources: Stations,
    receivers: Stations,
) -> Relation:
    """A relation from its rows.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    notes : sequence of str
        Notes on the file.
    rows : iterable of tuple
        Name of the shot, index of its source, and indices of some of its receivers; shots are in
        the order of their first rows.
    sources, receivers : Stations

    Returns
    -------
    relation : Relation

    Raises
    ------
    DataError
        If a receiver occurs twice in a shot.
    """
    by_shot: dict[Hashable, list[Array]] = {}
    source_of: dict[Hashable, int] = {}
    for name_of_shot, source, some in rows:
        by_shot.setdefault(name_of_shot, []).append(some)
        source_of[name_of_shot] = source
    shots = list(source_of.values())
    spreads = [np.concatenate(parts) for parts in by_shot.values()]
    for shot, spread in zip(shots, spreads, strict=True):
        unique, counts = np.unique(spread, return_counts=True)
        for receiver in unique[counts > 1][:1]:
            raise DataError(
                f"{name}: the receiver `{receivers.ids[int(receiver)]}` occurs "
                f"{int(counts[unique == receiver][0])} times in the shot `{sources.ids[shot]}`; "
                f"name it once"
            )
    used = np.unique(np.concatenate(spreads))
    every = list(notes)
    for count, what in (
        (len(sources.ids) - len(set(shots)), f"sources of {sources.name}"),
        (len(receivers.ids) - len(used), f"receivers of {receivers.name}"),
    ):
        if count:
            every.append(f"{count} {what} are in no row of {name} and are left out")
    return Relation(shots, spreads, tuple(every))


def _columns(table: Table, stated: Mapping[str, str | int]) -> dict[str, int]:
    """Columns of a relation by role.

    Raises
    ------
    DataError
        If they are neither those of pairs nor those of ranges.
    """
    roles = {
        "shot": accepted("id", "source", alone=False),
        "receiver": accepted("id", "receiver", alone=False)
        | {f"{a}{b}" for a, b in product(("", "receiver", "rec"), ("station", "stn"))},
    }
    for role, words in ENDS.items():
        pairs = list(product(words.split(), ["", *OF_ENDS]))
        roles[role] = frozenset({a + b for a, b in pairs} | {b + a for a, b in pairs})
    unknown = [role for role in stated if role not in roles]
    try:
        if unknown:
            raise DataError(
                f"`columns` has {listed(unknown)}, and a column here may be {listed(roles)}"
            )
        columns = names_of_columns.find(table.names, roles if table.named else {}, stated)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None
    kinds = [role in columns for role in ("receiver", "first", "last")]
    if "shot" not in columns or kinds not in ([True, False, False], [False, True, True]):
        raise DataError(
            f"{table.path} must have columns of a shot and a receiver, or of a shot and its first "
            f"and last receiver; the columns are {listed(table.names)}: say which is which, as in "
            f"`columns: {{shot: NAME, receiver: NAME}}` or `columns: {{shot: NAME, first: NAME, "
            f"last: NAME}}`"
        )
    return columns


def _indices(table: Table, ids: Sequence[str], stations: Stations, what: str) -> list[int]:
    """Index of each identity among the points.

    Raises
    ------
    DataError
        If there is no such point.
    """
    index = {name: i for i, name in enumerate(stations.ids)}
    missing = [n for n, name in enumerate(ids) if name not in index]
    if missing:
        others = len({ids[n] for n in missing}) - 1
        also = f", nor {others} others of the table" if others else ""
        raise DataError(
            f"{table.path}:{table.lines[missing[0]]}: there is no {what} `{ids[missing[0]]}` in "
            f"{stations.name}{also}; its ids are {_some(stations.ids)}"
        )
    return [index[name] for name in ids]


def _ranges(table: Table, ends: Sequence[Sequence[str]], receivers: Stations) -> list[Array]:
    """Indices of the receivers from the first to the last of each row, by number.

    Raises
    ------
    DataError
        If identities are no numbers, or the ends are no receivers.
    """
    for column in ends:
        _indices(table, column, receivers, "receiver")
    try:
        numbers = np.array([float(name) for name in receivers.ids])
    except ValueError:
        raise DataError(
            f"{table.path} gives ranges of receivers, and their ids in {receivers.name} are no "
            f"numbers ({_some(receivers.ids)}); give pairs of shot and receiver"
        ) from None
    order = np.argsort(numbers, kind="stable")
    spreads = []
    for first, last in zip(*ends, strict=True):
        low, high = sorted((float(first), float(last)))
        start, stop = np.searchsorted(numbers[order], [low, high])
        spread = order[start : stop + 1]
        spreads.append(spread if float(first) <= float(last) else spread[::-1])
    return spreads


def _some(ids: Sequence[str]) -> str:
    """The first and last of identities."""
    return listed(ids) if len(ids) <= 4 else f"{listed(ids[:3])} to `{ids[-1][:40]}`"
