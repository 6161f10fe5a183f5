"""Arrays lie in memory as vector instructions want them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, time_axis
from fwicli.propagators.kernels import compilation
from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.sampling.memory import ALIGNMENT, CONFLICT
from tests.equations import large_are_slow

Make = Callable[..., Any]


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("points", [13, 216, 472, 601])
def test_rows_begin_where_vectors_do(points: int, precision: str) -> None:
    """Every row of the grid does, halo aside, and rows do not share the lines of the cache."""
    grid = Grid((21, points), (10.0, 10.0), (0.0, 0.0))
    axis = time_axis(0.001, 10, 2000.0, grid.spacing, 8)
    layer = AbsorbingLayer(12, 2000.0, 10.0)
    storage = GridArrays(Discretization("acoustic", grid, axis, layer, precision=precision), 10)
    field = storage.array(ArraySpec("u", "field", 8, 2, 2))
    for level in range(2):
        for row in range(field.shape[1]):
            assert field[level, row, 8:].ctypes.data % ALIGNMENT == 0
    assert field.strides[1] % CONFLICT != 0
    assert field.shape[1] == 21 + 24 + 16
    assert field.shape[2] >= points + 24 + 16
    storage.extend(np.ones(grid.shape), ArraySpec("m", "model", 8))
    assert storage.fold(ArraySpec("m", "model", 8)).sum() == (21 + 24) * (points + 24)


@pytest.mark.parametrize("free", [(), ("z-",), ("x-", "z+"), ("x-", "x+", "z-", "z+")])
@pytest.mark.parametrize("shape", [(2, 2), (9, 13), (3, 2, 5), (9, 7, 11)])
def test_values_in_the_layer_add_to_the_edge(shape: tuple[int, ...], free: tuple[str, ...]) -> None:
    """Each to the point of the model that it was extended from; a point of a wall counts half."""
    grid = Grid(shape, (10.0,) * len(shape), (0.0,) * len(shape))
    axis = time_axis(0.001, 10, 2000.0, grid.spacing, 4)
    layer = AbsorbingLayer(12, 2000.0, 10.0, free=free)
    made_of = Discretization("acoustic", grid, axis, layer, order=4, precision="float64")
    storage, spec = GridArrays(made_of, 10), ArraySpec("m", "model", 4)
    values = storage.array(spec)
    values[...] = np.random.default_rng(7).standard_normal(values.shape)
    points = np.indices(storage.shape)
    expected = np.zeros(shape)
    pads = layer.pads(len(shape))
    edges = [np.clip(i - b, 0, n - 1) for i, (b, _), n in zip(points, pads, shape, strict=True)]
    halo = tuple(slice(4, 4 + n) for n in storage.shape)
    np.add.at(expected, tuple(edges), values[halo])
    for number, name in enumerate("xz" if len(shape) == 2 else "xyz"):
        for side, row in (("-", 0), ("+", -1)):
            if name + side in free:
                np.moveaxis(expected, number, 0)[row] /= 2
    np.testing.assert_allclose(storage.fold(spec), expected, rtol=0, atol=1e-12)


def small_arrays() -> GridArrays:
    """Of 9 x 13 points with 12 cells of the layer on all sides."""
    grid = Grid((9, 13), (10.0, 10.0), (0.0, 0.0))
    axis = time_axis(0.001, 10, 2000.0, grid.spacing, 8)
    layer = AbsorbingLayer(12, 2000.0, 10.0)
    return GridArrays(Discretization("acoustic", grid, axis, layer), 10)


@large_are_slow
@pytest.mark.parametrize("free", [(), ("x-", "z+")])
def test_waves_of_the_layer_stay_in_its_strips(
    make_setting: Make, equation: str, free: tuple[str, ...]
) -> None:
    """Forwards and backwards: the rest of their arrays is neither cleared nor looked at."""
    s = make_setting(equation=equation, free=free)
    p = s.propagator
    p.jacobian_adjoint(s.model, s.gather, s.wavelet, s.sources, s.receivers)
    with p._pool.runner() as runner:
        arrays, spec_of = runner.arrays, {}
        for signature in (runner._signature("forward"), runner._signature("adjoint")):
            spec_of |= {a.name: a for a in compilation.load(signature).arrays}
        confined = [(k, strips) for k, strips in arrays._strips.items() if strips]
        assert confined
        for (name, shape), strips in confined:
            values = arrays._arrays[name, shape]
            assert values.any()
            rest = values.copy()
            for view in arrays._written(rest, spec_of[name], strips):
                view[...] = 0
            assert not rest.any(), name


def test_all_that_a_kernel_writes_is_cleared() -> None:
    """Strips alone, unless another kernel writes elsewhere in the same array."""
    storage = small_arrays()
    strips = ((1, "left", 12), (1, "right", 12))
    spec = ArraySpec("psi", "field", 4, 1, 1, strips=strips)
    values = storage.array(spec)
    values[...] = 1
    storage.clear(spec)
    assert not values[..., : 4 + 12].any()
    assert not values[..., 4 + 25 :].any()
    assert (values[..., 16:29] == 1).all()
    storage.clear(replace(spec, strips=()))
    assert not values.any()
    values[...] = 1
    storage.clear(spec)
    assert not values.any()


def test_any_value_that_is_not_finite_is_seen() -> None:
    """Wherever the kernel writes; large values, whose sum overflows, are finite."""
    storage = small_arrays()
    strips = ((0, "left", 12), (0, "right", 12))
    for spec in (
        ArraySpec("u", "field", 4, 2, 2),
        ArraySpec("psi", "field", 4, 1, 1, strips=strips),
    ):
        values = storage.array(spec)
        values[...] = 3e38
        assert storage.is_finite(spec)
        for bad in (np.nan, np.inf, -np.inf):
            for row in (4, 4 + 11, -5):
                values[...] = 0
                values[0, row, 20] = bad
                assert not storage.is_finite(spec)
        values[...] = 0
        values[0, 5, 20], values[0, 6, 20] = np.inf, -np.inf
        assert not storage.is_finite(spec)


@pytest.mark.parametrize("free", [(), ("x+", "y-"), ("z-",)])
def test_models_go_on_into_the_layer(free: tuple[str, ...]) -> None:
    """With their values at the edge, on all axes."""
    rng = np.random.default_rng(1)
    grid = Grid((5, 6, 7), (10.0,) * 3, (0.0,) * 3)
    axis = time_axis(0.001, 10, 2000.0, grid.spacing, 4)
    layer = AbsorbingLayer(6, 2000.0, 10.0, gap=1, free=free)
    storage = GridArrays(Discretization("acoustic", grid, axis, layer, order=4), 10)
    spec, model = ArraySpec("m", "model", 4), rng.random(grid.shape).astype(np.float32)
    storage.extend(model, spec)
    assert np.array_equal(storage._interior(spec), np.pad(model, layer.pads(3), mode="edge"))
