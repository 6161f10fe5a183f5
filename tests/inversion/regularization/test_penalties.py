"""Penalties: derivatives, second derivatives, and what they are zero for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli.inversion.regularization.penalties import (
    Directional,
    Reference,
    Tikhonov,
    TotalVariation,
)

RNG = np.random.default_rng(11)
SHAPE = (9, 7)
SPACING = (10.0, 20.0)
FREE = RNG.random(SHAPE) > 0.15
VP = 2000 + 500 * RNG.random(SHAPE)
COMMON = ("vp", 0.3, 3000.0)
X, Z = np.meshgrid(10.0 * np.arange(9), 20.0 * np.arange(7), indexing="ij")
ALL = np.ones(SHAPE, dtype=bool)

MAKERS: dict[str, Callable[..., Any]] = {
    "first": lambda free=FREE: Tikhonov(*COMMON, free),
    "first along x": lambda free=FREE: Tikhonov(*COMMON, free, axes=(1.0, 0.0)),
    "second": lambda free=FREE: Tikhonov(*COMMON, free, order=2, axes=(2.0, 1.0)),
    "of the change": lambda free=FREE: Tikhonov(*COMMON, free, VP[::-1]),
    "directional": lambda free=FREE: Directional(*COMMON, free, dip=0.1 * VP / 2000),
    "total variation": lambda free=FREE: TotalVariation(*COMMON, free),
    "reference": lambda free=FREE: Reference(*COMMON, free, VP[:, ::-1]),
}


@pytest.mark.parametrize("name", MAKERS)
def test_derivatives(name: str) -> None:
    """First and second, against central differences, to 1e-8; the second is symmetric."""
    penalty = MAKERS[name]()
    a, b = 100 * RNG.standard_normal((2, *SHAPE))

    def slope(vp: np.ndarray) -> float:
        return float(np.vdot(penalty({"vp": vp}, SPACING)[1]["vp"], b))

    def value(vp: np.ndarray) -> float:
        return float(penalty({"vp": vp}, SPACING)[0])

    h = 1e-4
    assert value(VP) > 0
    expected = (value(VP + h * b) - value(VP - h * b)) / (2 * h)
    assert slope(VP) == pytest.approx(expected, rel=1e-8)
    second = penalty.curvature({"vp": VP}, {"vp": a}, SPACING)["vp"]
    expected = (slope(VP + h * a) - slope(VP - h * a)) / (2 * h)
    assert np.vdot(second, b) == pytest.approx(expected, rel=1e-7)
    other = penalty.curvature({"vp": VP}, {"vp": b}, SPACING)["vp"]
    assert np.vdot(other, a) == pytest.approx(np.vdot(second, b), rel=1e-10)
    assert np.vdot(second, a) >= 0


@pytest.mark.parametrize("name", MAKERS)
def test_fixed_points_do_not_count(name: str) -> None:
    """Neither in the value nor in its derivative, and the other properties not at all."""
    penalty = MAKERS[name]()
    value, derivative = penalty({"vp": VP, "rho": VP}, SPACING)
    assert list(derivative) == ["vp"]
    assert not derivative["vp"][~FREE].any()
    assert penalty({"vp": np.where(FREE, VP, 5 * VP)}, SPACING)[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("first", 0 * X + 2500),
        ("first along x", 2 * Z + 1500),
        ("second", 3 * X + 2 * Z),
        ("of the change", VP[::-1] + 100),
        ("total variation", 0 * X + 2500),
        ("reference", VP[:, ::-1]),
    ],
)
def test_zero_for_what_is_wanted(name: str, model: np.ndarray) -> None:
    """And nowhere near it for another model."""
    penalty = MAKERS[name](ALL)
    assert penalty({"vp": model}, SPACING)[0] == pytest.approx(0, abs=1e-20)
    assert penalty({"vp": VP}, SPACING)[0] > 1e-4


def test_directional_is_zero_for_layers_that_dip() -> None:
    """Layers that go down towards larger x at 20 degrees."""
    dip = np.deg2rad(20)
    layered = 2000 + 2 * (Z * np.cos(dip) - X * np.sin(dip))
    along, across = (
        Directional(*COMMON, FREE, dip=d)({"vp": layered}, SPACING)[0] for d in (dip, -dip)
    )
    assert along < 1e-20 < across


@pytest.mark.parametrize("name", ["first", "second", "total variation", "reference"])
def test_value_does_not_depend_on_the_grid(name: str) -> None:
    """Of a smooth model on cells half as long, within what differences differ."""

    def value(n: int) -> float:
        x, z = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n), indexing="ij")
        penalty = replace(MAKERS[name](np.ones((n, n), dtype=bool)), base=None)
        model = {"vp": 2500 + 800 * np.sin(3 * x + 2 * z)}
        return float(penalty(model, (1000 / (n - 1), 1000 / (n - 1)))[0])

    assert value(161) == pytest.approx(value(81), rel=0.03)


def test_smoothed_variation_tends_to_the_variation() -> None:
    """The mean length of the gradient, in widths per kilometre."""
    model = np.where(X > 40, 3000.0, 2000.0)
    value = replace(MAKERS["total variation"](ALL), smoothing=1e-6)({"vp": model}, SPACING)[0]
    # One of nine columns has a slope of 1000 m/s in 10 m.
    assert value == pytest.approx(0.3 * (1000 / 3000) / 0.01 / 9, rel=1e-4)
