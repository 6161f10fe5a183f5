"""Moment tensors: exact operators, Green's functions, couples of forces, and the free surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, time_axis
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.sampling.integral import Derivative
from fwicli.propagators.verification import Verification
from fwicli.survey import moments
from fwicli.survey.components import Component
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators import halfspace, theory

Make = Callable[..., Any]

VP, VS, RHO, SPACING = 3000.0, 1600.0, 2200.0, 10.0
SOLIDS = ("elastic", "elastic_vti", "viscoelastic")
RECORDED = ["pressure", "vx", "vz"]


def tensors(ndim: int) -> list[Component]:
    """All elements, and a tensor that has all."""
    mixed = (1.0, -0.5, 0.3) if ndim == 2 else (1.0, -0.5, 0.3, 0.7, -0.2, 0.4)
    return [*map(Component.named, moments.names(ndim)), Component("moment", tensor=mixed)]


def full_space(ndim: int, **options: Any) -> tuple[Propagator, dict[str, np.ndarray], np.ndarray]:
    """A homogeneous rock, its parameters, and a moment whose rate is a Ricker wavelet.

    Far displacements are as the rate, with 8 points in the S wavelength at its peak frequency.
    """
    frequency, interval, samples = VS / (8 * SPACING), 0.002, 160
    grid = Grid((64, *[56] * (ndim - 1)), (SPACING,) * ndim, (0.0,) * ndim)
    axis = time_axis(interval, samples, VP, grid.spacing, 8)
    layer = AbsorbingLayer(16, VP, frequency, 4)
    F = Propagator(Discretization("elastic", grid, axis, layer, precision="float64", **options))
    earth = {"vp": VP, "vs": VS, "rho": RHO}
    model = F.parameters(**{n: np.full(grid.shape, value) for n, value in earth.items()})
    t = times(interval, samples) - 0.1
    return F, model, t * np.exp(-((np.pi * frequency * t) ** 2))


@pytest.mark.slow
@pytest.mark.parametrize("ndim", [2, 3])
def test_full_space(ndim: int) -> None:
    """Velocities of all elements and of a slip on a fault, near and far, are those of theory."""
    F, model, wavelet = full_space(ndim)
    source, last = np.full((1, ndim), 223.7), ndim - 1
    far = np.array([141.0, 97.0]) if ndim == 2 else np.array([121.0, 62.0, 97.0])
    places = [far, 0.3 * far]
    fault = moments.double_couple(90.0, 40.0, 90.0) if ndim == 2 else None
    fault = fault or moments.double_couple(25.0, 40.0, 70.0)
    emitted = [*map(Component.named, moments.names(ndim)), Component("moment", tensor=fault)]
    receivers = Points(
        np.concatenate([source + place for place in places for _ in range(2)]), ["vx", "vz"] * 2
    )
    for number, component in enumerate(emitted):
        q = np.zeros((len(emitted), wavelet.size))
        q[number] = wavelet
        gather = F.forward(model, q, Points(source.repeat(len(q), axis=0), emitted), receivers)
        matrix = theory.tensor(component.tensor, ndim)
        for row, trace in enumerate(gather):
            place, axis = places[row // 2], (0, last)[row % 2]
            response = theory.moment((VP, VS), RHO, place, matrix, axis)
            expected = theory.trace(wavelet, 0.002, response)
            error = np.linalg.norm(trace - expected) / np.linalg.norm(expected)
            assert error < 0.01, (component.name, row, error)


# --- operators ------------------------------------------------------------------------------------


def mixed(make_setting: Make, equation: str, ndim: int, **options: Any) -> Any:
    """A setting with moments, and a pressure and forces beside them; all fields are driven."""
    s = make_setting(ndim, equation=equation, order=4, **options)
    places, rng = np.concatenate([s.sources, s.receivers]), np.random.default_rng(3)
    emitted = [*tensors(ndim), *map(Component.named, EQUATIONS[equation].emitted(ndim))]
    emitted = emitted[: -len(moments.names(ndim))]
    s.sources = Points(places[np.arange(len(emitted)) % len(places)], emitted)
    s.receivers = Points(s.receivers[:3], RECORDED)
    s.wavelet = rng.standard_normal((len(emitted), s.wavelet.shape[1]))
    s.gather = s.gather[:3]
    return s


def assert_transposed(s: Any) -> None:
    """<F q, d> = <q, F^T d> for each source."""
    place = s.sources, s.receivers
    back = s.propagator.adjoint(s.model, s.gather, *place)
    for row, component in enumerate(s.sources.components):
        q = np.zeros_like(s.wavelet)
        q[row] = s.wavelet[row]
        gather = s.propagator.forward(s.model, q, *place)
        error = np.vdot(gather, s.gather) - np.vdot(q, back)
        size = np.linalg.norm(gather) * np.linalg.norm(s.gather)
        assert abs(error) < 1e-13 * size, component


# Derivatives of solids are slow; `tests/inversion/test_components` has a gradient every day.
def test_adjoint_is_exact(make_setting: Make) -> None:
    assert_transposed(mixed(make_setting, "elastic", 2))


@pytest.mark.slow
@pytest.mark.parametrize("equation", SOLIDS)
@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("surface", [False, True])
def test_operators_are_exact(make_setting: Make, equation: str, ndim: int, surface: bool) -> None:
    """Also next to the surface, at all distances; <J dp, d> = <dp, J^T d>, and slopes of 2."""
    s = mixed(make_setting, equation, ndim, surface=surface)
    if surface:
        s.sources.positions[:, -1] = s.propagator.grid.origin[-1] + 7.0 * np.arange(len(s.sources))
    assert_transposed(s)
    tests = Verification(s.propagator, s.model, s.sources, s.receivers)
    assert tests.jacobian_adjoint() < 1e-13
    assert ndim == 3 or tests.jacobian() < 0.01


def test_derivative_is_transposed_window_by_window() -> None:
    """The sum of a derivative is its integral, and its transpose runs backwards."""
    values, rates = np.random.default_rng(2).standard_normal((2, 11, 3))
    derivative = Derivative(0.25, "float64")
    steps = derivative.forwards(lambda v, first, last: v[first:last])
    windows = [(0, 4), (4, 5), (5, 11)]
    forwards = np.concatenate([steps(values, *window) for window in windows])
    np.testing.assert_allclose(0.25 * np.cumsum(forwards, axis=0), values, atol=1e-14)
    backwards = np.zeros_like(rates)

    def collect(first: int, last: int, part: np.ndarray) -> None:
        backwards[first:last] = part

    add = derivative.backwards(collect)
    for first, last in reversed(windows):
        add(first, last, rates[first:last])
    assert np.vdot(forwards, rates) == pytest.approx(np.vdot(values, backwards), rel=1e-13)


# --- other sources --------------------------------------------------------------------------------


def even(
    make_setting: Make, vs: float, interval: float, **axis: Any
) -> tuple[Propagator, dict[str, np.ndarray]]:
    """A homogeneous rock or fluid, with kernels of other tests."""
    d = make_setting(2, equation="elastic", order=4).propagator.discretization
    own = time_axis(interval, 200, VP, d.grid.spacing, 4, **axis)
    F = Propagator(replace(d, time=own, layer=AbsorbingLayer(10, VP, 20.0)))
    earth = {"vp": VP, "vs": vs, "rho": RHO}
    return F, F.parameters(**{n: np.full(d.grid.shape, value) for n, value in earth.items()})


@pytest.mark.parametrize("vs", [VS, 0.0])
def test_isotropic_moments_are_pressure(make_setting: Make, vs: float) -> None:
    """q = 1000 / K d2M/dt2, to round-off for sums over the steps in place of the integrals."""
    F, model = even(make_setting, vs, 0.001, corrected=False)
    axis = F.discretization.time
    assert axis.substeps == 1
    q = ricker(times(axis.interval, axis.samples), 20.0, 0.06)
    bulk = RHO * (VP**2 - vs**2)
    rate = axis.step * np.cumsum(q)
    moment = np.r_[0.0, axis.step * np.cumsum(rate)[:-1]] * bulk / 1000
    # Silent sources, for which other tests have a kernel.
    emitted = [Component("moment", tensor=(1, 1, 0)), "pressure", "fx", "fz", "mxz"]
    place = np.array([[163.7, 201.3]])
    receivers = Points(place + np.array([[60.0, 20.0], [-40.0, 75.0], [33.0, -81.0]]), RECORDED)
    gathers = []
    for row, wavelet in enumerate([moment, q]):
        series = np.zeros((len(emitted), axis.samples))
        series[row] = wavelet
        sources = Points(place.repeat(len(emitted), axis=0), emitted)
        gathers.append(F.forward(model, series, sources, receivers))
    error = np.linalg.norm(gathers[0] - gathers[1], axis=1) / np.linalg.norm(gathers[1], axis=1)
    assert error.max() < 1e-10, error


@pytest.mark.parametrize("name", moments.names(2))
def test_moments_are_couples_of_forces(make_setting: Make, name: str) -> None:
    """Two forces at a distance h, or four for a shear, come to them with the square of h.

    They are whole cells apart, so that both are interpolated alike.
    """
    F, model = even(make_setting, VS, 0.003)
    axis = F.discretization.time
    wavelet = ricker(times(axis.interval, axis.samples), 8.0, 0.15)
    place, axes = np.array([163.7, 201.3]), {"x": 0, "z": 1}
    receivers = Points(place + np.array([[100.0, 40.0], [-80.0, 95.0], [63.0, -111.0]]), RECORDED)
    gathers = []
    for cells in (0, 4, 2):
        emitted: list[tuple[str, Any, float]] = [(n, place, 0.0) for n in ("pressure", "fx", "fz")]
        emitted += [(n, place, float(n == name and not cells)) for n in moments.names(2)]
        for force, along in {name[1:], name[:0:-1]} if cells else ():
            h = cells * F.grid.spacing[axes[along]]
            end = h / 2 * np.eye(2)[axes[along]]
            emitted += [(f"f{force}", place + s * end, s / h) for s in (1, -1)]
        names, places, amplitudes = zip(*emitted, strict=True)
        q = np.multiply.outer(np.array(amplitudes), wavelet)
        gathers.append(F.forward(model, q, Points(np.array(places), list(names)), receivers))
    moment, *couples = gathers
    for trace in range(3):
        away = [np.linalg.norm((c - moment)[trace]) for c in couples]
        size = np.linalg.norm(moment[trace])
        assert away[1] < 0.05 * size, (trace, away, size)
        assert away[0] / away[1] == pytest.approx(4, rel=0.15), (trace, away)


def test_what_has_no_moments_is_refused_by_name(make_setting: Make) -> None:
    """Fluids and SH waves emit none, nothing records one, and some leave the plane."""
    source = Points(np.array([[100.0, 200.0]]), "mxz")
    for equation in ("acoustic", "velocity_pressure", "sh"):
        s = make_setting(2, equation=equation, order=4)
        with pytest.raises(PhysicsError, match=f"`{equation}` cannot emit mxz, only "):
            s.propagator.forward(s.model, s.wavelet[:1], source, s.receivers)
    s = make_setting(2, equation="elastic", order=4)
    with pytest.raises(PhysicsError, match="`elastic` cannot record mxz, only pressure, vx, vz"):
        s.propagator.forward(s.model, s.wavelet, s.sources, Points(s.receivers, "mxz"))
    for name in ("myy", "mxy"):
        with pytest.raises(GeometryError, match=f"the moment has {name}, which leave the plane"):
            s.propagator.forward(s.model, s.wavelet, Points(s.sources, name), s.receivers)


# --- next to the surface --------------------------------------------------------------------------


@pytest.mark.slow
def test_lamb() -> None:
    """From a cell below the surface on, within 6 %; along the surface on it, within 5 %."""
    places = np.array([[x, z] for x in (100.0, 250.0, 400.0) for z in (0.0, 25.0, 70.0)])
    emitted = ("mxx", "mzz", "mxz")
    depths = (0.0, 12.0, 17.0, 50.0)
    errors = halfspace.errors(8, 10.0, depths, places, emitted=emitted).reshape(4, 3, -1)
    assert errors[0, 0].max() < 0.05, errors[0, 0]
    assert errors[1:].max() < 0.06, errors[1:].max(axis=2)
    assert np.sqrt((errors[1:] ** 2).mean()) < 0.025


@pytest.mark.slow
def test_moments_below_a_topography() -> None:
    """Transposed exactly; isotropic ones are pressure, which acts on the stresses in its own way.

    Their weights at cut cells differ: a moment acts on rates of strain, pressure makes them.
    """
    x, samples = np.arange(61) * 10.0, 260
    vp = np.full((61, 51), VP)
    properties = {"vs": 0 * vp + VS, "rho": 0 * vp + RHO}
    F = Propagator.for_model(
        vp,
        10.0,
        properties=properties,
        equation="elastic",
        dt=0.002,
        samples=samples,
        frequency=12.0,
        precision="float64",
        topography=130.0 - 60.0 * np.exp(-(((x - 300.0) / 90.0) ** 2)),
    )
    model = F.parameters(vp=vp, **properties)
    t = times(0.002, samples) - 0.12
    moment = np.exp(-((np.pi * 10.0 * t) ** 2))
    rate = np.gradient(np.gradient(moment, 0.002), 0.002) * 1000 / (RHO * (VP**2 - VS**2))
    at = F.discretization.topography.below(np.array([[200.0, 25.0], [400.0, 0.0], [470.0, 40.0]]))
    receivers = Points(np.repeat(at, 2, axis=0), ["vx", "vz"] * 3)
    for depth, bar in ((4.0, 0.04), (12.0, 0.02), (25.0, 0.015), (60.0, 0.01)):
        place = F.discretization.topography.below(np.array([[303.0, depth]]))
        sources = Points(
            place.repeat(3, axis=0), [Component("moment", tensor=(1, 1, 0)), "mxz", "pressure"]
        )
        q = np.zeros((3, samples))
        gathers = []
        for row, wavelet in ((0, moment), (2, rate)):
            q[:] = 0
            q[row] = wavelet
            gathers.append(F.forward(model, q, sources, receivers))
        error = np.linalg.norm(gathers[0] - gathers[1], axis=1) / np.linalg.norm(gathers[1], axis=1)
        assert error.max() < bar, (depth, error)
        rng = np.random.default_rng(4)
        q, d = rng.standard_normal((3, samples)), rng.standard_normal((6, samples))
        q[2] *= 1e-6
        gather = F.forward(model, q, sources, receivers)
        difference = np.vdot(gather, d) - np.vdot(q, F.adjoint(model, d, sources, receivers))
        assert abs(difference) < 1e-13 * np.linalg.norm(gather) * np.linalg.norm(d)
