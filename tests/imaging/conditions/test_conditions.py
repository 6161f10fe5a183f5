"""Every imaging condition is an exact pair, and conditions relate to each other as stated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli import EarthModel, Grid, Simulation
from fwicli.errors import PhysicsError
from fwicli.imaging.conditions import names, registry
from fwicli.operators import imaging, jacobian
from fwicli.propagators.equations import properties as chain
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.signals.integrals import twice_integrated
from fwicli.survey.signals.wavelets import ricker, times
from tests.earths import random_earth
from tests.equations import LARGE

PAIRS = [
    pytest.param(equation, name, marks=pytest.mark.slow if equation in LARGE else ())
    for equation in EQUATIONS
    for name in names.available(equation, 2)
]


@pytest.fixture(scope="module")
def scene(make_setting: Callable[..., Any]) -> Callable[[str], tuple[Simulation, Any, Any]]:
    """A random medium of an equation, a simulation of two sources, and random wavelets."""

    def make(equation: str) -> tuple[Simulation, EarthModel, np.ndarray]:
        setting = make_setting(equation=equation, samples=60)
        discretization = setting.propagator.discretization
        properties = random_earth(discretization.grid.shape, 3)
        vp = properties.pop("vp")
        needed = EQUATIONS[equation].properties_in(2)
        others = {name: properties[name] for name in needed if name != "vp"}
        earth = EarthModel(discretization.grid, vp, others)
        simulation = Simulation(discretization, setting.sources[None], setting.receivers)
        return simulation, earth, setting.wavelet[:, :60]

    return make


@pytest.mark.parametrize(("equation", "name"), PAIRS)
def test_pair_is_exact(scene: Callable[..., Any], equation: str, name: str) -> None:
    """<A s, d> = <s, A^T d> to float64 round-off, with random images, records and wavelets."""
    assert imaging(*scene(equation), name).dottest() < 1e-13


@pytest.mark.parametrize("equation", ["acoustic", "variable_density"])
def test_conditions_sum_to_the_image_of_velocity(scene: Callable[..., Any], equation: str) -> None:
    """Inverse scattering and its counterpart sum to 2 m times the image of m."""
    simulation, earth, wavelet = scene(equation)
    pair = [imaging(simulation, earth, wavelet, n) for n in ("inverse_scattering", "tomographic")]
    records = np.random.default_rng(1).standard_normal(pair[0].dimsd)
    total = sum(a.T @ records for a in pair)
    parameters = chain.parameters(equation, earth.properties)
    first = next(iter(parameters))
    J = jacobian(simulation, parameters, wavelet, first)
    expected = -2 * parameters[first] * (J.T @ records)
    assert np.linalg.norm(total - expected) < 1e-12 * np.linalg.norm(expected)


@pytest.mark.parametrize("name", ["inverse_scattering", "tomographic"])
def test_constant_density_stands_for_a_density(make_setting: Callable[..., Any], name: str) -> None:
    """Records of an image of impedance are those of the equation that has a density."""
    records = []
    for equation in ("acoustic", "variable_density"):
        discretization = make_setting(equation=equation, samples=120)
        discretization = discretization.propagator.discretization
        grid = discretization.grid
        earth = EarthModel(grid, np.full(grid.shape, 2000.0))
        if equation == "variable_density":
            earth = earth.changed({"rho": np.full(grid.shape, 1000.0)})
        source = np.array([[60.0, 60.0]])
        receivers = np.array([[x, z] for x in (100.0, 200.0) for z in (50.0, 330.0)])
        simulation = Simulation(discretization, source, receivers)
        x, z = np.meshgrid(grid.coordinates(0), grid.coordinates(1), indexing="ij")
        image = np.exp(-((x - 170) ** 2 + (z - 190) ** 2) / 30**2)
        wavelet = ricker(times(0.004, 120), 15.0)[None]
        records.append(imaging(simulation, earth, wavelet, name) @ image)
    error = np.linalg.norm(records[0] - records[1]) / np.linalg.norm(records[1])
    assert error < 0.03


def test_correlation_multiplies_the_fields(make_setting: Callable[..., Any]) -> None:
    """The image of a correlation is the sum over time of u v, with u of the wavelet itself."""
    setting = make_setting(samples=120)
    propagator, grid = setting.propagator, setting.propagator.grid
    earth = EarthModel(grid, np.full(grid.shape, 2000.0))
    model = {"m": 1 / earth.vp**2}
    wavelet = ricker(times(0.004, 120), 12.0)[None]
    source = setting.sources[:1]
    simulation = Simulation(propagator.discretization, source, setting.receivers)
    gather = np.stack([ricker(times(0.004, 120), 12.0)] * len(setting.receivers))
    image = imaging(simulation, earth, wavelet, "correlation").T @ gather
    expected = propagator.images(
        model, lambda _: gather, wavelet, source, setting.receivers, ("correlation",)
    ).images["correlation"]
    inside = np.s_[4:-4, 4:-4]
    difference = np.linalg.norm((image - expected)[inside])
    assert difference < 1e-2 * np.linalg.norm(expected[inside])


def test_integral_of_a_wavelet() -> None:
    """Its second derivative is the wavelet; it is zero before."""
    t = times(0.004, 400)
    w = 2 * np.pi * 5.0
    envelope = np.exp(-(((t - 0.8) / 0.1) ** 2))
    integral = envelope * np.cos(w * (t - 0.8))
    fine = times(0.0001, 16000)
    exact = np.exp(-(((fine - 0.8) / 0.1) ** 2)) * np.cos(w * (fine - 0.8))
    second = (np.roll(exact, 1) - 2 * exact + np.roll(exact, -1))[::40] / 1e-8
    np.testing.assert_allclose(twice_integrated(second, 0.004), integral, atol=2e-5)


@pytest.mark.parametrize(("equation", "name"), PAIRS)
def test_sums_are_those_of_the_perturbation(
    scene: Callable[..., Any], equation: str, name: str
) -> None:
    """A migration accumulates gradients of exactly the parameters that an image changes."""
    _, earth, _ = scene(equation)
    conditions = registry.load(name, equation, earth)
    kinds, parameters = names.sums(name, equation, 2)
    assert set(kinds) == {c.accumulated for c in conditions}
    one = np.ones(earth.grid.shape)
    gradients = [c for c in conditions if c.accumulated == "gradient"]
    assert set(parameters) == {p for c in gradients for p in c.perturbation(one)}


def test_unknown_images_are_refused() -> None:
    """The message names the images that the equation has."""
    earth = EarthModel(Grid((5, 5), (10.0, 10.0), (0.0, 0.0)), np.full((5, 5), 2000.0))
    with pytest.raises(PhysicsError, match=r"no image `epsilon`.*tomographic"):
        registry.load("epsilon", "acoustic", earth)
    with pytest.raises(PhysicsError, match=r"no image `inverse_scattering`.*delta"):
        registry.load("inverse_scattering", "tti", earth)
