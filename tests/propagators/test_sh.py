"""SH waves: Green's function of a line force, a free surface, layers, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Discretization,
    EarthModel,
    Grid,
    Points,
    Propagator,
    parameters,
    time_axis,
)
from fwicli.errors import ModelError, PhysicsError
from fwicli.propagators.absorbing import SURFACE
from fwicli.propagators.checks import units
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.kernels import counting
from fwicli.propagators.sampling.stability import stable_step
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators import theory
from tests.propagators.test_elastic import media

VS, RHO, SPACING, INTERVAL, SAMPLES = 1600.0, 2200.0, 10.0, 0.004, 110
# Eight points in the wavelength of the peak frequency.
FREQUENCY = VS / (8 * SPACING)


def line_force(
    place: np.ndarray, source: np.ndarray, surface: bool, stencil: str = "optimised"
) -> tuple[np.ndarray, np.ndarray]:
    """Records of vy at places relative to a force along y, and those of theory.

    Their Green's function is rho / mu g (see `theory`), i w of it for velocities; a free surface
    adds that of the image of the source.
    """
    grid = Grid((64, 56), (SPACING,) * 2, (0.0, 0.0 if surface else -220.0))
    axis = time_axis(INTERVAL, SAMPLES, VS, grid.spacing, Stencil(8, stencil))
    layer = AbsorbingLayer(16, VS, FREQUENCY, 4, SURFACE if surface else ())
    F = Propagator(
        Discretization("sh", grid, axis, layer, order=8, precision="float64", stencil=stencil)
    )
    model = F.parameters(vs=np.full(grid.shape, VS), rho=RHO)
    wavelet = ricker(times(INTERVAL, SAMPLES), FREQUENCY, 0.08)
    gather = F.forward(model, wavelet[None], source[None], source + place)
    images = [np.zeros(2), np.array([0.0, -2 * source[1]])][: 1 + surface]
    expected = [
        sum(
            theory.trace(
                wavelet,
                INTERVAL,
                lambda w, at=at: 1j * w * theory.derivatives(at, w / VS)[0] / (RHO * VS**2),
            )
            for at in each - np.array(images)
        )
        for each in place
    ]
    return gather, np.array(expected)


def errors(gather: np.ndarray, expected: np.ndarray) -> np.ndarray:
    difference = np.linalg.norm(gather - expected, axis=-1)
    return np.asarray(difference / np.linalg.norm(expected, axis=-1))


ANGLES = np.radians([0.0, 17.0, 45.0, 72.0, 90.0])
AROUND = 150.0 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
INSIDE = np.array([223.7, 37.3])


@pytest.mark.slow  # kernels of order 8 with other weights, alike for both
@pytest.mark.parametrize("surface", [False, True])
def test_line_force(surface: bool) -> None:
    """Within 1 % at 8 points in the wavelength, in all directions over two wavelengths.

    Taylor's weights are 2.3 % off along the axes there, and 0.8 % at 30 degrees from them.
    """
    assert errors(*line_force(AROUND, INSIDE, surface)).max() < 0.01


@pytest.mark.slow
def test_source_and_receivers_on_the_surface() -> None:
    """There they are twice as loud as inside; both lie between the values of the grid."""
    places = np.array([[80.0, 0.0], [150.0, 0.0], [123.0, 51.0]])
    assert errors(*line_force(places, np.array([223.7, 0.0]), True)).max() < 0.01


def test_line_force_of_order_4(make_setting: Callable[..., Any]) -> None:
    """The test of every day, with kernels that others have: 1 % at 14 points in the wavelength."""
    s = make_setting(2, equation="sh", samples=100)
    shape, frequency = s.propagator.grid.shape, VS / (14 * 12.0)
    model = s.propagator.parameters(vs=np.full(shape, VS), rho=RHO)
    wavelet = ricker(times(INTERVAL, 100), frequency, 0.16)
    source, place = np.array([[133.7, 187.3]]), np.array([91.0, 63.0])
    gather = s.propagator.forward(
        model, wavelet[None], Points(source, "fy"), Points(source + place, "vy")
    )
    expected = theory.trace(
        wavelet,
        INTERVAL,
        lambda w: 1j * w * theory.derivatives(place, w / VS)[0] / (RHO * VS**2),
    )
    assert errors(gather[0], expected) < 0.01, errors(gather[0], expected)


@pytest.mark.parametrize("across", [0, 1])
def test_waves_along_thin_layers_have_the_mean_modulus(across: int) -> None:
    """Layers of a point each, with a contrast of 4, are the solid of Backus's averages.

    Its modulus along the layers is the arithmetic mean of theirs, and the harmonic mean across
    (Backus 1962, J. Geophys. Res. 67, 4427-4440). Lengths over the speeds along both axes make it
    isotropic. Stencils across such thin layers are not exact, which leaves up to 3 %; the harmonic
    mean along them leaves 150 %.
    """
    samples, frequency = 150, 6.0
    grid = Grid((90, 80), (10.0, 12.0), (0.0, 0.0))
    axis = time_axis(INTERVAL, samples, 2600.0, grid.spacing, Stencil(4, "taylor"))
    layer = AbsorbingLayer(10, VS, frequency)
    F = Propagator(Discretization("sh", grid, axis, layer, order=4, precision="float64"))
    soft = np.indices(grid.shape)[across] % 2 == 1
    model = F.parameters(vs=np.where(soft, VS / 2, VS), rho=RHO)
    wavelet = ricker(times(INTERVAL, samples), frequency, 0.22)
    source = np.array([453.7, 467.3])
    place = np.where(np.arange(2) == across, 0.0, 180.0)
    gather = F.forward(model, wavelet[None], Points(source[None], "fy"), source[None] + place)
    along, mean = 0.625, np.sqrt(0.625 * 0.4)
    expected = theory.trace(
        wavelet,
        INTERVAL,
        lambda w: (
            1j
            * w
            * theory.derivatives(place * np.sqrt(mean / along), w / (VS * np.sqrt(mean)))[0]
            / (RHO * VS**2 * mean)
        ),
    )
    assert errors(gather[0], expected) < 0.04, errors(gather[0], expected)


# A surface takes five kernels more, whose mirrors are those that `test_sides` proves.
@pytest.mark.parametrize("surface", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_operators_are_exact(make_setting: Callable[..., Any], surface: bool) -> None:
    """Dot tests of F and J in random solids below a fluid, each parameter alone."""
    s = make_setting(2, equation="sh", surface=surface)
    place = s.wavelet, s.sources, s.receivers
    records = s.forward()
    adjoint = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    scale = np.linalg.norm(s.gather) * np.linalg.norm(records)
    assert abs(np.vdot(records, s.gather) - np.vdot(s.wavelet, adjoint)) < 1e-12 * scale
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *place)
    for name in s.model:
        change = {n: (n == name) * p for n, p in s.perturbation.items()}
        born = s.propagator.jacobian(s.model, change, *place)
        scale = np.linalg.norm(s.gather) * np.linalg.norm(born)
        difference = np.vdot(born, s.gather) - np.vdot(change[name], gradient[name])
        assert abs(difference) < 1e-12 * scale, name


@pytest.mark.slow  # 20 000 steps each
@pytest.mark.parametrize("surface", [False, True])
@pytest.mark.parametrize("name", [*media(), "random"])
def test_layer_is_stable(name: str, surface: bool) -> None:
    """In 20 000 steps nothing grows, also in media that are random from cell to cell."""
    rng, samples = np.random.default_rng(0), 10000
    rough = {"vs": 500 + 2000 * rng.random((41, 41)), "rho": 1000 + 1500 * rng.random((41, 41))}
    earth = {n: v for n, v in {**media(), "random": rough}[name].items() if n != "vp"}
    fastest = float(earth["vs"].max())
    grid = Grid((41, 41), (SPACING, SPACING), (0.0, 0.0))
    # The largest stable step, two of them a sample.
    interval = 2 * stable_step(fastest, grid.spacing, 8)
    axis = time_axis(interval, samples, fastest, grid.spacing, 8, corrected=False)
    assert axis.substeps * samples >= 20000
    layer = AbsorbingLayer(12, fastest, 15.0, 0, SURFACE if surface else ())
    gather = Propagator(Discretization("sh", grid, axis, layer)).forward(
        parameters("sh", earth),
        ricker(times(interval, samples), 15.0)[None],
        np.array([[200.0, 200.0]]),
        np.array([[300.0, 180.0]]),
    )[0]
    loudest = [np.abs(part).max() for part in np.split(gather, 4)]
    # Slow waves between fast rocks, and below the surface, decay slowly.
    assert loudest[2] < 1e-2 * loudest[0], loudest
    assert loudest[1] > loudest[2] > loudest[3], loudest


# --- what it needs, and what is refused -----------------------------------------------------------


def test_model_without_vp_is_one_of_sh_waves() -> None:
    """With the velocity of S waves for the speed of all; vp is missing where it is asked for."""
    grid = Grid((9, 11), (10.0, 10.0), (0.0, 0.0))
    earth = EarthModel(grid, None, {"vs": np.full(grid.shape, 900.0), "rho": np.ones(grid.shape)})
    assert registry.simplest(earth) == "sh"
    assert (earth.leading, earth.slowest, earth.fastest) == ("vs", 900.0, 900.0)
    with pytest.raises(ModelError, match="needs the P velocity, and the model has only `vs`"):
        _ = earth.vp
    with pytest.raises(ModelError, match="neither `vp` nor `vs`"):
        EarthModel(grid, None, {"rho": np.ones(grid.shape)})
    F = Propagator.for_model(
        None, 10.0, dt=0.004, samples=9, frequency=10.0, properties=dict(earth.properties)
    )
    assert F.discretization.equation == "sh"
    assert F.discretization.layer.velocity == 900.0
    with pytest.raises(ModelError, match="there is no vp; give P velocities"):
        Propagator.for_model(None, 10.0, dt=0.004, samples=9, frequency=10.0)


def test_dimensions_and_components_are_refused(make_setting: Callable[..., Any]) -> None:
    axis = time_axis(0.004, 5, VS, (10.0,) * 3, 4)
    with pytest.raises(PhysicsError, match="`sh` is for models in 2D, and this one is in 3D"):
        Discretization(
            "sh", Grid((9, 9, 9), (10.0,) * 3, (0.0,) * 3), axis, AbsorbingLayer(10, VS, 10.0)
        )
    s = make_setting(2, equation="sh")
    for component in ("pressure", "vx", "ay"):
        at = s.wavelet, s.sources, Points(s.receivers, component)
        with pytest.raises(PhysicsError, match=f"`sh` cannot record {component}, only vy; .* vy"):
            s.propagator.forward(s.model, *at)


def test_products_with_slopes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their gradient would need a history of memory variables of the layer."""

    def state(medium: Any) -> None:
        g, r = medium.parameter("g"), medium.parameter("r")
        v, s = medium.field("v", time_order=1), medium.field("s", time_order=1, half=0)
        medium.solve(v, r * v.dt - medium.slope(s, 0, -1))
        medium.solve(s, s.dt - g * medium.slope(v.forward, 0, 1))

    sloped = replace(registry.EQUATIONS["sh"], name="sloped", state=state)
    monkeypatch.setitem(registry.EQUATIONS, "sloped", sloped)
    with pytest.raises(PhysicsError, match="`g` of the equation `sloped` multiplies a slope"):
        counting.count("sloped", 2)


def test_fluids_alone_and_other_units_are_refused() -> None:
    (limit,) = registry.load("sh").limits
    assert (limit.margin(np.array([0.0, 900.0])) > 0).all()
    assert (limit.margin(np.zeros(2)) < 0).all()
    assert registry.load("sh").speeds({"vs": np.array([0.0, 900.0]), "rho": 1000.0}, 2)[0] == 900
    earth = {"vs": np.array([[0.0, 1.2], [2.0, 0.0]]), "rho": np.full((2, 2), 2000.0)}
    with pytest.warns(units.UnitWarning, match="give vs from 0 to 2 m/s, which no rock has"):
        units.warn("sh", parameters("sh", earth))
