"""Fields that a sweep makes and leaves live in rings of rows, with the same bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from devito import Dimension, Eq, Function, Grid, Inc, Operator, TimeFunction
from sympy import sympify

from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.kernels import (
    block_sizes,
    compilation,
    devito_patches,
    first_points,
    generation,
    sweeps,
    time_loops,
)
from fwicli.propagators.kernels.array_specs import array_specs
from fwicli.propagators.kernels.rings import Ring
from fwicli.propagators.kernels.transient_fields import transient_fields
from fwicli.propagators.symbolic.points import PointSymbols
from tests.propagators.kernels.test_compilation import signature

# Of a plane of fewer rows: narrow parts have rings with more rows together.
ROWS = 61
GRID = Grid((400, 9), dtype=np.float64)
X, Z = GRID.dimensions
U, A, B = (
    TimeFunction(name=name, grid=GRID, time_order=order, space_order=4)
    for name, order in (("u", 1), ("a", 0), ("b", 0))
)


def difference(f: Any) -> Any:
    """A difference of neighbours along x, further on one side than on the other."""
    return f.subs(X, X + X.spacing) - 0.7 * f.subs(X, X - 2 * X.spacing)


# Two fields, each with a strip of a layer, between the old values and the new ones.
CHAIN = [
    Eq(A, difference(U)),
    Inc(A, 0.3 * U, subdomain=Strip(0, "left", 6, GRID)),
    Eq(B, difference(A)),
    Inc(B, 0.2 * A, subdomain=Strip(1, "right", 3, GRID)),
    Eq(U.forward, 0.5 * U + 0.1 * difference(B)),
]


@cache
def chain(together: int, *fields: str) -> tuple[Operator, dict[str, Ring]]:
    """The chain in one sweep, so many rows of an update at once, with fields in rings."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sweeps, "FEWEST", 0)
        patched.setattr(sweeps, "TOGETHER", together)
        with devito_patches.patched(), sweeps.swept(GRID.dimensions, fields) as rings:
            return Operator(CHAIN), rings


def run(
    size: int,
    operator: Operator,
    rings: Mapping[str, Ring],
    points: Mapping[str, Any] | None = None,
    **fewer: int,
) -> np.ndarray:
    """Three steps in parts of a size, with rings that have fewer rows, or not."""
    parameters = {p.name: p for p in operator.parameters}
    for ring in rings.values():
        smaller = replace(ring, **{name: getattr(ring, name) - n for name, n in fewer.items()})
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(block_sizes, "rows", lambda *_: size)
            slots = smaller.slots((ROWS, 9), U.space_order, threads=1)
        parameters[ring.table].data_with_halo[: len(slots)] = slots
    A.data_with_halo[:] = B.data_with_halo[:] = 0
    U.data_with_halo[:] = np.random.default_rng(1).standard_normal(U.data_with_halo.shape)
    parts = {p.name: size for p in operator.parameters if isinstance(p, sweeps.PartSize)}
    operator.apply(time_m=0, time_M=2, x_m=0, x_M=ROWS - 1, **parts, **points or {})
    return np.array(U.data_with_halo)


@pytest.mark.parametrize("together", [1, 8])
@pytest.mark.parametrize("size", [9, 23, 100])
def test_no_row_is_overwritten_too_early(size: int, together: int) -> None:
    """Wherever parts meet, and however many rows an update runs through at once."""
    operator, rings = chain(together, "a", "b")
    assert rings.keys() == {"a", "b"}
    assert np.array_equal(run(size, operator, rings), run(size, *chain(1)))


@pytest.mark.parametrize("bound", ["rows", "after"])
def test_one_row_less_is_too_few(bound: str) -> None:
    """Of a ring, or after the border between two parts."""
    result = run(23, *chain(1, "a", "b"), **{bound: 1})
    assert not np.array_equal(result, run(23, *chain(1)))


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
def test_rings_hold_few_rows(threads: int) -> None:
    """Those of each part, those near its borders, and one of zeros."""
    ring = Ring("x_slot_a", rows=16, after=7, shift=4)
    slots = ring.slots((625, 100), 8, threads)
    assert slots.shape == (625 + 2 * 8,)
    assert not slots[:8].any()
    assert not slots[-8:].any()
    assert slots[8:-8].min() > 0
    assert slots.max() <= 16 * threads + 7 * (threads - 1)


def cases() -> dict[str, tuple[list[Any], bool]]:
    """Equations of a step, and whether `a` is transient in them."""
    new, old = Eq(A, difference(U)), Eq(U.forward, 0.5 * U + difference(A))
    strip = Strip(0, "left", 6, GRID)
    point = Dimension("inj_row")
    place = Function(name="inj_i0", dimensions=(point,), shape=(2,), dtype=np.int32)
    at_points = U.forward.subs({X: place, Z: place})
    of_a = A.subs({X: place, Z: place})
    series = Function(name="q", dimensions=(point,), shape=(2,))
    return {
        "only between updates": ([new, old], True),
        "with a strip": ([new, Inc(A, U, subdomain=strip), old], True),
        "read before it is written": ([old, new], False),
        "on a strip alone": ([Eq(A, U, subdomain=strip), old], False),
        "on a strip first": ([Inc(A, U, subdomain=strip), new, old], False),
        "continued along x": ([new, Eq(A.subs(X, -1), A.subs(X, 1)), old], False),
        "continued along z": ([new, Eq(A.subs(Z, -1), A.subs(Z, 1)), old], True),
        "with an injection before its use": ([new, Eq(at_points, at_points + 1), old], True),
        "with an injection": ([new, Eq(of_a, of_a + series), old], True),
        "recorded": ([new, Eq(series, of_a), old], False),
        "with an injection after its use": ([new, old, Eq(at_points, at_points + 1)], True),
    }


@pytest.mark.parametrize("case", cases())
def test_others_keep_all_rows(case: str) -> None:
    """Fields that another step, a point, a strip alone or a mirror along x needs."""
    equations, expected = cases()[case]
    assert ("a" in transient_fields(equations, array_specs(equations))) == expected


def test_history_keeps_what_the_gradient_reads() -> None:
    """For the gradient of density the slopes are kept; for that of velocity they need not be."""
    both = compilation.load(signature("forward", "variable_density", history=True))
    only = signature("forward", "variable_density", history=True, parameters=("k",))
    for kernel, in_rings in ((both, set()), (compilation.load(only), {"a0", "a1"})):
        assert {s.name for s in kernel.arrays if s.ring is not None} == in_rings


@pytest.mark.parametrize("equation", ["variable_density", "vti"])
def test_plans_leave_out_what_lives_in_rings(equation: str) -> None:
    """Footprints count equations, and kernels must agree with them."""
    spec = signature("forward", equation)
    arrays = compilation.load(spec).arrays
    grid = generation.template_grid(spec)
    transient = transient_fields(time_loops.equations(spec, EQUATIONS[equation], grid), arrays)
    assert transient == {s.name for s in arrays if s.ring is not None} == {"a0", "a1"}


# --- injections ----------------------------------------------------------------------------------

# Points, in the order of their rows: several on one, on the first and the last, none on others.
POINT_ROWS = np.array([0, 0, 3, 7, 8, 8, 8, 22, 23, 24, 46, ROWS - 1])


@cache
def injected(*fields: str) -> tuple[Operator, dict[str, Ring]]:
    """The chain with an injection into `a` before `b` reads it."""
    points = PointSymbols(GRID, "inj")
    chain_of_points = [*CHAIN[:2], *points.inject(A, sympify(1), "q"), *CHAIN[2:]]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sweeps, "FEWEST", 0)
        with devito_patches.patched(), sweeps.swept(GRID.dimensions, fields) as rings:
            return Operator(chain_of_points), rings


def run_injected(size: int, *fields: str) -> np.ndarray:
    """Three steps with two values at each point."""
    operator, rings = injected(*fields)
    rng, count = np.random.default_rng(2), len(POINT_ROWS)
    values = {
        "inj_i0": POINT_ROWS.astype(np.int32),
        "inj_i1": (np.arange(count) % 9).astype(np.int32),
        "inj_member": rng.integers(0, 4, (count, 2)).astype(np.int32),
        "inj_weight": rng.standard_normal((count, 2)),
        "q": rng.standard_normal((3, 4)),
    }
    parameters = {p.name: p for p in operator.parameters}
    if table := parameters.get(first_points.table("x", "inj")):
        table.data_with_halo[:] = first_points.numbers(POINT_ROWS, 400, U.space_order)
    # Rows of points are no argument of a sweep.
    return run(size, operator, rings, {n: v for n, v in values.items() if n in parameters})


@pytest.mark.parametrize("size", [9, 23, 100])
def test_sweeps_inject_on_their_way(size: int) -> None:
    """At every point once, before the row is read, wherever parts meet."""
    in_rings = run_injected(size, "a", "b")
    np.testing.assert_allclose(in_rings, run_injected(size), atol=1e-14)
    assert not np.array_equal(in_rings, run(size, *chain(1)))
