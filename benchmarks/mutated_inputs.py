"""Faults of commands on mutated inputs: tracebacks, wrong exit codes, time and memory.

    python benchmarks/mutated_inputs.py [files] [configs] [--count 1000] [--seed 0] [--runs 0]

`files` changes records, models, masks, weights and wavelets (`mutated_files.py`), `configs` YAML
and `--set` values (`mutated_configs.py`). Each case is `fwi check` or a dry run, as of
`fwi invert -n`, in a forked child (`limited_command.py`). A fault is a traceback or any other
exit code than 0, 2 and 3, a command that takes more than 20 s or 1 GB, and a result that is zero or
holds NaN. Of every so many cases that pass, `--runs`, the inversion is run as well and its result
looked at.

The exit code is 1 if there are faults; each is printed with the last line of its output, and its
folder is left below `--folder`.
"""

from __future__ import annotations

import itertools
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import click
from limited_command import Case, Limits, Outcome, run, warm

# Modules with `cases(rng seed, base folder, one in so many is run as well)`, without end.
PARTS = {"files": "mutated_files", "configs": "mutated_configs"}
Cases = Callable[[int, Path, int], Iterator[Case]]


def last_line(outcome: Outcome) -> str:
    """The last line of the output that says something."""
    lines = [line for line in outcome.text.splitlines() if line.strip()]
    return lines[-1].strip()[:150] if lines else "nothing said"


def part(name: str, count: int, seed: int, runs: int, jobs: int, folder: Path) -> int:
    """Run one part and print its faults; returns how many there are."""
    cases: Cases = import_module(PARTS[name]).cases
    base = folder / "base"
    base.mkdir(parents=True)
    faults, codes, started = 0, Counter[int](), time.monotonic()
    slowest, largest = 0.0, 0
    chosen = itertools.islice(cases(seed, base, runs), count)
    for outcome in run(chosen, folder, jobs, Limits()):
        slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.memory)
        codes[outcome.code] += 1
        if outcome.fault:
            faults += 1
            click.echo(f"{outcome.name}: {outcome.fault}; {last_line(outcome)}")
    ended = ", ".join(f"{number} with {code}" for code, number in sorted(codes.items()))
    click.echo(
        f"{name}: {faults} faults in {sum(codes.values())} commands ({ended}); slowest "
        f"{slowest:.1f} s, largest {largest / 1e6:.0f} MB, {time.monotonic() - started:.0f} s"
    )
    return faults


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice(list(PARTS)))
@click.option("--count", default=1000, help="Cases of each part.")
@click.option("--seed", default=0)
@click.option("--runs", default=0, help="Run the inversion of one in so many that pass.")
@click.option("--jobs", default=2, help="Commands at once.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where inputs are written.")
def main(
    parts: tuple[str, ...], count: int, seed: int, runs: int, jobs: int, folder: Path | None
) -> None:
    """Run the parts; all of them by default."""
    warm()
    place = folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
    faults = sum(
        part(name, count, seed, runs, jobs, place / name) for name in parts or tuple(PARTS)
    )
    if folder is None and not faults:
        shutil.rmtree(place)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
