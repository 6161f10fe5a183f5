"""Dot tests and Taylor slopes of every wave equation, as `fwi verify` measures them.

    python benchmarks/operator_exactness.py

Each equation gets a small plane with constant properties, a third into their common ranges, and one
shot. A dot test is the mismatch of <F q, d> and <q, F^T d>, relative to the norms of F q and d, for
random q and d in float64. A Taylor slope is the order in h with which the remainder of a
linearisation falls; it should be 2.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from fwicli import EQUATIONS, PROPERTIES

FWI = Path(sys.executable).with_name("fwi")
CONFIG: dict[str, Any] = {
    "geometry": {
        "sources": {"x": 250, "z": 20},
        "receivers": {"x": {"start": 50, "stop": 450, "step": 50}, "z": 30},
    },
    "wavelet": {"kind": "ricker", "frequency": 4},
    "time": {"interval": 0.004, "duration": 0.6},
}


def verdicts(equation: str, folder: Path) -> dict[str, float]:
    """Values of all tests of an equation, by the name of the test."""
    stated = EQUATIONS[equation]
    ranges = {name: PROPERTIES[name].common for name in stated.properties_in(2)}
    model = {name: low + (high - low) / 3 for name, (low, high) in ranges.items()}
    model |= {"shape": [51, 31], "spacing": 10, "angle_unit": "rad"}
    path = folder / f"{equation}.yaml"  # JSON is YAML
    physics = {"equation": equation}
    geometry = {
        place: {**CONFIG["geometry"][place], "component": stated.usual(verb, 2)[0]}
        for place, verb in (("sources", "emit"), ("receivers", "record"))
    }
    if stated.constant_q is not None:
        physics["reference_frequency"] = CONFIG["wavelet"]["frequency"]
    path.write_text(
        json.dumps({**CONFIG, "geometry": geometry, "model": model, "physics": physics})
    )
    command = [FWI, "verify", path, "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: verdict["value"] for name, verdict in json.loads(answer).items()}


@click.command(help=__doc__)
def main() -> None:
    """Print one column an equation."""
    with TemporaryDirectory() as folder:
        columns = {equation: verdicts(equation, Path(folder)) for equation in EQUATIONS}
    names = dict.fromkeys(name for column in columns.values() for name in column)
    click.echo(f"| test | {' | '.join(f'`{equation}`' for equation in columns)} |")
    click.echo(f"| --- |{' --- |' * len(columns)}")
    for name in names:
        values = [f"{c[name]:.1e}" if name in c else "" for c in columns.values()]
        click.echo(f"| {name} | {' | '.join(values)} |")


if __name__ == "__main__":
    main()
