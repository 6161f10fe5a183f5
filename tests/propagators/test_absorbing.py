"""What comes back from the absorbing layer."""

from __future__ import annotations

import functools
import runpy
from pathlib import Path

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, TimeAxis, time_axis
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.equations.stencils import Stencil
from fwicli.survey.signals.wavelets import ricker, times
from tests.earths import leading_earth
from tests.equations import LARGE, LARGEST, USUAL_ORDER

# Kernels are those of the dot tests, so that they are compiled once. Where the layer damps second
# differences they are of order 8: slopes of order 4 differ from them by too much (-49 dB).
SPEED, SPACING, FREQUENCY = 2000.0, (10.0, 12.0), 10.0
REFERENCE_FREQUENCY = 20.0
ORDERS = dict.fromkeys(EQUATIONS, USUAL_ORDER) | {"acoustic": 8, "tti": 8}


# Layers of `viscoelastic`, `elastic_vti` and `sh` are those of `elastic`, and kernels take long.
most_equations = pytest.mark.parametrize(
    "equation",
    [
        pytest.param(
            e, marks=pytest.mark.slow if e in ("viscoelastic", "elastic_vti", "sh") else ()
        )
        for e in EQUATIONS
        if e != "tti"
    ],
)


def earth(equation: str, vp: np.ndarray, **others: float) -> dict[str, np.ndarray]:
    """Parameters of an earth with the density of water, isotropic unless told."""
    return parameters(equation, leading_earth(equation, vp, vp.shape, **others))


def order_of(equation: str, weights: str = "taylor") -> int:
    """Order of the differences; there are no optimised ones of order 4."""
    return 8 if weights == "optimised" else ORDERS[equation]


def propagator(
    equation: str,
    grid: Grid,
    axis: TimeAxis,
    layer: AbsorbingLayer,
    weights: str = "taylor",
) -> Propagator:
    """The propagator of a medium; where waves lose energy, about the same frequency always."""
    losses = {"reference_frequency": REFERENCE_FREQUENCY} if EQUATIONS[equation].constant_q else {}
    return Propagator(
        Discretization(
            equation,
            grid,
            axis,
            layer,
            order=order_of(equation, weights),
            stencil=weights,
            precision="float64",
            **losses,
        )
    )


# What an equation can have without waves that are no P waves at a distance.
ANISOTROPY = {
    "vti": {"epsilon": 0.2, "delta": 0.05},
    "tti": {"epsilon": 0.2, "delta": 0.2, "theta": 0.5},
}


def grazing(equation: str, cells: int, above: int, velocity: float = 6000.0) -> np.ndarray:
    """Records along the top of a medium, with so many cells of it above the receivers."""
    grid = Grid((361, 31 + above), SPACING, (0.0, -above * SPACING[1]))
    axis = time_axis(0.004, 550, velocity, grid.spacing, order_of(equation))
    layer = AbsorbingLayer(cells, velocity, FREQUENCY)
    F = propagator(equation, grid, axis, layer)
    receivers = np.array([[x, 20.0] for x in np.arange(200.0, 3450.0, 200.0)])
    return F.forward(
        earth(equation, np.full(grid.shape, SPEED)),
        ricker(times(0.004, 550), FREQUENCY)[None],
        np.array([[100.0, 20.0]]),
        receivers,
    )


# Without anisotropy these are the waves of others, to round-off (see `test_anisotropy`), which take
# less time.
ISOTROPIC = {"tti": "acoustic", "vti": "variable_density"}


@functools.cache
def without_layer(equation: str) -> np.ndarray:
    """Records that the layer above does not reach in time."""
    return grazing(ISOTROPIC.get(equation, equation), 20, above=210)


# Cells and the largest error.
THICK, THIN = (20, 1e-3), (10, 1e-2)


@pytest.mark.parametrize(
    ("equation", "cells", "bound"),
    [
        # A thin layer of a large equation is its thick one with fewer cells, and those of the
        # largest are the same around each of their derivatives.
        pytest.param(
            e, *layer, marks=pytest.mark.slow if e in (LARGEST if layer == THICK else LARGE) else ()
        )
        for layer in (THICK, THIN)
        for e in EQUATIONS
    ],
)
def test_waves_along_the_layer_are_left_alone(equation: str, cells: int, bound: float) -> None:
    """Sources and receivers two cells below the layer: the records are those without it.

    A wave at grazing incidence is what a layer does worst. The damping is made for 6000 m/s, as
    for rocks below, while the waves travel at 2000 m/s.
    """
    reference = without_layer(equation)
    found = grazing(equation, cells, above=0)
    error = np.linalg.norm(found - reference) / np.linalg.norm(reference)
    assert error < bound, error


@pytest.mark.parametrize(
    "equation",
    [
        # A kernel of `tti` of order 8 is for this test alone.
        pytest.param(
            e,
            marks=pytest.mark.slow if e in ("tti", "viscoelastic", "elastic_vti", "sh") else (),
        )
        for e in EQUATIONS
    ],
)
def test_reflection_is_below_70_db(equation: str) -> None:
    """Of 20 cells, up to 65 degrees, against a domain too large to reflect.

    The error of a record is relative to a wave that has gone as far as the reflected one, as
    1 / sqrt(r) of the loudest record.
    """
    speed, depth, samples = 8000 / 3, 800 / 3, 200
    fastest = speed * np.sqrt(1 + 2 * ANISOTROPY.get(equation, {}).get("epsilon", 0.0))
    axis = time_axis(0.004, samples, fastest, SPACING, order_of(equation))
    angles = np.radians([0.0, 15.0, 30.0, 45.0, 65.0])
    offsets = 2 * depth * np.tan(angles)
    receivers = np.stack([120 + offsets, np.full(offsets.size, depth)], axis=1)

    def records(more: int) -> np.ndarray:
        shape = (141 + 2 * more, 46 + 2 * more)
        grid = Grid(shape, SPACING, tuple(-more * h for h in SPACING))
        layer = AbsorbingLayer(20, fastest, FREQUENCY)
        return propagator(equation, grid, axis, layer).forward(
            earth(equation, np.full(grid.shape, speed), **ANISOTROPY.get(equation, {})),
            ricker(times(0.004, samples), FREQUENCY)[None],
            np.array([[120.0, depth]]),
            receivers,
        )

    whole = records(100)
    error = np.abs(records(0) - whole).max(axis=1)
    there = np.abs(whole[3]).max() * np.sqrt(offsets[3] * np.cos(angles) / (2 * depth))
    assert np.all(20 * np.log10(error / there) < -70), 20 * np.log10(error / there)


@pytest.mark.parametrize("stencil", ["taylor", pytest.param("optimised", marks=pytest.mark.slow)])
@most_equations
def test_layer_is_stable(equation: str, stencil: str) -> None:
    """After the waves have left, 20 000 steps bring nothing back.

    The shear wave of tilted anisotropy takes longer to leave: it is in the tests of anisotropy.
    """
    weights = Stencil(order_of(equation, stencil), stencil)
    grid = Grid((41, 41), SPACING, (0.0, 0.0))
    rng = np.random.default_rng(0)
    vp = 1500 + 2500 * rng.random(grid.shape)
    vp[20, 20] = 4000.0
    samples = 10000
    losses = {"qp": 20.0}
    fastest = EQUATIONS[equation].speeds(leading_earth(equation, vp, grid.shape, **losses), 2)[1]
    axis = time_axis(0.002, samples, fastest, grid.spacing, weights, corrected=False)
    assert axis.substeps * samples >= 20000
    layer = AbsorbingLayer(12, fastest, 15.0)
    gather = propagator(equation, grid, axis, layer, stencil).forward(
        earth(equation, vp, **losses),
        ricker(times(0.002, samples), 15.0)[None],
        np.array([[200.0, 200.0]]),
        np.array([[300.0, 120.0]]),
    )[0]
    loudest = [np.abs(part).max() for part in np.split(gather, 4)]
    assert loudest[2] < 1e-4 * loudest[0]
    assert loudest[1] > loudest[2] > loudest[3]


def test_coefficients_are_mirror_images() -> None:
    """Both ends of an axis are treated alike, at points and half points."""
    layer = AbsorbingLayer(10, 3000.0, 10.0)
    for offset in (0.0, 0.5):
        b, c = layer.coefficients(50, 10.0, 1e-3, offset)
        last = 50 if offset == 0 else 49
        np.testing.assert_allclose(b[:last], b[:last][::-1], rtol=1e-12)
        np.testing.assert_allclose(c[:last], c[:last][::-1], rtol=1e-12)
        assert np.all(c <= 0)
        assert np.all((b > 0) & (b <= 1))
    assert np.all(layer.coefficients(50, 10.0, 1e-3, 0.0)[1][10:40] == 0)


@pytest.mark.slow
@pytest.mark.parametrize("tilt", [0.0, 0.5, -0.9])
def test_layer_absorbs_p_waves_of_tilted_anisotropy(tilt: float) -> None:
    """Where shear waves are slow: epsilon - delta of 0.1. Up to 45 degrees, and 65."""
    benchmark = runpy.run_path(
        str(Path(__file__).parents[2] / "benchmarks" / "tilted_layer_reflection.py")
    )
    found, angles = benchmark["reflection"](tilt, 20), np.abs(benchmark["ANGLES"])
    assert found[angles <= 45].max() < -60, found
    assert found.max() < -40, found


@pytest.mark.slow
@pytest.mark.parametrize("cells", [12, 20])
@pytest.mark.parametrize("tilt", [0.1, 0.3, 0.7, 1.4])
@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 0.05), (0.2, 0.1), (0.25, 0.0), (0.4, 0.0)])
def test_shear_waves_do_not_grow(epsilon: float, delta: float, tilt: float, cells: int) -> None:
    """In a layer around a random medium of tilted anisotropy, over 20 000 steps."""
    samples = 10000
    grid = Grid((41, 41), (10.0, 10.0), (0.0, 0.0))
    vp = 1500 + 2500 * np.random.default_rng(0).random(grid.shape)
    fastest = 4000.0 * np.sqrt(1 + 2 * epsilon)
    axis = time_axis(0.002, samples, fastest, grid.spacing, 8, corrected=False)
    assert axis.substeps * samples >= 20000
    layer = AbsorbingLayer(cells, fastest, 15.0)
    gather = Propagator(Discretization("tti", grid, axis, layer)).forward(
        earth("tti", vp, epsilon=epsilon, delta=delta, theta=tilt),
        ricker(times(0.002, samples), 15.0)[None],
        np.array([[200.0, 200.0]]),
        np.array([[300.0, 120.0]]),
    )[0]
    loudest = [np.abs(part).max() for part in np.split(gather, 4)]
    assert loudest[0] > max(loudest[1:]), loudest
    assert loudest[3] < loudest[1], loudest
