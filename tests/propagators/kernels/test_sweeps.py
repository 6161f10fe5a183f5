"""Updates of a step in one sweep over the plane: the same bits as in loops of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devito import Eq, Grid, Inc, Operator, TimeFunction
from devito.ir.iet import Section

from fwicli import Propagator
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.kernels import (
    block_sizes,
    compilation,
    devito_patches,
    generation,
    sweeps,
    toolchain,
)
from tests.propagators.kernels.test_tiles import RUNS, values
from tests.propagators.loaded_kernels import noted

Make = Callable[..., Any]

# One of many arrays forwards, one of few, which no sweep is made for, backwards; others repeat
# these loops, and free sides are strips as the layer is.
QUICK = [("vti", "forward", ()), ("acoustic", "gradient", ())]
CASES = [
    pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow, id="-".join(words))
    for equation in EQUATIONS
    for run in RUNS
    for free, sides in (((), "layers"), (("x+", "z-"), "free sides"))
    for case, words in [((equation, run, free), (equation, run, sides))]
    if not (run == "images" and equation == "sh")  # it has no pressure to make images of
]


@contextmanager
def other_cache(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Kernels that are generated and compiled anew, by what is patched inside."""
    with monkeypatch.context() as patched:
        patched.setenv("FWI_CACHE", str(folder))
        compilation.load.cache_clear()
        yield patched
    compilation.load.cache_clear()


def in_their_order(patched: pytest.MonkeyPatch) -> None:
    """Keep the compiler from rounding what enters as it likes: factors have no order for it."""
    (flags, libraries), strict = toolchain._flags(), ("-fno-associative-math", "-ffp-contract=off")
    patched.setattr(toolchain, "_flags", lambda: ((*flags, *strict), libraries))


def without_sweeps(patched: pytest.MonkeyPatch) -> None:
    """Give each update a loop of its own, and what is injected between two one over its rows."""

    def apart(nodes: Sequence[Any], axis: Any, transient: Any, rings: Any) -> list[Any]:
        return [
            node
            if part is None or sweeps._updates(node, axis)
            else Section(node.name, body=[update.loop for update in part])
            for node, part in zip(nodes, sweeps._parts(nodes, axis, transient), strict=True)
        ]

    patched.setattr(sweeps, "_step", apart)


def with_sweeps(patched: pytest.MonkeyPatch) -> None:
    """Give all updates one, without rings."""
    patched.setattr(sweeps, "FEWEST", 0)
    patched.setattr(generation, "transient_fields", lambda *_: set())


@pytest.mark.parametrize(("equation", "run", "free"), CASES)
def test_every_bit_is_the_same(
    make_setting: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    equation: str,
    run: str,
    free: tuple[str, ...],
) -> None:
    """As in loops of their own, on one thread and on several, whose parts meet anywhere."""
    sides: dict[str, Any] = {"free": free}
    if free and EQUATIONS[equation].solid_surface:
        sides = {"surface": True}
    s = make_setting(2, equation=equation, samples=60, **sides)
    usual = values(RUNS[run](s, s.propagator))
    assert all(np.abs(a).max() > 0 for a in usual)
    with monkeypatch.context() as patched:
        loaded = noted(patched)
        RUNS[run](s, Propagator(s.propagator.discretization))
    sources = [compilation.load(signature).source for signature in loaded]
    is_swept = any("_part" in source for source in sources)
    for threads in (1, 2, 5):
        p = Propagator(replace(s.propagator.discretization, threads=threads))
        for result, expected in zip(values(RUNS[run](s, p)), usual, strict=True):
            assert np.array_equal(result, expected)
    enters_on_the_way = any("_first_" in source for source in sources)
    if enters_on_the_way:
        with other_cache(monkeypatch, tmp_path / "in order") as patched:
            in_their_order(patched)
            usual = values(RUNS[run](s, Propagator(s.propagator.discretization)))
    with other_cache(monkeypatch, tmp_path / "otherwise") as patched:
        if enters_on_the_way:
            in_their_order(patched)
        (without_sweeps if is_swept else with_sweeps)(patched)
        for threads in (1, 2, 5):
            p = Propagator(replace(s.propagator.discretization, threads=threads))
            for result, expected in zip(values(RUNS[run](s, p)), usual, strict=True):
                assert np.array_equal(result, expected)
        kernels = [compilation.load(signature).source for signature in loaded]
        assert any("_part" in source for source in kernels) != is_swept


def run(equations: list[Any], grid: Grid, sizes: tuple[int, ...] = ()) -> list[list[np.ndarray]]:
    """What two steps of some equations make of random numbers, in sweeps by parts of some sizes."""
    swept = sweeps.swept(grid.dimensions) if sizes else nullcontext()
    with devito_patches.patched(), swept, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sweeps, "FEWEST", 0)
        operator = Operator(equations)
    parts = [p for p in operator.parameters if isinstance(p, sweeps.PartSize)]
    assert len(parts) == bool(sizes)
    functions = sorted({f for e in equations for f in (e.lhs.function,)}, key=str)
    results = []
    for size in sizes or (0,):
        assert all(size >= 2 * p.shift for p in parts)
        rng = np.random.default_rng(1)
        for f in functions:
            f.data_with_halo[:] = rng.standard_normal(f.data_with_halo.shape)
        operator.apply(time_m=0, time_M=1, **{p.name: size for p in parts})
        results.append([np.array(f.data_with_halo) for f in functions])
    return results


@pytest.mark.parametrize("shift", [-2, 2])
@pytest.mark.parametrize("case", ["reads what is new", "overwrites what is read", "on a strip"])
def test_updates_wait_for_neighbours(case: str, shift: int) -> None:
    """One that reads next to a point what another writes there, or the other way round."""
    grid = Grid((23, 11), dtype=np.float64)
    u, v = (TimeFunction(name=n, grid=grid, space_order=4) for n in "uv")
    a = TimeFunction(name="a", grid=grid, time_order=0, space_order=4)
    strip, x = Strip(0, "left", 6, grid), grid.dimensions[0]
    there, back = x + shift * x.spacing, x - shift // 2 * x.spacing
    equations = {
        "reads what is new": [
            Eq(u.forward, 0.5 * u + 0.1 * v.subs(x, back)),
            Eq(v.forward, 0.2 * v + u.forward.subs(x, there)),
        ],
        "overwrites what is read": [
            Eq(u.forward, 0.5 * u + a.subs(x, there)),
            Eq(a, 0.3 * a + u.forward.subs(x, back)),
            Eq(v.forward, 0.2 * v + a.subs(x, there)),
        ],
        "on a strip": [
            Eq(u.forward, 0.5 * u + 0.1 * v),
            Eq(a, 0.3 * a + u.subs(x, there), subdomain=strip),
            Inc(u.forward, a.subs(x, there), subdomain=strip),
            Eq(v.forward, 0.2 * v + u.forward),
        ],
    }[case]
    (expected,) = run(equations, grid)
    for result in run(equations, grid, (8, 11, 100)):
        assert all(np.array_equal(r, e) for r, e in zip(result, expected, strict=True))


@pytest.mark.parametrize("rows", [1, 5, 33, 625])
@pytest.mark.parametrize("threads", [1, 2, 3, 64])
@pytest.mark.parametrize("shift", [0, 1, 8])
def test_parts_hold_all_rows(rows: int, threads: int, shift: int) -> None:
    """As many as threads or fewer, no narrower than the border between two of them."""
    size = block_sizes.rows((rows, 10), threads, shift)
    first, end = -2 * shift, rows + 2 * shift
    assert size >= max(2 * shift, 1)
    assert len(range(first, end, size)) <= threads


def test_cube_stays_as_it_was() -> None:
    """Three dimensions have tiles."""
    grid = Grid((9, 8, 7))
    u = TimeFunction(name="u", grid=grid, space_order=2)
    v = TimeFunction(name="v", grid=grid, space_order=2)
    equations = [Eq(u.forward, u.dx), Eq(v.forward, u.forward.dx)]
    with sweeps.swept(grid.dimensions):
        swept = str(Operator(equations).ccode)
    assert swept == str(Operator(equations).ccode)
    assert "_part" not in swept
