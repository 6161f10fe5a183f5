"""Where source and receiver change places: records and gradients, and their round-off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, time_axis
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.equations import reciprocity
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.components import PRESSURE, Component
from fwicli.survey.signals.wavelets import ricker, times

SHAPE, SPACING, INTERVAL, FREQUENCY = (61, 46), (10.0, 10.0), 0.004, 12.0
SOURCES = np.array([[33.0, 43.7], [210.0, 43.7], [555.0, 43.7]])
RECEIVERS = np.array([[0.0, 20.0], [100.0, 20.0], [300.3, 20.0], [600.0, 20.0]])


def shots(equation: str, precision: str, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Records of all pairs, shot at the sources and shot at the receivers.

    Both have the shape (sources, receivers, samples).
    """
    speed = np.full(SHAPE, 1500 + 20 * np.arange(SHAPE[1], dtype=float))
    speed[20:40, 20:30] += 300
    grid = Grid(SHAPE, SPACING, (0.0, 0.0))
    axis = time_axis(INTERVAL, samples, 2800.0, SPACING, 8)
    layer = AbsorbingLayer(20, 2800.0, FREQUENCY)
    F = Propagator(Discretization(equation, grid, axis, layer, precision=precision))
    others = {"rho": 1000.0, "epsilon": 0.1, "delta": 0.05, "theta": 0.3}
    model = parameters(equation, {"vp": speed} | {n: np.full(SHAPE, v) for n, v in others.items()})
    wavelet = ricker(times(INTERVAL, samples), FREQUENCY)[None]
    there = [F.forward(model, wavelet, s[None], RECEIVERS) for s in SOURCES]
    back = [F.forward(model, wavelet, r[None], SOURCES) for r in RECEIVERS]
    return np.array(there, dtype=float), np.array(back, dtype=float).swapaxes(0, 1)


@pytest.mark.parametrize(
    ("equation", "precision", "samples", "bound"),
    [
        ("acoustic", "float64", 150, 1e-13),
        ("velocity_pressure", "float64", 150, 1e-13),
        # Two levels of a float32 field round off the second difference of the waves. The first
        # hundred steps stay below 1e-6; waves then leave, and 1800 stay below 5e-6.
        ("acoustic", "float32", 36, 1e-6),
        ("acoustic", "float32", 150, 5e-6),
        ("acoustic", "float32", 600, 5e-6),
        # Of first order in time: the change of a field is kept beside it, and is not rounded off.
        ("velocity_pressure", "float32", 150, 1e-6),
        ("velocity_pressure", "float32", 600, 1e-6),
    ],
)
def test_reciprocity(equation: str, precision: str, samples: int, bound: float) -> None:
    """Receiver gathers are the records of shots, in the absorbing layer's presence."""
    there, back = shots(equation, precision, samples)
    assert np.linalg.norm(there - back) < bound * np.linalg.norm(there)


@pytest.mark.parametrize(
    ("equation", "bound"),
    [
        ("acoustic", 5e-6),
        ("velocity_pressure", 5e-6),
        pytest.param("variable_density", 5e-6, marks=pytest.mark.slow),
        pytest.param("vti", 2e-5, marks=pytest.mark.slow),
        pytest.param("tti", 1e-4, marks=pytest.mark.slow),
    ],
)
def test_records_are_those_of_double_precision(equation: str, bound: float) -> None:
    single, double = (shots(equation, precision, 600)[0] for precision in ("float32", "float64"))
    assert np.linalg.norm(single - double) < bound * np.linalg.norm(double)


# --- records of motion ----------------------------------------------------------------------------

Make = Callable[..., Any]

# That record motion of sources of pressure; the first stands for all in the tests of every day.
MOVING = [n for n, e in EQUATIONS.items() if {"pressure", "fz"} <= e.emitted(2).keys()]


def sensors(equation: str, ndim: int) -> list[Component]:
    """Pressure and motion along the axes and between them."""
    names = list(EQUATIONS[equation].recorded(ndim))
    return [*map(Component.named, names), Component(Component.named(names[1]).quantity, 30, 180)]


class Node:
    """Shots around one node that has all sensors, and the same as shots of the node.

    Silent sources and sensors beside them take all fields: other tests have these kernels.
    """

    def __init__(self, make_setting: Make, equation: str, ndim: int, **options: Any) -> None:
        self.setting = make_setting(ndim, equation=equation, order=4, **options)
        self.equation, self.ndim = EQUATIONS[equation], ndim
        rng = np.random.default_rng(4)
        middle = np.array(self.setting.propagator.grid.end) / 2
        # Off the points, and so far inside that no weight is in the layer.
        places = middle + (50 if ndim == 2 else 25) * rng.uniform(-1, 1, (4, ndim))
        if options.get("surface"):
            places[:, -1] = [9.1, 17.3, 12.0, 31.0]
        self.place, self.shots = places[:1], places[1:]
        self.sensors = sensors(equation, ndim)
        # Noise from the first sample to the last.
        self.wavelet = rng.standard_normal((1, self.setting.wavelet.shape[1]))

    def shot(self, at: np.ndarray, emitted: Component, receivers: np.ndarray, recorded: Any) -> Any:
        """Wavelets, sources and receivers of a shot, and the number of its traces."""
        silent = list(self.equation.emitted(self.ndim))
        sources = Points(np.repeat(at, 1 + len(silent), axis=0), [emitted, *silent])
        wavelets = np.concatenate([self.wavelet, np.zeros((len(silent), self.wavelet.shape[1]))])
        beside = list(self.equation.recorded(self.ndim))
        positions = np.concatenate([receivers, np.repeat(at, len(beside), axis=0)])
        return wavelets, sources, Points(positions, [*recorded, *beside]), len(recorded)

    def plain(self) -> list[Any]:
        """Each shot, recorded by all sensors."""
        places = np.repeat(self.place, len(self.sensors), axis=0)
        return [self.shot(s[None], PRESSURE, places, self.sensors) for s in self.shots]

    def grouped(self) -> list[Any]:
        """Each sensor, recorded at all shots."""
        pairs = [sensor.exchanged for sensor in self.sensors]
        return [self.shot(self.place, s, self.shots, [r] * len(self.shots)) for s, r in pairs]

    def records(self, shots: list[Any]) -> np.ndarray:
        forward = self.setting.propagator.forward
        return np.array([forward(self.setting.model, *shot)[:n] for *shot, n in shots])

    def gradient(self, shots: list[Any], gathers: np.ndarray) -> dict[str, np.ndarray]:
        """Sum over shots, of residuals of their traces."""
        total: dict[str, np.ndarray] = {}
        for (wavelets, sources, receivers, count), gather in zip(shots, gathers, strict=True):
            residual = np.zeros((len(receivers), gather.shape[1]))
            residual[:count] = gather
            back = self.setting.propagator.jacobian_adjoint(
                self.setting.model, residual, wavelets, sources, receivers
            )
            total = {n: total.get(n, 0.0) + g for n, g in back.items()}
        return total


@pytest.mark.parametrize(
    ("equation", "ndim", "options"),
    [
        ("velocity_pressure", 2, {}),
        # Slow: kernels of other equations, of 3D and of surfaces, which no other quick test has.
        *[
            pytest.param(e, 2, {}, marks=pytest.mark.slow)
            for e in MOVING
            if e != "velocity_pressure"
        ],
        pytest.param("velocity_pressure", 3, {}, marks=pytest.mark.slow),
        pytest.param("velocity_pressure", 2, {"free": ("x-", "z+")}, marks=pytest.mark.slow),
        pytest.param("elastic", 3, {}, marks=pytest.mark.slow),
        pytest.param("elastic", 2, {"surface": True}, marks=pytest.mark.slow),
    ],
)
def test_receiver_gathers_of_motion(
    make_setting: Make, equation: str, ndim: int, options: dict[str, Any]
) -> None:
    """Forces at a node give the records of its sensors, and the gradient, to round-off."""
    node = Node(make_setting, equation, ndim, **options)
    plain, grouped = node.records(node.plain()), node.records(node.grouped())
    for sensor, there, back in zip(node.sensors, plain.swapaxes(0, 1), grouped, strict=True):
        assert np.linalg.norm(there - back) < 1e-11 * np.linalg.norm(there), sensor.name
    # Residuals of equal size in the misfit, whatever their unit.
    rng = np.random.default_rng(5)
    residual = rng.standard_normal(plain.shape)
    residual /= np.linalg.norm(plain, axis=(0, 2), keepdims=True)
    gradient = node.gradient(node.plain(), residual)
    for name, expected in gradient.items():
        back = node.gradient(node.grouped(), residual.swapaxes(0, 1))[name]
        assert np.linalg.norm(back - expected) < 1e-11 * np.linalg.norm(expected), name


def test_what_is_not_exchanged_is_refused(make_setting: Make) -> None:
    for code in ("reciprocal strain 0 0 10", "reciprocal pressure", "reciprocal uz"):
        with pytest.raises(GeometryError, match="velocities and accelerations alone are exchanged"):
            Component.named(code)
    s = make_setting(2, equation="velocity_pressure", order=4)
    forward = s.propagator.forward
    with pytest.raises(PhysicsError, match="cannot emit reciprocal vz, only pressure, fx, fz"):
        forward(s.model, s.wavelet, Points(s.sources, "reciprocal vz"), s.receivers)
    with pytest.raises(PhysicsError, match="cannot record reciprocal az, only pressure, vx, vz"):
        forward(s.model, s.wavelet, s.sources, Points(s.receivers, "reciprocal az"))
    recorded, emitted = (EQUATIONS["elastic"].table(verb, 2) for verb in ("record", "emit"))
    less = {name: channel for name, channel in emitted.items() if name != "fz"}
    with pytest.raises(PhysicsError, match="reciprocal vx needs an equation that has `fz`"):
        reciprocity.channel(Component.named("reciprocal vx"), recorded, less)
