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
            "geometry.receivers.component={quantity: velocity, gauge: 10, dip: 0}",
            "a component of velocity has no gauge",
        ),
    ],
)
def test_refusals(config: Path, setting: str, message: str) -> None:
    with pytest.raises(ProblemsError, match=message):
        make_plan(load(config, settings=[setting]))


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
