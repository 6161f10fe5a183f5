"""Properties of the earth from the parameters of equations, whatever their formulas are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, own_equation, time_axis
from fwicli.propagators.checks import inverses, recovery
from fwicli.propagators.equations.equation import arguments
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from tests.earths import random_earth

STATED = """\
from fwicli import Channel, Equation


def state(medium):
    m = medium.parameter("m")
    u = medium.field("u", time_order=2)
    medium.solve(u, m * u.dt2 - medium.laplacian(u))


EQUATION = Equation(
    parameters=lambda _: {"m": "FORMULA"},
    recorded=lambda _: {"pressure": Channel({"u": 1.0})},
    emitted=lambda _: {"pressure": Channel({"u": 1.0})},
    state=state,
)
"""
SHAPE = (21, 17)


@pytest.mark.parametrize("equation", EQUATIONS)
def test_properties_of_every_equation(equation: str) -> None:
    """All of them but angles, to round-off."""
    earth = random_earth((4, 5), rho=np.full((4, 5), 1300.0))
    recovered = recovery.properties(equation, parameters(equation, earth))
    used = {a for f in EQUATIONS[equation].parameters(2).values() for a in arguments(f)}
    assert recovered.keys() == used & inverses.ROCK.keys()
    for name, values in recovered.items():
        np.testing.assert_allclose(values, earth[name], rtol=1e-11, err_msg=name)


@pytest.mark.parametrize(
    ("formula", "alone"),
    [
        ("1 / vp**2", True),
        ("exp(-vp / 1000)", True),
        ("log(vp) / 1e7", True),
        ("2 ** (-vp / 500)", True),
        ("((9000 - vp) / 1000) ** 2", True),
        ("(100 - vp) ** 2 / 1e14", True),
        ("1 / sqrt(vp**5 + vp**3 + 7 * vp + 2)", True),
        ("(1 + exp(-vp / 1000)) / vp**2", True),
        # These do not give a velocity, or none that is the only one.
        ("1e-7 * (2 + sin(vp / 500))", False),
        ("1e-7 * (1 + (vp / 1000 - 3) ** 2 + vp / 1000)", False),
        ("exp(-vp / 1000) / vp**2 + 1e-9 * log(vp)", False),
    ],
)
def test_formulas_of_any_kind(formula: str, alone: bool, tmp_path: Path) -> None:
    """Waves run with every formula; a velocity is recovered exactly, or not at all."""
    path = tmp_path / "waves.py"
    path.write_text(STATED.replace("FORMULA", formula), encoding="utf-8")
    equation = own_equation(path)
    vp = np.linspace(1500.0, 4000.0, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    model = parameters(equation, {"vp": vp})
    recovered = recovery.properties(equation, model)
    assert list(recovered) == (["vp"] if alone else [])
    if alone:
        np.testing.assert_allclose(recovered["vp"], vp, rtol=1e-9)
        np.testing.assert_allclose(
            recovery.properties(equation, {"m": model["m"][:1]})["vp"], vp[:1], rtol=1e-9
        )


def test_waves_of_a_formula_that_is_not_inverted(tmp_path: Path) -> None:
    path = tmp_path / "waves.py"
    path.write_text(STATED.replace("FORMULA", "exp(-vp / 1000) / vp**2 + 1e-9 * log(vp)"))
    grid = Grid(SHAPE, (10.0, 12.0), (0.0, 0.0))
    axis = time_axis(0.002, 5, 9000.0, grid.spacing, 4)
    equation = own_equation(path)
    F = Propagator(Discretization(equation, grid, axis, AbsorbingLayer(4, 9000.0, 20.0), order=4))
    model = parameters(equation, {"vp": np.full(SHAPE, 2000.0)})
    records = F.forward(model, np.ones((1, 5)), np.array([[100.0, 96.0]]), np.array([[90.0, 96.0]]))
    assert np.abs(records).max() > 0


def test_no_solver_is_loaded() -> None:
    """SymPy's takes a tenth of a second in every process, and units with it."""
    assert "sympy.physics.units" not in sys.modules
