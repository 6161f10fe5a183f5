"""Runs below a topography: records, inversions that leave the air alone, files and windows."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.image import imread

from fwicli import Grid, Points, Propagator
from fwicli.config.imaging import ImagingSection
from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.errors import ConfigError
from fwicli.files import blocks, hdf5
from fwicli.plotting import figures, pictures
from fwicli.plotting.style import Look
from fwicli.propagators.equations import cut_cells
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling import memory
from fwicli.survey.topography import Topography
from fwicli.workflows import invert, model, rtm
from fwicli.workflows.planning.costs import calibrations
from fwicli.workflows.planning.plan import Plan, make_plan
from fwicli.workflows.quality import calibration
from fwicli.workflows.viewing.drawing import planes, recorded
from fwicli.workflows.viewing.drawing.drawable import PictureOptions

# Spacing, order, layer and precision are those of `tests/propagators/test_topography.py`.
SHAPE, H = (41, 41), 10.0
GRID = Grid(SHAPE, (H, H), (0.0, 0.0))
X = GRID.coordinates(0)
HILL = 120.0 - 55.0 * np.exp(-(((X - 200.0) / 80.0) ** 2))
SURFACE = Topography.on(GRID, HILL)
PHYSICS = """\
physics:
  {equation: elastic, order: 4, precision: float64, absorbing: {cells: 10}, topography: hill.csv}
execution: {workers: 1}
"""
MODEL = f"""\
model: {{vp: true_vp.npy, vs: true_vs.npy, rho: true_rho.npy, spacing: 10}}
geometry:
  sources: {{x: [100, 300], depth_below_surface: 2}}
  receivers: {{x: {{start: 0, stop: 400, step: 20}}, depth_below_surface: 0}}
wavelet: {{kind: ricker, frequency: 9}}
time: {{duration: 0.4, interval: 0.002}}
{PHYSICS}"""
INVERT = f"""\
model: {{vp: vp.npy, vs: vs.npy, rho: rho.npy, spacing: 10}}
reference: {{vp: true_vp.npy, vs: true_vs.npy, rho: true_rho.npy, spacing: 10}}
data: {{file: shots/shots.h5}}
inversion:
  bounds: [1800, 2600]
  fixed: nothing
  stages: [{{band: [0, 22], iterations: 2}}]
{PHYSICS}"""
ROCK = {"vp": (2200.0, 150.0), "vs": (1250.0, 0.0), "rho": (2000.0, 0.0)}


@pytest.fixture(scope="module")
def hill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with models of a hill whose air is that of nature, and configs."""
    folder = tmp_path_factory.mktemp("hill")
    for name, (value, change) in ROCK.items():
        values = np.where(SURFACE.is_air, {"vp": 340.0, "vs": 0.0, "rho": 0.0}[name], value)
        np.save(folder / f"{name}.npy", values)
        values[16:26, 16:22] += change
        np.save(folder / f"true_{name}.npy", values)
    rows = "\n".join(f"{x:.17g},{-z:.17g}" for x, z in zip(X, HILL, strict=True))
    (folder / "hill.csv").write_text(f"x,elevation\n{rows}\n", encoding="utf-8")
    (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
    (folder / "invert.yaml").write_text(INVERT, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def plan(hill: Path) -> Plan:
    """The plan of the records."""
    return make_plan(load(hill / "model.yaml"))


@pytest.fixture(scope="module")
def shots(hill: Path) -> Path:
    """File of the records."""
    model.run(load(hill / "model.yaml"), hill / "shots")
    return hill / "shots" / "shots.h5"


# --- plans ----------------------------------------------------------------------------------------


def test_air_is_no_part_of_the_plan(plan: Plan) -> None:
    """Speeds are those of the rock; the table has the extent of the surface."""
    assert plan.model.air.any()
    assert (plan.model.slowest, plan.model.fastest) == (2200, 2350)
    assert plan.summary()["topography_m"] == [65.0, pytest.approx(HILL.max(), abs=1e-3)]
    assert plan.stages[0].discretization().topography == SURFACE
    assert plan.model.covered().sum() == SURFACE.is_air.sum()


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        (
            ["geometry.receivers={x: [0, 200], z: 90}"],
            "geometry.receivers",
            r"1 of 2 receivers lie in the air .*, number 0, at \(0, 90\) m by 29.9 m, the highest "
            r"by 29.9 m: .* `depth_below_surface: 0`",
        ),
        (
            ["physics.topography=15", "geometry.sources={x: 100, z: 900}"],
            "physics.topography",
            "must stay between 20 and 360 m",
        ),
        (["physics.equation=elastic_vti"], "physics.topography", "has no topography"),
        (["physics.grid=20"], "physics.grid", "vs has no mean"),
    ],
)
def test_problems_have_their_key(hill: Path, settings: list[str], key: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message) as caught:
        make_plan(load(hill / "model.yaml", settings=settings))
    keys = {".".join(map(str, problem.key)) for problem in caught.value.problems}
    assert key in keys
    assert "model" not in keys  # with the zeros in the air


def test_no_other_problem_hides_that_of_the_surface(hill: Path, shots: Path) -> None:
    """Zeros in the air of model and reference are not named where its extent is unknown."""
    with pytest.raises(ProblemsError) as caught:
        make_plan(load(hill / "invert.yaml", settings=["physics.topography=15"]))
    assert [p.key for p in caught.value.problems] == [("physics", "topography")]


def test_problems_come_together(hill: Path) -> None:
    """With those of other sections."""
    settings = ["geometry.receivers={x: [0, 200], z: 90}", "time.duration=1e-9"]
    with pytest.raises(ProblemsError) as caught:
        make_plan(load(hill / "model.yaml", settings=settings))
    assert {p.key[0] for p in caught.value.problems} >= {"geometry", "time"}


def test_memory_counts_the_cut_cells(plan: Plan) -> None:
    """Volumes, masses, masks and a modulus take the place of the moduli of a plane surface."""
    (stage,) = plan.stages
    plane = replace(stage, topography=None)
    points, cells = memory.with_halo(stage.padded, 4, 8), cut_cells.memory(stage.padded, Stencil(4))
    more = stage.working(gradient=False) - plane.working(gradient=False)
    assert more == 8 * points * (9 - 3) + cells


# --- runs -----------------------------------------------------------------------------------------


def test_records_are_those_of_python(shots: Path, plan: Plan) -> None:
    """With the properties of nature in the air; the file has the surface beside them."""
    records = hdf5.read_gathers(shots)
    assert hdf5.read_surface(shots, GRID) == SURFACE
    earth = {name: np.load(shots.parents[1] / f"true_{name}.npy") for name in ROCK}
    F = Propagator(replace(plan.stages[0].discretization(), topography=SURFACE), quiet=True)
    rock = {name: SURFACE.fill(values) for name, values in earth.items()}
    receivers = Points(SURFACE.below(np.stack([X[::2], 0 * X[::2]], axis=1)), "pressure")
    source = Points(SURFACE.below([[300.0, 2.0]]), "pressure")
    wavelet = np.asarray(records.wavelet)
    expected = F.forward(F.parameters(**rock), wavelet, source, receivers)
    np.testing.assert_allclose(records.data[1], expected, atol=1e-9 * np.abs(expected).max())


ONCE = ["inversion.stages.0.iterations=1"]


@pytest.fixture(scope="module")
def stopped(hill: Path, shots: Path) -> Path:
    """Folder of an inversion that has taken one step."""
    invert.run(load(hill / "invert.yaml", settings=ONCE), hill / "stopped")
    return hill / "stopped"


def test_inversions_leave_the_air_alone(hill: Path, stopped: Path) -> None:
    """The misfit and the error of the rock fall; a run that is continued has the same bits."""
    invert.run(load(hill / "invert.yaml"), hill / "run")
    shutil.copytree(stopped, hill / "continued")
    invert.run(load(hill / "invert.yaml"), hill / "continued", resume=True)
    path = hill / "run" / "inversion.h5"
    history = hdf5.read_history(path)
    for column in ("misfit", "model_error"):
        assert np.all(np.diff(history[column]) < 0), column
    with h5py.File(path) as file, h5py.File(hill / "continued" / "inversion.h5") as other:
        start, result = (np.array(file[f"{group}/vp"]) for group in ("start", "result"))
        np.testing.assert_array_equal(result, np.array(other["result/vp"]))
    np.testing.assert_array_equal(result[SURFACE.is_air], start[SURFACE.is_air])
    assert np.abs(result - start).max() > 1
    # Also the rows next to the surface have changed.
    first = np.take_along_axis(result - start, SURFACE._first()[:, None], axis=1)
    assert np.abs(first).max() > 0
    assert hdf5.read_surface(path, GRID) == SURFACE
    true = SURFACE.fill(np.load(hill / "true_vp.npy"))[~SURFACE.is_air]
    error = np.linalg.norm(result[~SURFACE.is_air] - true) / np.linalg.norm(true)
    assert history["model_error"][-1] == pytest.approx(error, rel=1e-3)


@pytest.mark.parametrize("region", ["water", "{below: 300}", "[{below: 395}]"])
def test_air_is_fixed_beside_any_region(hill: Path, shots: Path, region: str) -> None:
    """As are the points of the region."""
    inverted = make_plan(load(hill / "invert.yaml", settings=[f"inversion.fixed={region}"]))
    assert inverted.inversion is not None
    fixed = inverted.inversion.fixed
    assert fixed[SURFACE.is_air].all()
    below = fixed[:, 31:-1].all() if "300" in region else not fixed[:, 31:-1].any()
    assert below


def test_a_changed_surface_is_no_continuation(hill: Path, stopped: Path) -> None:
    """Neither another file nor another content of it."""
    text = (hill / "hill.csv").read_text(encoding="utf-8")
    shutil.copy(hill / "hill.csv", hill / "other.csv")
    other = load(hill / "invert.yaml", settings=[*ONCE, "physics.topography=other.csv"])
    with pytest.raises(ConfigError, match=r"physics\.topography"):
        invert.run(other, stopped, resume=True)
    try:
        (hill / "hill.csv").write_text(f"{text}500,-120\n", encoding="utf-8")
        same = load(hill / "invert.yaml", settings=ONCE)
        with pytest.raises(ConfigError, match=r"hill.csv has changed"):
            invert.run(same, stopped, resume=True)
    finally:
        (hill / "hill.csv").write_text(text, encoding="utf-8")


def test_records_are_placed_below_another_surface(hill: Path, shots: Path) -> None:
    """Whatever depths their file has."""
    depths = ["data.source_depth_below_surface=2", "data.receiver_depth_below_surface=0.5"]
    lower = make_plan(load(hill / "invert.yaml", settings=["physics.topography=130", *depths]))
    np.testing.assert_allclose(lower.acquisition.sources, [[100, 132], [300, 132]])
    np.testing.assert_allclose(lower.acquisition.all_receivers()[:, 1], 130.5)
    with pytest.raises(ProblemsError, match=r"21 of 21 receivers .* `data\.receiver_depth_below"):
        make_plan(load(hill / "invert.yaml", settings=["physics.topography=130", depths[0]]))


def test_windows_have_their_part_of_the_surface(hill: Path, plan: Plan) -> None:
    """A shot in a window is that of a model of this size, at another place."""
    offsets = "geometry.receivers.offsets=[0, 60]"
    settings = ["physics.aperture=60", offsets, "geometry.sources.x=[100, 260]"]
    cut = make_plan(load(hill / "model.yaml", settings=settings))
    (stage,) = cut.stages
    window, discretization = stage.window(1), stage.discretization()
    assert not window.whole
    gather = model.modelling_tasks(cut, discretization)[1]()
    begin, end = window.start[0], window.start[0] + window.shape[0]
    assert begin > 0
    local = replace(discretization, topography=Topography.on(discretization.grid, HILL[begin:end]))
    assert local.topography != discretization.topography
    F = Propagator(local, quiet=True)
    vp, vs, rho = (cut.model.properties[name][begin:end] for name in ("vp", "vs", "rho"))
    source, receivers = cut.acquisition.source(1).copy(), cut.acquisition.receivers_of(1).copy()
    for positions in (source, receivers):
        positions[:, 0] -= begin * H
    at = Points(source, "pressure"), Points(receivers, "pressure")
    expected = F.forward(F.parameters(vp=vp, vs=vs, rho=rho), cut.wavelet, *at)
    np.testing.assert_array_equal(gather, expected)
    plane = replace(stage, windows=tuple(replace(w, surface=None) for w in stage.windows))
    cells = cut_cells.memory(stage.padded, Stencil(4))
    assert plane.working(False) == stage.working(False) > plan.stages[0].working(False) / 3 + cells


def test_a_geometry_of_records_is_placed_below_the_surface(hill: Path, shots: Path) -> None:
    """Receivers alone, where no depth of sources is said; others stay as in the file."""
    records = f"{{records: {{file: {shots}, receiver_depth_below_surface: 4}}}}"
    other = make_plan(load(hill / "model.yaml", settings=[f"geometry={records}"]))
    before = hdf5.read_gathers(shots).acquisition
    np.testing.assert_array_equal(other.acquisition.sources, before.sources)
    np.testing.assert_allclose(other.acquisition.all_receivers()[:, 1], HILL[::2] + 4)


def test_measured_grids_have_a_surface(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid that is cut for a calibration has one of its own."""
    monkeypatch.setattr(calibration, "LARGEST", 3000)
    (stage,) = plan.stages
    cut = calibration._affordable(stage, 1)
    assert cut.grid != stage.grid
    assert cut.discretization().topography.grid == cut.grid
    plane = calibrations.key(replace(stage, topography=None), (), None)
    assert calibrations.key(stage, (), None) != plane


@pytest.mark.usefixtures("drawn_pictures")
def test_air_is_blank_in_pictures(plan: Plan, tmp_path: Path) -> None:
    """White above the line of the surface, and coloured below it."""
    earth = plan.model
    pictures.model(tmp_path / "m.png", earth)
    pictures.image(tmp_path / "i.png", np.ones(SHAPE), earth)
    pictures.difference(tmp_path / "d.png", earth.changed({"vp": earth.vp + 9}), earth)
    for name in "mid":
        pixels = imread(tmp_path / f"{name}.png")[..., :3]
        shades = pixels.reshape(len(pixels), -1, 3)
        column = shades[:, shades.shape[1] // 3].min(axis=-1)
        inside = np.flatnonzero(column < 0.99)
        white = np.diff(inside).max() / (inside[-1] - inside[0])
        assert 0.1 < white < 0.4, name


def test_energy_is_not_lowered_by_the_air(plan: Plan) -> None:
    """Smoothing keeps a constant energy of the rock, beside the zeros of the air."""
    imaging = ImagingSection(illumination_smoothing=40.0)
    energy = np.where(SURFACE.is_air, 0.0, 3.0)
    smooth = rtm._energy(imaging, plan.stages[0], energy)
    np.testing.assert_allclose(smooth[~SURFACE.is_air], 3.0, rtol=1e-12)


def test_the_model_of_a_config_is_drawn(hill: Path, shots: Path, tmp_path: Path) -> None:
    """With zeros in the air, and the line of its surface."""
    drawable = recorded.of_run(hill / "shots")["model/vs"]
    (axes, _) = drawable.figure(PictureOptions()).axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), HILL, rtol=1e-12)


def test_planes_of_files_have_the_surface(tmp_path: Path) -> None:
    """Sections its line, of the plane that is drawn; depth slices no values in the air."""
    cube = Grid((8, 6, 12), (10.0, 20.0, 10.0), (0.0, 0.0, -30.0))
    depths = 10.0 + 3 * np.arange(8.0)[:, None] - 2 * np.arange(6.0)
    surface = Topography.on(cube, depths)
    path = tmp_path / "image.h5"
    with h5py.File(path, "w") as file:
        hdf5.write_on_grid(file, "image", np.ones(cube.shape), cube, "")
        hdf5.write_surface(file, surface)
    assert hdf5.read_surface(path, cube) == surface
    array = blocks.open_array(path, "image")
    for name, at, expected in (("y", 60.0, depths[:, 3]), ("x", 20.0, depths[2])):
        plane, _ = planes.plane(array, {name: at})
        np.testing.assert_allclose(plane.surface, expected)
        assert np.isfinite(plane.values).all()
        assert figures.section(plane, "image", "", "", Look()).axes[0].lines
    plane, _ = planes.plane(array, {"z": 20.0})
    assert plane.surface is None
    np.testing.assert_array_equal(np.isnan(plane.values), depths > 20)
    # The depths themselves are a map, without a surface of their own.
    assert planes.plane(blocks.open_array(path, "topography"), {})[0].surface is None
