"""`fwi invert` for solids: vp, vs and rho from pressures above them, and from motion on them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.files import hdf5
from fwicli.workflows import invert, model
from fwicli.workflows.assembly.survey import earth_model
from fwicli.workflows.exchange import convert
from fwicli.workflows.inversion import parents
from fwicli.workflows.planning.plan import make_plan
from fwicli.workflows.quality import one_shot
from fwicli.workflows.run_folder import outputs
from tests.workflows.test_invert import StopAtUpdate

# Spacing and precision are those of `make_setting`, so that kernels are compiled once for both.
PHYSICS = "physics: {equation: elastic, order: 4, precision: float64}\n"
WORKERS = "execution: {workers: 1}\n"
MODEL = f"""\
model: {{vp: true_vp.npy, vs: true_vs.npy, rho: true_rho.npy, spacing: [10, 12]}}
geometry:
  sources: {{x: [100, 300], z: 20}}
  receivers: {{x: {{start: 0, stop: 400, step: 20}}, z: 20}}
wavelet: {{kind: ricker, frequency: 7}}
time: {{duration: 0.5, interval: 0.002}}
{PHYSICS}{WORKERS}"""
INVERT = f"""\
model: {{vp: vp.npy, vs: vs.npy, rho: rho.npy, spacing: [10, 12]}}
reference: {{vp: true_vp.npy, vs: true_vs.npy, rho: true_rho.npy, spacing: [10, 12]}}
data: {{file: shots/shots.h5}}
inversion:
  invert_for: {{vp: [1400, 3500], vs: [0, 1500], rho: [900, 2600]}}
  fixed: 96
  stages: [{{band: [0, 17], iterations: 3}}]
{PHYSICS}{WORKERS}"""
WATER = 8


@pytest.fixture(scope="module")
def solid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with shots over a solid below water that hides a body."""
    folder = tmp_path_factory.mktemp("solid")
    shape, water = (41, 31), np.arange(31) < WATER
    for name, of_water, of_solid, change in (
        ("vp", 1500, 2200, 150),
        ("vs", 0, 1100, 80),
        ("rho", 1000, 2000, 80),
    ):
        values = np.where(water, float(of_water), of_solid) * np.ones(shape)
        np.save(folder / f"{name}.npy", values)
        values[16:26, 12:20] += change
        np.save(folder / f"true_{name}.npy", values)
    (folder / "model.yaml").write_text(MODEL, encoding="utf-8")
    (folder / "invert.yaml").write_text(INVERT, encoding="utf-8")
    model.run(load(folder / "model.yaml"), folder / "shots")
    return folder


def test_misfit_falls_and_water_stays(solid: Path) -> None:
    invert.run(load(solid / "invert.yaml"), solid / "run")
    misfit = hdf5.read_history(solid / "run" / "inversion.h5")["misfit"]
    assert len(misfit) == 3
    assert np.all(np.diff(misfit) < 0)
    assert misfit[-1] < 0.3 * misfit[0]
    with h5py.File(solid / "run" / "inversion.h5") as file:
        for name in ("vp", "vs", "rho"):
            start, result = (np.array(file[f"{group}/{name}"]) for group in ("start", "result"))
            np.testing.assert_array_equal(result[:, :WATER], start[:, :WATER])
            assert np.abs(result - start).max() > 1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "inversion.stages.0.spacing=20",
            r"vs has no mean .* leave out `inversion.stages\S*spacing`",
        ),
        ("physics.grid=14", "vs has no mean .* set `physics.grid: model`"),
    ],
)
def test_coarser_grids_are_refused(solid: Path, setting: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(solid / "invert.yaml", settings=[setting, "inversion.stages.0.band=[0, 6]"]))


FOLLOWED = [
    "inversion.invert_for={vp: [1400, 3500]}",
    "inversion.follow={vs: {law: mudrock, least: 300}, rho: {law: gardner}}",
    "inversion.stages=[{band: [0, 12], iterations: 1}, {band: [0, 17], iterations: 2}]",
]


def test_followers_change_with_vp(solid: Path) -> None:
    """By their laws, in results, errors and plans; an equation without one of them refuses it."""
    loaded = load(solid / "invert.yaml", settings=FOLLOWED)
    plan = make_plan(loaded)
    assert plan.summary()["inverts_for"] == [
        "vp from 1400 to 3500 m/s",
        "vs by the law mudrock",
        "rho by the law gardner",
    ]
    invert.run(loaded, solid / "followed")
    history = hdf5.read_history(solid / "followed" / "inversion.h5")
    assert history["misfit"][-1] < history["misfit"][0]
    assert history["model_error_vs"][-1] > 0
    with h5py.File(solid / "followed" / "inversion.h5") as file:
        start, result = (
            {n: np.array(file[f"{group}/{n}"], dtype=float) for n in ("vp", "vs", "rho")}
            for group in ("start", "result")
        )
    ratio = np.maximum(result["vp"] - 1360, 348) / np.maximum(start["vp"] - 1360, 348)
    assert np.abs(ratio - 1).max() > 1e-3
    below = np.s_[:, WATER:]
    np.testing.assert_allclose(result["vs"][below], (start["vs"] * ratio)[below], rtol=1e-6)
    power = (result["vp"] / start["vp"]) ** 0.25
    np.testing.assert_allclose(result["rho"], start["rho"] * power, rtol=1e-6)
    acoustic = [*FOLLOWED, "physics.equation=variable_density", "inversion.component_weights=null"]
    with pytest.raises(ProblemsError, match="`variable_density` has no vs that could follow vp"):
        make_plan(load(solid / "invert.yaml", settings=acoustic))


def test_followers_go_on_where_they_stopped(solid: Path, tmp_path: Path) -> None:
    """Bit for bit, as vp does, from either stage."""
    loaded = load(solid / "invert.yaml", settings=FOLLOWED)
    invert.run(loaded, tmp_path / "whole")
    for number, updates in enumerate([3, 4, 3]):
        stop = StopAtUpdate(updates)
        with pytest.raises(KeyboardInterrupt):
            invert.run(loaded, tmp_path / "run", resume=number > 0, progress=stop)
    invert.run(loaded, tmp_path / "run", resume=True)
    run, whole = (tmp_path / name / "inversion.h5" for name in ("run", "whole"))
    for name in ("vp", "vs", "rho"):
        expected = hdf5.read_array(whole, f"result/{name}")[0]
        np.testing.assert_array_equal(hdf5.read_array(run, f"result/{name}")[0], expected)
        assert np.abs(expected - hdf5.read_array(whole, f"start/{name}")[0]).max() > 0


def test_moduli_are_inverted_for(solid: Path) -> None:
    """In place of velocities: results hold both, water stays, and errors are of all."""
    mu = {"bounds": [5e8, 8e9], "parameter": "log"}
    moduli = {"rho": [900, 2600], "lame_lambda": [2e9, 2e10], "lame_mu": mu}
    loaded = load(
        solid / "invert.yaml",
        settings=[
            f"inversion.invert_for={json.dumps(moduli)}",
            "inversion.model_smoothing=5",
            "inversion.taper=30",
            "inversion.stages.0.iterations=1",
        ],
    )
    summary = invert.run(loaded, solid / "moduli")
    history = hdf5.read_history(solid / "moduli" / "inversion.h5")
    steps = (solid / "moduli" / "progress.jsonl").read_text().splitlines()
    assert history["misfit"][-1] < 0.9 * json.loads(steps[0])["misfit"]
    with h5py.File(solid / "moduli" / "inversion.h5") as file:
        start, result = (
            {n: np.array(file[f"{group}/{n}"], dtype=float) for n in file[group]}
            for group in ("start", "result")
        )
        assert set(result) == {"vp", "vs", "rho", "lame_lambda", "lame_mu"}
        assert file["result/lame_mu"].attrs["unit"] == "Pa"
        for name in set(result) - {"rho"}:
            assert np.isfinite(result[name]).all()
            np.testing.assert_array_equal(result[name][:, :WATER], start[name][:, :WATER])
            assert np.abs(result[name][:, WATER:] / start[name][:, WATER:] - 1).max() > 1e-3, name
        assert not result["vs"][:, :WATER].any()
        mu = result["rho"] * result["vs"] ** 2
        np.testing.assert_allclose(mu, result["lame_mu"], rtol=1e-5)
        stiffness = result["lame_lambda"] + 2 * result["lame_mu"]
        np.testing.assert_allclose(result["rho"] * result["vp"] ** 2, stiffness, rtol=1e-5)
        true = np.array(file["reference/lame_mu"])[:, WATER:]
        error = np.linalg.norm(result["lame_mu"][:, WATER:] - true) / np.linalg.norm(true)
    assert {path.name for path in (solid / "moduli").iterdir()} <= {
        *outputs.names(loaded),
        *("log.txt", "manifest.txt", "status.json"),
    }
    properties = parents.properties_of(
        solid / "moduli" / "inversion.h5",
        "iterates/0001",
        earth_model(loaded.config.model).grid,
        "",
    )
    assert set(properties) == {"vp", "vs", "rho"}  # from which another run may begin
    assert summary["model_error_lame_mu"] == pytest.approx(error, rel=1e-5)
    assert summary.keys() >= {"model_error", "model_error_rho", "model_error_lame_lambda"}
    for title in ("start", "result", "difference", "overview"):
        assert (solid / "moduli" / f"{title}_lame_lambda.png").exists()


def test_plan_names_places_of_combinations(solid: Path) -> None:
    ratio = "inversion.invert_for={vp: [2000, 3500], vp_vs_ratio: [1.5, 4]}"
    plan = make_plan(load(solid / "invert.yaml", settings=[ratio]))
    assert plan.summary()["inverts_for"] == [
        "vp from 2000 to 3500 m/s",
        "vp_vs_ratio from 1.5 to 4, which is vp / vs, in place of vs",
        "at rho of the starting model",
    ]
    assert not any("limits" in warning for warning in plan.warnings)
    (warning,) = [w for w in make_plan(load(solid / "invert.yaml")).warnings if "limits" in w]
    assert "the bounds allow vp of 1400 m/s with vs of 1500 m/s" in warning


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["inversion.invert_for={lame_mu: [1, 8], rho: [900, 2600]}"],
            r"are they in GPa\? Then write `inversion.invert_for.lame_mu: \[1e\+09, 8e\+09\]`",
        ),
        (
            ["inversion.invert_for={vp_vs_ratio: [2.5, 4]}"],
            r"the starting model has vp_vs_ratio from 2 to 2 .* outside the bounds 2.5 to 4",
        ),
        (
            ["inversion.invert_for={shear_impedance: [1e6, 4e6]}", "model.vs=0"],
            "all points that may change are fluid, where vs is 0 and there is no shear_impedance",
        ),
        (
            ["inversion.invert_for={lame_lambda: [1e9, 2e10]}", "physics.equation=acoustic"],
            "the equation `acoustic` has no lame_lambda; it may be inverted for vp: choose",
        ),
        (
            ["inversion.invert_for={vp_vs_ratio: [1, 4]}", "model.vs=null"],
            "the model has no vp_vs_ratio to start from; give it in the section `model`",
        ),
    ],
)
def test_impossible_combinations(solid: Path, settings: list[str], message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(solid / "invert.yaml", settings=settings))


COMPONENTS = ["geometry.receivers.component=[pressure, vx, vz]", "geometry.receivers.z=106"]


@pytest.fixture(scope="module")
def nodes(solid: Path) -> Path:
    """Config of an inversion of pressures and velocities of nodes on the solid."""
    model.run(load(solid / "model.yaml", settings=COMPONENTS), solid / "nodes")
    text = INVERT.replace("shots/shots.h5", "nodes/shots.h5")
    path = solid / "nodes.yaml"
    path.write_text(text.replace("  fixed: 96\n", "  fixed: 96\n  component_weights: {vx: 2}\n"))
    return path


def test_all_components_are_inverted(nodes: Path) -> None:
    """And motion tells more of vs than pressure alone."""
    errors = []
    for name, settings in {
        "all": (),
        "pressure": ("inversion.component_weights={vx: 0, vz: 0}",),
    }.items():
        invert.run(load(nodes, settings=settings), nodes.parent / name)
        history = hdf5.read_history(nodes.parent / name / "inversion.h5")
        assert history["misfit"][-1] < 0.3 * history["misfit"][0]
        errors.append(history["model_error_vs"][-1])
    assert errors[0] < 0.95 * errors[1]


def test_components_of_segy_are_those_of_hdf5(nodes: Path) -> None:
    """An inversion from SEG-Y is the same bit for bit, and refuses what it cannot model."""
    folder = nodes.parent
    shutil.copy(folder / "nodes" / "shots.h5", folder / "foreign.h5")
    with h5py.File(folder / "foreign.h5", "r+") as file:
        del file.attrs["equation"]  # SEG-Y does not state how records were modelled
    convert.run(convert.Conversion(folder / "foreign.h5", folder / "nodes.sgy"))
    stages = "inversion.stages=[{band: [0, 17], iterations: 1}]"
    wavelet = f"wavelet={{kind: file, file: {folder / 'foreign.h5'}}}"
    models = []
    for name in ("foreign.h5", "nodes.sgy"):
        settings = [f"data.file={folder / name}", wavelet, stages]
        invert.run(load(nodes, settings=settings), folder / f"run of {name}")
        models.append(hdf5.read_array(folder / f"run of {name}" / "inversion.h5", "result/vs")[0])
    np.testing.assert_array_equal(*models)
    assert np.abs(models[0] - np.load(folder / "vs.npy")).max() > 1
    acoustic = ["physics.equation=acoustic", "inversion.invert_for={vp: [1400, 3500]}"]
    acoustic += ["inversion.component_weights={pressure: 1}"]
    with pytest.raises(ProblemsError, match=r"cannot record vx, vz.*as in `{12: none}`"):
        make_plan(load(nodes, settings=[*settings, *acoustic]))
    plan = make_plan(
        load(nodes, settings=[*settings, *acoustic, "data.trace_ids={12: none, 14: none}"])
    )
    assert plan.receivers == 21
    # In the plane of a model in 2D, nothing moves along y.
    with pytest.raises(ProblemsError, match=r"vy leaves the plane.*data.trace_ids`, as in"):
        make_plan(load(nodes, settings=[*settings, "data.trace_ids={12: vy}"]))


# Slow: records, gauges and inversions of components have tests of their own.
@pytest.mark.slow
def test_fibres_are_inverted(solid: Path) -> None:
    """Strain rates along gauges, in windows that hold both ends of each."""
    fibre = "geometry.receivers={x: {start: 20, stop: 380, step: 20}, z: 106, component: %s}"
    gauge = (
        "[{quantity: strain_rate, gauge: 30, dip: 0}, {quantity: strain_rate, gauge: 12, dip: 90}]"
    )
    model.run(load(solid / "model.yaml", settings=[fibre % gauge]), solid / "fibre")
    with h5py.File(solid / "fibre" / "shots.h5") as file:
        codes = list(file["receiver_component"].attrs["codes"])
        assert codes == ["strain_rate 0.0 0.0 30.0", "strain_rate 90.0 0.0 12.0"]
        assert file["data"].attrs["unit"] == "1/s"
    settings = [f"data.file={solid / 'fibre' / 'shots.h5'}", "physics.aperture=40"]
    settings += ["inversion.component_weights={strain_rate 90 0 12: 2}"]
    plan = make_plan(load(solid / "invert.yaml", settings=settings))
    assert any("[1/s] with weight 2" in note for note in plan.summary()["survey"])
    invert.run(load(solid / "invert.yaml", settings=settings), solid / "fibre run")
    misfit = hdf5.read_history(solid / "fibre run" / "inversion.h5")["misfit"]
    assert misfit[-1] < 0.5 * misfit[0]


def test_plan_names_components_and_weights(nodes: Path) -> None:
    notes = make_plan(load(nodes)).summary()["survey"]
    assert any(
        "pressure [Pa] with weight 1, vx [m/s] with weight 2, vz [m/s] with weight 1" in n
        for n in notes
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ("{vx: 1, ax: 2}", "weights of `ax`, and the records are of `pressure`, `vx`, `vz`"),
        ("{pressure: 0, vx: 0, vz: 0}", "the weights of all components of the records are 0"),
        ("{vx: -1}", "component_weights"),
        ("{vr: 1}", "no component `vr`"),
    ],
)
def test_weights_of_what_is_not_there_are_refused(nodes: Path, weights: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(nodes, settings=[f"inversion.component_weights={weights}"]))


def test_check_compares_each_component(nodes: Path, tmp_path: Path) -> None:
    summary = one_shot.check(load(nodes), [1], folder=tmp_path)
    assert [s.get("component", "pressure") for s in summary["shots"]] == ["pressure", "vx", "vz"]
    assert {path.name for path in tmp_path.iterdir()} == {
        f"shot_0001_{name}.png" for name in ("pressure", "vx", "vz")
    }
    assert all(s["relative_difference"] < 0.3 for s in summary["shots"])
    assert not summary["faults"]
