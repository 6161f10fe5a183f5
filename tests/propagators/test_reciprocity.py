"""Round-off of records: where source and receiver change places, and of single precision."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.propagators.equations.properties import parameters
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
