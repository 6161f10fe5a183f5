"""Arrays lie in memory as vector instructions want them."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, time_axis
from fwicli.propagators.kernels.signature import ArraySpec
from fwicli.propagators.running.arrays import GridArrays
from fwicli.propagators.sampling.memory import ALIGNMENT, CONFLICT


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
