"""Waves that do not stay finite: said with place, time and cause, in every kind of run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import Propagator
from fwicli.errors import DataError, ModelError, StabilityError
from fwicli.propagators.checks import failures
from fwicli.propagators.equations.equation import call
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from tests.earths import random_earth

Make = Callable[..., Any]

every_equation = pytest.mark.parametrize("equation", EQUATIONS)


def faster(model: dict[str, np.ndarray], equation: str) -> dict[str, np.ndarray]:
    """The model with three times the velocity."""
    first = next(iter(model))  # the parameter that holds the velocity: m, k
    return {**model, first: model[first] / 9}


@every_equation
def test_velocity_is_recovered(equation: str) -> None:
    """That of the fastest wave, from the parameters of an equation, whatever they are."""
    # Where density changes, parameters are those of a medium of smoothed interfaces.
    earth = random_earth((4, 5), rho=np.full((4, 5), 1300.0))
    found = failures.velocity(equation, parameters(equation, earth))
    assert found is not None
    np.testing.assert_allclose(found, call(EQUATIONS[equation].fastest, earth), rtol=1e-12)


RUNS: dict[str, Callable[[Any, dict[str, np.ndarray]], Any]] = {
    "forward": lambda s, p: s.forward(p),
    "adjoint": lambda s, p: s.propagator.adjoint(p, s.gather, s.sources, s.receivers),
    "gradient": lambda s, p: s.propagator.jacobian_adjoint(
        p, s.gather, s.wavelet, s.sources, s.receivers
    ),
}


@pytest.mark.parametrize("run", RUNS)
def test_step_over_the_limit_is_named(make_setting: Make, run: str) -> None:
    """With the limit, the fastest velocity, and the first step and point that failed."""
    s = make_setting(2, "float32", samples=400)
    model = faster(s.model, "acoustic")
    with pytest.raises(StabilityError, match="the time step is") as caught:
        RUNS[run](s, model)
    text = str(caught.value)
    fastest = np.unravel_index(np.argmin(model["m"]), model["m"].shape)
    grid = s.propagator.grid
    assert failures.position(grid, fastest) in text
    assert f"{model['m'].min() ** -0.5:.5g} m/s" in text
    step = int(re.search(r"step (\d+) of", text)[1])  # type: ignore[index]
    assert 20 < step < s.propagator.resampling.steps - 20
    assert re.search(r"at \([-\d.]+, [-\d.]+\) m in the (model|absorbing layer)", text)


def test_step_that_is_named_is_the_first(make_setting: Make) -> None:
    """A run that ends there is finite, and one that takes another step is not."""
    s = make_setting(2, "float32", samples=400)
    model = {"m": s.model["m"] / 2.5}
    wavelet = s.wavelet.copy()
    wavelet[:, 10:] = 0
    with pytest.raises(StabilityError) as caught:
        s.propagator.forward(model, wavelet, s.sources, s.receivers)
    step = int(re.search(r"step (\d+) of", str(caught.value))[1])  # type: ignore[index]
    made = s.propagator.discretization
    # A filter runs on after the last sample.
    more = s.propagator.resampling.extended - 400
    samples = (step - 1) // made.time.substeps + 1 - more
    assert samples > 20
    outcomes = []
    for count in (samples, samples + 1):
        shorter = Propagator(replace(made, time=replace(made.time, samples=count)))
        steps = shorter.resampling.steps
        try:
            shorter.forward(model, wavelet[:, :count], s.sources, s.receivers)
        except StabilityError:
            outcomes.append((steps > step, "infinite"))
        else:
            outcomes.append((steps > step, "finite"))
    assert outcomes == [(False, "finite"), (True, "infinite")]


def test_failure_of_the_backward_run_is_found(make_setting: Make) -> None:
    """A residual that overflows the multipliers but not the forward waves, which record nothing."""
    s = make_setting(2, "float32")
    with pytest.raises(StabilityError, match=r"`adj_\w+` at step .* the source reaches") as caught:
        s.propagator.jacobian_adjoint(s.model, 1e38 * s.gather, s.wavelet, s.sources, s.receivers)
    assert "acoustic" in str(caught.value)


def test_overflow_of_a_sum_is_told_from_that_of_waves(make_setting: Make) -> None:
    """Products of finite waves may be too large for a gradient in single precision."""
    s = make_setting(2, "float32")
    place = s.wavelet * 1e25, s.sources, s.receivers
    with pytest.raises(StabilityError, match="images of acoustic overflow float32"):
        s.propagator.jacobian_adjoint(s.model, 1e22 * s.gather, *place)


def test_other_instabilities_are_not_blamed_on_the_step(make_setting: Make) -> None:
    """A cause is named only if it is there."""
    s = make_setting(2)
    made = s.propagator.discretization
    why = failures.cause("acoustic", made.grid, made.order, made.time.step, s.model, 1.0)
    assert "within their limits" in why


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1e-7])
def test_bad_parameters_are_named(make_setting: Make, value: float) -> None:
    """Before anything runs, with the place and the number of them."""
    s = make_setting(2, "float32")
    model = {"m": s.model["m"].copy()}
    model["m"][3, 4:6] = value
    with pytest.raises(ModelError, match="parameter m of acoustic is") as caught:
        s.forward(model)
    assert "at (35, 53) m" in str(caught.value)
    assert "2 of" in str(caught.value)


def test_changes_of_parameters_may_be_negative(make_setting: Make) -> None:
    """But not infinite."""
    s = make_setting(2, "float32")
    place = s.wavelet, s.sources, s.receivers
    s.propagator.jacobian(s.model, {"m": -np.abs(s.perturbation["m"])}, *place)
    with pytest.raises(ModelError, match="the change of parameter m of acoustic"):
        s.propagator.jacobian(s.model, {"m": np.nan * s.perturbation["m"]}, *place)


def test_bad_sources_and_residuals_are_named(make_setting: Make) -> None:
    s = make_setting(2, "float32")
    wavelet, gather = s.wavelet.copy(), s.gather.copy()
    wavelet[1, 5], gather[7, 30] = np.nan, -np.inf
    place = s.sources, s.receivers
    with pytest.raises(DataError, match=r"point 1 is nan at sample 5 \(0\.02 s\)"):
        s.propagator.forward(s.model, wavelet, *place)
    with pytest.raises(DataError, match=r"point 7 is -inf at sample 30"):
        s.propagator.jacobian_adjoint(s.model, gather, s.wavelet, *place)
