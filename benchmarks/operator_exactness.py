"""Dot tests and Taylor slopes of every wave equation, as `fwi verify` measures them.

    python benchmarks/operator_exactness.py

Each equation gets a small plane with constant properties and one shot. A dot test is the mismatch
of <F q, d> and <q, F^T d>, relative to the norms of F q and d, for random q and d in float64. A
Taylor slope is the order in h with which the remainder of a linearisation falls; it should be 2.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

FWI = Path(sys.executable).with_name("fwi")
PROPERTIES = {
    "acoustic": {"vp": 2000},
    "variable_density": {"vp": 2000, "rho": 1800},
    "velocity_pressure": {"vp": 2000, "rho": 1800},
    "vti": {"vp": 2000, "rho": 1800, "epsilon": 0.2, "delta": 0.1},
    "tti": {"vp": 2000, "epsilon": 0.2, "delta": 0.1, "theta": 30},
    "elastic": {"vp": 2000, "vs": 1300, "rho": 1800},
}
CONFIG: dict[str, Any] = {
    "geometry": {
        "sources": {"x": 250, "z": 20},
        "receivers": {"x": {"start": 50, "stop": 450, "step": 50}, "z": 30},
    },
    "wavelet": {"kind": "ricker", "frequency": 15},
    "time": {"interval": 0.004, "duration": 0.4},
}


def verdicts(equation: str, folder: Path) -> dict[str, float]:
    """Values of all tests of an equation, by the name of the test."""
    model = {**PROPERTIES[equation], "shape": [51, 31], "spacing": 10}
    path = folder / f"{equation}.yaml"  # JSON is YAML
    path.write_text(json.dumps({**CONFIG, "model": model, "physics": {"equation": equation}}))
    command = [FWI, "verify", path, "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {name: verdict["value"] for name, verdict in json.loads(answer).items()}


@click.command(help=__doc__)
def main() -> None:
    """Print one column an equation."""
    with TemporaryDirectory() as folder:
        columns = {equation: verdicts(equation, Path(folder)) for equation in PROPERTIES}
    names = dict.fromkeys(name for column in columns.values() for name in column)
    click.echo(f"| test | {' | '.join(f'`{equation}`' for equation in columns)} |")
    click.echo(f"| --- |{' --- |' * len(columns)}")
    for name in names:
        values = [f"{c[name]:.1e}" if name in c else "" for c in columns.values()]
        click.echo(f"| {name} | {' | '.join(values)} |")


if __name__ == "__main__":
    main()
