"""Components: operators are exact for all that equations record and emit, and waves are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Acquisition,
    Discretization,
    Grid,
    Points,
    Propagator,
    time_axis,
)
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.verification import Verification
from fwicli.survey.components import Component
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators import theory
from tests.propagators.loaded_kernels import made_ready, noted

Make = Callable[..., Any]

# Equations with more than pressure.
RICH = [name for name, e in EQUATIONS.items() if len(e.recorded(2)) > 1]
# The first stands for all in the tests of every day.
every_rich = pytest.mark.parametrize(
    "equation",
    [pytest.param(e, marks=pytest.mark.slow if e != "velocity_pressure" else ()) for e in RICH],
)


def mismatch(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> float:
    """|<a, b> - <c, d>| relative to |a| |b|."""
    return float(abs(np.vdot(a, b) - np.vdot(c, d)) / (np.linalg.norm(a) * np.linalg.norm(b)))


def each_component(names: list[str], positions: np.ndarray) -> Points:
    """Points of every component, and a last one along a direction between the axes."""
    vector = next(c.quantity for c in map(Component.named, names) if c.dip is not None)
    each = [Component.named(n) for n in names] + [Component(vector, 30.0, 180.0)]
    assert len(positions) >= len(each)
    return Points(positions[: len(each)], each)


def mixed(make_setting: Make, equation: str, **options: Any) -> Any:
    """A setting with all components at once."""
    s = make_setting(2, equation=equation, order=4, **options)
    table = EQUATIONS[equation]
    s.sources = each_component(list(table.emitted(2)), np.concatenate([s.sources, s.receivers]))
    s.receivers = each_component(list(table.recorded(2)), s.receivers)
    s.wavelet = np.random.default_rng(3).standard_normal((len(s.sources), s.wavelet.shape[1]))
    s.gather = s.gather[: len(s.receivers)]
    return s


@every_rich
@pytest.mark.parametrize("free", [(), ("x-", "z+")])
def test_every_component_is_transposed(
    make_setting: Make, equation: str, free: tuple[str, ...]
) -> None:
    """<F q, d> = <q, F^T d> for each source with each receiver, also next to free sides."""
    s = mixed(make_setting, equation, free=free)
    place = s.sources, s.receivers
    # One receiver after the other, and one source: none hides behind larger ones.
    chosen = np.eye(len(s.receivers))[:, :, None] * s.gather
    back = [s.propagator.adjoint(s.model, d, *place) for d in chosen]
    for source, q in enumerate(np.eye(len(s.sources))[:, :, None] * s.wavelet):
        gather = s.propagator.forward(s.model, q, *place)
        for receiver, d in enumerate(chosen):
            error = mismatch(gather[receiver], d[receiver], q[source], back[receiver][source])
            assert error < 1e-12, (s.sources.components[source], s.receivers.components[receiver])


@every_rich
def test_all_components_in_one_gradient(make_setting: Make, equation: str) -> None:
    """<J dp, d> = <dp, J^T d> of a survey with all components, and slopes as ever."""
    s = mixed(make_setting, equation)
    tests = Verification(s.propagator, s.model, s.sources, s.receivers)
    assert tests.adjoint() < 1e-13
    assert tests.jacobian_adjoint() < 1e-13
    assert tests.jacobian() < 0.01


# Two large kernels more; that of receivers with components is in tests/inversion/test_components.
@pytest.mark.slow
@pytest.mark.parametrize("equation", RICH)
def test_hessian_of_all_components_is_symmetric(make_setting: Make, equation: str) -> None:
    """<x, H y> = <H x, y> of a survey with all components."""
    s = mixed(make_setting, equation)
    tests = Verification(s.propagator, s.model, s.sources, s.receivers)
    assert tests.symmetry() < 1e-11


@every_rich
def test_components_are_what_they_are_alone(make_setting: Make, equation: str) -> None:
    """Each trace of a mixed survey is that of its receiver alone; directions are sums of axes."""
    s = mixed(make_setting, equation)
    gather = s.forward()
    vectors = [c.name for c in s.receivers.components[1:-1]]
    # With a pressure beside them, so that no other kernel is compiled.
    names = ["pressure", *vectors]
    at = s.receivers.positions[-1:].repeat(len(names), axis=0)
    alone = s.propagator.forward(s.model, s.wavelet, s.sources, Points(at, names))[1:]
    direction = s.receivers.components[-1].direction(2)
    np.testing.assert_allclose(gather[-1], direction @ alone, atol=1e-12 * np.abs(alone).max())


def test_kernels_are_those_that_are_compiled_before_a_run(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a survey of components loads is among what the plan has made ready."""
    s = make_setting(2, equation="velocity_pressure", order=4)
    source, receivers = Points(s.sources[:1], "fx"), Points(s.receivers[:2], ["pressure", "vx"])
    survey = Acquisition(
        source.positions, receivers.positions, receivers.components, Component.named("fx")
    )
    images = ("gradient",)
    d, components = s.propagator.discretization, survey.components_of_shots
    ready, loaded = made_ready(monkeypatch, d, images, None, components), noted(monkeypatch)
    s.propagator.images(s.model, lambda d: d, s.wavelet[:1], source, receivers, kinds=images)
    assert loaded
    assert loaded <= ready


def test_what_an_equation_lacks_is_refused_by_name(make_setting: Make) -> None:
    s = make_setting(2)
    with pytest.raises(PhysicsError, match="`acoustic` cannot record vz, only pressure"):
        s.propagator.forward(s.model, s.wavelet, s.sources, Points(s.receivers, "vz"))
    with pytest.raises(PhysicsError, match="`acoustic` cannot emit fx, only pressure"):
        s.propagator.forward(s.model, s.wavelet, Points(s.sources, "fx"), s.receivers)
    s = make_setting(2, equation="velocity_pressure")
    with pytest.raises(GeometryError, match="leaves the plane"):
        s.propagator.forward(s.model, s.wavelet, s.sources, Points(s.receivers, "vy"))
    with pytest.raises(GeometryError, match="9 points"):
        Points(s.receivers, ["vx", "vz"])


# --- agreement with theory ------------------------------------------------------------------------

SPEED, RHO, SPACING, FREQUENCY = 2000.0, 1800.0, 10.0, 16.0
EMITTED = ["pressure", "fz"]


def recorded(
    equation: str, ndim: int, emit: str, record: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Records in a homogeneous medium, the wavelet, and the place of the receivers."""
    interval, samples = 0.004, 140
    grid = Grid((72, *[56] * (ndim - 1)), (SPACING,) * ndim, (0.0,) * ndim)
    axis = time_axis(interval, samples, SPEED, grid.spacing, 8)
    layer = AbsorbingLayer(20, SPEED, FREQUENCY, 4)
    F = Propagator(Discretization(equation, grid, axis, layer, precision="float64"))
    model = F.parameters(vp=np.full(grid.shape, SPEED), rho=np.full(grid.shape, RHO))
    wavelet = ricker(times(interval, samples), FREQUENCY, 0.12)
    source = np.array([[203.7, *[226.3] * (ndim - 1)]])
    place = np.array([261.0, 147.0]) if ndim == 2 else np.array([221.0, 90.0, 147.0])
    receivers = Points(np.repeat(source + place, len(record), axis=0), record)
    # Sources of both kinds, one of which is silent, so that one kernel is compiled for both.
    q = np.zeros((len(EMITTED), samples))
    q[EMITTED.index(emit)] = wavelet
    sources = Points(np.repeat(source, len(EMITTED), axis=0), EMITTED)
    return F.forward(model, q, sources, receivers), wavelet, place


@pytest.mark.parametrize("ndim", [2, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("emit", EMITTED)
def test_acoustic_waves_of_theory(emit: str, ndim: int) -> None:
    """Pressure and velocities within 1 %, off the grid, at 12.5 points in the peak's wavelength."""
    names = ["pressure", "vx", "vz"]
    axes = {"x": 0, "z": ndim - 1}
    gather, wavelet, place = recorded("velocity_pressure", ndim, emit, names)
    for name, trace in zip(names, gather, strict=True):
        ends = [axes.get(n[-1]) if n != "pressure" else None for n in (emit, name)]
        expected = theory.trace(wavelet, 0.004, theory.acoustic(SPEED, RHO, place, *ends))
        error = np.linalg.norm(trace - expected) / np.linalg.norm(expected)
        assert error < 0.01, (name, error)
