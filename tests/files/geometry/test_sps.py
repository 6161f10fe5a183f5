"""Files of the SPS standard, of both revisions; and mistakes in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.files.geometry import sps

REVISIONS = ["1", "2.1"]
Point = tuple[Any, ...]

# Line, point, index, depth, easting, northing, elevation.
SOURCES: list[Point] = [
    (1, 101, 1, 12.5, 431200.5, 6478300.5, 350.0),
    (1, 103, 1, 12.0, 431250.5, 6478300.5, 351.0),
    (1, 103, 2, 11.0, 431251.5, 6478301.5, 352.0),
]
RECEIVERS: list[Point] = [
    *((2, 201 + n, 1, 0.0, 431000.0 + 25 * n, 6478200.0, 340.0 + n) for n in range(5)),
    *((3, 201 + 2 * n, 1, 0.5, 431000.0 + 50 * n, 6478400.0, -5.0 - n) for n in range(3)),
]
# Record, line, point, index, channels, increment, receiver line, first, last, index.
RELATION: list[Point] = [
    (1, 1, 101, 1, 1, 5, 1, 2, 201, 205, 1),
    (1, 1, 101, 1, 6, 8, 1, 3, 201, 205, 1),
    (2, 1, 103, 1, 1, 3, 1, 2, 205, 203, 1),
    (3, 1, 103, 2, 1, 9, 3, 3, 201, 205, 1),
    (4, 1, 103, 1, 1, 1, 1, 2, 202, 202, 1),
]


def point(kind: str, revision: str, values: Point, code: str = "") -> str:
    """A record in the columns of a revision, in the words of the standard's tables."""
    line, number, index, depth, east, north, elevation = values
    code = code or {"S": "V1", "R": "G1"}[kind]
    if revision == "1":
        head = f"{kind}{line!s:<16}{number:>8}{index}{code}{'':4}{depth:4.1f}{'':4}{'':2}{'':4}"
    else:
        head = f"{kind}{line:10.2f}{number:10.2f}{'':2}{index}{code}{'':4}{depth:4.1f}{'':4}{'':2}"
        head += f"{'':6}"
    return f"{head}{east:9.1f}{north:10.1f}{elevation:6.1f}123120000"


def relation(revision: str, values: Point) -> str:
    record, line, number, index, first, last, step, of, low, high, of_index = values
    if revision == "1":
        head = f"X{'':6}{record:>4}1{1}{line!s:<16}{number:>8}{index}{first:>4}{last:>4}{step}"
        return f"{head}{of!s:<16}{low:>8}{high:>8}{of_index}"
    head = f"X{'':6}{record:>8}1{1}{line:10.2f}{number:10.2f}{index}{first:>5}{last:>5}{step}"
    return f"{head}{of:10.2f}{low:10.2f}{high:10.2f}{of_index}"


def write(folder: Path, revision: str, headers: Sequence[str] = (), **records: Any) -> Any:
    """Files of a survey by kind; text in place of records stands as it is."""
    every = {"S": SOURCES, "R": RECEIVERS, "X": RELATION} | records
    paths: dict[Any, Path] = {}
    for kind, lines in every.items():
        if lines is None:
            continue
        texts = [
            line
            if isinstance(line, str)
            else relation(revision, line)
            if kind == "X"
            else point(kind, revision, line)
            for line in lines
        ]
        paths[kind] = folder / f"a.{kind.lower()}"
        paths[kind].write_text("\n".join([*headers, *texts]) + "\n", encoding="utf-8")
    return paths


@pytest.mark.parametrize("revision", REVISIONS)
def test_records_are_as_long_as_the_standard_says(revision: str) -> None:
    assert len(point("S", revision, SOURCES[0])) == 80
    assert len(relation(revision, RELATION[0])) == 80


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("stated", [True, False])
def test_points(revision: str, stated: bool, tmp_path: Path) -> None:
    """Depths are below the surface, whose elevation the record has."""
    paths = write(tmp_path, revision)
    sources, receivers, _ = sps.read(paths, revision if stated else None)
    for stations, points in ((sources, SOURCES), (receivers, RECEIVERS)):
        expected = np.array([[p[4], p[5], p[3] - p[6]] for p in points])
        assert np.abs(stations.positions - expected).max() < 0.051
    assert sources.ids == ("1/101/1", "1/103/1", "1/103/2")
    assert "no header says the unit" in sources.notes[0]


@pytest.mark.parametrize("revision", REVISIONS)
def test_relation(revision: str, tmp_path: Path) -> None:
    """Shots are field records; receivers go from the first to the last, in either direction."""
    _, _, related = sps.read(write(tmp_path, revision))
    assert related is not None
    assert related.shots == [0, 1, 2, 1]
    assert [r.tolist() for r in related.receivers] == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [4, 3, 2],
        [5, 6, 7],
        [1],
    ]
    assert related.notes == ()


@pytest.mark.parametrize("revision", REVISIONS)
def test_without_a_relation(revision: str, tmp_path: Path) -> None:
    assert sps.read(write(tmp_path, revision, X=None))[2] is None


@pytest.mark.parametrize(
    ("header", "revision"),
    [
        ("H00 SPS format version num.     SPS 2.1,25.11.2026;", "2.1"),
        ("H000SPS format version num.     SPS001,07.17.21;", "1"),
        ("H00 SPS format version num.     SPS rev.0;", "1"),
    ],
)
def test_headers_say_the_revision(header: str, revision: str, tmp_path: Path) -> None:
    """Also where codes of points are missing."""
    records = {
        kind: [point(kind, revision, p, "  ") for p in points]
        for kind, points in (("S", SOURCES), ("R", RECEIVERS))
    }
    assert len(sps.read(write(tmp_path, revision, [header], **records))[0].ids) == 3
    with pytest.raises(DataError, match=r"`revision: 1` or `revision: 2\.1`"):
        sps.read(write(tmp_path, revision, **records))


def test_files_of_two_revisions_are_refused(tmp_path: Path) -> None:
    paths = write(tmp_path, "1")
    paths["R"].write_text("\n".join(point("R", "2.1", p) for p in RECEIVERS), encoding="utf-8")
    with pytest.raises(DataError, match="which revision of SPS"):
        sps.read(paths)


FEET = "H200Description of grid units   {};"
FACTOR = "H201Factor to metre             {};"


@pytest.mark.parametrize(
    ("headers", "unit", "length"),
    [
        ([FEET.format("METRES")], None, 1.0),
        ([FEET.format("American Feet"), FACTOR.format("0.30480061")], None, 0.30480061),
        ([FACTOR.format("0.3048")], None, 0.3048),
        ([FACTOR.format("0.3048")], "ft", 0.3048),
        ([FEET.format("FEET")], "us_ft", 1200 / 3937),
        ([FEET.format("N/A"), FACTOR.format("N/A")], None, 1.0),
        ([], "ft", 0.3048),
    ],
)
def test_units(headers: list[str], unit: str | None, length: float, tmp_path: Path) -> None:
    sources, _, _ = sps.read(write(tmp_path, "1", headers), unit=unit)
    assert sources.positions[0] == pytest.approx(
        np.array([431200.5, 6478300.5, 12.5 - 350]) * length, rel=1e-12
    )


@pytest.mark.parametrize(
    ("headers", "unit", "message"),
    [
        ([FEET.format("FEET")], None, "`unit: ft` or `unit: us_ft`"),
        ([FEET.format("METRES")], "ft", "the header says METRES, and `unit` says ft"),
        ([FACTOR.format("0.3048")], "us_ft", "`unit` says us_ft"),
    ],
)
def test_units_that_are_not_clear(
    headers: list[str], unit: str | None, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        sps.read(write(tmp_path, "1", headers), unit=unit)


def test_a_blank_before_each_record(tmp_path: Path) -> None:
    """As some programs write it; short lines, blank lines and other records do no harm."""
    records = {
        kind: [f" {point(kind, '1', p)[:71]}" for p in points]
        for kind, points in (("S", SOURCES), ("R", RECEIVERS))
    }
    sources, receivers, _ = sps.read(write(tmp_path, "1", ["", "C a comment", "EOF"], **records))
    assert (len(sources.ids), len(receivers.ids)) == (3, 8)


def test_all_records_in_one_file(tmp_path: Path) -> None:
    paths = write(tmp_path, "2.1")
    texts = [path.read_text(encoding="utf-8") for path in paths.values()]
    (tmp_path / "all.sps").write_text("".join(texts), encoding="utf-8")
    sources, receivers, related = sps.read(dict.fromkeys(paths, tmp_path / "all.sps"))
    assert (len(sources.ids), len(receivers.ids)) == (3, 8)
    assert related is not None
    assert len(related.shots) == 4


def changed(records: list[Point], row: int, place: int, value: Any) -> list[Point]:
    """Records with one value replaced."""
    points = [list(p) for p in records]
    points[row][place] = value
    return [tuple(p) for p in points]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"S": ["nothing"]}, "a.s has no line that begins with S"),
    ({"S": changed(SOURCES, 2, 2, 1)}, r"the point 1/103/1 .* is in line 2 and in line 3"),
    ({"X": changed(RELATION, 2, 2, 999)}, r":3: there is no source 1/999/1"),
    ({"X": changed(RELATION, 2, 7, 9)}, "3 channels record from receiver 205 to 203 of line 9.* 0"),
    (
        {"X": changed(RELATION, 0, 5, 7)},
        "7 channels record from receiver 201 to 205.* has 5 points",
    ),
    ({"X": changed(RELATION, 0, 9, 209)}, ":1: 5 channels .* 201 to 209 .* has 5 points"),
    ({"X": [*RELATION, RELATION[0]]}, "the receiver `2/201/1` occurs 2 times in the shot"),
    ({"S": [point("S", "1", SOURCES[0])[:46]]}, "`` in the columns 47 to 55 is no number for the"),
    (
        {"S": [point("S", "1", SOURCES[0]).replace("431200.5", "43120O.5")]},
        ":1: `43120O.5` in the columns 47 to 55 is no number for the easting",
    ),
    ({"R": [point("R", "1", RECEIVERS[0]).replace("201", "2A1")]}, "has no number"),
]


@pytest.mark.parametrize(("records", "message"), MISTAKES, ids=[m for _, m in MISTAKES])
def test_mistakes(records: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as error:
        sps.read(write(tmp_path, "1", **records))
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_mutated_file_is_read_or_explained(revision: str, tmp_path: Path) -> None:
    """Characters replaced, inserted and dropped anywhere: finite positions, or a `DataError`."""
    rng = np.random.default_rng(4)
    read = 0
    for number in range(300):
        paths = write(tmp_path, revision)
        path = list(paths.values())[number % 3]
        text = path.read_text(encoding="utf-8")
        place = int(rng.integers(len(text)))
        letter = str(rng.choice(list(" 0189.-+eEXSRHé\t\n")))
        drop = int(rng.integers(2))
        path.write_text(text[:place] + letter + text[place + drop :], encoding="utf-8")
        try:
            sources, receivers, related = sps.read(paths)
        except DataError:
            continue
        read += 1
        assert np.isfinite(sources.positions).all()
        assert np.isfinite(receivers.positions).all()
        assert related is None or all(len(spread) for spread in related.receivers)
    assert 30 < read < 290
