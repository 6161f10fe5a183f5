"""Components that a config names reach the survey; those that waves lack are refused by name."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.files import hdf5
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.acquisition import Acquisition
from fwicli.survey.components import NAMES, Component
from fwicli.survey.gathers import Gathers
from fwicli.workflows import model
from fwicli.workflows.assembly import geometry, survey
from fwicli.workflows.planning.plan import make_plan

MODEL = """
model: {vp: 2000, shape: [61, 41], spacing: 10}
geometry:
  sources: {x: [100, 300], z: 20}
  receivers: {x: {start: 0, stop: 600, step: 40}, z: 20}
wavelet: {kind: ricker, frequency: 10}
time: {duration: 0.4, interval: 0.002}
"""
DIRECTION = "{quantity: velocity, dip: 30, azimuth: 180}"
TOWED = "geometry.receivers={x: [-100, -140], z: 20, towed: true, component: vz}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "model.yaml"
    path.write_text(MODEL)
    return path


@pytest.mark.parametrize("end", ["sources", "receivers"])
@pytest.mark.parametrize("name", [*NAMES, DIRECTION])
def test_components_of_a_geometry(config: Path, end: str, name: str) -> None:
    """The acquisition has the component, and acoustic waves have pressure alone."""
    loaded = load(config, settings=[f"geometry.{end}.component={name}"])
    acquisition = geometry.layout(loaded.config.geometry, 2).acquisition
    expected = Component("velocity", 30, 180) if name == DIRECTION else Component.named(name)
    assert (acquisition.emitted if end == "sources" else acquisition.recorded) == expected
    if name == "pressure":
        make_plan(loaded)
        return
    verb = "emit" if end == "sources" else "record"
    with pytest.raises(ProblemsError, match=f"cannot {verb} {expected.name}, only pressure"):
        make_plan(loaded)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_towed_receivers_have_components(config: Path, equation: str) -> None:
    density = ["model.rho=1200"] if "rho" in EQUATIONS[equation].properties else []
    loaded = load(config, settings=[TOWED, f"physics.equation={equation}", *density])
    assert geometry.layout(loaded.config.geometry, 2).acquisition.recorded == Component.named("vz")
    if "vz" in EQUATIONS[equation].recorded(2):
        return
    with pytest.raises(ProblemsError, match=f"{equation}` cannot record vz"):
        make_plan(loaded)


SYSTEM = ["physics.equation=velocity_pressure", "model.rho=1200", "physics.order=4"]


def test_receivers_record_several_components(config: Path, tmp_path: Path) -> None:
    """`fwi model` writes all components of each receiver, and units and names beside them."""
    settings = ["geometry.receivers.component=[pressure, vz]", "geometry.sources.component=fz"]
    settings += ["geometry.receivers.z=220"]
    small = ["physics.absorbing.cells=10"]
    loaded = load(config, settings=[*settings, *SYSTEM, *small])
    model.run(loaded, tmp_path / "run")
    gathers = hdf5.read_gathers(tmp_path / "run" / "shots.h5")
    acquisition = gathers.acquisition
    rows = acquisition.rows_by_component(0)
    assert [c.name for c in rows] == ["pressure", "vz"]
    assert acquisition.emitted_by(1) == Component.named("fz")
    plan = make_plan(loaded)
    task = model.modelling_tasks(plan, plan.stages[0].discretization())[1]
    np.testing.assert_array_equal(gathers.data[1], task().astype(np.float32))
    # A plane wave has p = rho c v: nothing is off by orders.
    p, vz = (np.abs(gathers.data[1][own]).max() for own in rows.values())
    assert 0.1 < p / (1200 * 2000 * vz) < 2
    with h5py.File(tmp_path / "run" / "shots.h5") as file:
        assert (file["data"].attrs["unit"], file["wavelet"].attrs["unit"]) == ("Pa, m/s", "N/m")


def test_lists_of_components_are_checked(config: Path) -> None:
    twice = "geometry.receivers.component=[vz, vz]"
    with pytest.raises(ProblemsError, match="the component vz is listed twice"):
        make_plan(load(config, settings=[twice, *SYSTEM]))
    several = "geometry.sources.component=[fx, fz]"
    with pytest.raises(ProblemsError, match="a source emits one component, and 2 are listed"):
        make_plan(load(config, settings=[several, *SYSTEM]))
    with pytest.raises(ProblemsError, match="component"):
        load(config, settings=["geometry.receivers.component=[]"])


def test_records_are_of_the_component_of_their_section(tmp_path: Path) -> None:
    positions = np.array([[100.0, 20.0], [200.0, 20.0]])
    data = np.ones((2, 2, 50), np.float32)
    records = Gathers(Acquisition(positions, positions), 0.004, data)
    hdf5.write_gathers(tmp_path / "shots.h5", records, {})
    path = tmp_path / "rtm.yaml"
    text = (
        MODEL.split("geometry:")[0]
        + "data: {file: shots.h5}\nwavelet: {kind: ricker, frequency: 8}\n"
    )
    path.write_text(text)
    assert survey.gathers(load(path).config.data).acquisition.recorded == Component.named(
        "pressure"
    )
    loaded = load(path, settings=["data.component=vx"])
    assert survey.gathers(loaded.config.data).acquisition.recorded == Component.named("vx")
    with pytest.raises(ProblemsError, match="cannot record vx, only pressure"):
        make_plan(loaded)
    loaded = load(path, settings=["data.component=vx", *SYSTEM])
    with pytest.raises(ProblemsError, match="images are made of pressure alone"):
        make_plan(loaded)


@pytest.mark.parametrize("name", ["p", "vr", "", "{quantity: stress, dip: 0}", "{dip: 3}", "3"])
def test_unknown_components_are_problems(config: Path, name: str) -> None:
    with pytest.raises(ProblemsError, match="component"):
        load(config, settings=[f"geometry.receivers.component={name}"])
