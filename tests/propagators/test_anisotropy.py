"""Waves in anisotropic media against theory, and against isotropic ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.survey.signals.wavelets import ricker, times
from tests.equations import USUAL_ORDER

VP, EPSILON, DELTA = 2000.0, 0.2, 0.05
FREQUENCY, INTERVAL = 20.0, 0.0016
# Numerics of the dot tests, so that kernels are compiled once.
SPACING = (10.0, 12.0)
NUMERICS: dict[str, Any] = {"order": USUAL_ORDER, "precision": "float64"}


def phase_velocity(angle: np.ndarray) -> np.ndarray:
    """Of the P wave at angles to the axis [m/s], exact for no shear velocity along the axis.

    Thomsen (1986), equation 10a.
    """
    flat, steep = np.sin(angle) ** 2, np.cos(angle) ** 2
    along, across = (1 + 2 * EPSILON) * flat, steep
    root = np.sqrt((along - across) ** 2 + 4 * (1 + 2 * DELTA) * flat * steep)
    return VP * np.sqrt((along + across + root) / 2)


def group_velocity(directions: np.ndarray) -> np.ndarray:
    """Velocity of energy in directions from the axis [m/s], by differentiating the phase's."""
    phase = np.linspace(-0.1, np.pi / 2 + 0.1, 20001)
    v = phase_velocity(phase)
    slope = np.gradient(v, phase)
    direction = phase + np.arctan(slope / v)
    return np.interp(directions, direction, np.hypot(v, slope))


def measured_velocity(equation: str, theta: float, directions: np.ndarray) -> np.ndarray:
    """From the arrivals at two distances along rays at angles to the axis [m/s]."""
    near, far = 560.0, 880.0
    samples = 400
    grid = Grid((201, 169), SPACING, (-1000.0, -1008.0))
    axis = time_axis(INTERVAL, samples, VP * np.sqrt(1 + 2 * EPSILON), grid.spacing, USUAL_ORDER)
    layer = AbsorbingLayer(12, 2400.0, FREQUENCY)
    propagator = Propagator(Discretization(equation, grid, axis, layer, **NUMERICS))
    # The axis points to (sin theta, cos theta).
    ray = np.stack([np.sin(directions + theta), np.cos(directions + theta)], axis=-1)
    given = {"vp": VP, "rho": 1000.0, "epsilon": EPSILON, "delta": DELTA, "theta": theta}
    earth = {name: np.full(grid.shape, value) for name, value in given.items()}
    gather = propagator.forward(
        parameters(equation, earth),
        ricker(times(INTERVAL, samples), FREQUENCY)[None],
        np.array([[0.0, 0.0]]),
        np.concatenate([near * ray, far * ray]),
    )
    late = [arrival(a, b) for a, b in zip(*np.split(gather.astype(float), 2), strict=True)]
    return (far - near) / np.array(late)


def arrival(first: np.ndarray, second: np.ndarray) -> float:
    """Time between two arrivals of a wave [s], by the peak of their correlation."""
    fine = 16 * first.size
    product = np.conj(np.fft.rfft(first, 2 * first.size)) * np.fft.rfft(second, 2 * first.size)
    correlation = np.fft.irfft(product, 2 * fine)[:fine]
    return float(np.argmax(correlation)) * INTERVAL / 16


@pytest.mark.parametrize(("equation", "theta"), [("vti", 0.0), ("tti", 0.0), ("tti", 0.6)])
def test_wavefront_has_the_group_velocity(equation: str, theta: float) -> None:
    """Within 1 % at 8 points in the wavelength of the peak along the axis, in all directions."""
    directions = np.radians([0.0, 20.0, 40.0, 60.0, 75.0, 90.0])
    assert VP / FREQUENCY / max(SPACING) < 8.5
    found = measured_velocity(equation, theta, directions)
    np.testing.assert_allclose(found, group_velocity(directions), rtol=1e-2)


def other_records(setting: Any, equation: str, names: tuple[str, ...]) -> np.ndarray:
    """Records of a setting by another equation, with some of the parameters."""
    made = replace(setting.propagator.discretization, equation=equation)
    model = {name: setting.model[name] for name in names}
    return Propagator(made).forward(model, setting.wavelet, setting.sources, setting.receivers)


# Below a surface it has the mirrors of variable density, which `test_sides` proves every day.
@pytest.mark.parametrize("free", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_vti_without_anisotropy_is_variable_density(
    make_setting: Callable[..., Any], free: bool
) -> None:
    """To round-off: the differences are the same."""
    s = make_setting(equation="vti", surface=free)
    s.model.update(e=np.ones_like(s.model["e"]), s=np.ones_like(s.model["e"]))
    found, expected = s.forward(), other_records(s, "variable_density", ("k", "r"))
    assert np.linalg.norm(found - expected) < 1e-12 * np.linalg.norm(expected)


# Slow: a large kernel more, whose mirrors are those of each derivative, as in `test_sides`.
@pytest.mark.parametrize("free", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_tti_without_anisotropy_is_acoustic(make_setting: Callable[..., Any], free: bool) -> None:
    """To round-off and whatever the tilt, which is random."""
    s = make_setting(equation="tti", surface=free)
    s.model.update(e=np.ones_like(s.model["e"]), f=np.ones_like(s.model["e"]))
    found, expected = s.forward(), other_records(s, "acoustic", ("m",))
    assert np.linalg.norm(found - expected) < 1e-11 * np.linalg.norm(expected)


@pytest.mark.slow  # a large equation in 3D, see tests/equations.py
def test_azimuth_turns_the_waves() -> None:
    """In 3D, a quarter turn about the vertical of axis and receivers leaves the records."""
    grid = Grid((17, 17, 17), (10.0,) * 3, (-80.0, -80.0, -80.0))
    axis = time_axis(0.002, 60, 2600.0, grid.spacing, 8)
    layer = AbsorbingLayer(6, 2600.0, 25.0)
    propagator = Propagator(Discretization("tti", grid, axis, layer, precision="float64"))
    receivers = np.array([[60.0, 20.0, 10.0], [-30.0, 50.0, -20.0], [10.0, -60.0, 40.0]])
    turned = np.stack([-receivers[:, 1], receivers[:, 0], receivers[:, 2]], axis=1)
    records = []
    for azimuth, places in ((0.3, receivers), (0.3 + np.pi / 2, turned)):
        given = {"vp": 2000.0, "epsilon": 0.25, "delta": 0.1, "theta": 0.7, "phi": azimuth}
        earth = {name: np.full(grid.shape, value) for name, value in given.items()}
        wavelet = ricker(times(0.002, 60), 25.0)[None]
        model = parameters("tti", earth)
        records.append(propagator.forward(model, wavelet, np.zeros((1, 3)), places))
    # The layer's first and last row differ a little, see the test of mirror symmetry.
    difference = np.linalg.norm(records[1] - records[0])
    assert difference < 1e-5 * np.linalg.norm(records[0])
    assert np.ptp(records[0], axis=1).min() > 0


@pytest.mark.parametrize("rough", [0.0, 1.0])
def test_waves_of_any_tilt_do_not_grow(rough: float) -> None:
    """Over 20 000 steps, with the layer, also where properties change from cell to cell."""
    samples = 20000
    grid = Grid((41, 41), SPACING, (0.0, 0.0))
    rng = np.random.default_rng(1)
    noise = rough * (rng.random((4, *grid.shape)) - 0.5)
    earth = {"vp": 2000 + 1500 * noise[0], "epsilon": 0.2 + 0.2 * noise[1]}
    earth["delta"] = np.minimum(0.05 + 0.2 * noise[2], earth["epsilon"])
    earth["theta"] = 0.5 + 6 * noise[3]
    fastest = EQUATIONS["tti"].speeds(earth, 2)[1]
    axis = time_axis(0.002, samples, fastest, grid.spacing, USUAL_ORDER, corrected=False)
    layer = AbsorbingLayer(12, fastest, 15.0)
    propagator = Propagator(Discretization("tti", grid, axis, layer, **NUMERICS))
    gather = propagator.forward(
        parameters("tti", earth),
        ricker(times(0.002, samples), 15.0)[None],
        np.array([[200.0, 200.0]]),
        np.array([[300.0, 120.0], [20.0, 20.0]]),
    )
    loudest = [np.abs(part).max() for part in np.split(gather, 4, axis=1)]
    assert loudest[0] > loudest[1] > loudest[2] > loudest[3]
