"""Files of the SPS standard: sources (S), receivers (R) and their relation (X), revision 1 and 2.1.

Records have fixed columns. Elevations are those of the surface, and depths of points are below it.
A relation names receivers by line, from point to point; the channels count them. (Society of
Exploration Geophysicists, 2006, Shell processing support format, revision 2.1.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fwicli.errors import DataError
from fwicli.files.geometry.columns import UNITS
from fwicli.files.geometry.relations import Relation, related
from fwicli.files.geometry.stations import Stations, identity
from fwicli.files.geometry.tables import read_text

Array = NDArray[Any]
Kind = Literal["S", "R", "X"]


def _fields(text: str) -> dict[str, tuple[int, int]]:
    """First and last column of each field, from 1."""
    return {
        name: (int(first), int(last))
        for name, first, last in re.findall(r"(\w+) (\d+)-(\d+)", text)
    }


# By revision; revision 0 is as 1.
POINTS = {
    "1": _fields("line 2-17, point 18-25, index 26-26, code 27-28, depth 33-36"),
    "2.1": _fields("line 2-11, point 12-21, index 24-24, code 25-26, depth 31-34"),
}
POSITION = _fields("easting 47-55, northing 56-65, elevation 66-71")
RELATION = {
    "1": _fields(
        "record 8-11, line 14-29, point 30-37, index 38-38, first_channel 39-42, "
        "last_channel 43-46, increment 47-47, receiver_line 48-63, first 64-71, last 72-79, "
        "of 80-80"
    ),
    "2.1": _fields(
        "record 8-15, line 18-27, point 28-37, index 38-38, first_channel 39-43, "
        "last_channel 44-48, increment 49-49, receiver_line 50-59, first 60-69, last 70-79, "
        "of 80-80"
    ),
}
# Kind of source or receiver, as in V1 and G1.
CODE = re.compile(r"[A-Za-z][A-Za-z0-9]")
# Column of a header where its value begins.
VALUE = 32


@dataclass(frozen=True)
class SpsFile:
    """Records of one kind, and headers, of a file.

    Attributes
    ----------
    path : Path
    records : list of tuple of int and str
        Line in the file, from 1, and text.
    headers : list of str
    notes : tuple of str
    """

    path: Path
    records: list[tuple[int, str]]
    headers: list[str]
    notes: tuple[str, ...]


def read(
    paths: Mapping[Kind, Path], revision: str | None = None, unit: str | None = None
) -> tuple[Stations, Stations, Relation | None]:
    """Read the files of a survey.

    Parameters
    ----------
    paths : mapping of str to Path
        Files of sources "S" and receivers "R", and of the relation "X" if there is one.
    revision : {"1", "2.1"}, optional
        By default as the headers or the records say.
    unit : str, optional
        Unit of the coordinates, one of `columns.UNITS`; by default as the headers say, or m.

    Returns
    -------
    sources, receivers : Stations
    relation : Relation or None
        None without a file of it.

    Raises
    ------
    DataError
        If a file cannot be read, the revision or unit is not clear, or points are missing or twice.
    """
    files = {kind: read_file(path, kind) for kind, path in paths.items()}
    revision = revision or _revision(files.values())
    length, note = _unit([files["S"], files["R"]], unit)
    sources, receivers = (_stations(files[kind], revision, length) for kind in ("S", "R"))
    if note:
        sources = replace(sources, notes=(*sources.notes, note))
    if "X" not in files:
        return sources, receivers, None
    return sources, receivers, _relation(files["X"], revision, sources, receivers)


def read_points(path: Path, kind: Literal["S", "R"]) -> Stations:
    """Read sources or receivers alone.

    Parameters
    ----------
    path : Path
    kind : {"S", "R"}

    Returns
    -------
    stations : Stations

    Raises
    ------
    DataError
        As `read` does.
    """
    file = read_file(path, kind)
    length, note = _unit([file], None)
    stations = _stations(file, _revision([file]), length)
    return replace(stations, notes=(*stations.notes, note)) if note else stations


def read_file(path: Path, kind: Kind) -> SpsFile:
    """Records of a kind in a file.

    Parameters
    ----------
    path : Path
    kind : {"S", "R", "X"}

    Returns
    -------
    file : SpsFile

    Raises
    ------
    DataError
        If the file cannot be read, or has none.
    """
    text, notes = read_text(path)
    records, headers = [], []
    for number, line in enumerate(text.splitlines(), 1):
        # Some programs write a blank before each record.
        shifted = line[1:] if line[:1] == " " and line[1:2] in ("H", "S", "R", "X") else line
        if shifted.startswith(kind):
            records.append((number, shifted.ljust(80)))
        elif shifted.startswith("H"):
            headers.append(shifted)
    if not records:
        raise DataError(
            f"{path} has no line that begins with {kind}, as records of the SPS standard do; name "
            f"a file of {kind} records, or read a table by `sources` and `receivers` of `geometry`"
        )
    return SpsFile(path, records, headers, notes)


def _revision(files: Iterable[SpsFile]) -> str:
    """Revision of the standard, by the headers, or else by the columns of point codes.

    Raises
    ------
    DataError
        If files disagree, or nothing says it.
    """
    files = list(files)
    stated = {file.path: r for file in files for r in _stated_revisions(file)}
    revisions = set(stated.values())
    if not revisions:
        points = [text for file in files for _, text in file.records if text[0] in "SR"]
        revisions = {
            revision
            for revision, fields in POINTS.items()
            if all(CODE.fullmatch(_text(p, fields["code"])) for p in points)
        }
    if len(revisions) == 1:
        return revisions.pop()
    names = ", ".join(str(file.path) for file in files)
    raise DataError(
        f"{names}: neither headers nor codes of points say which revision of SPS they follow; say "
        f"it by `revision: 1` or `revision: 2.1`"
    )


def _stated_revisions(file: SpsFile) -> Iterator[str]:
    """Revision that the first header of a file states."""
    for header in file.headers:
        if re.match(r"H0{2,3}\D", header):
            if re.search(r"2\.1|SPS\s*0?21", header[4:], re.IGNORECASE):
                yield "2.1"
            elif re.search(r"SPS\s*(?:rev\.?\s*)?0*[01](?:\.\d+)?\b", header[4:], re.IGNORECASE):
                yield "1"


def _unit(files: Sequence[SpsFile], unit: str | None) -> tuple[float, str]:
    """Unit of coordinates [m], and a note on it.

    Raises
    ------
    DataError
        If headers say another one than the user, or one that is not clear.
    """
    lengths: dict[float, str] = {}
    for file in files:
        headers = {header[:4]: header[VALUE:].strip(" ;") for header in file.headers}
        factor, words = headers.get("H201", ""), headers.get("H200", headers.get("H20 ", ""))
        if re.fullmatch(r"\d*\.?\d+", factor) and float(factor) > 0:
            lengths[float(factor)] = f"{words or factor} (factor to metre {factor})"
        elif re.search(r"met(?:er|re)", words, re.IGNORECASE):
            lengths[1.0] = words
        elif re.search(r"f(?:oo|ee)?t\b", words, re.IGNORECASE) and unit is None:
            raise DataError(
                f"{file.path}: the unit is `{words}`, which may be international or US survey feet;"
                f" say it by `unit: ft` or `unit: us_ft`"
            )
    if unit is not None:
        others = [
            words for length, words in lengths.items() if abs(length / UNITS[unit] - 1) > 1e-7
        ]
        if others:
            raise DataError(
                f"{files[0].path}: the header says {others[0]}, and `unit` says {unit}; leave out "
                f"`unit`, or correct the header"
            )
        return UNITS[unit], ""
    if len(lengths) > 1:
        raise DataError(f"{files[0].path} and {files[1].path} have the units {lengths}; use one")
    if not lengths:
        return 1.0, f"{files[0].path}: no header says the unit of the coordinates; they are in m"
    ((length, words),) = lengths.items()
    return length, "" if length == 1.0 else f"{files[0].path}: coordinates are in {words}"


# --- points ---------------------------------------------------------------------------------------


def _stations(file: SpsFile, revision: str, length: float) -> Stations:
    """Points of a file, named by line, point and index.

    Raises
    ------
    DataError
    """
    fields = POINTS[revision]
    ids: dict[str, int] = {}
    positions = np.empty((len(file.records), 3))
    for row, (number, text) in enumerate(file.records):
        name = _name(*(_text(text, fields[part]) for part in ("line", "point", "index")))
        if name in ids:
            raise DataError(
                f"{file.path}: the point {name} (line/point/index) is in line {ids[name]} and in "
                f"line {number}; give each its own index"
            )
        ids[name] = number
        east, north, elevation = (
            _number(file, number, text, part, columns) for part, columns in POSITION.items()
        )
        depth = 0.0
        if _text(text, fields["depth"]):
            depth = _number(file, number, text, "point depth", fields["depth"])
        positions[row] = east, north, depth - elevation
    return Stations(positions * length, tuple(ids), str(file.path), file.notes)


def _name(line: str, point: str, index: str) -> str:
    """Identity of a point; an index that is left out is the first."""
    return f"{identity(line)}/{identity(point)}/{identity(index or '1')}"


def _text(record: str, columns: tuple[int, int]) -> str:
    return record[columns[0] - 1 : columns[1]].strip()


def _number(file: SpsFile, line: int, record: str, name: str, columns: tuple[int, int]) -> float:
    """A number in some columns of a record.

    Raises
    ------
    DataError
    """
    text = _text(record, columns)
    if re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)", text):
        return float(text)
    raise DataError(
        f"{file.path}:{line}: `{text}` in the columns {columns[0]} to {columns[1]} is no number "
        f"for the {name.replace('_', ' ')}; correct it, or state the `revision` of the file"
    )


# --- relation -------------------------------------------------------------------------------------


def _relation(file: SpsFile, revision: str, sources: Stations, receivers: Stations) -> Relation:
    """Shots with their receivers, each field record with one source a shot.

    Raises
    ------
    DataError
    """
    fields = RELATION[revision]
    of_source = {name: row for row, name in enumerate(sources.ids)}
    of_line = _points_of_lines(receivers)
    rows = []
    for number, text in file.records:
        parts = {name: _text(text, columns) for name, columns in fields.items()}
        name = _name(parts["line"], parts["point"], parts["index"])
        if name not in of_source:
            raise DataError(
                f"{file.path}:{number}: there is no source {name} (line/point/index) in "
                f"{sources.name}; its first is {sources.ids[0]}"
            )
        if not parts["increment"]:
            text = text[: fields["increment"][0] - 1] + "1" + text[fields["increment"][1] :]
        first, last, step, low, high = (
            _number(file, number, text, part, fields[part])
            for part in ("first_channel", "last_channel", "increment", "first", "last")
        )
        count = int((last - first) // max(1.0, step)) + 1
        line = (identity(parts["receiver_line"]), identity(parts["of"] or "1"))
        spread = _spread(of_line.get(line, {}), (low, high), count)
        if spread is None:
            raise DataError(
                f"{file.path}:{number}: {count} channels record from receiver {low:g} to {high:g} "
                f"of line {line[0]}, index {line[1]}, and {receivers.name} has "
                f"{_between(of_line.get(line, {}), low, high)} points there; correct either file"
            )
        rows.append(((parts["record"], name), of_source[name], spread))
    return related(str(file.path), file.notes, rows, sources, receivers)


def _points_of_lines(receivers: Stations) -> dict[tuple[str, str], dict[float, int]]:
    """Row of each receiver, by its line and index, and by its point number.

    Raises
    ------
    DataError
        If a point has no number.
    """
    lines: dict[tuple[str, str], dict[float, int]] = {}
    for row, name in enumerate(receivers.ids):
        line, point, index = name.rsplit("/", 2)
        try:
            lines.setdefault((line, index), {})[round(float(point), 2)] = row
        except ValueError:
            raise DataError(
                f"{receivers.name}: the point {name} (line/point/index) has no number; a relation "
                f"needs one"
            ) from None
    return lines


def _between(points: Mapping[float, int], low: float, high: float) -> int:
    """Number of points from one number to another."""
    return sum(min(low, high) <= point <= max(low, high) for point in points)


def _spread(points: Mapping[float, int], ends: tuple[float, float], count: int) -> Array | None:
    """Receivers from one point to another: all between them, or evenly numbered ones.

    None if there are not as many as channels.
    """
    low, high = ends
    numbers = sorted(point for point in points if min(ends) <= point <= max(ends))
    if low > high:
        numbers.reverse()
    if len(numbers) != count:
        if count < 1 or (count == 1) != (low == high):
            return None
        numbers = [round(float(n), 2) for n in np.linspace(low, high, count)]
    if any(number not in points for number in (*numbers, *ends)):
        return None
    return np.array([points[number] for number in numbers], dtype=np.int64)
