"""Part of `speed_beside_deepwave.py`: one problem for this program, others and a C loop.

All propagate the same source through the same model on the same grid, with the same time step,
order 8, float32 and the same receivers, all on grid points. Ours and Deepwave's have their default
settings: ours a layer of 12 cells, Deepwave's one of 20, which reflects more; ours keeps every so
manieth step of the history. A careful user of Deepwave samples its gradient at the longest interval
whose error stays below 1e-3. Devito's own examples have a sponge of as many cells as Deepwave's
layer, and keep every step. The C loop is the bare stencil, without a layer and without receivers,
compiled with the flags that Devito gives the compiler.

Deepwave is no part of the program's environment: pip install torch deepwave==0.1.0. JUDI's Python
layer is not: it comes with a package of Julia alone.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Run = Callable[[], Any]

SPACING, FREQUENCY, RECEIVERS = 10.0, 10.0, 200
SLOWEST, FASTEST, ORDER = 1500.0, 4000.0, 8
# Largest relative error of a sampled gradient.
SAMPLING_ERROR = 1e-3
# Both are defaults.
THEIR_CELLS, OUR_CELLS = 20, 12
# Flags of Devito's compiler.
FLAGS = "-O3 -march=native -ffast-math -std=c99 -mprefer-vector-width=512 -fPIC -shared -fopenmp"


@dataclass(frozen=True)
class Problem:
    """A shot in a model whose velocity grows with depth.

    Attributes
    ----------
    shape : tuple of int
        Points of the model, without any layer.
    steps : int
        Samples of the wavelet and the records, which are the time steps.
    threads : int
        OpenMP threads of the shot.
    """

    shape: tuple[int, ...]
    steps: int
    threads: int = 1

    @property
    def point_steps(self) -> float:
        """Points of the model times steps."""
        return float(np.prod(self.shape)) * self.steps

    @cached_property
    def vp(self) -> Array:
        """P velocity [m/s]."""
        depth = np.linspace(SLOWEST, FASTEST, self.shape[-1])
        return np.broadcast_to(depth, self.shape).copy()

    @property
    def step(self) -> float:
        """Time step, 0.95 of the longest stable one [s]."""
        return round(0.95 * 2 / (FASTEST * np.sqrt(len(self.shape) * 6.502 / SPACING**2)), 6)

    @cached_property
    def wavelet(self) -> Array:
        """Ricker wavelet of shape (steps,)."""
        phase = (np.pi * FREQUENCY * (self.step * np.arange(self.steps) - 1 / FREQUENCY)) ** 2
        return np.asarray((1 - 2 * phase) * np.exp(-phase), np.float32)

    @property
    def source(self) -> Array:
        """Grid point of the source."""
        return np.array([n // 2 for n in self.shape])

    @property
    def receivers(self) -> Array:
        """Grid points of the receivers, of shape (n_receivers, ndim)."""
        x = np.linspace(0, self.shape[0] - 1, min(RECEIVERS, self.shape[0])).astype(int)
        rest = [np.full(x.size, n // 2) for n in self.shape[1:-1]]
        return np.stack([x, *rest, np.full(x.size, 2)], axis=1)


def ours(problem: Problem, operator: str) -> Run:
    """Forward, gradient, migration or product of the Hessian."""
    from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, subsampling, time_axis

    vp, ndim = problem.vp, len(problem.shape)
    grid = Grid(problem.shape, (SPACING,) * ndim, (0.0,) * ndim)
    axis = time_axis(problem.step, problem.steps, FASTEST, grid.spacing, ORDER, 1, corrected=False)
    every = subsampling(axis, 2.5 * FREQUENCY)
    layer = AbsorbingLayer(OUR_CELLS, FASTEST, FREQUENCY)
    F = Propagator(
        Discretization("acoustic", grid, axis, layer, history_step=every, threads=problem.threads)
    )
    model = {"m": (1 / vp**2).astype(np.float32)}
    change = {"m": (0.01 * model["m"]).astype(np.float32)}
    receivers = SPACING * problem.receivers
    at = problem.wavelet[None], SPACING * problem.source[None], receivers
    residual = np.tile(problem.wavelet, (len(receivers), 1))
    images = ("correlation", "illumination")
    return {
        "forward": lambda: F.forward(model, *at),
        "gradient": lambda: F.jacobian_adjoint(model, residual, *at),
        "rtm": lambda: F.images(model, lambda d: d, *at, kinds=images),
        "hessian": lambda: F.hessian(model, change, residual, *at),
    }[operator]


def deepwave(problem: Problem, operator: str) -> Run:
    """Forward or gradient of Deepwave's constant-density acoustic propagator."""
    import torch
    from deepwave import scalar

    torch.set_num_threads(problem.threads)
    v = torch.from_numpy(problem.vp.astype(np.float32))
    kept = {
        "source_amplitudes": torch.from_numpy(problem.wavelet[None, None]),
        "source_locations": torch.from_numpy(problem.source[None, None]),
        "receiver_locations": torch.from_numpy(problem.receivers[None]),
        "accuracy": ORDER,
        "pml_width": THEIR_CELLS,
        "pml_freq": FREQUENCY,
        "max_vel": FASTEST,
    }

    def forward() -> Any:
        return scalar(v, SPACING, problem.step, **kept)[-1]

    def gradient(interval: int = 1) -> Any:
        at = v.clone().requires_grad_()
        sampling = {"model_gradient_sampling_interval": interval}
        data = scalar(at, SPACING, problem.step, **kept, **sampling)[-1]
        (data**2).sum().backward()
        return at.grad

    def sampled() -> Run:
        exact, interval = gradient(), 1
        # Deepwave takes divisors of the number of steps.
        for longer in range(2, problem.steps // 2 + 1):
            if problem.steps % longer == 0:
                error = (gradient(longer) - exact).norm() / exact.norm()
                if error > SAMPLING_ERROR:
                    break
                interval = longer
        return lambda: gradient(interval)

    return {"forward": lambda: forward, "gradient": lambda: gradient, "sampled": sampled}[
        operator
    ]()


def devito_examples(problem: Problem, operator: str) -> Run:
    """Forward or gradient of the acoustic propagator among Devito's own examples."""
    from devito import configuration
    from examples.seismic import AcquisitionGeometry, SeismicModel
    from examples.seismic.acoustic import AcousticWaveSolver

    configuration["language"], configuration["log-level"] = "openmp", "ERROR"
    ndim, step = len(problem.shape), 1000 * problem.step  # ms, and km/s below
    model = SeismicModel(
        origin=(0.0,) * ndim,
        spacing=(SPACING,) * ndim,
        shape=problem.shape,
        space_order=ORDER,
        vp=(problem.vp / 1000).astype(np.float32),
        nbl=THEIR_CELLS,
        bcs="damp",
    )
    geometry = AcquisitionGeometry(
        model,
        SPACING * problem.receivers.astype(float),
        SPACING * problem.source[None].astype(float),
        t0=0.0,
        tn=step * (problem.steps - 1),
        f0=FREQUENCY / 1000,
        src_type="Ricker",
    )
    geometry.resample(step)
    solver = AcousticWaveSolver(model, geometry, space_order=ORDER)

    def forward() -> Any:
        return solver.forward(dt=step)[0].data

    def gradient() -> Any:
        records, field, _ = solver.forward(save=True, dt=step)
        return solver.jacobian_adjoint(records, field, dt=step)[0].data

    return {"forward": forward, "gradient": gradient}[operator]


def bare_loop(problem: Problem, operator: str) -> Run:
    """The stencil in C, forward only."""
    function = compiled("bare_stencil.c", f"-DNDIM={len(problem.shape)}").propagate
    k = np.pad((problem.vp * problem.step / SPACING) ** 2, 4, mode="edge").astype(np.float32)
    fields = [np.zeros(k.shape, np.float32) for _ in range(2)]
    middle = int(np.ravel_multi_index(tuple(n // 2 for n in k.shape), k.shape))
    shape = (1,) * (3 - k.ndim) + k.shape
    pointers = [address(a) for a in (*fields, k, problem.wavelet)]
    numbers = [ctypes.c_long(n) for n in (*shape, problem.steps, middle)]

    def forward() -> Array:
        for f in fields:
            f[:] = 0
        function(*pointers, *numbers)
        return fields[0]

    return {"forward": forward}[operator]


CODES: dict[str, Callable[[Problem, str], Run]] = {
    "fwi": ours,
    "Deepwave": deepwave,
    "Devito": devito_examples,
    "C": bare_loop,
}


def compiled(source: str, *flags: str) -> ctypes.CDLL:
    """A library of a C file beside this one."""
    path = Path(__file__).with_name(source)
    library = Path(tempfile.mkdtemp()) / "code.so"
    subprocess.run(["gcc", *FLAGS.split(), *flags, str(path), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def address(array: Array) -> ctypes.c_void_p:
    """Of the first value of an array."""
    return array.ctypes.data_as(ctypes.c_void_p)
