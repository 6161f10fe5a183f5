"""Cost of a point and a step of every equation against the roofline of the machine.

    python benchmarks/roofline.py [--points 601] [--rounds 5] [--among acoustic,tti]

Forward runs and gradients on one thread, in a plane without an absorbing layer. Operations are
those of the generated loops over the grid. Bytes are those of arrays that a step must read or
write once if neighbours come from the cache; a level that is written without being read counts
twice, as its cache lines are read first. What a history takes counts by its share of the steps.

The roofline is the larger one of two times: bytes over the bytes per second that a loop of the
acoustic equation moves, and operations over the multiplications and additions per second in
registers (`memory_bandwidth.c`), each measured with arrays of the same size. The last column is the
roofline's time over the measured one. A kernel may exceed 1 where arrays stay in a cache.

Reference: Williams, Waterman and Patterson (2009), Commun. ACM 52 (4), 65-76.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import click
import numpy as np
from devito.ir.iet import Conditional, Expression, FindNodes, retrieve_iteration_tree
from devito.symbolics import estimate_cost, retrieve_indexed
from memory_bandwidth import limits

from fwicli import (
    EQUATIONS,
    PROPERTIES,
    AbsorbingLayer,
    Discretization,
    Grid,
    Propagator,
    devito_operator,
    parameters,
    time_axis,
)

SPACING, ORDER, INTERVAL, STEPS, SPEED = 10.0, 8, 0.001, 200, 3200.0
BYTES = 4  # of a number in single precision


def kernels(discretization: Discretization) -> dict[str, list[Any]]:
    """Signatures of the kernels of a forward run, and of a gradient."""
    signature = discretization.signature
    return {
        "forward": [signature("forward")],
        "gradient": [
            signature("forward", history=True),
            signature("gradient", images=("gradient",)),
        ],
    }


def counted(signature: Any, interval: int) -> tuple[float, float]:
    """Operations and bytes of a point and a step of a kernel.

    Steps of the history are one in `interval`.
    """
    operator, arrays = devito_operator(signature)
    cached = {s.name for s in arrays if s.ring is not None}
    rare = {
        id(loop)
        for node in FindNodes(Conditional).visit(operator)
        for tree in retrieve_iteration_tree(node)
        for loop in tree
    }
    operations, read, written = 0.0, {}, {}
    for tree in retrieve_iteration_tree(operator):
        roots = {i.dim.root for i in tree}
        if len({d for d in roots if d.is_Space}) < len(signature.spacing):
            continue  # values at points
        if not any(d.is_Time for d in roots):
            continue  # coefficients, once for all steps
        share = 1 / interval if any(id(i) in rare for i in tree) else 1.0
        for e in FindNodes(Expression).visit(tree.inner):
            operations += share * estimate_cost(e.expr, estimate=True)
            for access in retrieve_indexed(e.expr.rhs):
                _add(read, access, share)
            if e.output.is_Indexed:
                _add(written, e.output, share)
    for counts in (read, written):  # rows in rings stay in the cache
        for key in [key for key in counts if key[0] in cached]:
            del counts[key]
    moved = {key: max(read.get(key, 0), written.get(key, 0)) for key in {*read, *written}}
    stored = sum(written.values())
    return operations, BYTES * (sum(moved.values()) + stored)


def _add(arrays: dict[Any, float], access: Any, share: float) -> None:
    """Count an array of the grid at a level of time once."""
    f = access.function
    if f.is_DiscreteFunction and f.grid is not None:
        level = access.indices[0] if f.is_TimeFunction else None
        arrays[f.name, level] = max(share, arrays.get((f.name, level), 0.0))


def runs(name: str, points: int) -> tuple[Discretization, dict[str, Callable[[], Any]]]:
    """A forward run and a gradient in a random medium."""
    grid = Grid((points, points), (SPACING, SPACING), (0.0, 0.0))
    rng = np.random.default_rng(0)
    earth = {n: low + (high - low) * rng.random(grid.shape) for n, (low, high) in common().items()}
    axis = time_axis(INTERVAL, STEPS, SPEED, grid.spacing, ORDER, corrected=False)
    discretization = Discretization(name, grid, axis, AbsorbingLayer(0, SPEED, 10.0))
    propagator, model = Propagator(discretization), parameters(name, earth)
    middle = np.full((1, 2), SPACING * (points - 1) / 2)
    shot = model, np.ones((1, STEPS)), middle, middle
    residual = propagator.forward(*shot)
    return discretization, {
        "forward": lambda: propagator.forward(*shot),
        "gradient": lambda: propagator.jacobian_adjoint(model, residual, *shot[1:]),
    }


def common() -> dict[str, tuple[float, float]]:
    """Common values of every property."""
    return {name: prop.common for name, prop in PROPERTIES.items()}


@click.command()
@click.option("--points", default=601, show_default=True, help="Grid points along x and z.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--among", default=",".join(EQUATIONS), help="Equations; by default all.")
def main(points: int, rounds: int, among: str) -> None:
    """Print a row for each equation and kind of run."""
    machine = limits(points**2, 1)
    click.echo(
        f"{points} x {points} points, one thread: {machine['bytes'] / 1e9:.0f} GB/s, "
        f"{machine['operations'] / 1e9:.0f} Gflop/s"
    )
    click.echo("equation           run       ns   flop  bytes  flop/byte  roofline ns  share")
    for name in among.split(","):
        discretization, kinds = runs(name, points)
        for kind, run in kinds.items():
            run()
            used = kernels(discretization)[kind]
            pairs = [counted(signature, discretization.history_step) for signature in used]
            operations, moved = (sum(column) for column in zip(*pairs, strict=True))
            seconds = []
            for _ in range(rounds):
                started = time.process_time()
                run()
                seconds.append(time.process_time() - started)
            cost = median(seconds) / (STEPS * discretization.time.substeps) / points**2
            bound = max(operations / machine["operations"], moved / machine["bytes"])
            click.echo(
                f"{name:18s} {kind:8s} {cost * 1e9:5.2f} {operations:6.0f} {moved:6.0f} "
                f"{operations / moved:10.2f} {bound * 1e9:12.2f} {bound / cost:6.2f}"
            )


if __name__ == "__main__":
    main()
