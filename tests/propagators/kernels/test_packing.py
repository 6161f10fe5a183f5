"""Arrays of the layer along the last axis are packed where all accesses are in its strips."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from devito import Eq, Grid, Operator, TimeFunction

import fwicli
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.kernels import compilation, generation, packing
from fwicli.propagators.kernels.signature import ArraySpec, Signature
from tests.equations import USUAL_ORDER

Make = Callable[..., Any]


@pytest.mark.parametrize("free", [(), ("z-",)])
@pytest.mark.parametrize("kind", ["forward", "adjoint"])
def test_last_points_follow_the_first(kind: str, free: tuple[str, ...]) -> None:
    """Those of both memory variables along z, and of no other."""
    if free and kind == "forward":
        pytest.skip("a kernel of no other test")
    sides = {"free": free} if free else {}
    spacing = (10.0,) * 3
    made = Signature(kind, "acoustic", spacing, USUAL_ORDER, 6, "float64", **sides)
    kernel = compilation.load(made) if not free else generation.generate(made)
    prefix = "adj_" if kind == "adjoint" else ""
    assert {s.name for s in kernel.arrays if s.packed} == {f"{prefix}psi_u2", f"{prefix}zeta_u2"}
    accesses = re.findall(r"zeta_u2\[0\]\[x \+ \d\]\[y \+ \d\]\[(.*?)\]", kernel.source)
    # Beyond the halo and, after the first points if there are any, a gap as wide.
    right = "z - z_M + z_rtkn0 + 7" if free else "z - z_M + z_ltkn0 + z_rtkn1 + 7"
    assert right in accesses
    assert ("z + 4" in accesses) == (not free)


def test_planes_are_packed() -> None:
    """As those of cubes; what the statement says is packed in the code."""
    made = Signature("forward", "acoustic", (10.0, 12.0), USUAL_ORDER, 10, "float64")
    arrays = compilation.load(made).arrays
    assert {s.name for s in arrays if s.packed} == {"psi_u1", "zeta_u1"}


def test_what_is_read_elsewhere_stays() -> None:
    """An array that the whole grid reads, or strips of two widths, has the size of the grid."""
    grid = Grid((16, 16, 32), dtype=np.float32)
    u, *_ = (TimeFunction(name=n, grid=grid) for n in "u")
    a, b, c = (TimeFunction(name=n, grid=grid, time_order=0, space_order=2) for n in "abc")
    thin, thick = Strip(2, "right", 4, grid), Strip(2, "right", 6, grid)
    equations = [
        Eq(a, a + u, subdomain=thin),
        Eq(b, b + u, subdomain=thin),
        Eq(c, c + u, subdomain=thin),
        Eq(u.forward, u + b),
        Eq(u.forward, u.forward + c, subdomain=thick),
    ]
    with packing.packed("abc", grid.dimensions) as names:
        Operator(equations)
    assert names == {"a"}


@pytest.mark.parametrize("side", ["left", "right"])
def test_failures_are_where_they_were(make_setting: Make, side: str) -> None:
    """A point of a packed field has the place of its point on the grid."""
    s = make_setting(3)
    s.forward()
    with s.propagator._pool.runner() as runner:
        specs = compilation.load(runner._signature("forward")).arrays
        arrays = runner.arrays
        spec: ArraySpec = next(s for s in specs if s.name == "zeta_u2")
        n, halo = arrays.shape[-1], spec.space_order
        *_, width = spec.strips[-1]
        values = arrays.array(spec)
        assert values.shape[-1] < n
        arrays.clear(spec)
        assert not values.any()
        place = halo + 2 if side == "left" else halo + width + halo + 2
        values[0, halo + 3, halo + 5, place] = np.nan
        assert not arrays.is_finite(spec)
        assert arrays.first_failure(spec) == (3, 5, 2 if side == "left" else n - width + 2)
        arrays.clear(spec)


@pytest.mark.parametrize(("order", "points"), [(4, 3), (8, 7)])
def test_strips_that_overlap_are_not_packed(order: int, points: int) -> None:
    """In a cube of few points along z, either side reads the other's values."""
    signatures = []
    for z in (points, points + 1):
        cube = fwicli.Grid((9, 9, z), (10.0,) * 3, (0.0,) * 3)
        axis = fwicli.time_axis(0.002, 5, 2000.0, cube.spacing, order)
        layer = fwicli.AbsorbingLayer(6, 2000.0, 20.0)
        d = fwicli.Discretization("acoustic", cube, axis, layer, order, precision="float64")
        signatures.append(d.signature("forward"))
    assert [s.thin for s in signatures] == [True, False]
    if order == USUAL_ORDER:
        assert not any(s.packed for s in generation.generate(signatures[0]).arrays)
        assert any(s.packed for s in compilation.load(signatures[1]).arrays)
