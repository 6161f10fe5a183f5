"""Speed and memory beside Deepwave, Devito's examples and a plain C loop, alternately in one run.

What competes, and with which settings, is in `timed_operators.py`; every code and operator has a
process of its own (`timed_process.py`). A round runs each of them once, one after the other; a
ratio is taken within a round, and given as the median of all rounds with the lowest and the
highest. Points are those of the model, without any layer. Times in seconds are of this machine, as
busy as it is: the ratios are what to look at.

    python benchmarks/speed_beside_deepwave.py [--quick] [--json FILE] [--pictures FOLDER]
    python benchmarks/speed_beside_deepwave.py --only "plane, one thread"   one table
    python benchmarks/speed_beside_deepwave.py --readme FILE                the table, of that file
    python benchmarks/speed_beside_deepwave.py --draw FILE                  the charts, of that file

Runs of 3D have few steps: with Deepwave, each takes a second of a gradient in 160**3 points, and
32 MB; a thousand would not fit the memory of most machines. Everything takes about 15 minutes on
two cores that have nothing else to do, once the kernels are compiled.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import speed_tables
from timed_operators import OUR_CELLS, THEIR_CELLS, Problem
from timed_process import Contestant

ALL = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

# Code and operator.
Case = tuple[str, str]
FORWARD: tuple[Case, ...] = (("C", "forward"), ("fwi", "forward"), ("Deepwave", "forward"))
GRADIENT: tuple[Case, ...] = (
    *FORWARD,
    ("Devito", "forward"),
    ("fwi", "gradient"),
    ("Deepwave", "gradient"),
    ("Deepwave", "sampled"),
    ("Devito", "gradient"),
)
# Modules of codes that may not be installed.
OTHERS = {"Deepwave": "deepwave", "Devito": "examples"}
EVERY: tuple[Case, ...] = (*GRADIENT, ("fwi", "rtm"), ("fwi", "hessian"))


@dataclass(frozen=True)
class Setup:
    """Cases that run alternately on one problem."""

    problem: Problem
    rounds: int
    cases: tuple[Case, ...]


FULL = {
    "plane, one thread": Setup(Problem((441, 681), 1000), 5, EVERY),
    "plane, all cores": Setup(Problem((441, 681), 1000, ALL), 3, GRADIENT),
    "cube of 160, one thread": Setup(Problem((160,) * 3, 20), 3, GRADIENT),
    "cube of 160, all cores": Setup(Problem((160,) * 3, 40, ALL), 2, EVERY),
    "cube of 256, all cores": Setup(Problem((256,) * 3, 16, ALL), 2, GRADIENT),
}
QUICK = {
    "plane, one thread": Setup(Problem((441, 681), 300), 2, EVERY),
    "cube of 96, all cores": Setup(Problem((96,) * 3, 30, ALL), 2, GRADIENT),
}
# Of the pictures: gradients of square models, and of records of so many steps.
SIZES, SIZE_STEPS = (100, 200, 400, 800), 300
LENGTHS, LENGTH_SHAPE = (250, 500, 1000, 2000), (441, 681)


def present(cases: Iterable[Case]) -> list[Case]:
    """The cases without those of a code that is not installed."""
    missing = {code for code, module in OTHERS.items() if find_spec(module) is None}
    return [case for case in cases if case[0] not in missing]


def measure(setup: Setup) -> dict[str, Any]:
    """Seconds of each round, and memory, of all cases of a setup."""
    with ExitStack() as stack:
        field = [
            stack.enter_context(Contestant(code, operator, setup.problem))
            for code, operator in present(setup.cases)
        ]
        seconds: dict[str, list[float]] = {c.name: [] for c in field}
        for _ in range(setup.rounds):
            for c in field:
                seconds[c.name].append(c.run())
        memory = {c.name: c.memory() for c in field}
    p = setup.problem
    return {
        "shape": p.shape,
        "steps": p.steps,
        "threads": p.threads,
        "seconds": seconds,
        "memory": memory,
    }


def crowd(problem: Problem, operator: str, rounds: int) -> dict[str, Any]:
    """Shots per second of a shot on every core against those of one on one core."""
    with ExitStack() as stack:
        field = [stack.enter_context(Contestant("fwi", operator, problem)) for _ in range(ALL)]

        def together(some: Sequence[Contestant]) -> float:
            started = time.perf_counter()
            for c in some:
                c.start()
            for c in some:
                c.answer()
            return time.perf_counter() - started

        alone, all_at_once = [], []
        for i in range(rounds):
            alone.append(together(field[i % ALL : i % ALL + 1]))
            all_at_once.append(together(field))
    return {
        "shape": problem.shape,
        "steps": problem.steps,
        "operator": operator,
        "shots": ALL,
        "ratios": [ALL * a / b for a, b in zip(alone, all_at_once, strict=True)],
    }


def single(code: str, operator: str, problem: Problem, rounds: int = 2) -> dict[str, Any]:
    """Fastest run and memory of one case."""
    with Contestant(code, operator, problem) as c:
        seconds = min(c.run() for _ in range(rounds))
        return {"code": code, "seconds": seconds, "memory": c.memory()}


def curves() -> dict[str, Any]:
    """What the pictures show: time against model size, memory against record length."""
    codes = [code for code, _ in present((("fwi", ""), ("Deepwave", "")))]
    sizes = [
        {"points": n * n, **single(code, "gradient", Problem((n, n), SIZE_STEPS))}
        for n in SIZES
        for code in codes
    ]
    lengths = [
        {"steps": n, **single(code, "gradient", Problem(LENGTH_SHAPE, n), rounds=1)}
        for n in LENGTHS
        for code in codes
    ]
    return {"sizes": sizes, "size_steps": SIZE_STEPS, "lengths": lengths, "shape": LENGTH_SHAPE}


def reflections() -> dict[str, list[float]]:
    """Reflection of plane waves from the layers [dB], at the angles of `layer_reflection`."""
    import layer_reflection

    found = {"angles": list(layer_reflection.ANGLES)}
    for name, code, cells in (
        ("fwi", layer_reflection.ours, OUR_CELLS),
        ("Deepwave", layer_reflection.deepwave, THEIR_CELLS),
    ):
        if name == "fwi" or find_spec("deepwave"):
            found[name] = list(layer_reflection.angles(code, 2000.0, 2000.0, cells))
    return found


def roofline(setup: Setup) -> dict[str, Any]:
    """Limits of the machine for a problem, measured with its number of threads."""
    points, threads = int(setup.problem.point_steps / setup.problem.steps), setup.problem.threads
    program = Path(__file__).with_name("memory_bandwidth.py")
    done = subprocess.run(
        [sys.executable, str(program), str(points), str(threads)],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def machine() -> str:
    """Processor and number of cores."""
    info = Path("/proc/cpuinfo")
    names = [x for x in info.read_text().splitlines() if "model name" in x] if info.exists() else []
    name = names[0].split(":")[1].strip() if names else platform.processor()
    return f"{ALL} cores of {name}"


def compete(quick: bool, only: str) -> dict[str, Any]:
    """All measurements; what is measured is said on stderr."""
    setups = {name: s for name, s in (QUICK if quick else FULL).items() if only in name}
    found: dict[str, Any] = {"machine": machine(), "setups": {}, "limits": {}, "crowds": []}
    for name, setup in setups.items():
        click.echo(f"{name} ...", err=True)
        found["setups"][name] = measure(setup)
        found["limits"][name] = roofline(setup)
    if only:
        return found
    click.echo("a shot on every core ...", err=True)
    plane, cube = (441, 681), (64 if quick else 160,) * 3
    steps, rounds = (300, 3) if quick else (1000, 5)
    found["crowds"] = [
        crowd(Problem(plane, steps), "forward", rounds),
        crowd(Problem(plane, steps), "gradient", rounds),
        crowd(Problem(cube, 40), "forward", rounds),
    ]
    if not quick:
        click.echo("reflections ...", err=True)
        found["reflections"] = reflections()
        click.echo("curves ...", err=True)
        found["curves"] = curves()
    return found


@click.command()
@click.option("--quick", is_flag=True, help="Few steps and rounds, no curves; below 3 minutes.")
@click.option("--only", default="", help="Setups whose names contain this, and nothing else.")
@click.option("--json", "target", type=click.Path(path_type=Path), help="Write the numbers here.")
@click.option("--pictures", type=click.Path(path_type=Path), help="Draw the curves into a folder.")
@click.option("--readme", type=click.Path(path_type=Path, exists=True), help="Print README's rows.")
@click.option("--draw", type=click.Path(path_type=Path, exists=True), help="Draw from such a file.")
def main(
    quick: bool,
    only: str,
    target: Path | None,
    pictures: Path | None,
    readme: Path | None,
    draw: Path | None,
) -> None:
    """Print tables of times and ratios."""
    if readme:
        click.echo(speed_tables.readme(json.loads(readme.read_text())))
        return
    started = time.perf_counter()
    if draw:
        found, pictures = json.loads(draw.read_text()), pictures or Path("docs/pictures")
    else:
        if not find_spec("deepwave"):
            click.echo("Deepwave is missing: pip install torch deepwave==0.1.0", err=True)
        found = compete(quick, only)
        click.echo(speed_tables.report(found))
        click.echo(f"\nmeasured in {time.perf_counter() - started:.0f} s")
    if target:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(found, indent=1))
    if pictures and "curves" in found:
        import speed_charts

        speed_charts.draw(pictures, found)


if __name__ == "__main__":
    main()
