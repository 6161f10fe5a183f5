"""Sources and receivers from every kind of section, on the axes of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.errors import ConfigError, DataError, FwiError, GeometryError
from fwicli.workflows.assembly.geometry import SurveyLayout, layout

REST = "model: {vp: 2000.0, shape: [101, 51], spacing: 10}\nwavelet: {kind: ricker, frequency: 9}\n"
REST += "time: {interval: 0.004, duration: 0.4}\n"


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Maker of layouts: of a section in YAML, with the text of the files that it names."""

    def made(section: str, ndim: int = 2, **files: str) -> SurveyLayout:
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        path = tmp_path / "c.yaml"
        path.write_text(f"{REST}geometry: {section}\n", encoding="utf-8")
        return layout(load(path, "model").config.geometry, ndim)

    return made


def spreads(result: SurveyLayout) -> list[list[Any]]:
    """Positions of the receivers of each shot."""
    acquisition = result.acquisition
    return [acquisition.receivers_of(shot).tolist() for shot in range(acquisition.shots)]


S = "id,x,z\n1,100,5\n2,200,5\n3,300,5\n"
R = "id,x,z\n11,0,10\n12,100,10\n13,250,10\n14,400,10\n"


def test_tables_of_points(make: Any) -> None:
    """Named by path or by section; all receivers record all shots."""
    for section in (
        "{sources: s.csv, receivers: r.csv}",
        "{sources: {file: s.csv}, receivers: r.csv}",
    ):
        made = make(section, s=S, r=R)
        assert made.acquisition.sources.tolist() == [[100, 5], [200, 5], [300, 5]]
        assert made.acquisition.receivers.tolist() == [[0, 10], [100, 10], [250, 10], [400, 10]]
        assert made.notes == ()


def test_a_table_beside_a_line(make: Any) -> None:
    made = make("{sources: s.csv, receivers: {x: {start: 0, stop: 400, step: 200}, z: 7}}", s=S)
    assert made.acquisition.receivers.tolist() == [[0, 7], [200, 7], [400, 7]]


def test_settings_of_tables(make: Any) -> None:
    text = "Name,A (ft),B\ns,10,20\n"
    section = "{file: s.csv, columns: {x: a, y: 3}, unit: ft, depth: 4}"
    made = make(f"{{sources: {section}, receivers: {section}}}", 3, s=text)
    assert made.acquisition.sources == pytest.approx(np.array([[3.048, 6.096, 4]]))
    assert "x in ft, y in ft" in made.notes[0]


def test_a_table_of_traces(make: Any) -> None:
    """Shots of equal length are a box; others each have their own receivers."""
    text = "shot,sx,sz,gx,gz\n1,100,5,0,1\n1,100,5,50,1\n2,200,5,100,1\n2,200,5,150,1\n"
    made = make("{traces: t.csv}", t=text)
    assert made.acquisition.sources.tolist() == [[100, 5], [200, 5]]
    assert spreads(made) == [[[0, 1], [50, 1]], [[100, 1], [150, 1]]]
    ragged = make("{traces: {file: t.csv}}", t=f"{text}2,200,5,170,1\n")
    assert spreads(ragged) == [[[0, 1], [50, 1]], [[100, 1], [150, 1], [170, 1]]]


def test_relations(make: Any) -> None:
    section = "{sources: s.csv, receivers: r.csv, relation: x.csv}"
    pairs = make(section, s=S, r=R, x="shot,receiver\n3,14\n1,12\n1,11\n2,11\n2,12\n3,13\n")
    assert spreads(pairs) == [[[100, 10], [0, 10]], [[0, 10], [100, 10]], [[400, 10], [250, 10]]]
    ranges = make(section, s=S, r=R, x="shot,from,to\n1,11,12\n3,12,14\n")
    assert ranges.acquisition.sources.tolist() == [[100, 5], [300, 5]]
    assert spreads(ranges) == [[[0, 10], [100, 10]], [[100, 10], [250, 10], [400, 10]]]
    assert "1 sources of" in ranges.notes[0]
    columns = "{file: x.csv, columns: {shot: 2, receiver: 1}}"
    stated = f"{{sources: s.csv, receivers: r.csv, relation: {columns}}}"
    assert spreads(make(stated, s=S, r=R, x="11 1\n11 2\n11 3\n")) == [[[0, 10]]] * 3


@pytest.mark.parametrize("receivers", ["{file: r.csv, offsets: [50, 200]}", None])
def test_offsets(make: Any, receivers: str | None) -> None:
    """Of tables and of lines: both sides, ends included; a roll-along at the ends of the line."""
    line = receivers or "{x: [0, 100, 250, 400], z: 10, offsets: [50, 200]}"
    made = make(f"{{sources: s.csv, receivers: {line}}}", s=S, r=R)
    near = [[0, 250], [0, 100, 250, 400], [100, 250, 400]]
    assert [[x for x, _ in spread] for spread in spreads(made)] == near


def test_offsets_within_a_relation(make: Any) -> None:
    section = "{sources: s.csv, receivers: {file: r.csv, offsets: [0, 150]}, relation: x.csv}"
    made = make(section, s=S, r=R, x="shot,first,last\n1,11,13\n2,11,14\n3,14,12\n")
    xs = [[x for x, _ in spread] for spread in spreads(made)]
    assert xs == [[0, 100, 250], [100, 250], [400, 250]]


def test_shots_without_receivers_are_refused(make: Any) -> None:
    with pytest.raises(
        GeometryError, match="2 of 3 shots have no receiver at offsets from 0 to"
    ) as e:
        make("{sources: s.csv, receivers: {x: 300, z: 0, offsets: [0, 50]}}", s=S)
    assert "the first, shot 0, at (100, 5) m" in str(e.value)
    assert e.value.key == ("receivers", "offsets")


def test_shapes(make: Any) -> None:
    made = make(
        "{sources: {layout: ring, centre: [500, 250], radius: 100, count: 4}, receivers: {layout: "
        "arc, centre: [500, 250], radius: 200, angles: [180, 360], count: 3}}"
    )
    assert made.acquisition.sources == pytest.approx(
        np.array([[600, 250], [500, 350], [400, 250], [500, 150]])
    )
    assert made.acquisition.receivers == pytest.approx(
        np.array([[300, 250], [500, 50], [700, 250]])
    )
    made = make(
        "{sources: {x: 0, y: 0, z: 0}, receivers: {layout: polyline, vertices: [[0, 0, 0], [30, 40,"
        " 0], [30, 40, 50]], step: 25}}",
        3,
    )
    assert made.acquisition.receivers == pytest.approx(
        np.array([[0, 0, 0], [15, 20, 0], [30, 40, 0], [30, 40, 25], [30, 40, 50]])
    )


def sps(kind: str, line: int, points: list[tuple[int, float]]) -> str:
    """Records of points by number and easting, in revision 1 of the standard."""
    code = {"S": "V1", "R": "G1"}[kind]
    return "".join(
        f"{kind}{line:<16}{number:>8}1{code}{'':4} 2.0{'':10}{east:9.1f}{700.0:10.1f}{30.0:6.1f}\n"
        for number, east in points
    )


def test_files_of_the_sps_standard(make: Any) -> None:
    """Two shots with their own spreads, on a datum; offsets take away more."""
    files = {
        "s": sps("S", 1, [(101, 100.0), (102, 200.0)]),
        "r": sps("R", 1, [(201 + n, 50.0 * n) for n in range(6)]),
        "x": "".join(
            f"X{'':6}{n:>4}11{1:<16}{100 + n:>8}1{1:>4}{3:>4}1{1:<16}{200 + n:>8}{202 + n:>8}1\n"
            for n in (1, 2)
        ),
    }
    paths = "sources: s.csv, receivers: r.csv, relation: x.csv"
    made = make(f"{{sps: {{{paths}, revision: 1}}, coordinates: {{datum: 40}}}}", **files)
    assert made.acquisition.sources.tolist() == [[100, 12], [200, 12]]
    assert [[x for x, _ in s] for s in spreads(made)] == [[0, 50, 100], [50, 100, 150]]
    assert any("no header says the unit" in note for note in made.notes)
    near = make(f"{{sps: {{{paths}, unit: m, offsets: [50, 120]}}}}", **files)
    assert [[x for x, _ in s] for s in spreads(near)] == [[0, 50], [100, 150]]
    every = make("{sps: {sources: s.csv, receivers: r.csv}}", **files)
    assert every.acquisition.counts.tolist() == [6, 6]


CROOKED = "x,y,z\n431200,6478300,5\n431300,6478400,5\n431390,6478510,5\n431500,6478600,5\n"


def test_a_crooked_line_is_projected(make: Any) -> None:
    """x begins at 0 and has the length of the line; the largest distance is said."""
    section = "{sources: s.csv, receivers: s.csv, coordinates: {fit: line, datum: 20}}"
    made = make(section, s=CROOKED)
    x, z = made.acquisition.sources.T
    assert x[0] == pytest.approx(0, abs=1e-7)
    assert (np.diff(x) > 100).all()
    assert x[-1] == pytest.approx(np.hypot(300, 300), rel=1e-3)
    assert (z == 25).all()
    assert "z = 0 is at elevation 20 m" in made.notes[0]
    assert "azimuth 44." in made.notes[0]
    assert "the farthest, source 2, is 9.898 m away, the mean 4.949 m" in made.notes[1]


def test_origin_and_azimuth(make: Any) -> None:
    """In 2D and in 3D, with a shift."""
    settings = "{origin: [431200, 6478300], azimuth: 45, shift: [50, 60]}"
    section = f"{{sources: s.csv, receivers: s.csv, coordinates: {settings}}}"
    flat, solid = (make(section, ndim, s=CROOKED).acquisition.sources for ndim in (2, 3))
    assert (flat == solid[:, [0, 2]]).all()
    assert solid[0] == pytest.approx([50, 60, 5])
    assert solid[1] == pytest.approx([50 + 100 * 2**0.5, 60, 5])


def test_towed_receivers_follow_the_line(make: Any) -> None:
    """Their offsets are along the axes of the model; their depth is below elevation 0."""
    receivers = "{x: [-100, -50], z: 8, towed: true}"
    settings = "{fit: line, datum: 2, shift: [100, 0]}"
    made = make(f"{{sources: s.csv, receivers: {receivers}, coordinates: {settings}}}", s=CROOKED)
    x = made.acquisition.sources[:, 0]
    assert made.acquisition.sources[:, 1].tolist() == [7] * 4
    for shot, spread in enumerate(spreads(made)):
        assert spread == [[x[shot] - 100, 10], [x[shot] - 50, 10]]
    aside = "{x: [-100, -50], y: 30, z: 8, towed: true}"
    with pytest.raises(GeometryError, match="give no y"):
        make(f"{{sources: s.csv, receivers: {aside}, coordinates: {settings}}}", s=CROOKED)


def test_lines_on_a_map(make: Any) -> None:
    """With coordinates, also lines are on the map, and have a y in 2D."""
    line = "{x: [1000, 1100], y: [2000, 2100], z: 0}"
    settings = "{origin: [1000, 2000], azimuth: 45}"
    made = make(f"{{sources: {line}, receivers: {line}, coordinates: {settings}}}")
    assert made.acquisition.sources == pytest.approx(np.array([[0, 0], [100 * 2**0.5, 0]]))
    with pytest.raises(GeometryError, match="give no y"):
        make(f"{{sources: {line}, receivers: {line}}}")


def test_a_northing_in_2d_needs_a_line(make: Any) -> None:
    """A constant one is left out, which is said."""
    section = "{sources: s.csv, receivers: {x: 100, z: 0}}"
    made = make(section, s="x,y,z\n1,7,3\n2,7,3\n")
    assert made.acquisition.sources.tolist() == [[1, 3], [2, 3]]
    assert made.notes == ("y is 7 m throughout and is left out",)
    with pytest.raises(GeometryError, match=r"y is from 6 to 7 m: .*coordinates: {fit: line}"):
        make(section, s="x,y,z\n1,7,3\n2,6,3\n")


@pytest.mark.parametrize(
    ("section", "ndim", "key", "message"),
    [
        ("{sources: s.csv, receivers: none.csv}", 2, ("receivers",), "No such file"),
        ("{sources: s.csv, receivers: s.csv, relation: s.csv}", 2, ("relation",), "must have col"),
        ("{sources: s.csv, receivers: s.csv}", 3, ("coordinates",), "have 2 coordinates"),
        ("{traces: s.csv}", 2, ("traces",), "source_x"),
        (
            "{sources: s.csv, receivers: s.csv, coordinates: {azimuth: 30}}",
            *(2, ("coordinates",), "no northing"),
        ),
        (
            "{sources: {layout: ring, centre: [1, 2, 3], radius: 1, count: 3}, receivers: s.csv}",
            *(2, ("sources",), r"the centre .* has 3 coordinates; give \(x, z\)"),
        ),
    ],
)
def test_mistakes(make: Any, section: str, ndim: int, key: tuple[str, ...], message: str) -> None:
    """With the key that they concern."""
    with pytest.raises((GeometryError, DataError), match=message) as error:
        make(section, ndim, s=S)
    assert error.value.key == key


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{sources: s.csv}", "geometry.receivers: this key is required"),
        (
            "{traces: t.csv, sources: s.csv}",
            "takes the place of `sources` and `receivers`; leave out one",
        ),
        ("{sps: {sources: s.csv, receivers: r.csv}, sources: s.csv}", "`sps` takes the place of"),
        ("{sps: {sources: s.csv, receivers: r.csv, revision: 3}}", "must be '1' or '2.1'"),
        ("{sps: {sources: s.csv}}", "geometry.sps.receivers: this key is required"),
        ("{sources: {x: 1, z: 2}, receivers: r.csv, relation: x.csv}", "which only tables have"),
        ("{sources: s.csv, receivers: {file: r.csv, offsets: [3, 2]}}", "the least offset comes"),
        (
            "{sources: s.csv, receivers: {x: 1, z: 2, towed: true, offsets: [1, 2]}}",
            "leave out `off",
        ),
        ("{sources: s.csv, receivers: {layout: rings}}", "ring, arc, polyline"),
        ("{sources: s.csv, receivers: {file: r.csv, unit: mile}}", "must be 'm', 'km'"),
        ("{sources: s.csv, receivers: {file: r.csv, columns: {q: x}}}", "unknown key `q`"),
        ("{sources: {layout: polyline, vertices: [[0, 0], [1, 1]]}, receivers: r.csv}", "`count`"),
        (
            "{sources: s.csv, receivers: s.csv, coordinates: {fit: line, azimuth: 3}}",
            "leave out `fit` or `azimuth`",
        ),
        (
            "{sources: s.csv, receivers: s.csv, coordinates: {origin: beginning}}",
            "is for `fit: line`",
        ),
    ],
)
def test_mistakes_of_the_config(make: Any, section: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        make(section)
    assert message in str(error.value)


def test_every_mutated_table_is_read_or_explained(make: Any) -> None:
    """Bytes replaced, lines dropped, doubled, or cut: whole numbers of metres or an `FwiError`."""
    rng = np.random.default_rng(3)
    relation = "shot,first,last\n1,11,13\n2,12,14\n3,11,14\n"
    texts = {"s": S, "r": R, "x": relation}
    section = "{sources: s.csv, receivers: r.csv, relation: x.csv}"
    read = 0
    for number in range(400):
        mutated = dict(texts)
        name = list(texts)[number % 3]
        mutated[name] = _mutated(texts[name], rng)
        try:
            acquisition = make(section, **mutated).acquisition
        except FwiError:
            continue
        read += 1
        positions = np.concatenate([acquisition.sources, acquisition.all_receivers()])
        assert np.isfinite(positions).all()
    assert 20 < read < 390


def _mutated(text: str, rng: np.random.Generator) -> str:
    lines = text.splitlines(keepends=True)
    at = int(rng.integers(len(lines)))
    place = int(rng.integers(len(text)))
    match int(rng.integers(5)):
        case 0:
            return text[:place] + rng.choice(list(",;\t 0.x-\"'#é\n")) + text[place + 1 :]
        case 1:
            return "".join(lines[:at] + lines[at + 1 :])
        case 2:
            return "".join(lines[: at + 1] + lines[at:])
        case 3:
            return text[:place]
    return text[:place] + rng.choice(["NaN", "1e999", ",", '"', "\x00", "\n"]) + text[place:]
