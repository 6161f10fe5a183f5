"""Strains along a gauge and their rates: differences at two ends, exactly, in every operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import make_interp_spline

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, Simulation, time_axis
from fwicli.errors import GeometryError, PhysicsError
from fwicli.operators import forward
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.verification import Verification
from fwicli.survey.components import Component
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators import theory

Make = Callable[..., Any]

GAUGES = [
    Component("strain_rate", 0.0, 0.0, 17.0),
    Component("strain_rate", 90.0, 0.0, 23.5),
    Component("strain_rate", 30.0, 180.0, 41.0),
]
STRAIN = Component("strain", 30.0, 180.0, 41.0)
moving = pytest.mark.parametrize("equation", ["velocity_pressure", "elastic"])
dimensions = pytest.mark.parametrize("ndim", [2, pytest.param(3, marks=pytest.mark.slow)])


def fibre(make_setting: Make, equation: str, ndim: int = 2) -> Any:
    """A setting with gauges of several directions between a hydrophone and a geophone."""
    s = make_setting(ndim, equation=equation, order=4)
    middle = np.array(s.propagator.discretization.grid.end) / 2
    # The strain is where its rate is, and the displacement where the velocity is.
    steps = np.linspace(-1, 1, 5)[[0, 1, 2, 3, 4, 3, 1], None]
    places = middle + steps * np.array([33.1, 21.7, 41.3])[[0, 2] if ndim == 2 else [0, 1, 2]]
    integrals = [STRAIN, Component.named("uz")]
    kinds = [GAUGES[0], Component.named("vz"), *GAUGES[1:], Component.named("pressure")]
    s.receivers = Points(places, [*kinds, *integrals])
    rng = np.random.default_rng(5)
    s.gather = rng.standard_normal((7, s.gather.shape[1]))
    # Of all fields, for which other tests have kernels.
    emitted = list(EQUATIONS[equation].emitted(ndim))
    s.sources = Points(middle + 41.7 * rng.random((len(emitted), ndim)), emitted)
    s.wavelet = rng.standard_normal((len(emitted), s.wavelet.shape[1]))
    return s


# Slow: kernels of solids are large, and gauges are sums of points for all equations alike.
@pytest.mark.parametrize(
    "equation", ["velocity_pressure", pytest.param("elastic", marks=pytest.mark.slow)]
)
@dimensions
def test_every_operator_is_transposed(make_setting: Make, equation: str, ndim: int) -> None:
    """<F q, d> = <q, F^T d> for each trace, <J dp, d> = <dp, J^T d>, and slopes of 2."""
    s = fibre(make_setting, equation, ndim)
    gather = s.forward()
    for row, d in enumerate(np.eye(7)[:, :, None] * s.gather):
        back = s.propagator.adjoint(s.model, d, s.sources, s.receivers)
        error = np.vdot(gather[row], d[row]) - np.vdot(s.wavelet, back)
        assert abs(error) < 1e-12 * np.linalg.norm(gather[row]) * np.linalg.norm(d[row]), row
    tests = Verification(s.propagator, s.model, s.sources, s.receivers)
    assert tests.adjoint() < 1e-12
    assert tests.jacobian_adjoint() < 1e-12
    if ndim == 2:
        assert tests.jacobian() < 0.01


@moving
@dimensions
def test_strain_rates_are_differences_of_velocities(
    make_setting: Make, equation: str, ndim: int
) -> None:
    s = fibre(make_setting, equation, ndim)
    gather = s.forward()
    axes = ["vx", "vz"] if ndim == 2 else ["vx", "vy", "vz"]
    for row in (0, 2, 3):
        gauge, place = s.receivers.components[row], s.receivers.positions[row]
        e = gauge.direction(ndim)
        ends = [place + sign * gauge.gauge / 2 * e for sign in (1, -1)]
        points = Points([*np.repeat(ends, ndim, axis=0), place], [*axes * 2, "pressure"])
        *velocities, _ = s.propagator.forward(s.model, s.wavelet, s.sources, points)
        first, second = np.reshape(velocities, (2, ndim, -1))
        expected = e @ (first - second) / gauge.gauge
        np.testing.assert_allclose(gather[row], expected, atol=1e-12 * np.abs(expected).max())


@moving
def test_strains_are_integrals_of_their_rates(make_setting: Make, equation: str) -> None:
    """From zero on, and displacements those of velocities, whatever is recorded beside them."""
    s = fibre(make_setting, equation)
    s.wavelet[:] = ricker(times(0.004, s.wavelet.shape[1]), 12.0, 0.12)
    gather = s.forward()
    after = times(0.004, gather.shape[1])
    for row, of_row in ((5, 3), (6, 1)):
        expected = make_interp_spline(after, gather[of_row], k=7).antiderivative()(after)
        error = np.abs(gather[row] - expected).max()
        assert error < 1e-4 * np.abs(expected).max(), s.receivers.components[row]
    alone = s.propagator.forward(
        s.model,
        s.wavelet,
        s.sources,
        Points(s.receivers.positions[4:6], s.receivers.components[4:6]),
    )
    np.testing.assert_allclose(alone, gather[4:6], rtol=0, atol=1e-12 * np.abs(gather[4:]).max())


def test_short_gauges_record_the_derivative() -> None:
    """Of the velocity of theory, and to second order in the length."""
    speed, spacing, frequency, interval, samples = 2000.0, 10.0, 8.0, 0.002, 480
    grid = Grid((160, 61), (spacing,) * 2, (0.0, 0.0))
    axis = time_axis(interval, samples, speed, grid.spacing, 8)
    layer = AbsorbingLayer(20, speed, frequency, 4)
    d = Discretization("velocity_pressure", grid, axis, layer, precision="float64")
    F = Propagator(d)
    model = F.parameters(vp=np.full(grid.shape, speed), rho=np.full(grid.shape, 1000.0))
    wavelet = ricker(times(interval, samples), frequency, 0.15)[None]
    place = np.array([[1303.0, 301.0]])
    lengths = [80.0, 40.0, 4.0]
    gauges = [Component("strain_rate", 0.0, 0.0, length) for length in lengths]
    points = Points(place.repeat(5, axis=0), [*gauges, "pressure", "vz"])
    # With a silent force beside it, for which other tests have a kernel.
    sources = Points(np.array([[103.0, 301.0]] * 2), ["pressure", "fz"])
    wavelets = np.concatenate([wavelet, 0 * wavelet])
    strains = F.forward(model, wavelets, sources, points)[:3]
    far, near = (
        theory.trace(
            wavelet[0], interval, theory.acoustic(speed, 1000.0, np.array([x, 0.0]), None, 0)
        )
        for x in (1200.5, 1199.5)
    )
    slope = far - near
    assert np.linalg.norm(strains[2] - slope) < 0.01 * np.linalg.norm(slope)
    # sinc(k L / 2) = 1 - (k L)^2 / 24: by 4 from a length to its half.
    away = [np.linalg.norm(e - strains[2]) for e in strains[:2]]
    assert away[0] / away[1] == pytest.approx(4, rel=0.1)


def test_operators_take_gauges(make_setting: Make) -> None:
    """The propagator's records and adjoints."""
    s = fibre(make_setting, "velocity_pressure")
    d = s.propagator.discretization
    expected = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    F = forward(Simulation(d, s.sources, s.receivers), s.model)
    np.testing.assert_array_equal(F @ s.wavelet, s.forward())
    np.testing.assert_array_equal(F.H @ s.gather, expected)


@pytest.mark.torch
def test_gradients_take_gauges(make_setting: Make) -> None:
    """Those of PyTorch by the wavelet are the adjoint."""
    import torch

    from fwicli import autograd

    s = fibre(make_setting, "velocity_pressure")
    d = s.propagator.discretization
    expected = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    q = torch.from_numpy(s.wavelet).requires_grad_()
    model = {name: torch.from_numpy(values) for name, values in s.model.items()}
    waves = autograd.Simulation(d, s.sources, s.receivers)
    (autograd.forward(waves, model, q) * torch.from_numpy(s.gather)).sum().backward()
    np.testing.assert_allclose(q.grad, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_what_has_no_strain_rate_is_refused(make_setting: Make) -> None:
    s = fibre(make_setting, "velocity_pressure")
    forward = s.propagator.forward
    for gauge in (GAUGES[0], STRAIN):
        with pytest.raises(PhysicsError, match=f"cannot emit {gauge.quantity} over .* m along dip"):
            forward(s.model, s.wavelet, Points(s.sources.positions, gauge), s.receivers)
    end = np.array([s.propagator.discretization.grid.end]) - [5.0, 20.0]
    with pytest.raises(GeometryError, match=r"receivers: point . at .* lies outside the model"):
        forward(s.model, s.wavelet, s.sources, Points(end, GAUGES[0]))
    across = Component("strain_rate", 0.0, 90.0, 10.0)
    with pytest.raises(GeometryError, match="strain_rate over 10 m along dip 0, azimuth 90 deg le"):
        forward(s.model, s.wavelet, s.sources, Points(s.receivers.positions, across))
    for equation in ("acoustic", "variable_density"):
        s = make_setting(2, equation=equation, order=4)
        with pytest.raises(PhysicsError, match=f"`{equation}` cannot record strain_rate over 17 m"):
            s.propagator.forward(s.model, s.wavelet, s.sources, Points(s.receivers, GAUGES[0]))
        with pytest.raises(PhysicsError, match=f"`{equation}` cannot record uz, only pressure"):
            s.propagator.forward(s.model, s.wavelet, s.sources, Points(s.receivers, "uz"))
