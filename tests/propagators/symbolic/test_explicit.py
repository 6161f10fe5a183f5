"""The equations of a time step: nothing computed twice, nothing evaluated where it is zero."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from devito import Buffer, Eq, Function, Grid, Inc, TimeFunction, exp

from fwicli.errors import CalculusError
from fwicli.propagators.equations.medium import Medium
from fwicli.propagators.equations.registry import EQUATIONS, load
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.symbolic.explicit import check_buffers, time_step
from fwicli.propagators.symbolic.expressions import functions
from fwicli.propagators.symbolic.system import System


@pytest.fixture
def parts() -> tuple[Any, Any, Any]:
    grid = Grid((11, 11), dtype=np.float64)
    u = TimeFunction(name="u", grid=grid, space_order=4, time_order=2, save=Buffer(2))
    m = Function(name="m", grid=grid, space_order=4)
    return grid, u, m


def test_reciprocal_is_computed_once(parts: tuple[Any, Any, Any]) -> None:
    """The update multiplies by dt**2 / m, and 2 u - u- is left alone."""
    _, u, m = parts
    scheme = time_step(System((u,), (m * u.dt2 - u.laplace,), (m,)))
    (coefficient,) = scheme.coefficients
    assert str(coefficient.rhs).replace(" ", "") == "dt**2/m(x,y)"
    (update,) = scheme.steps[0].equations
    text = str(update.rhs).replace(" ", "")
    assert "m(x,y)" not in text
    assert "2.0*u(t,x,y)-u(t-dt,x,y)" in text


def test_functions_of_parameters_are_hoisted(parts: tuple[Any, Any, Any]) -> None:
    """Quotients and elementary functions below derivatives are computed before the loop."""
    _, u, m = parts
    residual = m * u.dt2 - (u.dx / m).dx - (exp(m) * u.dy).dy
    scheme = time_step(System((u,), (residual,), (m,)))
    (update,) = scheme.steps[0].equations
    assert "m(x" not in str(update.rhs)
    assert {str(c.rhs).replace(" ", "") for c in scheme.coefficients} == {
        "dt**2/m(x,y)",
        "1/m(x,y)",
        "exp(m(x,y))",
    }


def test_damping_that_does_not_cancel_is_kept(parts: tuple[Any, Any, Any]) -> None:
    """With a damping term the update solves the residual exactly."""
    grid, u, m = parts
    s = Function(name="s", grid=grid, space_order=4)
    scheme = time_step(System((u,), (m * u.dt2 + s * u.dt - u.laplace,), (m,)))
    (coefficient,) = scheme.coefficients
    assert re.sub(r"\s|\.0", "", str(coefficient.rhs)) in {
        "1/(m(x,y)/dt**2+s(x,y)/dt)",
        "1/(s(x,y)/dt+m(x,y)/dt**2)",
    }


@pytest.mark.parametrize("name", EQUATIONS)
def test_layer_terms_stay_in_the_layer(name: str) -> None:
    """The update of the whole grid knows nothing of the layer; its terms are added in strips."""
    grid = Grid((101, 101))
    medium = Medium(grid, Stencil(8), layer=10)
    equation = load(name)
    equation.state(medium)
    system = medium.system()
    strips = []
    for step in time_step(system).steps:
        if step.field.name in system.supports:
            assert all(e.subdomain is not None for e in step.equations)
            continue
        whole, *added = step.equations
        assert whole.subdomain is None
        assert not {f.name for f in functions(whole.rhs)} & system.supports.keys()
        strips += added
    assert len(strips) >= 4
    assert all(isinstance(e, Inc) and e.subdomain is not None for e in strips)


def test_reading_an_overwritten_level_is_refused(parts: tuple[Any, Any, Any]) -> None:
    """With two levels kept, only the update itself may read the oldest, at its own point."""
    grid, u, m = parts
    system = System((u,), (m * u.dt2 - u.laplace,), (m,))
    step = time_step(system).steps[0]
    total = Function(name="total", grid=grid)
    check_buffers([*step.equations, Inc(total, u.forward + u)], system)
    with pytest.raises(CalculusError, match="overwritten"):
        check_buffers([*step.equations, Inc(total, u.backward)], system)
    with pytest.raises(CalculusError, match="overwritten"):
        check_buffers([Eq(u.forward, u.backward.dx)], system)
