"""Sources, receivers and relations in tables: every way to write them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.errors import DataError
from fwicli.files.geometry import relations, stations
from fwicli.files.geometry.columns import UNITS
from fwicli.files.geometry.stations import Reading, Stations

PLAIN = Reading()


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str, point: Any = "source", ids: bool = False, **settings: Any) -> Any:
    return stations.read(write(folder, text), point, Reading(**settings), ids)


@pytest.mark.parametrize(
    "header",
    [
        *["x,y,z", "X,Y,Z", "easting,northing,depth", "sx,sy,sz", "source_x,source_y,source_depth"],
        *["Shot X (m),Shot Y (m),Shot Depth (m)", "xs,ys,zs", "UTM_E,UTM_N,z", "src.x,src.y,src.z"],
        *["E,N,Depth [m]", "x_coord,y_coord,TVD", "SourceX,SourceY,SourceZ", "X_m,Y_m,Z_m"],
    ],
)
def test_names_of_coordinates(header: str, tmp_path: Path) -> None:
    sources = read(tmp_path, f"{header}\n1,2,3\n4,5,6\n")
    assert sources.positions.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert sources.notes == ()


@pytest.mark.parametrize(
    ("header", "z"),
    [
        ("x,elevation", -3),
        ("x,Elev (m)", -3),
        ("x,height", -3),
        ("rec_x,rec_elev", -3),
        ("gx,gz", 3),
    ],
)
def test_vertical_coordinates(header: str, z: float, tmp_path: Path) -> None:
    receivers = read(tmp_path, f"{header}\n1,3\n", "receiver")
    assert receivers.positions.tolist() == [[1, z]]


def test_depth_below_the_surface(tmp_path: Path) -> None:
    sources = read(tmp_path, "x,elevation,hole depth\n0,350,12\n")
    assert sources.positions.tolist() == [[0, 12 - 350]]
    stated = {"elevation": "elevation", "burial": "depth"}
    sources = read(tmp_path, "x,elevation,depth\n0,350,12\n", columns=stated)
    assert sources.positions.tolist() == [[0, 12 - 350]]


def test_depth_of_all(tmp_path: Path) -> None:
    assert read(tmp_path, "x,y\n1,2\n3,4\n", depth=5.0).positions[:, 2].tolist() == [5, 5]
    with pytest.raises(DataError, match="a `depth` and the column `z`"):
        read(tmp_path, "x,z\n1,2\n", depth=5.0)


@pytest.mark.parametrize("unit", UNITS)
def test_units(unit: str, tmp_path: Path) -> None:
    """In the names, or stated; anything but metres is said."""
    for header, settings in ((f"x ({unit}),z ({unit})", {}), ("x,z", {"unit": unit})):
        sources = read(tmp_path, f"{header}\n100,2\n", **settings)
        assert sources.positions.tolist() == [[100 * UNITS[unit], 2 * UNITS[unit]]]
        said = [f"x in {unit}, z in {unit}" in note for note in sources.notes]
        assert said == ([] if unit == "m" else [True])


def test_units_of_each_column(tmp_path: Path) -> None:
    sources = read(tmp_path, "x (km),depth (ft)\n1.5,10\n")
    assert sources.positions.tolist() == [[1500.0, 10 * 0.3048]]


def test_columns_that_are_stated(tmp_path: Path) -> None:
    """By name however it is written, or by number."""
    text = "a,B (ft),z,depth\n1,2,3,4\n"
    stated = {"x": "b", "z": "depth"}
    assert read(tmp_path, text, columns=stated).positions.tolist() == [[2 * 0.3048, 4]]
    assert read(tmp_path, text, columns={"x": 1, "z": 3}).positions.tolist() == [[1, 3]]
    numbers = {"x": 2, "y": 1, "elevation": 3}
    assert read(tmp_path, "1 2 3\n", columns=numbers).positions.tolist() == [[2, 1, -3]]


MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("x,sx,z\n1,2,3\n", {}, "`x`, `sx` may all be `x`; say which, as in `columns: {x: x}`"),
    ("a,z\n1,2\n", {}, r"no column is .* \(`x`\); the columns are `a`, `z`: .*columns: {x: NAME}"),
    ("x,y\n1,2\n", {}, r"no column is the depth \(`z`\).* or of the elevation, or a `depth: 10`"),
    ("1,2\n", {}, r"has no names of columns.*columns: {x: 2}"),
    ("x,z,elev\n1,2,3\n", {}, "`z`, `elev` are several vertical .*`columns: {z: z}`"),
    ("x,z\n1,2\n", {"columns": {"x": "q"}}, "no column has the name `q`; there are `x`, `z`"),
    ("x,x,z\n1,2,3\n", {"columns": {"x": "x"}}, "2 columns have the name `x`"),
    ("x,z\n1,2\n", {"columns": {"x": 3}}, "there are 2 columns, numbered from 1"),
    ("x,z\n1,2\n", {"columns": {"q": "x"}}, "`columns` has `q`, and a column here may be `x`"),
    ("lat,lon,z\n1,2,3\n", {}, "`lat`, `lon` are angles.*project them"),
    ("x (deg),z\n1,2\n", {}, "`x \\(deg\\)` is not in a unit of length; project"),
    ("x_ft,z\n1,2\n", {"unit": "m"}, "`x_ft` is in ft, and `unit` says m"),
    ("x,z\n1,NaN\n", {}, ":2: `NaN` in the column `z`"),
    ("rx,rz\n1,2\n", {}, r"no column is .* \(`x`\)"),
]


@pytest.mark.parametrize(("text", "settings", "message"), MISTAKES, ids=[m[2] for m in MISTAKES])
def test_mistakes(text: str, settings: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, text, **settings)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("x,sx,z\n1,2,3\n", {"x": "x"}),
        ("x,z,elev\n1,2,3\n", {"z": "z"}),
        ("x,z,elev\n1,2,3\n", {"elevation": "elev"}),
        ("a,z\n1,2\n", {"x": "a"}),
    ],
)
def test_what_to_type_works(text: str, settings: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        read(tmp_path, text)
    assert read(tmp_path, text, columns=settings).positions.shape == (1, 2)


@pytest.mark.parametrize("header", ["id", "shot", "FFID", "SP", "source number", "Station"])
def test_identities(header: str, tmp_path: Path) -> None:
    """As numbers without zeros in front, or as they are."""
    sources = read(tmp_path, f"{header},x,z\n007,1,2\n8.0,1,2\nA1,1,2\n9.5,1,2\n", ids=True)
    assert sources.ids == ("7", "8", "A1", "9.5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,z\n1,2\n", r"no column is an identity, such as a number \(`id`\)"),
        ("id,x,z\n1,1,2\n01,3,4\n", "the id `1` is in line 2 and in line 3, of 1 that"),
        ("id,x,z\n1,1,2\n,3,4\n", ":3: the column `id` is empty"),
        ("id,shot,x,z\n1,1,1,2\n", "`id`, `shot` may all be `id`"),
    ],
)
def test_identities_are_needed_for_relations(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text, ids=True)


# --- one trace a row ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        *["shot,sx,sz,gx,gz", "FFID,source_x,source_depth,receiver_x,receiver_depth"],
        *["sp,xs,zs,xr,zr", "fldr;sx;sz;gx;gz", "Shot Id,Shot X,Shot Z,Rec X,Rec Z"],
    ],
)
def test_one_trace_a_row(header: str, tmp_path: Path) -> None:
    """Shots in the order of the file, with their own receivers in its order."""
    rows = ["7,100,5,10,1", "7,100,5,20,2", "3,50,6,30,3", "3,50,6,20,2", "3,50,6,10,1"]
    text = "\n".join([header, *rows]).replace(",", ";" if ";" in header else ",")
    sources, receivers = stations.read_traces(write(tmp_path, text), PLAIN)
    assert sources.positions.tolist() == [[100, 5], [50, 6]]
    assert [r.tolist() for r in receivers] == [[[10, 1], [20, 2]], [[30, 3], [20, 2], [10, 1]]]
    assert sources.notes == ()


def test_traces_without_an_identity(tmp_path: Path) -> None:
    """Sources at one position are a shot; traces that do not follow each other are said."""
    text = "sx,sy,selev,rx,ry,relev\n9,0,1,1,1,2\n5,0,1,1,1,2\n9,0,1,3,1,2\n"
    sources, receivers = stations.read_traces(write(tmp_path, text), PLAIN)
    assert sources.positions.tolist() == [[9, 0, -1], [5, 0, -1]]
    assert [r.tolist() for r in receivers] == [[[1, 1, -2], [3, 1, -2]], [[1, 1, -2]]]
    assert len(sources.notes) == 2
    assert "no shot id" in sources.notes[0]
    assert "not all one after the other" in sources.notes[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sx,sz,x,z\n1,2,3,4\n", r"no column is .* \(`receiver_x`\).*{receiver_x: NAME}"),
        ("x,z,gx,gz\n1,2,3,4\n", r"no column is .* \(`source_x`\)"),
        ("shot,sx,sz,gx,gz\n1,0,0,1,0\n1,5,0,1,0\n", r"at \(0, 0\) m in line 2 and at \(5, 0\) m"),
    ],
)
def test_mistakes_of_traces(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        stations.read_traces(write(tmp_path, text), PLAIN)


# --- relations ------------------------------------------------------------------------------------

SOURCES = Stations(np.zeros((3, 2)), ("1", "2", "5"), "s.csv")
RECEIVERS = Stations(np.zeros((6, 2)), ("101", "102", "110", "103", "104", "105"), "r.csv")


def relation(folder: Path, text: str, **columns: Any) -> relations.Relation:
    return relations.read(write(folder, text), columns, SOURCES, RECEIVERS)


@pytest.mark.parametrize(
    "header", ["shot,receiver", "FFID,station", "sp,channel", "source id,receiver id", "src,rec"]
)
def test_pairs(header: str, tmp_path: Path) -> None:
    read = relation(tmp_path, f"{header}\n5,101\n1,110\n1,102\n2,105\n5,103\n2,104\n")
    assert read.shots == [0, 1, 2]
    assert [r.tolist() for r in read.receivers] == [[2, 1], [5, 4], [0, 3]]
    assert read.notes == ()


@pytest.mark.parametrize(
    "header", ["shot,first,last", "sp,from,to", "FFID,from receiver,to receiver", "s,r_min,r_max"]
)
def test_ranges(header: str, tmp_path: Path) -> None:
    """By number, whatever the order of the receivers; backwards where the first is larger."""
    columns = {"shot": "s"} if header.startswith("s,") else {}
    read = relation(tmp_path, f"{header}\n1,101,104\n2,110,105\n5,102,102\n5,104,105", **columns)
    assert [[RECEIVERS.ids[i] for i in r] for r in read.receivers] == [
        ["101", "102", "103", "104"],
        ["110", "105"],
        ["102", "104", "105"],
    ]
    assert read.notes == ()


def test_points_without_a_row_are_said(tmp_path: Path) -> None:
    read = relation(tmp_path, "shot,receiver\n5,101\n")
    assert (read.shots, read.receivers[0].tolist()) == ([2], [0])
    assert "2 sources of s.csv are in no row" in read.notes[0]
    assert "5 receivers of r.csv are in no row" in read.notes[1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shot,receiver\n1,101\n9,101\n", ":3: there is no source `9` in s.csv.*`1`, `2`, `5`"),
        ("shot,receiver\n1,9\n1,8\n", "no receiver `9` in r.csv, nor 1 others"),
        ("shot,first,last\n1,101,109\n", "there is no receiver `109`"),
        ("shot,receiver\n1,101\n1,0101\n", "the receiver `101` occurs 2 times in the shot `1`"),
        ("shot,first,last\n1,101,103\n1,103,105\n", "`103` occurs 2 times"),
        ("shot,x\n1,101\n", "must have columns of a shot and a receiver.*`shot`, `x`"),
        ("shot,receiver,first,last\n1,101,101,102\n", "must have columns"),
        ("1,101\n", "must have columns"),
        ("shot,receiver\n1,\n", ":2: the column `receiver` is empty"),
    ],
)
def test_mistakes_of_relations(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        relation(tmp_path, text)


def test_ranges_need_numbers(tmp_path: Path) -> None:
    named = Stations(np.zeros((2, 2)), ("A", "B"), "r.csv")
    path = write(tmp_path, "shot,first,last\n1,A,B\n")
    with pytest.raises(DataError, match="are no numbers"):
        relations.read(path, {}, SOURCES, named)


def test_columns_of_relations_by_number(tmp_path: Path) -> None:
    read = relation(tmp_path, "101 1\n102 2\n", shot=2, receiver=1)
    assert read.shots == [0, 1]
    with pytest.raises(DataError, match="`columns` has `x`"):
        relation(tmp_path, "shot,receiver\n1,101\n", x="shot")
