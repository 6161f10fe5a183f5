"""Sides of the model: with a layer, or with a pressure of zero and exact mirror images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.errors import GeometryError
from fwicli.propagators.absorbing import SIDES, walls
from fwicli.propagators.equations import registry
from fwicli.propagators.equations.channel import pressure
from fwicli.propagators.equations.equation import Equation
from fwicli.propagators.equations.medium import Medium
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.locations import ExtendedSource
from fwicli.survey.signals.wavelets import ricker, times
from tests.earths import leading_earth
from tests.equations import SIGNS, USUAL_ORDER, WITH_SIDES

Make = Callable[..., Any]
BOX = ("x-", "x+", "z-", "z+")
MIXED = ("x-", "z+")


def is_slow(equation: str, free: tuple[str, ...]) -> bool:
    """Whether a case waits for test-full: single sides do, and large equations.

    MIXED has both kinds of ends on both axes, for the equation with more mirrors; the smallest has
    the box, and a free surface in `test_propagator`.
    """
    return (equation, free) not in (("variable_density", MIXED), ("acoustic", BOX))


CASES = list(product(WITH_SIDES, (("x-",), ("x+",), ("z+",), MIXED, BOX)))
every_case = pytest.mark.parametrize(
    ("equation", "free"),
    [
        pytest.param(
            equation,
            free,
            marks=pytest.mark.slow if is_slow(equation, free) else (),
            id=f"{equation}-{''.join(free)}",
        )
        for equation, free in CASES
    ],
)
every_equation = pytest.mark.parametrize("equation", WITH_SIDES)


def mismatch(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> float:
    """|<a, b> - <c, d>| relative to |a| |b|."""
    return float(abs(np.vdot(a, b) - np.vdot(c, d)) / (np.linalg.norm(a) * np.linalg.norm(b)))


def near_the_sides(setting: Any) -> Any:
    """A setting with sources and receivers within reach of every side, off the grid."""
    grid = setting.propagator.grid
    low, high = np.array(grid.origin), np.array(grid.end)
    middle = 0.4 * low + 0.6 * high
    for axis in range(grid.ndim):
        setting.receivers[2 * axis : 2 * axis + 2] = middle
        setting.receivers[2 * axis, axis] = low[axis] + 3.0
        setting.receivers[2 * axis + 1, axis] = high[axis] - 14.0
    setting.sources[0], setting.sources[1] = low + 7.0, high - 12.0
    return setting


@pytest.mark.parametrize(
    ("equation", "free"),
    [
        pytest.param(
            equation,
            free,
            # Both ends of both axes are in MIXED; the box adds no other, and four large kernels.
            marks=() if (equation, free) == ("variable_density", MIXED) else pytest.mark.slow,
            id=f"{equation}-{''.join(free)}",
        )
        for equation, free in CASES
    ],
)
def test_operators_between_free_sides_are_exact(
    make_setting: Make, equation: str, free: tuple[str, ...]
) -> None:
    """<F q, d> = <q, F^T d> and <J dp, d> = <dp, J^T d>, on any set of free sides."""
    exact(near_the_sides(make_setting(2, equation=equation, free=free)))


@pytest.mark.slow
@every_equation
@pytest.mark.parametrize("free", [("x+", "y-"), tuple(SIDES)], ids="".join)
def test_operators_between_free_sides_are_exact_in_3d(
    make_setting: Make, equation: str, free: tuple[str, ...]
) -> None:
    exact(near_the_sides(make_setting(3, equation=equation, free=free)))


def exact(s: Any) -> None:
    place = s.wavelet, s.sources, s.receivers
    adjoint = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    assert mismatch(s.forward(), s.gather, s.wavelet, adjoint) < 1e-13
    born = s.propagator.jacobian(s.model, s.perturbation, *place)
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *place)
    for name in s.model:
        # One parameter at a time: the loudest would hide the others.
        change = {n: (n == name) * p for n, p in s.perturbation.items()}
        born = s.propagator.jacobian(s.model, change, *place)
        assert mismatch(born, s.gather, change[name], gradient[name]) < 1e-13, name


# --- images ---------------------------------------------------------------------------------------

# Spacing is that of `make_setting`, so that kernels are compiled once for both. The ends of a layer
# of 20 cells are not heard.
SPEED, SPACINGS, POINTS = 2000.0, (10.0, 12.0), 41


def images(
    x: float, ends: tuple[bool, bool], spacing: float, repeats: int
) -> Iterator[tuple[float, int]]:
    """Coordinates and signs of a source and its images in the free ends of an axis."""
    length = spacing * (POINTS - 1)
    if not any(ends):
        yield x, 1
    for k in range(-repeats, repeats + 1) if all(ends) else (0,):
        if any(ends):
            wall = 0.0 if ends[0] else length
            yield x + 2 * k * length, 1
            yield 2 * wall - x + 2 * k * length, -1


def whole_axis(ends: tuple[bool, bool], spacing: float, more: int) -> tuple[float, int]:
    """Origin and points of an axis of the space in which the images lie."""
    if all(ends):
        return -more * spacing, POINTS + 2 * more
    # The mirror image of the model, so that the layers are images of each other, too.
    origin = -spacing * (POINTS - 1) if ends[0] else 0.0
    return origin, 2 * POINTS - 1 if any(ends) else POINTS


@every_case
def test_free_sides_are_images(equation: str, free: tuple[str, ...]) -> None:
    """A model between free sides equals a larger one with the images of the source.

    In the closed box the waves do not reach the ends of the larger model.
    """
    samples = 200 if free != BOX else 60
    axis = time_axis(0.004, samples, SPEED, SPACINGS, USUAL_ORDER)
    wavelet = ricker(times(0.004, samples), 20.0, 0.06)[None]
    source = np.array([[233.0, 469.0]])
    receivers = np.array([[x, z] for x in (3.0, 211.0, 397.0) for z in (3.0, 467.0, 477.0)])

    def records(
        grid: Grid,
        sides: tuple[str, ...],
        signs: np.ndarray,
        places: np.ndarray,
        at: Any = receivers,
    ) -> Any:
        layer = AbsorbingLayer(20, SPEED, 12.0, 0, sides)
        made = Discretization(equation, grid, axis, layer, USUAL_ORDER, precision="float64")
        earth = leading_earth(equation, SPEED, grid.shape, rho=1500.0, qp=60.0)
        return Propagator(made).forward(
            parameters(equation, earth), signs[:, None] * wavelet, places, at
        )

    grid = Grid((POINTS, POINTS), SPACINGS, (0.0, 0.0))
    found = records(grid, free, np.array([1.0]), source)
    ends = walls(free, 2)
    axes = [list(images(*axis, 1)) for axis in zip(source[0].tolist(), ends, SPACINGS, strict=True)]
    pairs = list(product(*axes))
    places = np.array([[x for x, _ in pair] for pair in pairs])
    sign = SIGNS[equation]
    signs = np.array([float(np.prod([s if s > 0 else sign for _, s in pair])) for pair in pairs])
    spans = [whole_axis(e, h, 80) for e, h in zip(ends, SPACINGS, strict=True)]
    origin, shape = zip(*spans, strict=True)
    whole = Grid(shape, SPACINGS, origin)
    # The other images are too far away to be heard.
    near = ~whole.outside(places)
    expected = records(whole, (), signs[near], places[near])
    assert np.linalg.norm(found - expected) < 1e-9 * np.linalg.norm(expected)
    if SIGNS[equation] > 0:
        return
    # Receivers on a side are refused; volumes are not.
    on = np.zeros((len(free), *grid.shape))
    for row, side in enumerate(free):
        np.moveaxis(on[row], "xz".index(side[0]), 0)[-1 if side[1] == "+" else 0] = 1e-4
    silent = records(grid, free, np.array([1.0]), source, ExtendedSource(on))
    assert np.abs(silent).max() < 1e-12 * np.abs(found).max()


# --- coefficients below derivatives ---------------------------------------------------------------


def first_order(medium: Medium) -> None:
    """dv/dt + grad(p) / b = 0, dp/dt + k**2 div(v) = q: the adjoint differentiates coefficients."""
    k, b = medium.parameter("k"), medium.parameter("b")
    p, divergence = medium.field("p", time_order=1), []
    for axis in medium.axes:
        v = medium.field(f"v{axis}", time_order=1, half=axis)
        medium.solve(v, v.dt + medium.slope(p, axis, 1) / medium.between(b, axis))
        divergence.append(medium.slope(v.forward, axis, -1))
    medium.solve(p, p.dt + k**2 * sum(divergence))


def test_coefficients_are_continued(make_setting: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The adjoint differentiates products with coefficients, also beyond free sides."""
    formulas = {"k": "vp", "b": "rho / 1000"}
    only = pressure("p")
    stated = Equation(
        name="first_order",
        parameters=lambda _: formulas,
        recorded=only,
        emitted=only,
        state=first_order,
    )
    monkeypatch.setitem(registry.EQUATIONS, "first_order", stated)
    s = near_the_sides(make_setting(2, equation="first_order", free=BOX))
    adjoint = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    assert mismatch(s.forward(), s.gather, s.wavelet, adjoint) < 1e-13


# --- names ----------------------------------------------------------------------------------------


def test_sides_that_do_not_exist_are_refused() -> None:
    with pytest.raises(GeometryError, match="free sides are"):
        AbsorbingLayer(10, 2000.0, 10.0, 0, ("top",))
    with pytest.raises(GeometryError, match="no side y-"):
        AbsorbingLayer(10, 2000.0, 10.0, 0, ("y-",)).pads(2)


def test_order_of_sides_does_not_matter() -> None:
    """Equal layers share their kernels."""
    layers = [AbsorbingLayer(10, 2000.0, 10.0, 0, free) for free in (("z-", "x+"), ("x+", "z-"))]
    assert layers[0] == layers[1]
    assert layers[0].pads(2) == ((10, 0), (0, 10))
