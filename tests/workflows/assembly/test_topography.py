"""The surface of a config: depths of all columns and tables, and points below it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fwicli import Grid
from fwicli.config.loader import load
from fwicli.config.schema import PhysicsSection
from fwicli.errors import ConfigError, FwiError
from fwicli.survey.topography import Topography
from fwicli.workflows.assembly import geometry, topography
from tests.workflows.assembly.test_geometry import sps

GRID = Grid((41, 41), (10.0, 12.0), (0.0, 0.0))
CUBE = Grid((13, 11, 21), (10.0, 20.0, 10.0), (100.0, 0.0, -50.0))
X = GRID.coordinates(0)
HILL = 120.0 - 55.0 * np.exp(-(((X - 200.0) / 80.0) ** 2))
REST = """\
model: {vp: 2000.0, vs: 1000.0, rho: 2000.0, shape: [41, 41], spacing: [10, 12]}
wavelet: {kind: ricker, frequency: 9}
time: {interval: 0.004, duration: 0.4}
"""
POINTS = "geometry: {sources: {x: 100, z: 150}, receivers: {x: 200, z: 150}}\n"


@pytest.fixture
def surface(tmp_path: Path) -> Any:
    """Maker of surfaces: of `physics.topography`, with files written by the test."""

    def make(text: str, grid: Grid = GRID, more: str = "", **files: str) -> Topography | None:
        for name, table in files.items():
            (tmp_path / f"{name}.csv").write_text(table, encoding="utf-8")
        path = tmp_path / "c.yaml"
        physics = f"physics: {{equation: elastic, topography: {text}{more}}}\n"
        path.write_text(REST + POINTS + physics, encoding="utf-8")
        return topography.on_grid(load(path, "model").config.physics, grid)

    return make


def table(*columns: Any, names: str) -> str:
    """A table as CSV."""
    rows = np.stack(np.broadcast_arrays(*columns), axis=1)
    return "\n".join([names, *(",".join(f"{v:.17g}" for v in row) for row in rows)]) + "\n"


def test_depths_of_all_columns(surface: Any, tmp_path: Path) -> None:
    """One number, .npy, .npz and HDF5, in any unit."""
    np.save(tmp_path / "hill.npy", HILL)
    np.savez(tmp_path / "hills.npz", topography=HILL, other=HILL + 10)
    with h5py.File(tmp_path / "hill.h5", "w") as file:
        file["hills/first"] = HILL / 1000
    expected = Topography.on(GRID, HILL)
    assert surface("hill.npy") == surface("{file: hill.npy}") == expected
    assert surface("hills.npz") == expected
    assert surface("{file: hills.npz, dataset: other}") == Topography.on(GRID, HILL + 10)
    scaled = surface("{file: hill.h5, dataset: hills/first, unit: km}")
    np.testing.assert_allclose(scaled.columns, HILL, rtol=1e-14)
    assert surface("85") == Topography.on(GRID, 85.0)
    np.save(tmp_path / "plane.npy", np.full((13, 11), 20.0))
    assert surface("plane.npy", CUBE) == Topography.on(CUBE, 20.0)


def test_tables_are_linear_between_their_points(surface: Any) -> None:
    """Depths or elevations, in any order, with units, a datum, and on a map."""
    x = np.array([400.0, -5.0, 133.0])
    depths = 100 + 0.1 * x
    columns = np.interp(X, np.sort(x), np.sort(depths))
    for text, rows in (
        ("t.csv", table(x, depths, names="x,z")),
        ("t.csv", table(x, -depths, names="X (m),Elevation (m)")),
        ("{file: t.csv, unit: km}", table(x / 1000, depths / 1000, names="x,depth")),
        ("{file: t.csv, columns: {z: tops}}", table(x, 0, depths, names="x,z,tops")),
        (
            "{file: t.csv, coordinates: {datum: 500, azimuth: 0, origin: [30, 7000]}}",
            table(30.0, 7000 + x, 500 - depths, names="x,y,elevation"),
        ),
    ):
        np.testing.assert_allclose(surface(text, t=rows).columns, columns, rtol=1e-12)


def test_tables_of_planes_are_exact_in_3d(surface: Any) -> None:
    """Scattered points span triangles; columns at the edge of the points count as inside."""
    x, y = np.meshgrid(*(CUBE.coordinates(axis) for axis in (0, 1)), indexing="ij")
    rng = np.random.default_rng(0)
    corners = np.array([[100, 0], [220, 0], [100, 200], [220, 200]])
    scattered = np.concatenate([corners, [100, 0] + [120, 200] * rng.random((30, 2))])
    a, b = scattered.T
    made = surface("t.csv", CUBE, t=table(a, b, 10 + 0.1 * a + 0.02 * b, names="x,y,z"))
    np.testing.assert_allclose(made.columns, 10 + 0.1 * x + 0.02 * y, rtol=1e-6)


LINE = table(X, HILL, names="x,z")


@pytest.mark.parametrize(
    ("text", "tables", "message"),
    [
        (
            "short.npy",
            {},
            r"the shape \(40,\), and the model has the columns \(41,\) along x",
        ),
        ("nan.npy", {}, "not finite everywhere"),
        ("deep.npy", {}, r"from 12 to 470 m, .* must stay between 24 and 432 m"),
        ("450", {}, "must stay between 24 and 432 m"),
        ("none.npy", {}, "there is no file"),
        ("{file: hill.npy, columns: {z: 2}}", {}, "holds depths at every column .* `columns`"),
        ("{file: t.csv, dataset: z}", {"t": LINE}, "holds a table of points; leave out `dataset`"),
        ("t.csv", {"t": table(X[:30], HILL[:30], names="x,z")}, "does not cover 11 of 41 columns"),
        ("t.csv", {"t": "x,z\n0,90\n400,90\n400,95\n"}, "several depths at x = 400 m, 90 and 95 m"),
        ("t.csv", {"t": "x,q\n0,90\n400,90\n"}, "no column is the depth"),
        ("{file: short.npy, unit: inch}", {}, "unit"),
    ],
)
def test_surfaces_that_cannot_be(
    surface: Any, tmp_path: Path, text: str, tables: dict[str, str], message: str
) -> None:
    np.save(tmp_path / "short.npy", HILL[:-1])
    np.save(tmp_path / "nan.npy", np.where(X == 50, np.nan, HILL))
    np.save(tmp_path / "deep.npy", np.linspace(12, 470, 41))
    np.save(tmp_path / "hill.npy", HILL)
    with pytest.raises(FwiError, match=message):
        surface(text, **tables)


def test_triangles_need_points_that_span_a_plane(surface: Any) -> None:
    line = table(np.arange(5.0), np.arange(5.0), 20.0, names="x,y,z")
    with pytest.raises(FwiError, match="the 5 points of the surface span no plane"):
        surface("t.csv", CUBE, t=line)
    with pytest.raises(FwiError, match="has no y, and the model 3 dimensions"):
        surface("t.csv", CUBE, t=LINE)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (", free_surface: false", "`free_surface: false` says that there is none"),
        (", absorbing: {sides: [left, right, bottom]}", "all sides absorb but the top"),
        (", stencil: optimised", "set `stencil: taylor`"),
    ],
)
def test_contradictions(surface: Any, more: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        surface("85", more=more)


def test_a_topography_is_a_free_surface(tmp_path: Path) -> None:
    """Also in the resolved config, which can be run again as it is."""
    path = tmp_path / "c.yaml"
    path.write_text(f"{REST}{POINTS}physics: {{equation: elastic, topography: 85}}\n")
    config = load(path, "model").config
    assert config.physics.free_surface
    assert type(config).model_validate(config.model_dump()) == config


def test_equations_without_a_topography_are_refused() -> None:
    physics = PhysicsSection(equation="elastic_vti", topography=85.0)
    with pytest.raises(FwiError, match="`elastic_vti` has no topography; use `elastic`"):
        topography.on_grid(physics, GRID)


# --- points below it ------------------------------------------------------------------------------


@pytest.fixture
def placed(tmp_path: Path) -> Any:
    """Maker of layouts below the hill: of a section in YAML, with the tables that it names."""

    def make(section: str, below: Any = HILL, grid: Grid = GRID, **files: str) -> Any:
        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        path = tmp_path / "c.yaml"
        path.write_text(f"{REST}geometry: {section}\n", encoding="utf-8")
        topo = None if below is None else Topography.on(grid, below)
        section_of = load(path, "model").config.geometry
        return geometry.layout(section_of, grid.ndim, topo).acquisition

    return make


def test_lines_and_grids_below_the_surface(placed: Any) -> None:
    """Depths are one, or one for each point; others stay as they are."""
    section = (
        "{sources: {x: [105, 200], depth_below_surface: [0, 7]}, "
        "receivers: {x: {start: 0, stop: 400, step: 20}, depth_below_surface: 2}}"
    )
    made = placed(section)
    at = Topography.on(GRID, HILL).at
    expected = at(np.array([[105.0], [200.0]])) + np.array([0, 7])
    np.testing.assert_allclose(made.sources, np.stack([[105, 200], expected], axis=1))
    assert made.receivers[:, 1] == pytest.approx(HILL[::2] + 2)
    mixed = placed("{sources: {x: 100, z: 300}, receivers: {x: 100, depth_below_surface: 0}}")
    assert mixed.sources.tolist() == [[100, 300]]
    assert mixed.receivers[0, 1] == pytest.approx(HILL[10])
    plane = 10 + 0.1 * CUBE.coordinates(0)[:, None] + 0.02 * CUBE.coordinates(1)
    lines = "x: [120, 150], y: [40, 60, 70], layout: grid, depth_below_surface: 3"
    x, y, z = placed(f"{{sources: {{{lines}}}, receivers: {{{lines}}}}}", plane, CUBE).sources.T
    np.testing.assert_allclose(z, 13 + 0.1 * x + 0.02 * y)


def test_a_datum_does_not_move_points_below_the_surface(placed: Any) -> None:
    line = "{x: [1100, 1300], depth_below_surface: 4}"
    frame = "coordinates: {origin: [1000, 0], datum: 77}"
    made = placed(f"{{sources: {line}, receivers: {line}, {frame}}}")
    np.testing.assert_allclose(made.sources, [[100, HILL[10] + 4], [300, HILL[30] + 4]])


def test_receivers_that_move_stay_below_the_surface(placed: Any) -> None:
    section = (
        "{sources: {x: [100, 200], depth_below_surface: 1}, "
        "receivers: {x: [0, 50], towed: true, depth_below_surface: [2, 3]}}"
    )
    made = placed(section)
    np.testing.assert_allclose(made.receivers_of(1)[:, 1], [HILL[20] + 2, HILL[25] + 3])
    np.testing.assert_allclose(made.sources[:, 1], [HILL[10] + 1, HILL[20] + 1])


def test_tables_below_the_surface(placed: Any) -> None:
    """Whatever depths the table has, of points and of traces."""
    points = "id,x,elevation\n1,100,-90\n2,200,-60\n"
    section = "{file: p.csv, depth_below_surface: 2}"
    made = placed(f"{{sources: {section}, receivers: {section}}}", p=points)
    np.testing.assert_allclose(made.sources, [[100, HILL[10] + 2], [200, HILL[20] + 2]])
    traces = "shot,sx,sz,gx,gz\n1,100,0,150,0\n2,200,0,250,0\n"
    keys = "source_depth_below_surface: 5, receiver_depth_below_surface: 1"
    made = placed(f"{{traces: {{file: t.csv, {keys}}}}}", t=traces)
    np.testing.assert_allclose(made.sources, [[100, HILL[10] + 5], [200, HILL[20] + 5]])
    assert made.receivers_of(1)[0, 1] == pytest.approx(HILL[25] + 1)
    made = placed("{traces: {file: t.csv, source_depth_below_surface: 5}}", t=traces)
    assert made.receivers_of(1)[0, 1] == 0


def test_sps_files_below_the_surface(placed: Any) -> None:
    """Sources and receivers, each by its own file; others keep their elevation."""
    files = {"s": sps("S", 1, [(101, 100.0)]), "r": sps("R", 1, [(201, 50.0), (202, 250.0)])}
    section = "{sps: {sources: {file: s.csv, depth_below_surface: 3}, receivers: r.csv}}"
    made = placed(section, **files)
    np.testing.assert_allclose(made.sources, [[100, HILL[10] + 3]])
    np.testing.assert_allclose(made.receivers, [[50, -28], [250, -28]])
    both = section.replace("receivers: r.csv", "receivers: {file: r.csv, depth_below_surface: 1}")
    np.testing.assert_allclose(placed(both, **files).receivers[:, 1], HILL[[5, 25]] + 1)


def test_depths_that_contradict(placed: Any) -> None:
    line = "{x: 100, depth_below_surface: 4}"
    files = {"s": sps("S", 1, [(101, 100.0)]), "t": "shot,sx,sz,gx,gz\n1,100,0,150,0\n"}
    for section, key in (
        (f"{{sources: {line}, receivers: {line}}}", ("sources", "depth_below_surface")),
        (
            "{traces: {file: t.csv, receiver_depth_below_surface: 1}}",
            ("traces", "receiver_depth_below_surface"),
        ),
        (
            "{sps: {sources: {file: s.csv, depth_below_surface: 3}, receivers: r.csv}}",
            ("sps", "sources", "depth_below_surface"),
        ),
    ):
        with pytest.raises(FwiError, match="counts from the topography, and") as caught:
            placed(section, None, **files, r=sps("R", 1, [(201, 50.0)]))
        assert caught.value.key == key
    with pytest.raises(ConfigError, match=r"either depths `z` \[m\], or `depth_below_surface`"):
        placed("{sources: {x: 100, z: 1, depth_below_surface: 4}, receivers: {x: 1, z: 1}}")
    with pytest.raises(ConfigError, match=r"geometry\.receivers\.z: "):
        placed("{sources: {x: 100, z: 1}, receivers: {x: 1}}")
    table_of = "{file: t.csv, depth: 1, depth_below_surface: 4}"
    with pytest.raises(ConfigError, match=r"either `depth` \[m\], or `depth_below_surface`"):
        placed(f"{{sources: {table_of}, receivers: {{x: 1, z: 1}}}}", t="x\n1\n")
