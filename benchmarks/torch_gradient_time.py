"""Time and memory of a gradient through PyTorch, beside the command's and Deepwave's.

    python benchmarks/torch_gradient_time.py [--rounds 3] [--small | --fine] [--json F]

The misfit is half the squared residual, of a plane of 441 x 681 points and 1 s sampled at 4 ms, on
all cores; with --fine at 1 ms, where every time step is a sample, and Deepwave keeps them all; with
--small of 301 x 151 points and 2 s at 4 ms. Ours propagates a shot on every core; the command's
gradient is the objective that `fwi invert` minimises, with the same discretization and executor.
Deepwave takes all cores for a shot, and the shots one after the other, as it keeps what it needs of
all that are alive. The three run alternately; ratios are of each round. Peak memory is that of a
process with one, and with five losses alive before the first backward(), and of the histories that
wait for it; as by default, and where none waits. Deepwave has to be installed:
`pip install torch deepwave==0.1.0`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np

if find_spec("torch") is None or find_spec("deepwave") is None:
    click.echo("autograd: skipped; pip install torch deepwave==0.1.0")
    sys.exit()
import torch

from fwicli import (
    PARAMETERIZATIONS,
    AbsorbingLayer,
    Acquisition,
    Discretization,
    Executor,
    Gathers,
    Grid,
    InProcess,
    LeastSquares,
    Local,
    Objective,
    Variable,
    Variables,
    autograd,
    available,
    cores,
    experiments,
    ricker,
    subsampling,
    time_axis,
    times,
)

# Points, samples and their interval [s].
LARGE, FINE, SMALL = ((441, 681), 251, 0.004), ((441, 681), 1001, 0.001), ((301, 151), 501, 0.004)
SPACING, FREQUENCY = 10.0, 10.0
SHOTS, FASTEST = 16, 4000.0
LOSSES = 5


class Setting:
    """Model, records and places of the survey, in float32."""

    def __init__(self, shape: tuple[int, int], samples: int, interval: float) -> None:
        self.interval = interval
        grid = Grid(shape, (SPACING,) * 2, (0.0, 0.0))
        axis = time_axis(interval, samples, FASTEST, grid.spacing, 8)
        layer = AbsorbingLayer(12, FASTEST, FREQUENCY)
        every = subsampling(axis, 2.5 * FREQUENCY)
        self.discretization = Discretization("acoustic", grid, axis, layer, history_step=every)
        depth = np.linspace(1500.0, FASTEST, shape[1])
        self.vp = np.broadcast_to(depth, shape).copy()
        x = np.linspace(100.0, 2900.0, SHOTS)
        self.sources = np.stack([x, np.full(SHOTS, 20.0)], axis=-1)[:, None]
        x = np.linspace(0.0, 3000.0, 201)
        self.receivers = np.stack([x, np.full(201, 30.0)], axis=-1)
        self.wavelet = ricker(times(interval, samples), FREQUENCY).astype(np.float32)
        rng = np.random.default_rng(0)
        self.data = rng.standard_normal((SHOTS, 201, samples)).astype(np.float32)


def command(made: Setting, executor: Executor) -> Callable[[], Any]:
    """The gradient of `fwi invert`."""
    records = Gathers(
        Acquisition(made.sources[:, 0], made.receivers), made.interval, made.data, made.wavelet
    )
    scale = PARAMETERIZATIONS["squared_slowness"]
    variables = Variables((Variable("vp", 1.0, 1e4, 1.0, scale),))
    shots = experiments(records, LeastSquares())
    objective = Objective(made.discretization, variables, {"vp": made.vp}, shots, executor)
    x = variables.pack({"vp": made.vp})
    return lambda: objective(x)


def loss(made: Setting, executor: Executor, held: float | None = None) -> torch.Tensor:
    """The misfit through PyTorch, ready for backward()."""
    waves = autograd.Simulation(
        made.discretization, made.sources, made.receivers, executor, max_history_bytes=held
    )
    m = torch.from_numpy((1 / made.vp**2).astype(np.float32)).requires_grad_()
    found = autograd.forward(waves, m, torch.from_numpy(made.wavelet[None]))
    return 0.5 * (found - torch.from_numpy(made.data)).square().sum()


def deepwave(made: Setting) -> tuple[float, float]:
    """Seconds of the misfits and of their backward(), shot by shot."""
    from deepwave import scalar

    torch.set_num_threads(cores())
    v = torch.from_numpy(made.vp.astype(np.float32)).requires_grad_()
    at = torch.from_numpy(np.rint(made.sources / SPACING).astype(int))
    receivers = torch.from_numpy(np.rint(made.receivers / SPACING).astype(int))
    spent, back = 0.0, 0.0
    for source, data in zip(at, torch.from_numpy(made.data), strict=True):
        begun = time.perf_counter()
        found = scalar(
            v,
            SPACING,
            made.interval,
            source_amplitudes=torch.from_numpy(made.wavelet[None, None]),
            source_locations=source[None],
            receiver_locations=receivers[None],
            accuracy=8,
            pml_freq=FREQUENCY,
        )[-1]
        value = 0.5 * (found[0] - data).square().sum()
        spent += time.perf_counter() - begun
        begun = time.perf_counter()
        value.backward()
        back += time.perf_counter() - begun
    return spent, back


def seconds(work: Callable[[], Any]) -> float:
    """Of one run."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def peak(losses: int, kind: str, held: bool) -> list[float]:
    """Peak memory [bytes] of a process with so many losses alive, and of histories that wait."""
    command = [sys.executable, __file__, "--alive", str(losses), f"--{kind}"]
    command += [] if held else ["--none-held"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(x) for x in done.stdout.split()]


def alive(made: Setting, losses: int, held: float | None) -> None:
    """Print the peak memory of this process with so many losses alive, and of histories."""
    executor = InProcess()
    loss(made, executor, 0).backward()  # kernels and matrices
    # From here on the peak is counted anew.
    Path("/proc/self/clear_refs").write_text("5")
    values = [loss(made, executor, held) for _ in range(losses)]
    waiting = shared_bytes()
    for value in values:
        value.backward()
    status = dict(x.split(":", 1) for x in Path("/proc/self/status").read_text().splitlines())
    click.echo(f"{1024.0 * float(status['VmHWM'].split()[0])} {waiting}")


def shared_bytes() -> int:
    """Histories in the memory that this process shares with others [bytes]."""
    total = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        # The descriptor of the folder itself is gone by now.
        with suppress(FileNotFoundError):
            if "fwi histories" in str(descriptor.readlink()):
                total += descriptor.stat().st_size
    return total


def said(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


@click.command()
@click.option("--rounds", default=3, show_default=True)
@click.option("--large", "kind", flag_value="large", default=True, hidden=True)
@click.option("--fine", "kind", flag_value="fine", help="Samples as fine as the time steps.")
@click.option("--small", "kind", flag_value="small", help="A smaller plane, and longer records.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the numbers here.")
@click.option("--alive", "losses", type=int, hidden=True)
@click.option("--none-held", is_flag=True, hidden=True)
def main(rounds: int, kind: str, path: Path | None, losses: int | None, none_held: bool) -> None:
    """Run all, and print the ratios."""
    made = Setting(*{"large": LARGE, "fine": FINE, "small": SMALL}[kind])
    if losses is not None:
        alive(made, losses, 0 if none_held else None)
        return
    rows = []
    with Local() as executor:
        own = command(made, executor)
        for number in range(rounds + 1):
            row = {"command": seconds(own)}
            begun = time.perf_counter()
            value = loss(made, executor)
            row["loss"] = time.perf_counter() - begun
            row["backward"] = seconds(value.backward)
            row["deepwave loss"], row["deepwave backward"] = deepwave(made)
            # The first round compiles and loads.
            if number:
                rows.append(row)
    click.echo(
        f"{SHOTS} shots, {cores()} cores; seconds: "
        + ", ".join(f"{name} {statistics.median(r[name] for r in rows):.2f}" for name in rows[0])
    )
    for text, top, bottom in (
        ("backward / the command's gradient", ("backward",), ("command",)),
        ("loss and backward / the command's gradient", ("loss", "backward"), ("command",)),
        ("backward: Deepwave / ours", ("deepwave backward",), ("backward",)),
        (
            "loss and backward: Deepwave / ours",
            ("deepwave loss", "deepwave backward"),
            ("loss", "backward"),
        ),
    ):
        ratios = [sum(r[t] for t in top) / sum(r[b] for b in bottom) for r in rows]
        click.echo(f"{text}: {said(ratios)}")
    memory = []
    for held in (False, True):
        for count in (1, LOSSES):
            process, waiting = peak(count, kind, held)
            memory.append({"losses": count, "process": process, "waiting": waiting})
            click.echo(
                f"peak memory: {process / 1e6:.0f} MB of the process, and {waiting / 1e6:.0f} MB "
                f"of histories that wait, {count} alive{'' if held else ', none held'}"
            )
    click.echo(f"histories may take {available() / 4e6:.0f} MB")
    if path is not None:
        path.write_text(json.dumps({"rounds": rows, "memory": memory}, indent=1))


if __name__ == "__main__":
    main()
