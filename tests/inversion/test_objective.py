"""The gradient belongs to the objective, whatever the variable."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import (
    AbsorbingLayer,
    Acquisition,
    Discretization,
    Gathers,
    Grid,
    Propagator,
    time_axis,
)
from fwicli.errors import DataError
from fwicli.execution import InProcess
from fwicli.inversion.objective import Objective
from fwicli.inversion.parameterization import PARAMETERIZATIONS
from fwicli.propagators.properties import parameters
from fwicli.survey.wavelets import ricker, times

GRID = Grid((41, 31), (10.0, 10.0), (0.0, 0.0))
SAMPLES = 110


def objective(
    parameter: str, equation: str = "acoustic", precision: str = "float64"
) -> tuple[Objective, np.ndarray]:
    """A misfit of two shots, and the model where it is taken."""
    rng = np.random.default_rng(0)
    axis = time_axis(0.004, SAMPLES, 3000.0, GRID.spacing, 8)
    made = Discretization(
        equation, GRID, axis, AbsorbingLayer(12, 3000.0, 15.0, gap=4), precision=precision
    )
    sources = np.array([[83.0, 17.0], [301.0, 17.0]])
    receivers = np.array([[x, 12.0] for x in np.arange(20.0, 400.0, 40.0)])
    wavelet = ricker(times(0.004, SAMPLES), 15.0)
    true = 2000 + 400 * rng.random(GRID.shape)
    propagator = Propagator(made)
    others = {"rho": 1500 + 500 * np.random.default_rng(7).random(GRID.shape)}
    earth = parameters(equation, {"vp": true, **others})
    data = [propagator.forward(earth, wavelet[None], s[None], receivers) for s in sources]
    records = Gathers(Acquisition(sources, receivers), 0.004, np.stack(data), wavelet)
    variable = PARAMETERIZATIONS[parameter]
    x = variable.from_velocity(2100 + 300 * rng.random(GRID.shape))
    return Objective(made, variable, others, records, "least_squares", InProcess()), x


def test_gradient_where_density_varies() -> None:
    """The derivative in velocity at a density that stays, in random directions, to 1e-6."""
    f, x = objective("vp", "variable_density")
    direction = np.random.default_rng(9).standard_normal(x.shape)
    h = 1e-5
    slope = (f(x + h * direction)[0] - f(x - h * direction)[0]) / (2 * h)
    assert np.vdot(f(x)[1], direction) == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("parameter", PARAMETERIZATIONS)
def test_gradient_against_central_differences(parameter: str) -> None:
    """Of the whole objective, in random directions, to 1e-6."""
    f, x = objective(parameter)
    value, gradient = f(x)
    assert 0.01 < value < 2
    rng = np.random.default_rng(1)
    for _ in range(3):
        direction = x * rng.standard_normal(x.shape)
        h = 1e-5
        slope = (f(x + h * direction)[0] - f(x - h * direction)[0]) / (2 * h)
        assert np.vdot(gradient, direction) == pytest.approx(slope, rel=1e-6)


def test_value_is_the_share_that_is_not_explained() -> None:
    """Zero at the truth would need the truth; one where nothing is modelled."""
    f, x = objective("vp")
    f.gathers = Gathers(f.gathers.acquisition, 0.004, f.gathers.data, np.zeros(SAMPLES))
    assert f(x)[0] == pytest.approx(1.0)


def test_illumination_is_positive_and_largest_at_the_sources() -> None:
    f, x = objective("vp", precision="float32")
    f(x)
    assert f.illumination is not None
    assert f.illumination.min() >= 0
    place = np.unravel_index(f.illumination.argmax(), GRID.shape)
    assert place[1] <= 4


def test_silent_data_are_refused() -> None:
    f, _ = objective("vp")
    silent = Gathers(f.gathers.acquisition, 0.004, 0 * f.gathers.data, f.gathers.wavelet)
    with pytest.raises(DataError, match="all zero"):
        Objective(f.discretization, f.parameterization, {}, silent, "least_squares", InProcess())
