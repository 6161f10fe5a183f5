"""The operators: exact transposes and derivatives, and waves that agree with theory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.errors import StabilityError
from fwicli.propagators.absorbing import SURFACE
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.kernels import compilation
from fwicli.propagators.locations import ExtendedSource
from fwicli.survey.signals.wavelets import ricker, times
from tests.earths import leading_earth, random_earth
from tests.equations import (
    LARGE,
    SIGNS,
    USUAL_ORDER,
    WITH_SIDES,
    every_dimension,
    is_slow,
)

Make = Callable[..., Any]
PRECISIONS = {"float64": 1e-13, "float32": 1e-6}


def mismatch(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> float:
    """|<a, b> - <c, d>| relative to |a| |b|."""
    a, b, c, d = (np.asarray(v, dtype=float) for v in (a, b, c, d))
    return float(abs(np.vdot(a, b) - np.vdot(c, d)) / (np.linalg.norm(a) * np.linalg.norm(b)))


# A layer of whose outermost row nothing is heard.
THICK: dict[str, Any] = {"cells": 20}

# --- exactness ------------------------------------------------------------------------------------

every_equation = pytest.mark.parametrize("equation", EQUATIONS)


def every_precision(surface: bool = False, derivative: bool = False) -> pytest.MarkDecorator:
    """Run a test for all equations, dimensions and precisions; as a slow test where it costs."""
    cases = [
        pytest.param(
            precision,
            tolerance,
            ndim,
            equation,
            marks=pytest.mark.slow
            if is_slow(equation, ndim, precision, surface, derivative)
            else (),
        )
        for equation in EQUATIONS
        for ndim in (2, 3)
        for precision, tolerance in PRECISIONS.items()
    ]
    return pytest.mark.parametrize(("precision", "tolerance", "ndim", "equation"), cases)


def inner(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Parameters of an equation, in the same order, as vectors."""
    first, second = ([d[name].ravel() for name in a] for d in (a, b))
    return np.concatenate(first), np.concatenate(second)


@every_precision()
def test_adjoint(
    make_setting: Make, equation: str, ndim: int, precision: str, tolerance: float
) -> None:
    """<F q, d> = <q, F^T d>, for random q and d and waves that fill the layer."""
    s = make_setting(ndim, precision, equation)
    adjoint = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    assert mismatch(s.forward(), s.gather, s.wavelet, adjoint) < tolerance


@every_precision(derivative=True)
def test_jacobian_adjoint(
    make_setting: Make, equation: str, ndim: int, precision: str, tolerance: float
) -> None:
    """<J dm, d> = <dm, J^T d>, with the model extended into the layer."""
    s = make_setting(ndim, precision, equation)
    place = s.wavelet, s.sources, s.receivers
    born = s.propagator.jacobian(s.model, s.perturbation, *place)
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *place)
    assert mismatch(born, s.gather, *inner(s.perturbation, gradient)) < tolerance


@every_dimension
def test_jacobian_is_the_derivative(make_setting: Make, equation: str, ndim: int) -> None:
    """||F(p + h dp) - F(p) - h J dp|| falls as h**2 over five halvings, for every parameter."""
    s = make_setting(ndim, equation=equation)
    base = s.forward()
    for name in s.model:
        change = {n: (n == name) * p for n, p in s.perturbation.items()}
        born = s.propagator.jacobian(s.model, change, s.wavelet, s.sources, s.receivers)
        errors = []
        for h in 0.004 * 0.5 ** np.arange(6):
            moved = s.forward({n: p + h * change[n] for n, p in s.model.items()})
            errors.append(np.linalg.norm(moved - base - h * born))
        slopes = np.log2(np.array(errors[:-1]) / errors[1:])
        assert np.all(np.abs(slopes - 2) < 0.01), (name, slopes)


@every_equation
def test_mirrored_model_gives_mirrored_records(make_setting: Make, equation: str) -> None:
    """What acts between points has no preferred side; only the outermost row of the layer has."""
    s = make_setting(2, equation=equation, **THICK)
    grid = s.propagator.grid
    middle = grid.origin[0] + grid.end[0]
    gather = s.forward()
    # The mirror turns the x component of an axis of symmetry.
    turned = {name: -p[::-1] if name == "n0" else p[::-1] for name, p in s.model.items()}
    mirrored = s.propagator.forward(
        turned,
        s.wavelet,
        *[np.stack([middle - p[:, 0], p[:, 1]], axis=1) for p in (s.sources, s.receivers)],
    )
    assert np.linalg.norm(mirrored - gather) < 1e-10 * np.linalg.norm(gather)


def test_uniform_density_changes_nothing(make_setting: Make) -> None:
    """With the density of water everywhere the records are those of constant density."""
    s = make_setting(2, equation="variable_density", **THICK)
    smooth = np.full(s.propagator.grid.shape, 1 / 2000.0**2)
    wavelet = ricker(times(0.004, 80), 12.0)[None]
    place = s.sources[:1], s.receivers
    varying = s.propagator.forward({"k": smooth, "r": 0 * smooth + 1}, wavelet, *place)
    constant = make_setting(2, **THICK).propagator.forward({"m": smooth}, wavelet, *place)
    assert np.linalg.norm(varying - constant) < 3e-3 * np.linalg.norm(constant)


def test_linear_interpolation_keeps_the_operators_exact(make_setting: Make) -> None:
    """The transposes hold for any weights; the records differ from those of sinc functions."""
    s = make_setting(2)
    sinc = s.forward()
    s.propagator = Propagator(replace(s.propagator.discretization, interpolation="linear"))
    place = s.wavelet, s.sources, s.receivers
    adjoint = s.propagator.adjoint(s.model, s.gather, *place[1:])
    assert mismatch(s.forward(), s.gather, s.wavelet, adjoint) < 1e-13
    born = s.propagator.jacobian(s.model, s.perturbation, *place)
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *place)
    assert mismatch(born, s.gather, s.perturbation["m"], gradient["m"]) < 1e-13
    assert np.linalg.norm(s.forward() - sinc) > 1e-2 * np.linalg.norm(sinc)


def test_gap_keeps_the_operators_exact(make_setting: Make) -> None:
    """The undamped cells between model and layer change nothing of it."""
    s = make_setting(2, gap=4)
    place = s.wavelet, s.sources, s.receivers
    born = s.propagator.jacobian(s.model, s.perturbation, *place)
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *place)
    assert mismatch(born, s.gather, s.perturbation["m"], gradient["m"]) < 1e-13


# Differences are derived alike at every order: at other orders than that of all tests the
# smallest equation stands for all.
@pytest.mark.parametrize(
    ("order", "equation"),
    [
        pytest.param(
            order,
            equation,
            marks=pytest.mark.slow
            # The order enters by weights alone, which `test_differences` has for all orders.
            if equation != "acoustic" or order == 16
            else (),
        )
        for equation in EQUATIONS
        for order in (4, 8, 16)
        if order != USUAL_ORDER
    ],
)
def test_any_order_is_exact(make_setting: Make, equation: str, order: int) -> None:
    """The transposes hold for every order of the space differences."""
    s = make_setting(2, equation=equation, order=order)
    adjoint = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    assert mismatch(s.forward(), s.gather, s.wavelet, adjoint) < 1e-13


@every_equation
def test_forward_is_linear_in_the_source(make_setting: Make, equation: str) -> None:
    """F (q + h dq) = F q + h F dq to round-off, over five halvings: F is its own derivative."""
    s = make_setting(2, equation=equation)
    other = np.random.default_rng(5).standard_normal(s.wavelet.shape)
    place = s.sources, s.receivers
    base, change = s.forward(), s.propagator.forward(s.model, other, *place)
    for h in 3 * 0.5 ** np.arange(6):
        moved = s.propagator.forward(s.model, s.wavelet + h * other, *place)
        error = np.linalg.norm(moved - base - h * change)
        assert error < 1e-13 * np.linalg.norm(moved), h


@every_equation
def test_reciprocity(make_setting: Make, equation: str) -> None:
    """Before the layer is heard, which is not symmetric, source and receiver may change places."""
    d = make_setting(2, equation=equation, samples=20).propagator.discretization
    F = Propagator(replace(d, grid=Grid((81, 71), d.grid.spacing, (0.0, 0.0))))
    rng = np.random.default_rng(4)
    vp = 1500 + 1000 * rng.random(F.grid.shape)
    model = F.parameters(**random_earth(F.grid.shape, 4, vp=vp, vs=0.5 * vp))
    w, a, b = rng.standard_normal((1, 20)), np.array([[383.0, 407.0]]), np.array([[427.0, 441.0]])
    there, back = F.forward(model, w, a, b), F.forward(model, w, b, a)
    assert np.linalg.norm(there) > 0
    assert np.linalg.norm(there - back) < 1e-12 * np.linalg.norm(there)


def test_number_of_points_may_change_without_compiling(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shots with other numbers of sources and receivers run the same kernel, and agree."""
    s = make_setting(2)
    whole = s.forward()
    monkeypatch.setattr(compilation, "build", lambda _: pytest.fail("compiled again"))
    part = s.propagator.forward(s.model, s.wavelet, s.sources, s.receivers[:2])
    np.testing.assert_allclose(part, whole[:2], atol=1e-13 * np.abs(whole).max())
    one = s.propagator.forward(s.model, s.wavelet[:1], s.sources[:1], s.receivers)
    two = s.propagator.forward(s.model, s.wavelet[1:], s.sources[1:], s.receivers)
    assert np.linalg.norm(one + two - whole) < 1e-13 * np.linalg.norm(whole)


def test_shots_leave_nothing_behind(make_setting: Make) -> None:
    """The same shot gives the same bits after other operators have used the arrays."""
    s = make_setting(2, "float32")
    first = s.forward()
    s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    s.propagator.jacobian_adjoint(s.model, s.gather, s.wavelet, s.sources, s.receivers)
    np.testing.assert_array_equal(s.forward(), first)


def test_shots_of_other_shapes_leave_nothing_behind(make_setting: Make) -> None:
    """Arguments are prepared once for shots of the same shapes, and only for these."""
    s = make_setting()
    rng = np.random.default_rng(3)
    x, z = s.sources.T
    # On and off the grid, some and many: more shapes than are kept.
    shots = [
        (np.stack([np.round(x[:n]) + shift, z[:n]], axis=-1), s.receivers[:m])
        for n in (1, 2)
        for m in (1, 3, len(s.receivers))
        for shift in (0.0, 0.3, 2.7)
    ]
    wavelet = rng.standard_normal((2, s.wavelet.shape[-1]))

    def both(waves: Propagator, sources: Any, receivers: Any) -> list[np.ndarray]:
        q = wavelet[: len(sources)]
        made = waves.forward(s.model, q, sources, receivers)
        image = waves.jacobian_adjoint(s.model, made, q, sources, receivers)
        return [made, *image.values()]

    expected = [both(Propagator(s.propagator.discretization), *shot) for shot in shots]
    for number in rng.permutation(np.tile(np.arange(len(shots)), 2)):
        for found, right in zip(both(s.propagator, *shots[number]), expected[number], strict=True):
            np.testing.assert_array_equal(found, right)


def test_threads_do_not_change_the_bits(make_setting: Make) -> None:
    """Two threads in a shot give what one gives."""
    s = make_setting(2, "float32")
    first = s.forward()
    s.propagator = Propagator(replace(s.propagator.discretization, threads=2))
    np.testing.assert_array_equal(s.forward(), first)


def test_unstable_step_is_reported(make_setting: Make) -> None:
    """A field that grows without bound ends in an error, not in NaN."""
    s = make_setting(2, "float32", samples=400)
    with pytest.raises(StabilityError, match="time step"):
        s.propagator.forward({"m": s.model["m"] / 9}, s.wavelet, s.sources, s.receivers)


# --- the free surface -----------------------------------------------------------------------------


@every_precision(surface=True)
def test_operators_below_a_free_surface_are_exact(
    make_setting: Make, equation: str, ndim: int, precision: str, tolerance: float
) -> None:
    """The transposes hold with the fields mirrored, for points within reach of the surface."""
    s = make_setting(ndim, precision, equation, surface=True)
    s.sources[0, -1], s.receivers[0, -1] = s.propagator.grid.origin[-1] + np.array([7.0, 3.0])
    place = s.wavelet, s.sources, s.receivers
    adjoint = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    assert mismatch(s.forward(), s.gather, s.wavelet, adjoint) < tolerance
    born = s.propagator.jacobian(s.model, s.perturbation, *place)
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *place)
    assert mismatch(born, s.gather, *inner(s.perturbation, gradient)) < tolerance


@pytest.mark.parametrize(
    ("equation", "order"),
    [
        pytest.param(
            equation,
            order,
            marks=pytest.mark.slow
            if equation in LARGE or order == 16 or (order == 8 and equation != "acoustic")
            else (),
        )
        for equation in WITH_SIDES
        for order in (4, 8, 16)
    ],
)
def test_free_surface_is_an_image(equation: str, order: int) -> None:
    """A half-space equals a whole space with the source's image above z = 0.

    That of a pressure is negative, that of a motion along the surface positive.
    """
    # The spacing is that of `make_setting`, so that kernels are compiled once for both.
    spacing = (10.0, 12.0)
    axis = time_axis(0.004, 200, 2000.0, spacing, order)
    wavelet = ricker(times(0.004, 200), 12.0)[None]
    receivers = np.array([[x, z] for x in (103.0, 411.0) for z in (3.0, 25.0, 200.0)])
    source, image = np.array([[233.0, 14.0]]), np.array([[233.0, -14.0]])

    def records(
        height: float, surface: bool, *places: np.ndarray, at: Any = receivers
    ) -> np.ndarray:
        grid = Grid((51, 41 + round(height / spacing[1])), spacing, (0.0, -height))
        layer = AbsorbingLayer(THICK["cells"], 2000.0, 12.0, 4, SURFACE if surface else ())
        propagator = Propagator(
            Discretization(equation, grid, axis, layer, order, precision="float64")
        )
        earth = leading_earth(equation, 2000.0, grid.shape, rho=1500.0, qp=60.0)
        signs = np.array([[1.0], [SIGNS[equation]]])[: len(places)]
        return propagator.forward(
            parameters(equation, earth), signs * wavelet, np.concatenate(places), at
        )

    below = records(0.0, True, source)
    whole = records(480.0, False, source, image)
    assert np.linalg.norm(below - whole) < 1e-12 * np.linalg.norm(whole)
    if SIGNS[equation] > 0:
        return
    # Receivers there are refused; volumes are not.
    top = np.zeros((1, 51, 41))
    top[0, [10, 41], 0] = 0.01
    assert (
        np.abs(records(0.0, True, source, at=ExtendedSource(top))).max()
        < 1e-12 * np.abs(below).max()
    )


# --- the history ----------------------------------------------------------------------------------


def test_subsampled_history_is_as_good_as_all_of_it() -> None:
    """At the Nyquist rate of the band the gradient changes by less than 1e-3."""
    from fwicli.propagators.history import subsampling
    from fwicli.survey.signals.wavelets import Spectrum

    grid = Grid((81, 61), (10.0, 10.0), (0.0, 0.0))
    rng = np.random.default_rng(3)
    vp = 2000 + 300 * rng.random(grid.shape)
    axis = time_axis(0.004, 200, 2400.0, grid.spacing, 8)
    wavelet = ricker(times(0.004, 200), 10.0)[None]
    every = subsampling(axis, Spectrum.of(wavelet[0], 0.004).highest)
    assert every >= 3
    place = wavelet, np.array([[210.0, 33.0]]), np.array([[x, 20.0] for x in range(0, 801, 40)])
    gradients = []
    for k in (1, every):
        propagator = Propagator(
            Discretization("acoustic", grid, axis, AbsorbingLayer(20, 2400.0, 10.0), history_step=k)
        )
        gather = propagator.forward({"m": 1 / 2150.0**2 + 0 * vp}, *place)
        gradients.append(
            propagator.images({"m": 1 / vp**2}, lambda d, g=gather: d - g, *place)
            .gradient["m"]
            .astype(float)
        )
    error = np.linalg.norm(gradients[1] - gradients[0]) / np.linalg.norm(gradients[0])
    assert error < 1e-3, error


# --- agreement with theory ------------------------------------------------------------------------


def line_source(wavelet: np.ndarray, interval: float, r: float, c: float) -> np.ndarray:
    """Field of a line source in 2D, w * H(t - r/c) / (2 pi sqrt(t**2 - r**2 / c**2)).

    With tau = r/c cosh(s) the singularity at the arrival disappears from the integral.
    """
    t = times(interval, wavelet.size)
    spline = CubicSpline(t, wavelet)
    field = np.zeros(t.size)
    for i in np.flatnonzero(t > r / c):
        s = np.linspace(0, np.arccosh(t[i] * c / r), 4001)
        field[i] = np.trapezoid(spline(np.clip(t[i] - r / c * np.cosh(s), 0, None)), s)
    return field / (2 * np.pi)


def point_source(wavelet: np.ndarray, interval: float, r: float, c: float) -> np.ndarray:
    """Field of a point source in 3D, w(t - r/c) / (4 pi r)."""
    t = times(interval, wavelet.size)
    delayed = CubicSpline(t, wavelet)(np.clip(t - r / c, 0, None))
    return np.where(t > r / c, delayed, 0.0) / (4 * np.pi * r)


@pytest.mark.parametrize("points", [10.0, 18.0])
@pytest.mark.parametrize("ndim", [2, 3])
def test_homogeneous_medium(ndim: int, points: float) -> None:
    """Within 1 % of the analytic solution, at the CFL step, off the grid.

    10 and 18 points in the wavelength of the peak frequency are 4.2 and 7.6 in the shortest of
    the band. The coarser is compared up to 4 wavelengths in 2D and 2 in 3D.
    """
    c, h = 2000.0, 10.0
    frequency = c / (h * points)
    interval = 1 / (12 * frequency)
    length = int(4 * points) + 40 if ndim == 2 else int(2 * points) + 36
    grid = Grid((length, *[36] * (ndim - 1)), (h,) * ndim, (0.0,) * ndim)
    samples = int((1.5 + 4 + 2) / frequency / interval)
    axis = time_axis(interval, samples, c, grid.spacing, 8)
    propagator = Propagator(
        Discretization(
            "acoustic", grid, axis, AbsorbingLayer(20, c, frequency), precision="float64"
        )
    )
    wavelet = ricker(times(interval, samples), frequency)
    source = np.array([[18.37 * h, *[17.63 * h] * (ndim - 1)]])
    distances = np.array([1, 2, 4] if ndim == 2 else [1, 2]) * points * h
    receivers = np.repeat(source, distances.size, axis=0)
    receivers[:, 0] += distances
    gather = propagator.forward(
        {"m": np.full(grid.shape, 1 / c**2)}, wavelet[None], source, receivers
    )
    exact = line_source if ndim == 2 else point_source
    for trace, r in zip(gather, distances, strict=True):
        expected = exact(wavelet, interval, r, c)
        error = np.linalg.norm(trace - expected) / np.linalg.norm(expected)
        assert error < 0.01, (r, error)


def test_step_does_not_matter() -> None:
    """With its dispersion removed, the CFL step gives what a quarter of it gives."""
    grid = Grid((121, 41), (10.0, 10.0), (0.0, 0.0))
    wavelet = ricker(times(0.004, 250), 12.0)[None]
    place = np.array([[100.0, 200.0]]), np.array([[1100.0, 200.0]])
    traces = {}
    for substeps, corrected in ((2, True), (8, True), (2, False), (8, False)):
        axis = time_axis(0.004, 250, 2200.0, grid.spacing, 8, substeps, corrected)
        propagator = Propagator(
            Discretization("acoustic", grid, axis, AbsorbingLayer(20, 2200.0, 12.0))
        )
        traces[substeps, corrected] = propagator.forward(
            {"m": np.full(grid.shape, 1 / 2200.0**2)}, wavelet, *place
        )
    size = np.linalg.norm(traces[8, True])
    assert np.linalg.norm(traces[2, True] - traces[8, True]) < 1e-3 * size
    assert np.linalg.norm(traces[2, False] - traces[8, False]) > 0.03 * size
