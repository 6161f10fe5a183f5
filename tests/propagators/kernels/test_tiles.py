"""Loops over the cube in tiles, and packed arrays of the layer: the same bits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devito import Eq, Grid, Inc, Operator, TimeFunction

from fwicli import Propagator
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.kernels import (
    block_sizes,
    compilation,
    devito_patches,
    generation,
    packing,
    tiles,
)
from fwicli.propagators.kernels.signature import Signature
from tests.equations import USUAL_ORDER
from tests.propagators.row_calls import inlined

Make = Callable[..., Any]

RUNS: dict[str, Callable[[Any, Propagator], Any]] = {
    "forward": lambda s, p: p.forward(s.model, s.wavelet, s.sources, s.receivers),
    "born": lambda s, p: p.jacobian(s.model, s.perturbation, s.wavelet, s.sources, s.receivers),
    "adjoint": lambda s, p: p.adjoint(s.model, s.gather, s.sources, s.receivers),
    "gradient": lambda s, p: p.jacobian_adjoint(
        s.model, s.gather, s.wavelet, s.sources, s.receivers
    ),
    "hessian": lambda s, p: p.hessian(
        s.model, s.perturbation, s.gather, s.wavelet, s.sources, s.receivers
    ),
    "images": lambda s, p: p.images(
        s.model,
        lambda d: d,
        s.wavelet,
        s.sources,
        s.receivers,
        kinds=("correlation", "illumination"),
    ),
}
# Forwards below free sides, backwards in the layer: other runs repeat these loops. Kernels that are
# compiled every day are in double precision, which loops do not know.
QUICK = [("acoustic", "forward", ("x+", "y-", "z-")), ("acoustic", "adjoint", ())]
CASES = [
    pytest.param(
        *case,
        precision,
        marks=() if case in QUICK and precision == "float64" else pytest.mark.slow,
        id="-".join((*words, precision)),
    )
    for equation in EQUATIONS
    for run in RUNS
    for free, sides in (((), "layers"), (("x+", "y-", "z-"), "free sides"))
    for case, words in [((equation, run, free), (equation, run, sides))]
    for precision in ("float32", "float64")
]


@contextmanager
def as_devito_does(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Kernels whose loops over the cube are Devito's own, in a cache of their own."""
    with monkeypatch.context() as patched:
        patched.setenv("FWI_CACHE", str(folder))
        patched.setattr(tiles, "tiled", lambda axes: nullcontext())
        patched.setattr(packing, "packed", lambda candidates, axes: nullcontext(set()))
        compilation.load.cache_clear()
        yield
    compilation.load.cache_clear()


def values(result: Any) -> list[np.ndarray]:
    """All arrays of a result."""
    if isinstance(result, np.ndarray):
        return [result]
    parts = result.values() if isinstance(result, dict) else vars(result).values()
    return [array for part in parts if part is not None for array in values(part)]


@pytest.mark.parametrize(("equation", "run", "free", "precision"), CASES)
def test_every_bit_is_the_same(
    make_setting: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    equation: str,
    run: str,
    free: tuple[str, ...],
    precision: str,
) -> None:
    """As in Devito's loops, on one thread and on two, for tiles of any size."""
    sides: dict[str, Any] = {"free": free}
    if free and EQUATIONS[equation].solid_surface:
        sides = {"surface": True}
    s = make_setting(3, precision, equation=equation, samples=60, **sides)
    with as_devito_does(monkeypatch, tmp_path):
        loops = values(RUNS[run](s, s.propagator))
    assert all(np.abs(a).max() > 0 for a in loops)
    for threads, sizes in ((1, (3, 5)), (2, (4, 16)), (2, (1, 100))):
        monkeypatch.setattr(block_sizes, "TILE", sizes)
        p = Propagator(replace(s.propagator.discretization, threads=threads))
        for tiled, looped in zip(values(RUNS[run](s, p)), loops, strict=True):
            assert np.array_equal(tiled, looped)


CUBE = (10.0, 10.0, 10.0)


def code(kind: str) -> str:
    """Of the acoustic equation in the cube."""
    kernel = compilation.load(Signature(kind, "acoustic", CUBE, USUAL_ORDER, 6, "float64"))
    return inlined(kernel.source)


def regions(text: str) -> list[str]:
    """Parts of a time loop that threads share, each with what it writes, in order."""
    loop = text[text.index("for (int time =") :]
    return [
        " ".join(re.findall(r"^\s*(\w+)\[\S*\]\[[xyz] [^=\n]* \+?= ", part, re.MULTILINE))
        for part in loop.split("#pragma omp parallel")[1:]
    ]


def test_layer_runs_in_the_tiles_of_the_grid() -> None:
    """Slopes along x before; those along y for some planes; the sums of all strips in the tile."""
    slopes, tile, *rest = regions(code("forward"))
    assert slopes == "psi_u0 psi_u0"
    assert tile == " ".join(
        [
            "psi_u1 psi_u1",
            "u",
            *["zeta_u0 u"] * 2,
            *["zeta_u1 u"] * 2,
            *["psi_u2"] * 2,
            *["zeta_u2 u"] * 2,
        ]
    )
    assert not any("psi" in r or "zeta" in r for r in rest)
    assert "x0_blk0" in code("forward")


def test_strips_along_x_run_row_by_row() -> None:
    """Their planes do not stay in the cache; what one row needs of others along x does."""
    loop = code("adjoint").split("for (int time =")[1]
    (strips,) = [
        p
        for p in loop.split("#pragma omp parallel")[1:]
        if "adj_psi_u0[0][x + 4]" in p.split("=")[0]
        or re.search(r"^\s*adj_psi_u0\[", p, re.MULTILINE)
    ]
    first = re.search(r"for \(int (\w) =", strips)
    assert first is not None
    assert first.group(1) == "y"
    assert len(re.findall(r"for \(int x =", strips)) == 4


def test_planes_have_no_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    plane = Signature("forward", "acoustic", (10.0, 12.0), USUAL_ORDER, 10, "float64")
    tiled = compilation.load(plane).source
    monkeypatch.setattr(tiles, "tiled", lambda axes: nullcontext())
    assert generation.generate(plane).source == tiled


def run(equations: list[Any], grid: Grid, passes: bool) -> tuple[str, list[np.ndarray]]:
    """Code of some equations, and what two steps of them make of random numbers."""
    rng = np.random.default_rng(1)
    functions = sorted({f for e in equations for f in (e.lhs.function,)}, key=str)
    for f in functions:
        f.data_with_halo[:] = rng.standard_normal(f.data_with_halo.shape)
    axes = tiles.tiled(grid.dimensions) if passes else nullcontext()
    with devito_patches.patched(), axes:
        operator = Operator(equations)
    operator.apply(time_m=0, time_M=1, x0_blk0_size=3, y0_blk0_size=2)
    return str(operator.ccode), [np.array(f.data_with_halo) for f in functions]


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shift", [-1, 1])
@pytest.mark.parametrize("case", ["strip of what the grid has", "grid of what a strip has"])
def test_neighbours_are_waited_for(case: str, axis: int, shift: int) -> None:
    """A strip that reads next to a point what the grid writes there, or the other way round."""
    grid = Grid((13, 11, 9), dtype=np.float64)
    u, v = (TimeFunction(name=n, grid=grid, space_order=2) for n in "uv")
    a = TimeFunction(name="a", grid=grid, time_order=0, space_order=2)
    strip, d = Strip(0, "left", 4, grid), grid.dimensions[axis]
    away = d + shift * d.spacing
    equations = {
        "strip of what the grid has": [
            Eq(u.forward, 0.5 * u + 0.1 * v),
            Eq(a, 0.3 * a + u.forward.subs(d, away), subdomain=strip),
            Eq(v.forward, 0.2 * v + a),
        ],
        "grid of what a strip has": [
            Eq(u.forward, 0.5 * u + 0.1 * v),
            Eq(a, 0.3 * a + u, subdomain=strip),
            Inc(u.forward, a.subs(d, away), subdomain=strip),
            Eq(v.forward, 0.2 * v + u.forward),
        ],
    }[case]
    looped, expected = run(equations, grid, passes=False)
    tiled, result = run(equations, grid, passes=True)
    assert all(np.array_equal(r, e) for r, e in zip(result, expected, strict=True))
    assert tiled != looped
