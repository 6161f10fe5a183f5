"""The derived adjoint, Born and gradient are exact, for equations that no one would use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from devito import Function, Grid, TimeFunction

from fwicli.errors import CalculusError
from fwicli.propagators.symbolic import calculus
from fwicli.propagators.symbolic.explicit import time_step
from fwicli.propagators.symbolic.system import System
from tests.propagators.systems import (
    SYSTEMS,
    memory_variables,
    oddity,
    shared,
    variable_density,
    velocity_pressure,
)

TOLERANCE = 1e-12


def mismatch(a: dict[str, Any], b: dict[str, Any], c: dict[str, Any], d: dict[str, Any]) -> float:
    """|<a, b> - <c, d>| relative to |a| |b|."""
    left = sum(np.vdot(a[n], b[n]) for n in a)
    right = sum(np.vdot(c[n], d[n]) for n in c)
    size = [np.sqrt(sum(np.vdot(v[n], v[n]) for n in v)) for v in (a, b)]
    return float(abs(left - right) / (size[0] * size[1]))


# Kernels of these equations are proven every day, in `test_propagator` and `test_components`.
PROVEN = (variable_density, velocity_pressure)
every_system = pytest.mark.parametrize(
    "make", [pytest.param(m, marks=pytest.mark.slow if m in PROVEN else ()) for m in SYSTEMS]
)


# The order enters through weights alone: `test_any_order_is_exact` has the others of every day.
@pytest.mark.parametrize(
    ("make", "order"),
    [
        pytest.param(make, order, marks=pytest.mark.slow if order == 8 or make in PROVEN else ())
        for make in SYSTEMS
        for order in (8, 4)
    ],
)
def test_adjoint_is_the_exact_transpose(make: Any, order: int) -> None:
    """<F q, d> = <q, F^T d> to round-off."""
    harness = shared(make, order)
    residuals = {n: harness.series(f"r_{n}", random=True) for n in harness.names}
    forward, adjoint = harness.forward(), harness.adjoint(residuals)
    sources = {n: s.data for n, s in harness.sources.items()}
    data = {n: r.data for n, r in residuals.items()}
    assert mismatch(forward, data, sources, adjoint) < TOLERANCE


@every_system
def test_gradient_is_the_exact_transpose_of_born(make: Any) -> None:
    """<J dp, d> = <dp, J^T d> to round-off, for every parameter."""
    harness = shared(make)
    residuals = {n: harness.series(f"r_{n}", random=True) for n in harness.names}
    data = {n: r.data for n, r in residuals.items()}
    gradients = harness.gradients(residuals)
    for parameter in harness.system.parameters:
        direction = harness.rng.standard_normal(harness.grid.shape)
        born = harness.born(parameter.name, direction)
        gradient = gradients[parameter.name]
        error = mismatch(born, data, {"p": direction}, {"p": gradient})
        assert error < TOLERANCE, parameter.name


@pytest.mark.parametrize("make", [variable_density, oddity])
def test_born_is_the_derivative(make: Any) -> None:
    """||F(p + h dp) - F(p) - h J dp|| falls as h**2."""
    harness = shared(make)
    for parameter in harness.system.parameters:
        direction = 0.1 * harness.rng.standard_normal(harness.grid.shape)
        base = harness.forward()
        born = harness.born(parameter.name, direction)
        start = np.array(parameter.data)
        errors = []
        for h in 0.02 * 0.5 ** np.arange(5):
            parameter.data[:] = start + h * direction
            moved = harness.forward()
            errors.append(
                np.sqrt(sum(np.sum((moved[n] - base[n] - h * born[n]) ** 2) for n in base))
            )
        parameter.data[:] = start
        slopes = np.log2(np.array(errors[:-1]) / errors[1:])
        assert np.all(np.abs(slopes[1:] - 2) < 0.02), (parameter.name, slopes)


@pytest.mark.parametrize("make", [variable_density, oddity])
def test_adjoint_of_the_adjoint_is_the_system(make: Any) -> None:
    """(F^T)^T q = F q."""
    harness = shared(make)
    forward = harness.forward()
    twice = calculus.adjoint(
        calculus.adjoint(harness.system), name=lambda n: n.removeprefix("adj_") + "_again"
    )
    assert not twice.backward
    assert [f.name for f in twice.fields] == [f"{f.name}_again" for f in harness.system.fields]
    records = {f"{n}_again": harness.series(f"t_{n}") for n in harness.names}
    harness.run(twice, {f"{n}_again": s for n, s in harness.sources.items()}, records)
    for n in harness.names:
        error = np.linalg.norm(records[f"{n}_again"].data - forward[n])
        assert error < 1e-12 * np.linalg.norm(forward[n])


def test_coefficient_of_a_memory_variable_is_absorbed() -> None:
    """No product of a coefficient and a field stands below a derivative in the adjoint."""
    harness = shared(memory_variables)
    system = calculus.adjoint(harness.system)
    pressure = str(system.residuals[system.index("adj_u")])
    assert "Derivative(a(" not in pressure.replace(" ", "")
    assert "a(x,y)*adj" not in pressure.replace(" ", "")


def test_gradient_needs_fields_at_one_time_only() -> None:
    """The integrand is moved in time until the forward field is at t."""
    harness = shared(variable_density)
    multiplier = calculus.like(harness.system.fields[0], "adj_u")
    for p in harness.system.parameters:
        text = str(calculus.gradient(harness.system, {"u": multiplier}, p)).replace(" ", "")
        assert ",u(t+dt" not in text
        assert "*u(t+dt" not in text
        assert "*u(t-dt" not in text


# --- what cannot be derived is refused ------------------------------------------------------------


@pytest.fixture
def parts() -> tuple[Any, Any, Any]:
    grid = Grid((11, 11), dtype=np.float64)
    u = TimeFunction(name="u", grid=grid, space_order=4, time_order=2)
    m = Function(name="m", grid=grid, space_order=4)
    return grid, u, m


def test_nonlinear_residual_is_refused(parts: tuple[Any, Any, Any]) -> None:
    _, u, m = parts
    with pytest.raises(CalculusError, match="not linear in u"):
        calculus.adjoint(System((u,), (m * u.dt2 - u * u.dx2,), (m,)))


def test_staggered_function_is_refused(parts: tuple[Any, Any, Any]) -> None:
    grid, u, m = parts
    x = grid.dimensions[0]
    b = Function(name="b", grid=grid, space_order=4, staggered=x)
    with pytest.raises(CalculusError, match="staggered"):
        System((u,), (m * u.dt2 - b * u.dx2,), (m,))


def test_implicit_scheme_is_refused(parts: tuple[Any, Any, Any]) -> None:
    _, u, m = parts
    with pytest.raises(CalculusError, match="implicit"):
        time_step(System((u,), (m * u.dt2 - u.forward.dx2,), (m,)))


def test_residual_without_its_unknown_is_refused(parts: tuple[Any, Any, Any]) -> None:
    _, u, m = parts
    with pytest.raises(CalculusError, match="does not hold its unknown"):
        time_step(System((u,), (m * u - u.dx2,), (m,)))
