"""Waves that lose energy: constant Q, Green's functions, and the limit without losses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import newton
from scipy.special import hankel2

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, parameters, time_axis
from fwicli.errors import PhysicsError
from fwicli.propagators.equations import viscoacoustic
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators import theory

VP, RHO, FREQUENCY, SPACING = 2000.0, 1800.0, 10.0, 10.0


def compressibility(w: Any, quality: float) -> Any:
    """K of the equation, over the density of water [s2/m2], from its parameters."""
    values = parameters("viscoacoustic", {"vp": np.full((1, 1), VP), "rho": RHO, "qp": quality})
    k, g = float(values["k"][0, 0]), float(values["g"][0, 0])
    Z = -sum(viscoacoustic.WEIGHTS) / 2
    for time, weight in zip(viscoacoustic.TIMES, viscoacoustic.WEIGHTS, strict=True):
        Z = Z + weight / (1 + 1j * w * time / (2 * np.pi * FREQUENCY))
    return k * (1 + g * Z) / (1 - g * Z)


def constant_q(w: Any, quality: float) -> tuple[Any, Any]:
    """Decay [1/m] and phase velocity [m/s] after Kjartansson, with VP at the frequency."""
    gamma = np.arctan(1 / quality) / np.pi
    velocity = VP * (w / (2 * np.pi * FREQUENCY)) ** gamma
    return w / velocity * np.tan(np.pi * gamma / 2), velocity


@pytest.mark.parametrize("quality", [20, 50, 200, 1000])
def test_solid_has_a_constant_q(quality: float) -> None:
    """The linear solid of the statement, over its whole band."""
    low, high = viscoacoustic.BAND
    w = 2 * np.pi * FREQUENCY * np.geomspace(low, high, 101)
    K = compressibility(w, quality)
    wavenumber = w * np.sqrt(K * RHO / 1000)
    decay, velocity = constant_q(w, quality)
    assert np.abs(-K.real / K.imag / quality - 1).max() < 0.01
    assert np.abs(-wavenumber.imag / decay - 1).max() < 0.01
    assert np.abs(w / wavenumber.real / velocity - 1).max() < 0.0025


@pytest.fixture(scope="module")
def record() -> Any:
    """Records of a Ricker wavelet at 400 and 1900 m, by Q, and the wavelet."""
    grid = Grid((231, 201), (SPACING, SPACING), (0.0, 0.0))
    interval, samples = 0.004, 800
    fastest = VP * 1.04
    axis = time_axis(interval, samples, fastest, grid.spacing, 8)
    layer = AbsorbingLayer(20, fastest, FREQUENCY, 4)
    # The kernel is that of the tests of the absorbing layer.
    discretization = Discretization("viscoacoustic", grid, axis, layer)
    wavelet = ricker(times(interval, samples), FREQUENCY, 0.15)
    earth = {"vp": np.full(grid.shape, VP), "rho": np.full(grid.shape, RHO)}
    source, places = np.array([[200.0, 1000.0]]), np.array([[600.0, 1000.0], [2100.0, 1000.0]])

    def run(quality: float) -> tuple[Any, Any]:
        F = Propagator(discretization)
        model = F.parameters(**earth, qp=np.full(grid.shape, quality))
        return F.forward(model, wavelet[None], source, places), wavelet

    return run


@pytest.mark.parametrize("quality", [20.0, 100.0, 1000.0])
def test_waves_lose_what_theory_says(record: Any, quality: float) -> None:
    """Green's function of the solid; decay and velocity of a constant Q over two octaves."""
    gathers, wavelet = record(quality)
    for trace, r in zip(gathers, (400.0, 1900.0), strict=True):
        expected = theory.trace(
            wavelet,
            0.004,
            lambda w, r=r: (
                RHO
                / 1000
                * theory.derivatives(
                    np.array([r, 0.0]), w * np.sqrt(compressibility(w, quality) * RHO / 1000)
                )[0]
            ),
        )
        error = np.linalg.norm(trace - expected) / np.linalg.norm(expected)
        assert error < 0.005, (r, error)
    n = 8 * wavelet.size
    f = np.fft.rfftfreq(n, 0.004)
    band = (f >= FREQUENCY / 2) & (f <= 2 * FREQUENCY)
    near, far = (np.fft.rfft(trace, n)[band] for trace in gathers)
    w = 2 * np.pi * f[band]
    decay, velocity = constant_q(w, quality)
    wavenumber = newton(
        lambda k: hankel2(0, 1900 * k) / hankel2(0, 400 * k) - far / near, w / velocity - 1j * decay
    )
    assert np.abs(-wavenumber.imag / decay - 1).max() < 0.01
    assert np.abs(w / wavenumber.real / velocity - 1).max() < 0.005


@pytest.mark.filterwarnings("ignore::fwicli.errors.UnitWarning")
@pytest.mark.parametrize(
    "components",
    # Slow, as two equations have kernels of their own for forces and velocities.
    [False, pytest.param(True, marks=pytest.mark.slow)],
)
def test_without_losses_waves_are_acoustic(make_setting: Any, components: bool) -> None:
    """At a Q of 1e8 records are those of `velocity_pressure`, of pressures, forces and all."""
    s, gathers = make_setting(2, equation="velocity_pressure"), []
    shape = s.propagator.grid.shape
    earth = {"vp": 1500 + 1000 * np.random.default_rng(1).random(shape), "rho": 1500.0}
    sources = Points(s.receivers[:2], ["pressure", "fx"] if components else "pressure")
    recorded = ["pressure", "vx", "vz"] if components else "pressure"
    receivers = Points(s.receivers[2:5], recorded)
    for equation, quality in (("velocity_pressure", {}), ("viscoacoustic", {"qp": 1e8})):
        F = Propagator(replace(s.propagator.discretization, equation=equation))
        gathers.append(F.forward(F.parameters(**earth, **quality), s.wavelet, sources, receivers))
    error = np.linalg.norm(gathers[1] - gathers[0]) / np.linalg.norm(gathers[0])
    assert error < 1e-6, error


def test_reference_frequency_is_for_losses(make_setting: Any) -> None:
    """It is the frequency of the layer unless given; others have none."""
    d = make_setting(2, equation="viscoacoustic").propagator.discretization
    assert d.reference_frequency == d.layer.frequency
    with pytest.raises(PhysicsError, match=r"`reference_frequency` is 5.0.*`acoustic`"):
        Discretization("acoustic", d.grid, d.time, d.layer, reference_frequency=5.0)
    with pytest.raises(PhysicsError, match="`reference_frequency` is 0"):
        Discretization("viscoacoustic", d.grid, d.time, d.layer, reference_frequency=0.0)
    vp = np.full((31, 31), 2000.0)
    options = {"spacing": 10.0, "dt": 0.004, "samples": 50, "frequency": 20.0}
    others = {"rho": np.full(vp.shape, 1800.0), "qp": np.full(vp.shape, 40.0)}
    for more, expected in (({}, 20.0), ({"reference_frequency": 8.0}, 8.0)):
        F = Propagator.for_model(vp, equation="viscoacoustic", properties=others, **options, **more)
        assert F.discretization.reference_frequency == expected
        assert F.discretization.signature("forward").reference_frequency == expected
