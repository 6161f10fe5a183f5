"""Functions of one row each: what loops compute, through pointers that do not meet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devito import Constant, Eq, Function, Grid, Operator, TimeFunction
from devito.ir.iet import DummyExpr, Iteration
from devito.ir.support import PARALLEL, VECTORIZED
from devito.types import ModuloDimension, Symbol

from fwicli import Propagator
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.kernels import compilation, generation, row_functions, strips
from fwicli.propagators.kernels.signature import Signature
from tests.propagators.kernels.test_compilation import arithmetic
from tests.propagators.kernels.test_tiles import RUNS, values
from tests.propagators.row_calls import inlined

Make = Callable[..., Any]

PLANE, CUBE = (10.0, 12.0), (10.0, 10.0, 10.0)
QUICK = [("acoustic", 2, "gradient", "float32"), ("acoustic", 3, "forward", "float64")]
CASES = [
    pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
    for equation in EQUATIONS
    for ndim in (2, 3)
    for run in ("forward", "gradient")
    for precision in ("float32", "float64")
    for case in [(equation, ndim, run, precision)]
]


@contextmanager
def functions_of(fewest: int, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """Kernels with functions for loops over so many rows, in their own cache."""
    with monkeypatch.context() as patched:
        patched.setenv("FWI_CACHE", str(folder))
        patched.setattr(row_functions, "FEWEST", fewest)
        compilation.load.cache_clear()
        yield
    compilation.load.cache_clear()


@pytest.mark.parametrize(("equation", "ndim", "run", "precision"), CASES)
def test_results_are_those_of_loops(
    make_setting: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    equation: str,
    ndim: int,
    run: str,
    precision: str,
) -> None:
    """To round-off, as sums are in another order; on several threads, those of one thread."""
    s = make_setting(ndim, precision, equation=equation, samples=60)
    with functions_of(1000, monkeypatch, tmp_path / "loops"):
        loops = values(RUNS[run](s, s.propagator))
    off = 1e3 * np.finfo(precision).eps
    # Each loop has a function, also those over strips and over few rows.
    with functions_of(1, monkeypatch, tmp_path / "functions"):
        results = [
            values(RUNS[run](s, Propagator(replace(s.propagator.discretization, threads=threads))))
            for threads in (1, 2)
        ]
    for one, two, expected in zip(*results, loops, strict=True):
        assert np.abs(expected).max() > 0
        assert np.abs(one - expected).max() <= off * np.abs(expected).max()
        assert np.array_equal(one, two)


def code(signature: Signature, fewest: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """With functions for loops over so many rows."""
    monkeypatch.setattr(row_functions, "FEWEST", fewest)
    return generation.generate(signature).source


# One that may be read in a table.
INDEX = r"\[(?:[^\[\]]|\[[^\]]*\])*\]"


def statements(text: str) -> Counter[str]:
    """How often each assignment of a code is there, whatever its terms' order and names.

    A term that is no longer the first one of a sum has a plus.
    """
    lines = re.findall(r"^\s*((?!for|#|//)[^\n]* [+*]?= [^\n]*);$", text, re.MULTILINE)
    words = (re.findall(rf"[\w.]+(?:{INDEX})*|[^\w\s()+]", line) for line in lines)
    return Counter(" ".join(sorted(re.sub(r"^(r|term)\d+$", "r", w) for w in ws)) for ws in words)


@pytest.mark.parametrize("spacing", [PLANE, CUBE])
@pytest.mark.parametrize("kind", ["forward", "gradient"])
def test_functions_hold_what_loops_hold(
    monkeypatch: pytest.MonkeyPatch, kind: str, spacing: tuple[float, ...]
) -> None:
    """Put back in place of their calls, they are the code of the loops, term by term."""
    images = ("gradient",) if kind == "gradient" else ()
    signature = Signature(kind, "variable_density", spacing, 4, 0, "float64", images=images)
    loops = code(signature, 1000, monkeypatch)
    functions = code(signature, 1, monkeypatch)
    assert not re.search(r"\brow\d", loops)
    assert len(re.findall(r"^ +row\d+\(", functions, re.MULTILINE)) >= 3
    assert "omp simd" not in functions.split("for (int time =")[1].split("\n}\n")[0]
    assert sum(statements(loops).values()) > 10
    assert statements(arithmetic(inlined(functions))) == statements(arithmetic(loops))


def test_functions_are_shared_and_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both strips along x have one; none is inlined, and none has few rows."""
    text = code(Signature("forward", "acoustic", PLANE, 8, 10, "float32"), 8, monkeypatch)
    heads = re.findall(r"^static (.*)void (row\d+)\((.*)\)\n\{", text, re.MULTILINE)
    calls = Counter(re.findall(r"^ +(row\d+)\(", text, re.MULTILINE))
    assert set(calls) == {name for _, name, _ in heads}
    assert sorted(calls.values()) == [1, 2]
    for attributes, _, parameters in heads:
        assert "__attribute__((noinline))" in attributes
        assert parameters.count("*") == parameters.count("float *restrict ") >= 8
    # The slopes of the layer have six rows and two factors, and stay where they are.
    assert re.search(r"^ +psi_u0\[0\]", text, re.MULTILINE)


def test_copies_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those into a history, however many rows they have: functions of them take longer."""
    text = code(
        Signature("forward", "acoustic", PLANE, 4, 0, "float64", history=True), 1, monkeypatch
    )
    assert re.search(r"^ +history_u\[[^=\n]* = u\[", text, re.MULTILINE)
    assert "row0(" in text


def test_names_say_which_row_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    text = code(Signature("forward", "acoustic", PLANE, 8, 0, "float32"), 8, monkeypatch)
    update = next(line for line in text.splitlines() if "u_t1_x8[y] = " in line)
    assert {f"u_t0_x{row}[" for row in range(4, 13)} <= set(re.findall(r"u_t0_x\d+\[", update))


def test_strips_of_a_number_have_it_in_their_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler knows how many turns the loop has (see `strips`)."""
    grid = Grid((23, 21), dtype=np.float64)
    u = TimeFunction(name="u", grid=grid, space_order=4)
    equation = Eq(u.forward, u + u.dx, subdomain=Strip(1, "right", 4, grid))
    monkeypatch.setattr(row_functions, "FEWEST", 1)
    for wanting in (True, False):
        axes = grid.dimensions
        with strips.counted(axes, wanting), row_functions.outlined(axes):
            text = str(Operator(equation).ccode)
        assert "row0(" in text
        assert ("y <= 3;" in text) == wanting
        assert ("row_points" in text) != wanting


def test_loops_are_checked_before_they_have_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops in the wrong order are refused where the accesses to arrays can be seen."""
    checked: list[str] = []
    monkeypatch.setattr(generation, "check_code", lambda iet: checked.append(str(iet.ccode)))
    text = code(Signature("forward", "acoustic", PLANE, 4, 0, "float64"), 1, monkeypatch)
    (loops,) = checked
    assert "u[t1]" in loops
    assert "row0(" in text
    assert not re.search(r"\brow\d", loops)


GRID = Grid((8, 9))
X, Y = GRID.dimensions
A, B = (Function(name=n, grid=GRID, space_order=2) for n in "ab")
LINE = Function(name="line", grid=GRID, dimensions=(X,), shape=(8,))
U = TimeFunction(name="u", grid=GRID, space_order=2)
NOW, NEXT, LAST = (
    ModuloDimension(f"t{n}", GRID.time_dim, GRID.time_dim + n, 2) for n in (0, 1, -1)
)
SHIFT = Constant(name="shift", dtype=np.int32)
a, b, line, u = (f.indexed for f in (A, B, LINE, U))
SAFE = {
    "neighbours of another array": (a[X, Y], b[X - 1, Y] + b[X + 1, Y + 1] + b[X, Y + SHIFT]),
    "itself, and a factor of the row": (a[X, Y], line[X] * a[X, Y]),
    "another time level": (u[NEXT, X, Y], u[NOW, X + 1, Y - 1]),
    "the written row by another name of the level": (u[NEXT, X, Y], u[LAST, X, Y]),
}
UNSAFE = {
    "the written row from another column": (a[X, Y], a[X, Y + SHIFT]),
    "another row of a written array": (a[X, Y], a[X + 1, Y]),
    "another row by another name of the level": (u[NEXT, X, Y], u[LAST, X + 1, Y]),
    "points along another axis": (a[X, Y], b[Y, 2]),
    "points at another stride": (a[X, Y], b[X, 2 * Y]),
    "one value of a written row": (a[X, Y], a[X, 3]),
    "one value for all points": (line[X], b[X, Y]),
    "a sum of all points": (Symbol(name="total"), b[X, Y]),
}


@pytest.mark.parametrize("case", [*SAFE, *UNSAFE])
def test_no_row_is_written_through_one_pointer_and_reached_through_another(case: str) -> None:
    """A compiler takes it that what `restrict` pointers lead to does not overlap."""
    written, read = {**SAFE, **UNSAFE}[case]
    loop = Iteration(DummyExpr(written, read), Y, (0, 8, 1), properties=(PARALLEL, VECTORIZED))
    assert (row_functions.arguments_of(loop) is None) == (case in UNSAFE)


def test_names_of_time_levels_have_no_say() -> None:
    """Devito draws them by lot, and sums are in the order of names."""
    texts = set()
    for names in (("t0", "t1", "t2"), ("t2", "t0", "t1")):
        last, now, following = (
            ModuloDimension(name, GRID.time_dim, GRID.time_dim + n, 3)
            for n, name in enumerate(names, -1)
        )
        update = DummyExpr(u[following, X, Y], u[now, X, Y] * a[X, Y] + u[last, X, Y] * b[X, Y])
        row = Y.symbolic_min, Y.symbolic_max, 1
        loop = Iteration(update, Y, row, properties=(PARALLEL, VECTORIZED))
        function, _ = row_functions.arguments_of(loop).function("row0")
        texts.add(str(function))
    assert len(texts) == 1
    assert "u_t1_x[y - 2] = " in texts.pop()
