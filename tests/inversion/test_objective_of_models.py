"""The gradient of the whole objective, for every parameterization, taper and penalty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from fwicli.inversion.regularization.penalties import (
    Directional,
    Penalty,
    Reference,
    Tikhonov,
    TotalVariation,
)
from fwicli.inversion.unknowns.parameterization import PARAMETERIZATIONS, logarithm
from fwicli.inversion.unknowns.variables import Variables
from tests.inversion.test_objective import FINE, GRID, Objective, objective, placed, slope

RNG = np.random.default_rng(12)
COMMON = ("vp", 1.0, 2000.0)

# From where the model may change, and another model.
PENALTIES: dict[str, Callable[[np.ndarray, np.ndarray], Penalty]] = {
    "first order": lambda free, _: Tikhonov(*COMMON, free, axes=(4.0, 1.0)),
    "second order": lambda free, _: Tikhonov(*COMMON, free, order=2),
    "of the change": lambda free, other: Tikhonov(*COMMON, free, other),
    "directional": lambda free, other: Directional(*COMMON, free, dip=0.3 + 1e-4 * other),
    "total variation": lambda free, _: TotalVariation(*COMMON, free),
    "reference": lambda free, other: Reference(*COMMON, free, other),
}


def free_points(shape: tuple[int, ...]) -> np.ndarray:
    """Nine tenths of the points."""
    return np.random.default_rng(12).random(shape) > 0.1


def made(name: str, f: Objective, x: np.ndarray) -> Penalty:
    """A penalty that counts as much as the data do."""
    grid = FINE if f.regridding else GRID
    other = 2200 + 300 * np.random.default_rng(13).random(grid.shape)
    penalty = PENALTIES[name](free_points(grid.shape), other)
    part = penalty(f.variables.unpack(x), grid.spacing)[0]
    return replace(penalty, weight=0.1 / part)


def agree(f: Objective, x: np.ndarray) -> float:
    """Compare with central differences, to 1e-6; returns the value."""
    value, gradient = f(x)
    for _ in range(2):
        direction = 0.3 * RNG.standard_normal(x.shape)
        expected = slope(f, x, direction, 3e-6)
        assert np.vdot(gradient, direction) == pytest.approx(expected, rel=1e-6)
    return value


@pytest.mark.parametrize("name", PENALTIES)
def test_penalties(name: str) -> None:
    """They are part of the value, and their gradient reaches x."""
    f, x = objective("slowness")
    alone = f(x)[0]
    assert 0.01 < alone < 2
    f.penalties = (made(name, f, x),)
    assert agree(f, x) == pytest.approx(alone + 0.1, rel=1e-12)


@pytest.mark.parametrize("parameter", PARAMETERIZATIONS)
def test_everything_at_once(parameter: str) -> None:
    """All penalties, tapered changes, waves on a coarser grid in windows."""
    f, x = objective(parameter, grid=FINE)
    taper = RNG.random(FINE.shape)
    begin = {"vp": f.variables.unpack(x)["vp"]}
    f = placed(f, coarse=True, windowed=True)
    f = replace(
        f,
        variables=f.variables.tapered(taper, begin),
        penalties=tuple(made(name, f, x) for name in PENALTIES),
    )
    agree(f, x * (1 + 0.02 * RNG.random(x.shape)))


@pytest.mark.parametrize("names", [("vp", "rho"), ("vp", "impedance")], ids=str)
def test_logarithms_of_other_properties(names: tuple[str, ...]) -> None:
    """Jointly with velocity, with a penalty on each."""
    f, _ = objective("log", "variable_density", names=names)
    velocity, other = f.variables.blocks
    other = replace(other, parameterization=logarithm(1e3, 1.7))
    f = replace(f, variables=Variables((velocity, other)))
    x = f.variables.pack(f.others)
    scale = np.ptp(f.variables.unpack(x)[other.name])
    variation = TotalVariation(other.name, 1e-3, scale, free_points(GRID.shape))
    f.penalties = (made("first order", f, x), variation)
    agree(f, x)
