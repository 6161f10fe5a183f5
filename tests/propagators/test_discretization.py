"""What a propagator is made of: one number or name that is impossible is refused where it is given.

Each is changed alone, and the error names it, before anything is allocated or compiled.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, FullField, Grid, TimeAxis, time_axis
from fwicli.errors import PhysicsError

GRID = Grid((21, 11), (10.0, 10.0), (0.0, 0.0))
LAYER = AbsorbingLayer(6, 2000.0, 10.0)
AXIS = TimeAxis(0.004, 50, 2)
MADE = Discretization("acoustic", GRID, AXIS, LAYER)

NO_COUNT = (-1, 2.5, math.nan, math.inf, "8", None, True, [2])
NO_NUMBER = (math.nan, math.inf, -math.inf, "10", None, 1j, [10.0])
IMPOSSIBLE: dict[tuple[Any, str], tuple[Any, ...]] = {
    (MADE, "equation"): ("plastic", "", None),
    (MADE, "grid"): (None, (21, 11)),
    (MADE, "time"): (None, 0.004),
    (MADE, "layer"): (None, 12),
    (MADE, "history"): ("disk", None),
    (MADE, "order"): (*NO_COUNT, 0, 2, 7),
    (MADE, "precision"): ("float16", "half", np.complex64, None, 32, "int32"),
    (MADE, "history_step"): (*NO_COUNT, 0),
    (MADE, "threads"): (*NO_COUNT, 0),
    (MADE, "interpolation"): ("cubic", None, ""),
    (MADE, "parameters"): (("vp",), "vp", ("m", "r")),
    (GRID, "shape"): (21, "21", (21,), (21, 1), (-21, 11), (21, 11.5), (21, None), (21, 11, 5)),
    (GRID, "spacing"): (10.0, (10.0,), (10.0, 0.0), *((10.0, x) for x in NO_NUMBER)),
    (GRID, "origin"): (0.0, (0.0,), *((0.0, x) for x in NO_NUMBER)),
    (LAYER, "cells"): NO_COUNT,
    (LAYER, "gap"): NO_COUNT,
    (LAYER, "velocity"): (*NO_NUMBER, 0.0, -2000.0),
    (LAYER, "frequency"): (*NO_NUMBER, -1.0),
    (AXIS, "interval"): (*NO_NUMBER, 0.0, -0.004),
    (AXIS, "samples"): (*NO_COUNT, 0),
    (AXIS, "substeps"): (*NO_COUNT, 0),
    (FullField(), "every"): (*NO_COUNT, 0),
}
CASES = [
    pytest.param(whole, name, value, id=f"{type(whole).__name__}.{name}={value!r}")
    for (whole, name), values in IMPOSSIBLE.items()
    for value in values
]


@pytest.mark.parametrize(("whole", "name", "value"), CASES)
def test_what_is_impossible_is_refused_where_it_is_given(whole: Any, name: str, value: Any) -> None:
    with pytest.raises(PhysicsError) as caught:
        replace(whole, **{name: value})
    assert ("grid" if whole is GRID else name) in str(caught.value)


TIMES = {"interval": 0.004, "samples": 50, "vp_max": 2000.0, "spacing": (10.0, 10.0), "order": 8}
NO_TIMES: dict[str, tuple[Any, ...]] = {
    "interval": (*NO_NUMBER, 0.0, -0.004),
    "samples": (*NO_COUNT, 0),
    "vp_max": (*NO_NUMBER, 0.0, -2000.0, np.array([1500.0, 2000.0])),
    "spacing": (10.0, (10.0,), (0.0, 10.0), (math.nan, 10.0), None, "10"),
    "order": (*NO_COUNT, 3),
    "substeps": (*(n for n in NO_COUNT if n is not None), 0),
}


@pytest.mark.parametrize(
    ("name", "value"), [(n, v) for n, values in NO_TIMES.items() for v in values]
)
def test_time_axis_of_impossible_numbers_is_refused(name: str, value: Any) -> None:
    with pytest.raises(PhysicsError, match=name):
        time_axis(**{**TIMES, name: value})


def test_other_kinds_of_the_same_numbers_make_the_same() -> None:
    """Lists, arrays, NumPy's numbers and whole floats: equal, and so one kernel for all."""
    ten = np.float32(10.0)
    for grid in (
        Grid([21, 11], [10, 10], [0, 0]),  # type: ignore[arg-type]
        Grid(np.array([21, 11]), np.array([10.0, 10.0]), np.zeros(2)),  # type: ignore[arg-type]
        Grid((21.0, np.int32(11)), (ten, ten), (0, False + 0.0)),  # type: ignore[arg-type]
    ):
        layer = AbsorbingLayer(np.int64(6), 2000, 10)  # type: ignore[arg-type]
        axis = TimeAxis(np.float64(0.004), 50.0, np.int8(2))  # type: ignore[arg-type]
        made = Discretization("acoustic", grid, axis, layer, precision=np.float32)  # type: ignore[arg-type]
        assert made == MADE
        assert repr(made.signature("forward")) == repr(MADE.signature("forward"))
    assert replace(MADE, parameters=["m"]) == replace(MADE, parameters=("m",))  # type: ignore[arg-type]
    assert hash(replace(MADE, parameters="m"))  # type: ignore[arg-type]
