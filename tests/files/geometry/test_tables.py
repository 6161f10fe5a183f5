"""Tables of text: separators, names, units, encodings, and mistakes that are explained."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.files.geometry import tables
from fwicli.files.geometry.columns import NAMES, POINTS, UNITS, accepted, unit_of, words

SEPARATORS = [",", ";", "\t", " ", "   ", " , ", ";\t", "|"]
ROWS = [("1", "431200.25", "-12.5"), ("2", "431225.75", "1e1"), ("3", "0", "+7")]


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def table(separator: str, header: str = "id X Depth", rows: list[tuple[str, ...]] = ROWS) -> str:
    lines = [header.split() if isinstance(header, str) else header, *rows]
    return "\n".join(separator.join(line) for line in lines) + "\n"


@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_separators(separator: str, ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, table(separator).replace("\n", ending))
    read = tables.read(path)
    assert read.names == ("id", "X", "Depth")
    assert read.named
    assert read.texts(0) == ["1", "2", "3"]
    assert read.numbers(1).tolist() == [431200.25, 431225.75, 0.0]
    assert read.numbers(2).tolist() == [-12.5, 10.0, 7.0]
    assert read.lines == [2, 3, 4]
    assert read.notes == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    """Latin-1 is said: other encodings of a byte would give other names."""
    path = write(tmp_path, "Stütze,x\n1,2.5\n", encoding)
    read = tables.read(path)
    assert read.names == ("Stütze", "x")
    assert read.numbers(1).tolist() == [2.5]
    assert [str(path) in note and "Latin-1" in note for note in read.notes] == (
        [True] if encoding == "latin-1" else []
    )


def test_comments_blank_lines_and_quotes(tmp_path: Path) -> None:
    text = '# from a GPS\n\n"id","x, local","z"\n! a remark\n"a, b",1,2\n\n% end\nc,3,4,\n'
    read = tables.read(write(tmp_path, text))
    assert read.names == ("id", "x, local", "z")
    assert read.texts(0) == ["a, b", "c"]
    assert read.numbers(1).tolist() == [1, 3]
    assert read.lines == [5, 8]


@pytest.mark.parametrize(
    ("text", "names", "named"),
    [
        ("# a remark\n# x y z\n1 2 3\n4 5 6\n", ("x", "y", "z"), True),
        ("# written today\n1 2 3\n4 5 6\n", ("1", "2", "3"), False),
        ("1,2,3\n4,5,6\n", ("1", "2", "3"), False),
        ("x (m)  y [ft] z\n1 2 3\n4 5 6", ("x(m)", "y[ft]", "z"), True),
    ],
)
def test_names_of_columns(text: str, names: tuple[str, ...], named: bool, tmp_path: Path) -> None:
    """As savetxt writes them in a comment, with units, or not at all."""
    read = tables.read(write(tmp_path, text))
    assert (read.names, read.named) == (names, named)
    assert np.stack([read.numbers(n) for n in range(3)], axis=1).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("separator", [";", "\t", " "])
@pytest.mark.parametrize("values", [["1,5", "2,25"], ["1234,567", "3"], ["0,125", "12,500"]])
def test_decimal_commas(separator: str, values: list[str], tmp_path: Path) -> None:
    """Where nothing else is possible, and with a note."""
    text = table(separator, "x z", [(value, "1") for value in values])
    read = tables.read(write(tmp_path, text))
    assert read.numbers(0).tolist() == [float(value.replace(",", ".")) for value in values]
    assert "decimal commas" in read.notes[0]


MISTAKES = [
    ("", "is empty"),
    ("  \n\n", "is empty"),
    ("# nothing\n", "holds no rows"),
    ("x,z\n", "no rows"),
    ("x,z\n1,2\n3\n", ":3 has 1 values, separated by commas, and there are 2 columns"),
    ("x,z\n1,5,2,5\n", "4 values.*write decimals with a point"),
    ("x;z\n1,500;2\n", "`1,500` may be 1.500 or 1500"),
    ('x,z\n"1,234.5",2\n', "separator of thousands; write 1234.5$"),
    ("x;z\n1.234,5;2\n", "separator of thousands; write 1234.5$"),
    ("x;z\n-1 234 567;2\n", "separator of thousands; write -1234567$"),
    ("x,z\n1'234,2\n", "separator of thousands; write 1234$"),
    ("x,z\n1,2\n,2\n", ":3: the column `x` is empty"),
    ("x,z\nNaN,2\n", "`NaN` in the column `x` is no number"),
    ("x,z\n1,2\n-inf,2\n", ":3: `-inf` in the column `x` is no number"),
    ("x,z\n1_0,2\n", "`1_0` in the column `x` is no number"),
    ("x,z\n1e400,2\n", "`1e400`"),
    ("x,z\n12 m,2\n", "`12 m` in the column `x` is no number"),
    ("x,z\n1,2\0\n", "is no text"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[repr(t) for t, _ in MISTAKES])
def test_mistakes(text: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=message) as error:
        tables.read(path).numbers(0)
    assert str(path) in str(error.value)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="No such file"):
        tables.read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder"):
        tables.read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    for endless in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(DataError, match="is a pipe or a device"):
            tables.read(endless)
    monkeypatch.setattr(tables, "LARGEST", 3)
    with pytest.raises(DataError, match="is larger than the 3e-06 MB"):
        tables.read(write(tmp_path, "x,z\n1,2\n"))


@pytest.mark.parametrize(
    ("name", "plain", "unit"),
    [
        ("x", "x", None),
        ("X (m)", "x", "m"),
        ("Easting [km]", "easting", "km"),
        ("SourceX", "sourcex", None),
        ("x_ft", "x", "ft"),
        ("source x, feet", "sourcex", "ft"),
        ("gx us-ft", "gx", "us_ft"),
        ("Depth (US survey feet)", "depth", "us_ft"),
        ("sz(ftUS)", "sz", "us_ft"),
        ("xm", "xm", None),
        ("Elevation (m above sea level)", "elevation", "m"),
        ("Elev (ft AMSL)", "elev", "ft"),
        ("depth (s wave)", "depthswave", None),
        ("lon (deg)", "lon", ""),
        ("x (grid)", "xgrid", None),
        ("x (m", "x", "m"),
        ("m", "m", None),
    ],
)
def test_units_in_names(name: str, plain: str, unit: str | None) -> None:
    assert words(name) == (plain, unit)


@pytest.mark.parametrize("unit", UNITS)
def test_unit_of_a_column(unit: str) -> None:
    assert unit_of(f"x_{unit}", None) == unit_of("x", unit) == unit_of(f"x [{unit}]", unit)
    assert unit_of("x", unit)[0] == UNITS[unit]
    with pytest.raises(DataError, match="leave out one"):
        unit_of(f"x_{unit}", "m" if unit != "m" else "ft")
    with pytest.raises(DataError, match="not in a unit of length"):
        unit_of("x (deg)", unit)


@pytest.mark.parametrize("alone", [True, False])
def test_no_name_has_two_meanings(alone: bool) -> None:
    """Of one kind of points; in a file of both, of all points."""
    for point in POINTS:
        others = [point] if alone else list(POINTS)
        for role in NAMES:
            for other, another in ((p, r) for p in others for r in NAMES):
                if (point, role) != (other, another):
                    assert not accepted(role, point, alone) & accepted(another, other, alone)


@pytest.mark.parametrize(
    "text", ["S1,100,20\nS2,300,20\n", "100 20 good\n300 20 bad\n", "A;1,5;2\nB;2,5;2\n"]
)
def test_a_first_row_of_texts_and_numbers_is_a_point(text: str, tmp_path: Path) -> None:
    """A table without names whose identities or remarks are words loses no row."""
    path = tmp_path / "points.csv"
    path.write_text(text)
    table = tables.read(path)
    assert not table.named
    assert table.names == ("1", "2", "3")
    assert len(table.rows) == 2
