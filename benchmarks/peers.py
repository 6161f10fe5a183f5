"""Speed beside Deepwave and a plain C loop, alternately in one run.

All propagate the same source through the same model on the same grid, with the same time step,
order 8, float32 and the same receivers. The C loop is the bare stencil: two buffers,
v**2 dt**2 / h**2 computed before, no layer, no receivers; it has the flags that Devito gives the
compiler. Deepwave has its default layer of 20 cells and its default settings. Ours is the default
of 12, which reflects less (`boundaries.py --cells 12`; the other with 20 is Deepwave's). Points are
those of the model, without any layer.

    python benchmarks/peers.py [--shape 441x681] [--steps 1000] [--threads 1] [--json FILE]

Deepwave is no part of the program's environment: pip install torch deepwave==0.1.0
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Run = Callable[[], Any]

SPACING, FREQUENCY, RECEIVERS = 10.0, 10.0, 200
SLOWEST, FASTEST, ORDER = 1500.0, 4000.0, 8
# Both are defaults.
THEIR_CELLS, OUR_CELLS = 20, 12

LOOP = """
#define C0 (-205.0f / 72 * {ndim})
static const float c[5] = {{0, 8.0f / 5, -1.0f / 5, 8.0f / 315, -1.0f / 560}};
void propagate(float *restrict u, float *restrict v, const float *restrict k, const float *q,
               long n0, long n1, long n2, long steps, long source)
{{
  const long sx = {sx}, sy = {sy};
  for (long t = 0; t < steps; t++) {{
    #pragma omp parallel for collapse(2) schedule(static)
    for (long x = {x0}; x < {x1}; x++)
      for (long y = 4; y < {y1}; y++)
        #pragma omp simd
        for (long z = 4; z < {z1}; z++) {{
          const long i = {index};
          float sum = C0 * u[i];
          for (int o = 1; o < 5; o++)
            sum += c[o] * ({sums});
          v[i] = 2 * u[i] - v[i] + k[i] * sum;
        }}
    v[source] += k[source] * q[t];
    float *w = u; u = v; v = w;
  }}
}}
"""


def c_code(ndim: int) -> str:
    """The loop in C; in 2D the first axis is left out."""
    sums = ["u[i - o] + u[i + o]", "u[i - o * sy] + u[i + o * sy]"]
    sums += ["u[i - o * sx] + u[i + o * sx]"] if ndim == 3 else []
    x0, x1 = ("4", "n0 - 4") if ndim == 3 else ("0", "1")
    return LOOP.format(
        ndim=ndim,
        sums=" + ".join(sums),
        x0=x0,
        x1=x1,
        y1="n1 - 4",
        z1="n2 - 4",
        sx="n1 * n2",
        sy="n2",
        index="x * sx + y * sy + z",
    )


def bare_loop(vp: Array, step: float, wavelet: Array) -> Run:
    """The stencil in C."""
    flags = "-O3 -march=native -ffast-math -fPIC -shared -fopenmp -mprefer-vector-width=512"
    folder = Path(tempfile.mkdtemp())
    (folder / "loop.c").write_text(c_code(vp.ndim))
    library = folder / "loop.so"
    subprocess.run(
        ["gcc", *flags.split(), "-std=c99", str(folder / "loop.c"), "-o", str(library)], check=True
    )
    function = ctypes.CDLL(str(library)).propagate
    factor = np.pad((vp * step / SPACING) ** 2, 4, mode="edge").astype(np.float32)
    fields = [np.zeros(factor.shape, np.float32) for _ in range(2)]
    middle = int(np.ravel_multi_index(tuple(n // 2 for n in factor.shape), factor.shape))
    shape = (1,) * (3 - vp.ndim) + factor.shape
    pointers = [a.ctypes.data_as(ctypes.c_void_p) for a in (*fields, factor, wavelet)]
    numbers = [ctypes.c_long(n) for n in (*shape, wavelet.size, middle)]

    def run() -> Array:
        for f in fields:
            f[:] = 0
        function(*pointers, *numbers)
        return fields[0]

    return run


def places(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Grid points of the source and the receivers."""
    source = np.array([n // 2 for n in shape])
    x = np.linspace(0, shape[0] - 1, min(RECEIVERS, shape[0])).astype(int)
    rest = [np.full(x.size, n // 2) for n in shape[1:-1]]
    return source, np.stack([x, *rest, np.full(x.size, 2)], axis=1)


def ours(vp: Array, step: float, wavelet: Array, threads: int) -> dict[str, Run]:
    """Forward, gradient, migration and product of the Hessian."""
    from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
    from fwicli.propagators.history import subsampling

    grid = Grid(vp.shape, (SPACING,) * vp.ndim, (0.0,) * vp.ndim)
    axis = time_axis(step, wavelet.size, vp.max(), grid.spacing, ORDER, 1, corrected=False)
    every = subsampling(axis, 2.5 * FREQUENCY)
    layer = AbsorbingLayer(OUR_CELLS, FASTEST, FREQUENCY)
    F = Propagator(Discretization("acoustic", grid, axis, layer, every=every, threads=threads))
    source, receivers = places(vp.shape)
    model = {"m": (1 / vp**2).astype(np.float32)}
    change = {"m": (0.01 * model["m"]).astype(np.float32)}
    at = wavelet[None], SPACING * source[None], SPACING * receivers
    residual = F.forward(model, *at)
    return {
        "forward": lambda: F.forward(model, *at),
        "gradient": lambda: F.jacobian_adjoint(model, residual, *at),
        "rtm": lambda: F.images(model, lambda d: d, *at, kinds=("correlation", "illumination")),
        "hessian": lambda: F.hessian(model, change, residual, *at),
    }


def deepwave(vp: Array, step: float, wavelet: Array, threads: int) -> dict[str, Run]:
    """Forward and gradient of Deepwave's constant-density acoustic propagator."""
    import torch
    from deepwave import scalar

    torch.set_num_threads(threads)
    v = torch.from_numpy(vp.astype(np.float32))
    source, receivers = places(vp.shape)
    kept = {
        "source_amplitudes": torch.from_numpy(wavelet[None, None]),
        "source_locations": torch.from_numpy(source[None, None]),
        "receiver_locations": torch.from_numpy(receivers[None]),
        "accuracy": ORDER,
        "pml_width": THEIR_CELLS,
        "pml_freq": FREQUENCY,
        "max_vel": FASTEST,
    }

    def forward() -> Any:
        return scalar(v, SPACING, step, **kept)[-1]

    def gradient() -> Any:
        at = v.clone().requires_grad_()
        data = scalar(at, SPACING, step, **kept)[-1]
        (data**2).sum().backward()
        return at.grad

    return {"forward": forward, "gradient": gradient}


@click.command()
@click.option("--shape", default="441x681", show_default=True, help="Points of the model.")
@click.option("--steps", default=1000, show_default=True)
@click.option("--threads", default=1, show_default=True, help="In one shot.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--only", default="", help="Cases to time, such as forward,gradient; all if empty.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the numbers here.")
def main(shape: str, steps: int, threads: int, rounds: int, only: str, target: Path | None) -> None:
    """Print a table of times and ratios."""
    size = tuple(int(n) for n in shape.split("x"))
    depth = np.linspace(SLOWEST, FASTEST, size[-1])
    vp = np.broadcast_to(depth, size).copy()
    step = round(0.95 * 2 / (FASTEST * np.sqrt(len(size) * 6.502 / SPACING**2)), 6)
    t = step * np.arange(steps) - 1 / FREQUENCY
    wavelet = (1 - 2 * (np.pi * FREQUENCY * t) ** 2) * np.exp(-((np.pi * FREQUENCY * t) ** 2))
    wavelet = wavelet.astype(np.float32)
    runs = {f"fwi {name}": run for name, run in ours(vp, step, wavelet, threads).items()}
    runs["C forward"] = bare_loop(vp, step, wavelet)
    if find_spec("deepwave"):
        found = deepwave(vp, step, wavelet, threads)
        runs |= {f"Deepwave {name}": run for name, run in found.items()}
    else:
        click.echo("Deepwave is missing: pip install torch deepwave==0.1.0")
    if only:
        runs = {n: run for n, run in runs.items() if n.split()[-1] in only.split(",")}
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            if number:  # the first round compiles and allocates
                seconds[name].append(time.perf_counter() - started)
    points = float(np.prod(size)) * steps
    click.echo(f"{shape} points, {steps} steps of {1e3 * step:g} ms, {threads} threads\n")
    click.echo("| what | time [s] | Gpoints/s |\n| --- | --- | --- |")
    for name, spent in seconds.items():
        click.echo(f"| {name} | {median(spent):.3f} | {points / median(spent) / 1e9:.2f} |")
    wanted = [
        ("C forward", "fwi forward"),
        ("Deepwave forward", "fwi forward"),
        ("Deepwave gradient", "fwi gradient"),
        *((f"fwi {name}", "fwi forward") for name in ("gradient", "rtm", "hessian")),
    ]
    ratios = {}
    click.echo("\n| time of / time of | ratio | lowest to highest |\n| --- | --- | --- |")
    for a, b in wanted:
        if a in seconds and b in seconds:
            each = [p / q for p, q in zip(seconds[a], seconds[b], strict=True)]
            ratios[f"{a} / {b}"] = each
            click.echo(f"| {a} / {b} | {median(each):.2f} | {min(each):.2f} to {max(each):.2f} |")
    if target:
        report = {"shape": size, "steps": steps, "threads": threads, "seconds": seconds}
        target.write_text(json.dumps(report | {"ratios": ratios}, indent=1))


if __name__ == "__main__":
    # OpenMP of all codes reads this once, when the first of them is loaded.
    chosen = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "1"
    os.environ["OMP_NUM_THREADS"] = chosen
    main()
