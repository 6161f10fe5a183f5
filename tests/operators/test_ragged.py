"""Operators of shots that differ in their number of receivers or sources."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Simulation, time_axis
from fwicli.errors import GeometryError
from fwicli.operators import extended, forward, gauss_newton, hessian, jacobian
from tests.operators.surveys import SAMPLES, SHOTS, Survey

RECEIVERS, SOURCES = [3, 1, 4], [2, 1, 2]
BOUND = 1e-13


class Ragged(Survey):
    """The small survey with receivers, and optionally sources, of each shot."""

    def __init__(self, make: Callable[..., Any], ragged_sources: bool = False) -> None:
        super().__init__(make)
        random = np.random.default_rng(6)
        low, high = np.array(self.grid.origin), np.array(self.grid.end)
        self.spreads = [low + (high - low) * random.random((n, 2)) for n in RECEIVERS]
        self.guns: Any = self.sources
        if ragged_sources:
            self.guns = [self.sources[shot, :n] for shot, n in enumerate(SOURCES)]
        self.waves = Simulation(
            self.propagator.discretization, self.guns, self.spreads, self.executor
        )

    def single(self, shot: int) -> Simulation:
        """Waves of one shot alone."""
        guns = self.guns[shot]
        return Simulation(self.propagator.discretization, guns, self.spreads[shot])


@pytest.fixture(params=[False, True], ids=["receivers", "sources and receivers"])
def survey(request: pytest.FixtureRequest, make_setting: Callable[..., Any]) -> Ragged:
    return Ragged(make_setting, request.param)


def test_data_are_those_of_single_shots(survey: Ragged) -> None:
    """Bit for bit, with zeros as padding; whatever stands in padding is ignored."""
    F, J = forward(survey.waves, survey.model), jacobian(survey.waves, survey.model, survey.wavelet)
    assert F.dimsd == (SHOTS, max(RECEIVERS), SAMPLES)
    change, d, dd = survey.change(), F @ survey.wavelet, None
    dd = J @ change
    data = np.random.default_rng(2).standard_normal(F.dimsd)
    back, image = F.T @ data, 0.0
    for shot, count in enumerate(RECEIVERS):
        guns = len(survey.guns[shot])
        one = forward(survey.single(shot), survey.model)
        wavelet = survey.wavelet[shot, :guns]
        born = jacobian(survey.single(shot), survey.model, wavelet)
        np.testing.assert_array_equal(d[shot, :count], one @ wavelet)
        np.testing.assert_array_equal(dd[shot, :count], born @ change)
        np.testing.assert_array_equal(back[shot, :guns], one.T @ data[shot, :count])
        image = image + born.T @ data[shot, :count]
        assert not d[shot, count:].any()
        assert not dd[shot, count:].any()
        assert not back[shot, guns:].any()
    np.testing.assert_array_equal(J.T @ data, image)
    for shot, count in enumerate(RECEIVERS):
        data[shot, count:] = np.nan
    np.testing.assert_array_equal(J.T @ data, image)
    np.testing.assert_array_equal(F.T @ data, back)


def test_dot_products(survey: Ragged) -> None:
    """<A x, y> = <x, A^T y> for all operators, in double precision."""
    random = np.random.default_rng(3)
    data = random.standard_normal((SHOTS, max(RECEIVERS), SAMPLES))
    arguments = survey.waves, survey.model, survey.wavelet
    operators = [
        forward(survey.waves, survey.model),
        jacobian(*arguments),
        gauss_newton(*arguments),
        hessian(*arguments, data=data),
    ]
    for A in operators:
        x, y = random.standard_normal(A.dims), random.standard_normal(A.dimsd)
        Ax, Aty = A @ x, A.T @ y
        error = abs(np.vdot(Ax, y) - np.vdot(x, Aty))
        assert error < BOUND * np.linalg.norm(Ax) * np.linalg.norm(y)


def test_gauss_newton_is_the_product(survey: Ragged) -> None:
    arguments = survey.waves, survey.model, survey.wavelet
    J, N, dm = jacobian(*arguments), gauss_newton(*arguments), survey.change()
    expected = J.T @ (J @ dm)
    assert np.linalg.norm(N @ dm - expected) < BOUND * np.linalg.norm(expected)


def test_extended_sources(make_setting: Callable[..., Any]) -> None:
    survey = Ragged(make_setting)
    wavelet = survey.wavelet[0, :1]
    E = extended(survey.waves, survey.model, wavelet)
    random = np.random.default_rng(4)
    x, y = random.standard_normal(E.dims), random.standard_normal(E.dimsd)
    Ex, Ety = E @ x, E.T @ y
    assert abs(np.vdot(Ex, y) - np.vdot(x, Ety)) < BOUND * np.linalg.norm(Ex) * np.linalg.norm(y)
    for shot, count in enumerate(RECEIVERS):
        assert Ex[shot, :count].any()
        assert not Ex[shot, count:].any()


def test_some_of_the_shots(survey: Ragged) -> None:
    """Selected, pickled and replaced simulations keep what belongs to their shots."""
    F = forward(survey.waves, survey.model)
    d = F @ survey.wavelet
    np.testing.assert_array_equal(F[[2, 1]] @ survey.wavelet[[2, 1]], d[[2, 1]])
    np.testing.assert_array_equal(F[1] @ survey.wavelet[1], d[1])
    again = pickle.loads(pickle.dumps(survey.waves))
    np.testing.assert_array_equal(forward(again, survey.model) @ survey.wavelet, d)
    box = replace(survey.waves, receivers=survey.receivers)
    assert "receivers" not in box.counts
    assert (forward(box, survey.model) @ survey.wavelet).all(axis=2).any()


def test_encoding_needs_the_same_receivers(survey: Ragged) -> None:
    F = forward(survey.waves, survey.model)
    with pytest.raises(GeometryError, match="only records of the same receivers"):
        F.encoder(np.ones(SHOTS))


def test_positions_that_are_no_numbers_are_still_refused(make_setting: Callable[..., Any]) -> None:
    survey = Ragged(make_setting)
    receivers = np.broadcast_to(survey.receivers, (SHOTS, *survey.receivers.shape)).copy()
    receivers[1, -1] = np.nan
    waves = Simulation(survey.propagator.discretization, survey.sources, receivers)
    with pytest.raises(GeometryError):
        forward(waves, survey.model) @ survey.wavelet
    survey.spreads[1][0] = np.nan
    waves = Simulation(survey.propagator.discretization, survey.sources, survey.spreads)
    with pytest.raises(GeometryError):
        forward(waves, survey.model) @ survey.wavelet


def test_transposed_positions_of_some_shots_are_refused() -> None:
    """Where shots differ in their numbers of receivers, each has its own array."""
    grid = Grid(shape=(21, 21), spacing=(10.0, 10.0), origin=(0.0, 0.0))
    axis = time_axis(0.004, 20, vp_max=2000.0, spacing=grid.spacing, order=4)
    layer = AbsorbingLayer(cells=5, velocity=2000.0, frequency=15.0)
    waves = Discretization("acoustic", grid, axis, layer, order=4)
    sources = np.full((2, 1, 2), 100.0)
    receivers = [np.full((4, 2), 50.0), np.full((2, 5), 50.0)]
    with pytest.raises(GeometryError, match=r"shapes \(4, 2\), \(2, 5\); positions need"):
        Simulation(waves, sources, receivers)
