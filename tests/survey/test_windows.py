"""Windows hold what their shot needs, and take values in and out exactly."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Acquisition, Discretization, Grid, TimeAxis
from fwicli.errors import StabilityError
from fwicli.propagators.tasks import ShotTask, WindowedTask
from fwicli.survey import windows
from fwicli.survey.acquisition import towed
from fwicli.survey.windows import Window, beyond, of_one_size, recorded

GRID = Grid((201, 101), (10.0, 20.0), (500.0, 0.0))
MARGIN = np.array([40.0, 80.0])
FREE = [(False, False)] * 2


def streamer() -> Acquisition:
    """Shots along the whole model, each with receivers behind it as far as there are any."""
    sources = np.stack([np.linspace(500, 2500, 41), np.full(41, 30.0)], axis=1)
    receivers = towed(sources, np.stack([np.linspace(-300, -50, 6), np.zeros(6)], axis=1))
    receivers[..., 0] = np.maximum(receivers[..., 0], 500.0)
    return Acquisition(sources, receivers)


def test_cut_and_add_are_transposes() -> None:
    """<C u, v> = <u, C^T v>, and what is outside stays."""
    rng = np.random.default_rng(0)
    window = Window(GRID, (30, 7), (64, 50))
    u, v, total = rng.random(GRID.shape), rng.random(window.shape), np.zeros(GRID.shape)
    window.add(v, total)
    assert np.vdot(window.cut(u), v) == pytest.approx(np.vdot(u, total), rel=1e-14)
    assert np.count_nonzero(total) == v.size


def test_windows_hold_source_and_receivers() -> None:
    """With the distance that was asked for, or up to the model's end; all of one size."""
    geometry = streamer()
    windows = of_one_size(GRID, beyond(geometry, 400.0, MARGIN), FREE, 16)
    assert len({w.shape for w in windows}) == 1
    assert windows[0].shape == (111, 101)
    for shot, window in enumerate(windows):
        low = GRID.coordinates(0)[window.start[0]]
        high = low + 10.0 * (window.shape[0] - 1)
        points = np.concatenate([geometry.source(shot), geometry.receivers_of(shot)])
        assert low <= max(points[:, 0].min() - 400, 500.0)
        assert high >= min(points[:, 0].max() + 400, 2500.0)
        assert not window.local.outside(window.local_positions(points)).any()
        # A place stays the same distance from the values around it.
        x = GRID.coordinates(0)[:, None] * np.ones(GRID.shape)
        local = window.local_positions(points)[0, 0] - window.local.origin[0]
        there = np.interp(local, 10.0 * np.arange(window.shape[0]), window.cut(x)[:, 0])
        assert there == pytest.approx(points[0, 0])


def test_recorded_windows_follow_the_fastest_waves() -> None:
    """Half the time out, half of it back, layer by layer."""
    geometry = Acquisition(np.array([[1500.0, 20.0]]), np.array([[1500.0, 20.0]]))
    vp = np.full(GRID.shape, 1500.0)
    vp[:, 30:] = 3000.0
    ((low, high),) = recorded(geometry, GRID, vp, 0.6, MARGIN)
    # 3000 m/s for 0.3 s sideways; 1500 m/s down to 580 m, where the fast part begins.
    np.testing.assert_allclose([low[0], high[0]], [600 - 40, 2400 + 40])
    assert high[1] == pytest.approx(20 + 1500 * 0.3 + 80)
    assert low[1] == -np.inf
    ((_, high),) = recorded(geometry, GRID, vp, 0.9, MARGIN)
    assert high[1] == pytest.approx(580 + 3000 * (0.45 - 560 / 1500) + 80)


def test_receivers_out_of_hearing_are_inside() -> None:
    geometry = Acquisition(np.array([[600.0, 20.0]]), np.array([[2400.0, 20.0]]))
    ((low, high),) = recorded(geometry, GRID, np.full(GRID.shape, 1500.0), 0.1, MARGIN)
    assert low[0] <= 560
    assert high[0] >= 2440


def test_windows_reach_sides_without_pressure() -> None:
    """Those are part of the model; the others may be cut."""
    extents = beyond(streamer(), 100.0, MARGIN)
    extents = [(low, np.array([high[0], 700.0])) for low, high in extents]
    for tied, starts in ([(True, False), {0}], [(False, True), {0}]):
        windows = of_one_size(GRID, extents, [tied, (True, False)], 16)
        assert {w.start[0] for w in windows} == starts
        assert {w.start[1] for w in windows} == {0}
        assert windows[0].shape[1] == 36
        for window, (low, high) in zip(windows, extents, strict=True):
            x = GRID.coordinates(0)[window.start[0] :][: window.shape[0]]
            assert x[0] <= max(low[0], 500.0)
            assert x[-1] >= min(high[0], 2500.0)
    narrow = [(np.array([2000.0, 0.0]), np.array([2200.0, 300.0]))]
    (windows,) = of_one_size(GRID, narrow, [(False, True), (False, False)], 30)
    assert windows.start[0] + windows.shape[0] == 201
    assert windows.shape == (51, 30)


DISCRETIZATION = Discretization(
    "acoustic", GRID, TimeAxis(0.001, 5), AbsorbingLayer(5, 2500.0, 10.0)
)


@dataclass(frozen=True)
class Task(ShotTask):
    """Returns the parameters and positions that it has."""

    def __call__(self) -> Any:
        if self.source[0, 1] < 0:
            raise StabilityError("the waves grow at x = 10 m")
        return self.parameters["m"], self.source, self.receivers


def test_tasks_are_placed_in_their_window_once() -> None:
    """In the process that runs them; what travels to it is the window, not the model."""
    m = np.random.default_rng(1).random(GRID.shape)
    window = Window(GRID, (30, 7), (20, 50))
    positions = np.array([[900.0, 160.0]]), np.array([[830.0, 200.0]])
    task = WindowedTask(Task(DISCRETIZATION, {"m": m}, np.zeros((1, 5)), *positions), window)
    sent = pickle.dumps(task)
    assert len(sent) < 0.1 * m.nbytes
    again = pickle.loads(pickle.dumps(pickle.loads(sent)))
    for result in (task(), pickle.loads(sent)(), again()):
        np.testing.assert_array_equal(result[0], window.cut(m))
        np.testing.assert_allclose(result[1], [[600.0, 20.0]])
        np.testing.assert_allclose(result[2], [[530.0, 60.0]])


def test_errors_say_where_the_window_is() -> None:
    positions = np.array([[600.0, -20.0]]), np.zeros((0, 2))
    bad = Task(DISCRETIZATION, {}, np.zeros((1, 5)), *positions)
    with pytest.raises(StabilityError, match=r"at x = 10 m .in the shot's window; add to x by 300"):
        WindowedTask(bad, Window(GRID, (30, 0), (64, 50)))()
    with pytest.raises(StabilityError, match=r"at x = 10 m$"):
        WindowedTask(bad, windows.whole(GRID))()
