"""Strips of the layer with numbers for their lengths in the code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devito import Eq, Grid, Inc, Operator, TimeFunction

from fwicli import Propagator
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.kernels import compilation, strips
from fwicli.propagators.kernels.signature import Signature
from tests.propagators.kernels.test_tiles import RUNS, values
from tests.propagators.loaded_kernels import noted

Make = Callable[..., Any]


def test_strips_along_the_last_axis_are_counted() -> None:
    """Those along the first axis are as long as arguments say; results are the same."""
    grid = Grid((23, 21), dtype=np.float64)
    u = TimeFunction(name="u", grid=grid, space_order=4)
    sides = [Strip(axis, side, 4, grid) for axis in (0, 1) for side in ("left", "right")]
    equations = [Eq(u.forward, u + u.dx + u.dy)]
    equations += [Inc(u.forward, i * u, subdomain=s) for i, s in enumerate(sides, 2)]
    results = []
    for wanting in (True, False):
        with strips.counted(grid.dimensions, wanting):
            operator = Operator(equations)
        code = str(operator.ccode)
        assert ("y <= y_m + 3;" in code) == ("y = y_M - 3;" in code) == wanting
        assert "x_ltkn" in code
        assert "x_rtkn" in code
        assert ("y_ltkn" in code) != wanting
        u.data_with_halo[:] = np.random.default_rng(1).standard_normal(u.data_with_halo.shape)
        operator.apply(time_m=0, time_M=1)
        results.append(np.array(u.data))
    assert np.array_equal(*results)


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({}, True),
        ({"layer": 20}, True),
        ({"kind": "gradient"}, True),
        ({"layer": 13}, False),
        ({"layer": 4}, False),
        ({"precision": "float64"}, False),
        ({"equation": "elastic"}, False),
        ({"layer": 0}, False),
        ({"spacing": (10.0, 10.0, 10.0)}, False),
    ],
)
def test_where_it_is_worth_a_kernel(changes: dict[str, Any], counted: bool) -> None:
    signature = Signature("forward", "tti", (10.0, 10.0), 8, 12, "float32")
    changed = replace(signature, **changes)
    assert compilation.template(changed).counted == counted
    if counted:
        assert compilation.template(changed).layer == changed.layer
    # A kernel for any thickness is not that of the layer with which it was generated.
    assert not compilation.template(replace(signature, layer=10)).counted


# Its kernels take half a minute to compile.
@pytest.mark.slow
@pytest.mark.parametrize("run", ["forward", "gradient"])
def test_results_are_those_of_any_length(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run: str
) -> None:
    s = make_setting(2, equation="tti", samples=60, cells=14, precision="float32")
    with monkeypatch.context() as patched:
        loaded = noted(patched)
        counted = values(RUNS[run](s, s.propagator))
    assert all(compilation.load(signature).signature.counted for signature in loaded)
    monkeypatch.setattr(compilation, "MANY_ARRAYS", 1000)
    compilation.load.cache_clear()
    expected = values(RUNS[run](s, Propagator(s.propagator.discretization)))
    assert not any(compilation.load(signature).signature.counted for signature in loaded)
    compilation.load.cache_clear()
    for a, b in zip(counted, expected, strict=True):
        assert np.abs(a).max() > 0
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max())
