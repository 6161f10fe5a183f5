"""Extended sources and receivers, and whole wave fields: exact transposes, and what they equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli.errors import DataError, GeometryError, PhysicsError
from fwicli.propagators import locations
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.locations import ExtendedSource, FullField
from fwicli.propagators.running import kernel_run
from tests.equations import large_are_slow

Make = Callable[..., Any]


def mismatch(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> float:
    """|<a, b> - <c, d>| relative to |a| |b|."""
    return float(abs(np.vdot(a, b) - np.vdot(c, d)) / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.fixture
def volume(make_setting: Make) -> np.ndarray:
    """Weights of two extended sources, one of them on part of the grid."""
    weights = np.random.default_rng(7).standard_normal((2, 33, 37))
    weights[1, :20] = 0
    return weights


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of a few steps, as for fields that do not fit the memory."""
    monkeypatch.setattr(kernel_run, "WINDOW", 33 * 37 * 8 * 13.0)


def refused(s: Any, place: Any, role: str) -> bool:
    """Whether an equation without values on the points refuses a place on all of them."""
    stated = EQUATIONS[s.propagator.discretization.equation]
    if not any(stated.usual(verb, 2)[1].half for verb in ("record", "emit")):
        return False
    places = {"sources": s.sources, "receivers": s.receivers, role: place}
    with pytest.raises(PhysicsError, match=f"no values on the grid points, and {role}"):
        s.propagator.forward(s.model, s.wavelet, *places.values())
    return True


@large_are_slow
def test_volume_source_is_transposed(make_setting: Make, equation: str, volume: np.ndarray) -> None:
    """<F (w q), d> = <q, (F w)^T d> = <w, (F q)^T d>, for random w, q and d."""
    s = make_setting(2, equation=equation)
    if refused(s, ExtendedSource(volume), "sources"):
        return
    gather = s.propagator.forward(s.model, s.wavelet, ExtendedSource(volume), s.receivers)
    back = s.propagator.adjoint(s.model, s.gather, ExtendedSource(volume), s.receivers)
    assert mismatch(gather, s.gather, s.wavelet, back) < 1e-13
    weights = s.propagator.source_weights_adjoint(s.model, s.gather, s.wavelet, s.receivers)
    assert weights.shape == volume.shape
    assert mismatch(gather, s.gather, volume, weights) < 1e-13


def test_jacobian_of_a_volume_source(make_setting: Make, volume: np.ndarray) -> None:
    """All operators take any place: J and J^T, and the Gauss-Newton product."""
    s = make_setting(2)
    place = s.wavelet, ExtendedSource(volume), s.receivers
    born = s.propagator.jacobian(s.model, s.perturbation, *place)
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *place)
    assert mismatch(born, s.gather, s.perturbation["m"], gradient["m"]) < 1e-13
    product = s.propagator.gauss_newton(s.model, s.perturbation, *place)["m"]
    assert np.vdot(product, s.perturbation["m"]) == pytest.approx(np.vdot(born, born), rel=1e-10)


def test_volume_of_one_point_is_a_point_source(make_setting: Make) -> None:
    """With one over the cell volume; as a receiver it records the same."""
    s = make_setting(2)
    grid = s.propagator.grid
    index = (12, 20)
    at = np.array([[grid.coordinates(a)[i] for a, i in enumerate(index)]])
    weights = np.zeros(grid.shape)
    weights[index] = 1 / grid.cell_volume
    q = s.wavelet[:1]
    point = s.propagator.forward(s.model, q, at, s.receivers)
    spread = s.propagator.forward(s.model, q, ExtendedSource(weights), s.receivers)
    np.testing.assert_allclose(spread, point, atol=1e-13 * np.abs(point).max())
    recorded = s.propagator.forward(s.model, s.wavelet, s.sources, at)
    integrated = s.propagator.forward(s.model, s.wavelet, s.sources, ExtendedSource(weights))
    np.testing.assert_allclose(integrated, recorded, atol=1e-13 * np.abs(recorded).max())


@large_are_slow
@pytest.mark.parametrize("every", [1, 3])
def test_whole_field_is_recorded_and_injected(
    make_setting: Make, small_windows: None, equation: str, every: int
) -> None:
    """At grid points it is what receivers there record; its transpose is exact."""
    s = make_setting(2, equation=equation, free=("x-", "z+"))
    grid, rng = s.propagator.grid, np.random.default_rng(1)
    everywhere = FullField(every)
    if refused(s, everywhere, "receivers"):
        return
    field = s.propagator.forward(s.model, s.wavelet, s.sources, everywhere)
    assert field.shape == (-(-80 // every), *grid.shape)
    indices = np.array([[1, 5], [3, 35], [17, 20], [32, 0]])
    at = np.stack([grid.coordinates(a)[indices[:, a]] for a in range(2)], axis=1)
    traces = s.propagator.forward(s.model, s.wavelet, s.sources, at)[:, ::every]
    error = field[:, indices[:, 0], indices[:, 1]].T - traces
    assert np.abs(error).max() < 1e-12 * np.abs(traces).max()
    assert np.abs(field[:, 0]).max() == np.abs(field[:, :, -1]).max() == 0
    other = rng.standard_normal(field.shape)
    back = s.propagator.adjoint(s.model, other, s.sources, everywhere)
    assert mismatch(field, other, s.wavelet, back) < 1e-13


def test_whole_field_as_a_source(make_setting: Make, small_windows: None) -> None:
    """f(x, t) = w(x) q(t) gives what the volume gives, and has its transpose."""
    s = make_setting(2, free=("x-", "z+"))
    rng = np.random.default_rng(2)
    weights = rng.standard_normal(s.propagator.grid.shape)
    field = s.wavelet[0][:, None, None] * weights
    gather = s.propagator.forward(s.model, field, FullField(), s.receivers)
    volume = s.propagator.forward(s.model, s.wavelet[:1], ExtendedSource(weights), s.receivers)
    assert np.linalg.norm(gather - volume) < 1e-12 * np.linalg.norm(volume)
    field = rng.standard_normal(field.shape)
    gather = s.propagator.forward(s.model, field, FullField(), s.receivers)
    back = s.propagator.adjoint(s.model, s.gather, FullField(), s.receivers)
    assert back.shape == field.shape
    assert mismatch(gather, s.gather, field, back) < 1e-13


def test_many_receivers_are_the_same_receivers(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the time loop visits grid points or sums for receivers, and with exact transposes."""
    s = make_setting(2)
    rng = np.random.default_rng(3)
    low, high = np.array(s.propagator.grid.origin), np.array(s.propagator.grid.end)
    receivers = low + (high - low) * rng.random((300, 2))
    gather = rng.standard_normal((300, 80))
    found = s.propagator.forward(s.model, s.wavelet, s.sources, receivers)
    made = receivers, s.propagator.discretization, s.propagator.resampling.steps
    assert locations.on_grid(*made).matrix is not None
    back = s.propagator.adjoint(s.model, gather, s.sources, receivers)
    assert mismatch(found, gather, s.wavelet, back) < 1e-13
    monkeypatch.setattr(locations, "LARGEST", 0)
    locations._at_positions.cache_clear()
    assert locations.on_grid(*made).matrix is None
    expected = s.propagator.forward(s.model, s.wavelet, s.sources, receivers)
    locations._at_positions.cache_clear()
    assert np.linalg.norm(found - expected) < 1e-13 * np.linalg.norm(expected)


def test_wrong_shapes_are_refused(make_setting: Make) -> None:
    s = make_setting(2)
    for weights in (np.ones((4, 4)), np.full((33, 37), np.nan), np.zeros((33, 37))):
        with pytest.raises(GeometryError, match="weights of a volume"):
            s.propagator.forward(s.model, s.wavelet[:1], ExtendedSource(weights), s.receivers)
    with pytest.raises(DataError, match=r"needs \(80, 33, 37\)"):
        s.propagator.forward(s.model, np.ones((79, 33, 37)), FullField(), s.receivers)


@pytest.mark.parametrize("point", [[-200.0, 50.0], [100.0, 1e4], [4.0, 50.0], [np.nan, 50.0]])
def test_points_outside_the_grid_are_refused(make_setting: Make, point: list[float]) -> None:
    """They would be in the absorbing layer, or written to memory that belongs to others."""
    s = make_setting(2)
    receivers = np.array([[100.0, 50.0], point])
    message = r"receivers: point 1 .*(lies outside the model|must be finite)"
    with pytest.raises(GeometryError, match=message):
        s.propagator.forward(s.model, s.wavelet, s.sources, receivers)
