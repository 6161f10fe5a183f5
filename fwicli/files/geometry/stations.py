"""Sources and receivers in tables: positions on the map, and identities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError, FwiError
from fwicli.files.geometry import columns as names_of_columns
from fwicli.files.geometry import tables
from fwicli.files.geometry.columns import AXES, accepted, listed
from fwicli.files.geometry.tables import Table

Array = NDArray[Any]
Point = Literal["source", "receiver"]
VERTICAL = ("z", "elevation", "burial")


@dataclass(frozen=True)
class Reading:
    """How the columns of a table are read.

    Parameters
    ----------
    columns : mapping of str to str or int
        Name or number of the column by its role, where the user states it.
    unit : str, optional
        Unit of the coordinates, one of `columns.UNITS`; by default as the names say, or m.
    depth : float, optional
        Depth of all points below elevation 0 [m], in a table without.
    flat : bool
        Whether the points are at depth 0, whatever columns there are: the caller places them.
    """

    columns: Mapping[str, str | int] = field(default_factory=dict)
    unit: str | None = None
    depth: float | None = None
    flat: bool = False


@dataclass(frozen=True)
class Stations:
    """Points of a survey on the map.

    Attributes
    ----------
    positions : ndarray of shape (n, 3) or (n, 2)
        Easting, northing and depth below elevation 0, or easting and depth [m].
    ids : tuple of str
        One for each point; empty without them.
    name : str
        Of the file, for messages.
    notes : tuple of str
        How the file was read, where that is not plain.
    """

    positions: Array
    ids: tuple[str, ...]
    name: str
    notes: tuple[str, ...] = ()


def read(path: Path, point: Point, reading: Reading, identified: bool) -> Stations:
    """Read sources or receivers, one a row.

    Parameters
    ----------
    path : Path
    point : {"source", "receiver"}
    reading : Reading
    identified : bool
        Whether the points must have identities, none twice.

    Returns
    -------
    stations : Stations

    Raises
    ------
    DataError
        If the file cannot be read, or what a column holds is missing or ambiguous.
    """
    table = tables.read(path)
    roles = {role: accepted(role, point, alone=True) for role in AXES}
    if identified or "id" in reading.columns:
        roles["id"] = accepted("id", point, alone=True)
    columns = _columns(table, roles, reading)
    positions, notes = _positions(table, columns, reading, "")
    ids = identities(table, columns, "id") if identified else ()
    _check_unique(table, ids)
    return Stations(positions, ids, str(path), (*table.notes, *notes))


def read_traces(path: Path, reading: Reading) -> tuple[Stations, list[Array]]:
    """Read source and receiver of every trace, one trace a row.

    Rows with one identity of the source, or else with one position of it, are a shot.

    Parameters
    ----------
    path : Path
    reading : Reading

    Returns
    -------
    sources : Stations
        One a shot, in the order of the file.
    receivers : list of ndarray, of shape (n, 3) or (n, 2)
        Positions of the receivers of each shot [m].

    Raises
    ------
    DataError
        If the file cannot be read, or what a column holds is missing or ambiguous.
    """
    table = tables.read(path)
    roles = {
        f"{point}_{role}": accepted(role, point, alone=False)
        for point in ("source", "receiver")
        for role in AXES
    }
    columns = _columns(table, roles | {"source_id": accepted("id", "source", False)}, reading)
    sources, notes = _positions(table, columns, reading, "source_")
    receivers, more = _positions(table, columns, reading, "receiver_")
    if "source_id" in columns:
        ids = identities(table, columns, "source_id")
        _, first, shot = np.unique(ids, return_index=True, return_inverse=True)
        _check_one_place(table, sources, shot, first)
    else:
        _, first, shot = np.unique(sources, axis=0, return_index=True, return_inverse=True)
        notes = (*notes, f"{path}: rows with one source position are a shot; there is no shot id")
    order = np.argsort(first)
    rows = [np.flatnonzero(shot.reshape(-1) == number) for number in order]
    if any(np.diff(r).max(initial=1) > 1 for r in rows):
        notes = (*notes, f"{path}: traces of a shot are not all one after the other")
    every = tuple(dict.fromkeys((*table.notes, *notes, *more)))
    stations = Stations(sources[first[order]], (), str(path), every)
    return stations, [receivers[r] for r in rows]


def identity(text: str) -> str:
    """An identity as it is compared: whole numbers without zeros in front and decimals."""
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else str(number)


def identities(table: Table, columns: Mapping[str, int], role: str) -> tuple[str, ...]:
    """Identities of the rows of a table.

    Parameters
    ----------
    table : Table
    columns : mapping of str to int
        Index of the column by role.
    role : str

    Returns
    -------
    ids : tuple of str

    Raises
    ------
    DataError
        If there is no such column, or a text in it is empty.
    """
    if role not in columns:
        raise _missing(table, role, "an identity, such as a number", "")
    return tuple(identity(text) for text in table.texts(columns[role]))


def _columns(table: Table, roles: Mapping[str, frozenset[str]], reading: Reading) -> dict[str, int]:
    """Columns of a table by role.

    Raises
    ------
    DataError
    """
    try:
        unknown = [role for role in reading.columns if role not in roles]
        if unknown:
            raise DataError(
                f"`columns` has {listed(unknown)}, and a column here may be {listed(roles)}"
            )
        # A vertical coordinate that the user names is the only one.
        chosen = {
            role.removesuffix(axis)
            for role, axis in product(reading.columns, VERTICAL)
            if role.endswith(axis)
        }
        others = {point + axis for point, axis in product(chosen, VERTICAL)}
        free = {role: n for role, n in roles.items() if table.named and role not in others}
        return names_of_columns.find(table.names, free, reading.columns)
    except DataError as error:
        raise _of_file(table, error) from None


def _of_file(table: Table, error: FwiError) -> DataError:
    """An error with the name of the file."""
    return DataError(f"{table.path}: {error}")


def _positions(
    table: Table, columns: Mapping[str, int], reading: Reading, point: str
) -> tuple[Array, tuple[str, ...]]:
    """Positions of points, and notes.

    Raises
    ------
    DataError
    """
    units: dict[str, str] = {}

    def metres(role: str) -> Array:
        column = columns[point + role]
        length, units[role] = names_of_columns.unit_of(table.names[column], reading.unit)
        return table.numbers(column) * length if length != 1 else table.numbers(column)

    try:
        if f"{point}x" not in columns:
            names_of_columns.check_geographic(table.names)
            raise _missing(table, f"{point}x", "the first horizontal coordinate", "")
        axes = [metres(role) for role in ("x", "y") if point + role in columns]
        vertical = _vertical(table, columns, reading, point, metres)
    except DataError as error:
        raise error if str(table.path) in str(error) else _of_file(table, error) from None
    in_units = [f"{point}{role} in {unit}" for role, unit in units.items() if unit not in ("", "m")]
    notes = (f"{table.path}: {', '.join(in_units)}",) if in_units else ()
    return np.stack([*axes, vertical], axis=1), notes


def _vertical(
    table: Table,
    columns: Mapping[str, int],
    reading: Reading,
    point: str,
    metres: Callable[[str], Array],
) -> Array:
    """Depths below elevation 0 [m].

    Raises
    ------
    DataError
    """
    if reading.flat:
        return np.zeros(len(table.rows))
    roles = [role for role in VERTICAL if point + role in columns]
    names = [table.names[columns[point + role]] for role in roles]
    if reading.depth is not None:
        if roles:
            raise DataError(
                f"there are a `depth` and the column `{names[0]}`; leave out `depth`, or name no "
                f"column of depths"
            )
        return np.full(len(table.rows), reading.depth)
    if roles == ["z"]:
        return metres("z")
    if roles == ["elevation"]:
        return -metres("elevation")
    if roles == ["elevation", "burial"]:
        return metres("burial") - metres("elevation")
    if not roles:
        key = f"{point}z"
        raise _missing(table, key, "the depth", " or of the elevation, or a `depth: 10` [m]")
    raise DataError(
        f"{listed(names)} are several vertical coordinates; say which one holds, as in `columns: "
        f"{{{point}{roles[0]}: {names[0]}}}`, or name an elevation and the depth below it, as in "
        f"`columns: {{{point}elevation: {names[-1]}, {point}burial: {names[0]}}}`"
    )


def _missing(table: Table, role: str, what: str, otherwise: str) -> DataError:
    """An error that lists the columns and says what to type."""
    some = "NAME" if table.named else len(table.names)
    why = "" if table.named else "has no names of columns, and "
    return DataError(
        f"{table.path}: {why}no column is {what} (`{role}`); the columns are "
        f"{listed(table.names)}: say which it is, as in `columns: {{{role}: {some}}}`{otherwise}"
    )


def _check_unique(table: Table, ids: Sequence[str]) -> None:
    """No identity may occur twice.

    Raises
    ------
    DataError
    """
    lines: dict[str, int] = {}
    for name, line in zip(ids, table.lines if ids else (), strict=True):
        if name in lines:
            raise DataError(
                f"{table.path}: the id `{name}` is in line {lines[name]} and in line {line}, of "
                f"{len(ids) - len(set(ids))} that are repeated; give each point its own"
            )
        lines[name] = line


def _check_one_place(table: Table, sources: Array, shot: Array, first: Array) -> None:
    """The source of a shot must be at one place.

    Raises
    ------
    DataError
    """
    apart = np.abs(sources - sources[first[shot.reshape(-1)]]).max(axis=1) > 1e-3
    for row in np.flatnonzero(apart)[:1]:
        start = int(first[shot.reshape(-1)[row]])
        raise DataError(
            f"{table.path}: the source of one shot is at {_place(sources[start])} in line "
            f"{table.lines[start]} and at {_place(sources[row])} in line {table.lines[row]}, and "
            f"so in {int(apart.sum())} rows; give each shot its own id"
        )


def _place(position: Array) -> str:
    return f"({', '.join(f'{c:.9g}' for c in position)}) m"
