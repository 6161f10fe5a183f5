"""Plans of elastic waves: their slowest wave, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fwicli.config.loader import load
from fwicli.config.problems import ProblemsError
from fwicli.propagators.equations import registry
from fwicli.propagators.sampling import memory
from fwicli.survey.regridding import coarsened
from fwicli.workflows.planning.plan import make_plan

MODEL = """
model: {vp: 2.5, vs: 1.2, unit: km/s, rho: 2000, shape: [61, 41], spacing: 10}
physics: {equation: elastic}
geometry:
  sources: {x: 300, z: 100, component: fz}
  receivers: {x: {start: 0, stop: 600, step: 60}, z: 60, component: [pressure, vx, vz]}
wavelet: {kind: ricker, frequency: 8}
time: {duration: 0.4, interval: 0.002}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "model.yaml"
    path.write_text(MODEL)
    return path


def test_shear_waves_are_the_slowest(config: Path) -> None:
    plan = make_plan(load(config))
    assert plan.model.properties["vs"].max() == pytest.approx(1200)
    assert plan.receivers == 33
    with pytest.raises(ProblemsError, match="for the slowest wave, 1200 m/s"):
        make_plan(load(config, settings=["wavelet.frequency=25"]))
    # A fluid has no shear waves.
    make_plan(load(config, settings=["wavelet.frequency=12", "model.vs=0"]))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("physics.absorbing.sides=[left, right]", "`elastic` has a free surface on top only"),
        ("model.vs=2.4", "vp must be at least 1.1548 vs"),
        ("physics.grid=20", "vs has no mean .* than the model's, 10 m: set `physics.grid: model`"),
        ("geometry.receivers.component=ax", "cannot record ax, only pressure, vx, vz"),
        (
            "geometry.receivers.component={quantity: strain_rate, gauge: 10, dip: 0, azimuth: 90}",
            "strain_rate over 10 m along dip 0, azimuth 90 deg leaves the plane",
        ),
        (
            "geometry.receivers.component={quantity: strain_rate, gauge: 10, dip: 0}",
            r"2 of 22 receivers and ends of gauges lie outside .* number 0, at \(-5, 60\) m",
        ),
        (
            "geometry.receivers.component={quantity: strain_rate, dip: 0}",
            r"the gauge of a strain rate is None; give its length \[m\]",
        ),
        (
            "geometry.receivers.component={quantity: strain, dip: 0}",
            r"the gauge of a strain is None; .* `{quantity: strain, gauge: 10, dip: 0}`",
        ),
        (
            "geometry.receivers.component={quantity: velocity, gauge: 10, dip: 0}",
            "a component of velocity has no gauge",
        ),
        ("geometry.receivers.component=mxz", "cannot record mxz, only pressure, vx, vz"),
        ("physics.equation=velocity_pressure", "cannot emit mxz, only pressure, fx, fz"),
        ("geometry.sources.component=myz", "the moment has myz, which leave the plane"),
        (
            "model.vs=0",
            r"1 of 1 sources, the first at \(300, 100\) m, are mxz in a fluid, where vs is 0",
        ),
        (
            "geometry.sources.component={quantity: moment, tensor: [1, 2, 3, 4]}",
            r"the tensor of a moment is \(1.0, 2.0, 3.0, 4.0\); give finite numbers",
        ),
        (
            "geometry.sources.component={quantity: moment, strike: 10, dip: 40, rake: 90}",
            "the moment has myy, mxy, myz, which leave the plane",
        ),
    ],
)
def test_refusals(config: Path, setting: str, message: str) -> None:
    source = [] if "sources" in setting else ["geometry.sources.component=mxz"]
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(config, settings=[*source, setting]))


def test_moments_in_plans(config: Path) -> None:
    """Of a tensor or a fault; pressure in water; close to a surface with a warning."""
    for setting, name in (
        ("{quantity: moment, tensor: [1, -1, 0.5]}", "moment of 1 mxx, -1 mzz, 0.5 mxz"),
        ("{quantity: moment, strike: 90, dip: 45, rake: 90}", "moment of -1 mxx, 1 mzz"),
        ("mzz", "mzz"),
    ):
        source = f"geometry.sources.component={setting}"
        (component,) = make_plan(load(config, settings=[source])).acquisition.components[1]
        assert component.name == name
        surface = ["physics.free_surface=true", "geometry.sources.z=6"]
        near = make_plan(load(config, settings=[source, *surface])).warnings
        assert any(f"1 of 1 sources are {name} less than a cell" in w for w in near)
        deep = make_plan(load(config, settings=[source, surface[0]])).warnings
        assert not any("less than a cell" in warning for warning in deep)
    make_plan(load(config, settings=["geometry.sources.component=pressure", "model.vs=0"]))
    isotropic = "geometry.sources.component={quantity: moment, tensor: [2, 2, 0]}"
    make_plan(load(config, settings=[isotropic, "model.vs=0"]))


def test_surface_of_rock(config: Path) -> None:
    """Sources and receivers lie on it; its differences have three orders."""
    surface = ["physics.free_surface=true", "geometry.sources.z=0", "geometry.receivers.z=0"]
    plan = make_plan(load(config, settings=surface))
    assert plan.stages[0].layer.free == ("z-",)
    few = [w for w in plan.warnings if "waves along the free surface have" in w]
    assert bool(few) == (plan.stages[0].points_per_wavelength < 6.7)
    coarse = make_plan(load(config, settings=[*surface, "physics.order=4"])).warnings
    assert any("at order 4; errors stay below 2 %" in warning for warning in coarse)
    for setting, message in (
        ("physics.order=12", "physics.free_surface: space order 12 has no differences at the free"),
        ("physics.stencil=optimised", "free_surface: .* weights; use `physics.stencil: taylor`"),
        ("model.vs=0", "11 of 11 receivers, .* where the pressure is zero: they record nothing"),
    ):
        with pytest.raises(ProblemsError, match=message):
            make_plan(load(config, settings=[*surface, setting]))


def test_memory_counts_the_moduli_of_a_surface(config: Path) -> None:
    """Three arrays for forward waves, and with their sums six for a gradient."""
    plans = [make_plan(load(config, settings=s)) for s in ([], ["physics.free_surface=true"])]
    without, below = (plan.stages[0] for plan in plans)
    points = [np.prod(memory.with_halo(s.padded, s.order, 4)) for s in (without, below)]
    for gradient in (False, True):
        arrays = registry.load("elastic").footprint(2).arrays(gradient, below.recorded)
        more = 4 * ((arrays + 3 + 3 * gradient) * points[1] - arrays * points[0])
        assert below.working(gradient) - without.working(gradient) == more


@pytest.mark.parametrize("equation", ["acoustic", "variable_density"])
def test_vs_hinders_no_fluid(config: Path, equation: str) -> None:
    """A model of solids serves acoustic waves on a coarser grid: as without vs."""
    np.save(config.parent / "vs.npy", np.where(np.arange(41) < 9, 0.0, 1.2) * np.ones((61, 1)))
    np.save(config.parent / "vp.npy", np.linspace(1.5, 2.5, 41) * np.ones((61, 1)))
    settings = [
        *(
            f"physics.equation={equation}",
            "physics.grid=14",
            f"model.vp={config.parent / 'vp.npy'}",
        ),
        *("geometry.sources.component=pressure", "geometry.receivers.component=pressure"),
    ]
    coarse = []
    for vs in (config.parent / "vs.npy", "null"):
        plan = make_plan(load(config, settings=[*settings, f"model.vs={vs}"]))
        assert ("`model.vs` is not used" in " ".join(plan.warnings)) == (vs != "null")
        assert plan.stages[0].grid.spacing == (14, 14)
        coarse.append(coarsened(plan.model, plan.stages[0].grid).properties)
    assert list(coarse[0]) == ["vp", "rho"]
    for name, values in coarse[0].items():
        np.testing.assert_array_equal(values, coarse[1][name])
