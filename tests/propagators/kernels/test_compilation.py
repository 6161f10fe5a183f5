"""The generated code is what one would write by hand, and is built once."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from devito import Eq, Grid, Operator, TimeFunction
from devito.passes.iet.languages.openmp import OmpIteration
from devito.warnings import DevitoWarning

from fwicli import HistoryOptions, Propagator
from fwicli.errors import CalculusError
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.equations.strips import Strip
from fwicli.propagators.kernels import compilation, devito_patches, generation, toolchain
from fwicli.propagators.kernels.signature import Signature
from tests.equations import LARGE, USUAL_ORDER
from tests.propagators.row_calls import inlined

Make = Callable[..., Any]
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("forward", {}),
    ("forward", {"history": True}),
    ("adjoint", {}),
    ("forward", {"n_directions": 1}),
    ("forward", {"n_directions": 1, "history": True}),
    ("forward", {"free": ("x-", "z+")}),
    ("adjoint", {"free": ("x-", "z+")}),
    ("gradient", {"n_directions": 1, "images": ("gradient",)}),
    ("gradient", {"images": ("gradient", "illumination")}),
    ("gradient", {"images": ("correlation", "illumination")}),
]


# Images with others beside the gradient are summed alike for all equations: one stands for them.
every_kernel = pytest.mark.parametrize(
    ("equation", "kind", "extra"),
    [
        pytest.param(
            equation,
            kind,
            extra,
            marks=pytest.mark.slow
            if equation in LARGE or (equation != "acoustic" and len(extra.get("images", ())) > 1)
            else (),
        )
        for equation in EQUATIONS
        for kind, extra in KINDS
    ],
)


def signature(kind: str, equation: str = "acoustic", **extra: Any) -> Signature:
    """A kernel with the spacing, order, layer and precision of `make_setting`, to share it."""
    if extra.get("n_directions") and (kind == "gradient" or extra.get("history")):
        # Products of the Hessian want the last component alone.
        extra.setdefault("parameters", tuple(EQUATIONS[equation].parameters(2)))
    if EQUATIONS[equation].constant_q:
        extra.setdefault("reference_frequency", 20.0)
    return Signature(kind, equation, (10.0, 12.0), USUAL_ORDER, 10, "float64", **extra)


def code_of(kernel: Signature) -> str:
    """As it reads in one function."""
    return inlined(compilation.load(kernel).source)


def time_loop(code: str) -> str:
    """Body of the time loop, by its braces."""
    start = code.index("{", code.index("for (int time ="))
    depth = 0
    for i in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[i], 0)
        if depth == 0:
            return code[start:i]
    raise AssertionError("no end of the time loop")


@every_kernel
def test_one_time_loop_with_everything_inside(
    equation: str, kind: str, extra: dict[str, Any]
) -> None:
    """One time loop; injection, recording and imaging inside; no atomics."""
    code = code_of(signature(kind, equation, **extra))
    assert code.count("for (int time =") == 1
    loop = time_loop(code)
    assert "inj_row" in loop
    assert ("rec_row" in loop) == (kind != "gradient")
    assert "atomic" not in code
    for name in ("history_", "image_"):
        assert (name in code) == (name in loop)
    # Gradients are summed over time by parameters, or by coefficients that follow from them.
    summed = re.findall(r"\b(?:gradient|sum)_\w+\[[^=]*\+= ", loop)
    assert bool(summed) == ("gradient" in extra.get("images", ()))
    assert not re.search(r"\b(?:adj|history)_\w+\[", code.split(loop)[1])


@every_kernel
def test_no_division_per_point(equation: str, kind: str, extra: dict[str, Any]) -> None:
    """Inside the time loop nothing is divided by a value on the grid, and m is not read."""
    loop = time_loop(code_of(signature(kind, equation, **extra)))
    assert not re.search(r"/\s*\(?\w+\[", loop)
    # The layer of tilted anisotropy reads m for its drag.
    assert equation == "tti" or not re.search(r"\bm\[", loop)


def test_update_is_the_hand_written_one() -> None:
    """On square cells 17 loads and 6 products of the pressure: mirror images share a weight."""
    # A kernel that inversions of the tests need, too.
    square = Signature("forward", "acoustic", (10.0, 10.0), 8, 20, "float32")
    loop = time_loop(code_of(square))
    update = next(line for line in loop.splitlines() if "u[t1]" in line and "coef0" in line)
    assert len(re.findall(r"\bu\[t0\]", update)) == 18  # the stencil, and 2 u
    assert len(re.findall(r"\bu\[t1\]", update)) == 2
    assert update.count("*") == 7  # five weights, the coefficient, and 2 u


@pytest.mark.parametrize("n_directions", [0, 1])
def test_what_updates_share_is_computed_once(n_directions: int) -> None:
    """The stencils of the strains, which both stresses need, are in one place for each of them."""
    made = signature("forward", "vti", n_directions=n_directions)
    loop = time_loop(code_of(made))
    # The change of the strain has an array, as a change of the wavelet enters there.
    once = r"double \w+_here\d* =|^\s*d1_h\["
    shared = [line for line in loop.splitlines() if re.search(once, line)]
    stress = r"^\s*(d1_)?[uw]\[t\d\]\[x [^=]*\]\[y [^=]*\] = "
    updates = [line for line in loop.splitlines() if re.search(stress, line)]
    assert len(updates) == 2 + 2 * n_directions
    # What changes with the model reads the strain once more, in a later loop.
    name = "d1_a0" if n_directions else "a0"
    reads = [len(re.findall(rf"\b{name}\[", line)) for line in shared]
    assert sum(reads) == USUAL_ORDER
    assert not any(re.search(rf"\b{name}\[", line) for line in updates)


@pytest.mark.parametrize("kind", ["forward", "gradient"])
@pytest.mark.parametrize("equation", ["acoustic", "variable_density"])
def test_threads_get_contiguous_parts_of_the_grid(equation: str, kind: str) -> None:
    """No rows are dealt out one by one; Devito is left as it was."""
    images = ("gradient",) if kind == "gradient" else ()
    code = code_of(signature(kind, equation, images=images))
    loops = re.findall(r"schedule\((.*)\)", time_loop(code))
    assert "static" in loops
    assert set(loops) <= {"static", "dynamic,chunk_size"}  # this one at the receivers
    assert OmpIteration._make_clauses(schedule="static") == ["schedule(static,1)"]


def test_adjoint_costs_what_the_forward_costs() -> None:
    """The derived adjoint updates the pressure with the very same expression."""

    def update(kind: str, name: str) -> str:
        loop = time_loop(code_of(signature(kind)))
        line = next(x for x in loop.splitlines() if f"{name}[t1]" in x and "coef0" in x)
        return line.strip().replace(f"{name}[", "u[")

    assert update("adjoint", "adj_u") == update("forward", "u")


def test_layer_shares_loops_with_what_it_adds_to() -> None:
    """On a strip, the second memory variable and the sum of the layer are in one loop.

    So are both ends of the last axis, and the update: 3 loops over rows for the whole grid and the
    layer along the last axis, 2 for each end of the first, and one for the coefficient.
    """
    code = code_of(signature("forward"))
    assert len(re.findall(r"for \(int x = ", code)) <= 1 + 3 + 2 * 2
    for axis in (0, 1):
        bodies = re.findall(rf"{{([^{{}}]*zeta_u{axis}\[[^{{}}]*)}}", time_loop(code))
        assert len(bodies) == 2
        assert all(f"zeta_u{axis}[" in body and "u[t1]" in body for body in bodies)


def test_what_is_needed_once_is_kept_once() -> None:
    """Memory variables have one level, the pressure two, slopes a ring (see `test_rings`)."""
    specs = compilation.load(signature("forward", "variable_density")).arrays
    levels = {s.name: s.time_levels for s in specs if s.kind == "field" and s.ring is None}
    assert levels == {"u": 2} | {
        f"{name}{axis}": 1 for name in ("psi_u", "psi_a") for axis in (0, 1) if name != "psi_a"
    } | {f"psi_a{axis}{axis}": 1 for axis in (0, 1)}
    # What is read one step later keeps both levels: in tilted media the drag does.
    tilted = {s.name: s.time_levels for s in compilation.load(signature("forward", "tti")).arrays}
    assert tilted["last_u0"] == 2
    assert tilted["psi_u0"] == 1


@pytest.mark.parametrize(
    ("kind", "images", "levels"),
    [("adjoint", (), 2), ("gradient", ("correlation",), 2), ("gradient", ("gradient",), 3)],
)
def test_multipliers_keep_what_is_read(kind: str, images: tuple[str, ...], levels: int) -> None:
    """Three levels of the pressure for a second difference alone; the layer's one each."""
    specs = compilation.load(replace(signature(kind), images=images)).arrays
    kept = {s.name: s.time_levels for s in specs if s.kind == "field"}
    memory = {f"adj_{name}_u{axis}": 1 for name in ("psi", "zeta") for axis in (0, 1)}
    assert kept == {"adj_u": levels} | memory


def test_what_the_grid_and_a_strip_need_is_not_computed_twice() -> None:
    """In tilted media the drag of the layer reads the strains: they have arrays of their own."""
    layered = {s.name for s in compilation.load(signature("forward", "tti")).arrays}
    assert {"h", "v", "lu"} <= layered
    bare = replace(signature("forward", "tti"), layer=0)
    assert not {"h", "v", "lu"} & {s.name for s in generation.generate(bare).arrays}


def test_losses_need_a_reference_frequency() -> None:
    """Without it nothing would be lost."""
    with pytest.raises(CalculusError, match=r"viscoacoustic lose energy.*has 0 Hz"):
        generation.generate(signature("forward", "viscoacoustic", reference_frequency=0.0))


def test_second_load_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel is built once per process."""
    first = compilation.load(signature("forward"))
    monkeypatch.setattr(compilation, "build", lambda _: pytest.fail("built again"))
    assert compilation.load(signature("forward")) is first


def test_other_process_finds_the_kernel_on_disk() -> None:
    """A kernel is built once per machine."""
    compilation.load(signature("forward"))
    program = (
        "from fwicli.propagators.kernels import compilation\n"
        "compilation.build = None\n"
        f"s = compilation.{signature('forward')}\n"
        "print(compilation.load(s).name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "acoustic_forward", done.stderr


def test_kernels_on_disk_run_without_devito_and_sympy() -> None:
    """Their imports take longer than the first shot."""
    program = (
        "import sys\n"
        "import numpy as np\n"
        "from fwicli import Propagator\n"
        "from fwicli.workflows import invert, model, rtm\n"
        "vp, at = np.full((31, 21), 2000.0), np.array([[100.0, 50.0]])\n"
        "F = Propagator.for_model(vp, 10.0, dt=0.002, frequency=10.0, samples=100)\n"
        "from fwicli.propagators.equations import properties\n"
        "model, wavelet = F.parameters(vp=vp), np.ones((1, 100))\n"
        "d = F.forward(model, wavelet, at, at)\n"
        "slopes = F.jacobian_adjoint(model, d, wavelet, at, at)\n"
        "gradient = properties.gradient('acoustic', {'vp': vp}, slopes, 'vp')\n"
        "assert np.abs(gradient).max() > 0\n"
        "print({'devito', 'sympy'} & set(sys.modules))\n"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign"])
def test_damaged_kernel_is_built_again(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not what was written costs time, not the run."""
    wanted = signature("adjoint", "acoustic")
    whole = compilation.load(wanted)
    data = compilation._path(wanted).read_bytes()
    monkeypatch.setenv("FWI_CACHE", str(tmp_path))
    built: list[Signature] = []
    monkeypatch.setattr(compilation, "build", lambda s: built.append(s) or whole)
    middle = len(data) // 2
    damaged = {
        "truncated": data[:middle],
        "flipped": data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :],
        "foreign": b"\x80\x04 not a kernel",
    }
    compilation._path(wanted).write_bytes(damaged[damage])
    assert compilation.load.__wrapped__(wanted) is whole
    assert built == [wanted]
    again = compilation.load.__wrapped__(wanted)
    assert built == [wanted]
    assert again.source == whole.source


def test_kernel_of_another_processor_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one cache for many nodes, each processor type has kernels of its own."""
    usual = signature("forward")
    kernel = compilation.load(usual)
    assert compilation.is_cached(usual)
    built: list[Signature] = []
    flags = f"{toolchain.processor()} of another machine"
    with monkeypatch.context() as patched:
        patched.setattr(toolchain, "processor", lambda: flags)
        patched.setattr(compilation, "build", lambda s: (built.append(s), kernel)[1])
        patched.setattr(compilation.cache, "write", lambda *_: None)
        compilation._generator.cache_clear()
        compilation.load.cache_clear()
        assert not compilation.is_cached(usual)
        compilation.load(usual)
        assert built == [usual]
    compilation._generator.cache_clear()
    compilation.load.cache_clear()
    assert compilation.is_cached(usual)


def test_processes_that_need_a_kernel_at_once_build_it_once(tmp_path: Path) -> None:
    """In an empty cache one builds, the others wait for it; all compute the same records."""
    program = (
        "import hashlib, numpy as np\n"
        "from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis\n"
        "from fwicli.propagators.kernels import compilation\n"
        "made, build = [], compilation.build\n"
        "compilation.build = lambda s: made.append(s) or build(s)\n"
        "grid = Grid((31, 33), (10.0, 10.0), (0.0, 0.0))\n"
        "axis = time_axis(0.002, 80, 2000.0, grid.spacing, 4)\n"
        "layer = AbsorbingLayer(0, 2000.0, 20.0)\n"
        "F = Propagator(Discretization('acoustic', grid, axis, layer, 4))\n"
        "q, m = np.ones((1, 80)), {'m': np.full(grid.shape, 2000.0**-2)}\n"
        "d = F.forward(m, q, np.array([[150.0, 100.0]]), np.array([[50.0, 50.0]]))\n"
        "print(len(made), np.abs(d).max() > 0, hashlib.sha256(d.tobytes()).hexdigest())\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "FWI_CACHE": str(tmp_path)},
        )
        for _ in range(3)
    ]
    printed = [process.communicate()[0].split() for process in started]
    assert [process.returncode for process in started] == [0] * 3
    assert sorted(count for count, *_ in printed) == ["0", "0", "1"]
    assert {loud for _, loud, _ in printed} == {"True"}
    assert len({digest for *_, digest in printed}) == 1
    assert sorted(p.suffix for p in tmp_path.iterdir()) == sorted(
        ["", ".flags", ".formula", ".kernel", ".sources"]
    )


def test_two_time_loops_are_refused() -> None:
    """Code in which Devito has split the time loop does not run."""
    grid = Grid((8, 8))
    u = TimeFunction(name="u", grid=grid, save=5)
    v = TimeFunction(name="v", grid=grid, save=5)
    split = Operator([Eq(u.forward, u + 1), Eq(v, u.forward.forward)], opt="noop")
    if str(split.ccode).count("for (int time =") == 1:
        pytest.skip("this Devito does not split the example")
    with pytest.raises(CalculusError, match="time loops"):
        generation.check_code(split)


def test_fused_loops_are_refused() -> None:
    """Code that reads next to a point what the same loop writes there does not run."""
    grid = Grid((16, 16), dtype=np.float32)
    u, v, w = (TimeFunction(name=n, grid=grid, space_order=4) for n in "uvw")
    generation.check_code(Operator([Eq(u.forward, v), Eq(w.forward, u.forward.dx)]))
    x, _ = grid.dimensions
    # One equation with an increment of its own neighbour stands for two that were fused.
    with pytest.raises(CalculusError, match="must follow each other"):
        generation.check_code(Operator(Eq(u.forward, v + u.forward.subs(x, x - x.spacing))))
    generation.check_code(Operator(Eq(u.forward, v + u.subs(x, x - x.spacing))))


def test_loops_that_devito_puts_together_are_kept_apart() -> None:
    """Loops over one strip, with others between them, are fused only where points are alone."""
    grid = Grid((16, 16, 16), dtype=np.float32)
    u, v = (TimeFunction(name=n, grid=grid) for n in "uv")
    a, b, c = (TimeFunction(name=n, grid=grid, time_order=0, space_order=2) for n in "abc")
    strip, x = Strip(0, "left", 4, grid), grid.dimensions[0]
    equations = [
        Eq(a, u, subdomain=strip),
        Eq(v.forward, u + 1),
        Eq(b, a.subs(x, x - x.spacing), subdomain=strip),
        Eq(c, a, subdomain=strip),
        Eq(u.forward, u + v.forward),
    ]
    with devito_patches.patched():
        operator = Operator(equations)
    generation.check_code(operator)
    # The last equation reads at its own point, and may share the loop of the second of the strip.
    assert str(operator.ccode).count("x_ltkn0 - 1;") == 2


def test_warning_of_devito_is_an_error() -> None:
    """A stencil that does not fit the halo would silently shrink the domain."""
    grid = Grid((16, 16), dtype=np.float32)
    u = TimeFunction(name="u", grid=grid, space_order=2)
    with generation.strict(), pytest.raises(DevitoWarning):
        Operator(Eq(u.forward, u.dx2.dx2.dx2)).apply(time_M=1)


GENERATE = """
from contextlib import nullcontext
from fwicli.propagators.kernels import devito_patches
from fwicli.propagators.kernels.generation import generate
from fwicli.propagators.kernels.signature import Signature
devito_patches.remembered = devito_patches.settled = nullcontext
for signature in {signatures}:
    print(generate(signature).source, end="{separator}")
"""


def arithmetic(code: str) -> str:
    """Code with the time levels named by what they are: their names have no say in the result."""
    for name, level in re.findall(r"(t\d) = (\(time[^%]*\)%\(\d\))[,;]", code):
        code = re.sub(rf"\b{name}\b", level, code)
    return re.sub(r"for \(int time[^\n]*", "", code)


# Other kernels hold what these hold: changes along a direction, and their history, hold the plain
# ones; an adjoint between free sides holds a layer and its mirrors; one image is summed as another.
CONTAINED: list[tuple[str, dict[str, Any]]] = [
    ("forward", {}),
    ("forward", {"history": True}),
    ("forward", {"n_directions": 1}),
    ("forward", {"free": ("x-", "z+")}),
    ("adjoint", {}),
    ("gradient", {"images": ("gradient", "illumination")}),
    ("gradient", {"images": ("correlation", "illumination")}),
]
others_are_slow = [
    e if e == "acoustic" else pytest.param(e, marks=pytest.mark.slow) for e in EQUATIONS
]


@pytest.mark.parametrize("equation", others_are_slow)
def test_code_is_the_same_in_every_process(equation: str) -> None:
    """Records do not depend on who compiled: sums are in the same order, whatever the hashes.

    Nor do they depend on answers that Devito remembers: the other process computes all of them.
    """
    separator = "/* end */"
    kinds = [kind for kind in KINDS if kind not in CONTAINED]
    signatures = [signature(kind, equation, **extra) for kind, extra in kinds]
    # The seed is no other process's: those of the kernels on disk are drawn.
    process = subprocess.run(
        [sys.executable, "-c", GENERATE.format(signatures=signatures, separator=separator)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    codes = process.stdout.split(separator)[:-1]
    for code, made in zip(codes, signatures, strict=True):
        assert arithmetic(code) == arithmetic(compilation.load(made).source)


# Strips of the layer are arguments in all equations: one stands for them.
@pytest.mark.parametrize(
    "equation",
    [e if e == "acoustic" else pytest.param(e, marks=pytest.mark.slow) for e in EQUATIONS],
)
def test_one_kernel_runs_with_any_layer(
    make_setting: Make, monkeypatch: pytest.MonkeyPatch, equation: str
) -> None:
    """Gradients have the bits of kernels that are generated for the layer."""
    s = make_setting(equation=equation, cells=17)

    def gradient(**changes: Any) -> dict[str, np.ndarray]:
        p = Propagator(replace(s.propagator.discretization, **changes))
        return p.jacobian_adjoint(s.model, s.gather, s.wavelet, s.sources, s.receivers)

    shared = gradient()
    codes = []
    for setting in (s, make_setting(equation=equation)):
        signature = setting.propagator.discretization.signature("forward", history=True)
        codes.append(compilation.load(signature).code)
    assert codes[0] == codes[1]
    # Checkpoints hold the fields in the layer.
    again = gradient(history=HistoryOptions("checkpoints", checkpoints=3, segment=12))
    monkeypatch.setattr(compilation, "load", functools.cache(compilation.build))
    for name, expected in gradient().items():
        np.testing.assert_array_equal(shared[name], expected)
        error = np.linalg.norm(again[name] - expected)
        assert error < 1e-13 * np.linalg.norm(expected)
