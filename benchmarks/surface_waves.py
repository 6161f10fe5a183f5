"""Errors of waves at the free surface of a solid, against Lamb's problem.

A line source in a homogeneous half space, on its surface, 17 and 50 m below, injects volume or
pushes down; receivers lie on the surface and to 100 m below. Vertical positions of 5 and 17 m are
off the grid of 10 m. Numbers are relative L2 errors of traces of v_x and v_z, in per cent: the
largest of each depth of receivers, and the root of the mean of all squares. Points are those in the
S wavelength at the peak frequency of a Ricker wavelet; offsets are 100, 250 and 400 m, and vp / vs
is 1.9.

    python benchmarks/surface_waves.py [--orders 8] [--points 10 --points 16]
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.propagators.halfspace import errors

OFFSETS, SOURCE_DEPTHS = (100.0, 250.0, 400.0), (0.0, 17.0, 50.0)
DEPTHS = 0.0, 5.0, 10.0, 20.0, 40.0, 60.0, 70.0, 100.0


@click.command()
@click.option("--orders", multiple=True, type=int, default=(8, 6, 4))
@click.option("--points", multiple=True, type=float, default=(10.0, 13.0, 16.0, 20.0))
def main(orders: tuple[int, ...], points: tuple[float, ...]) -> None:
    """Print errors by order, points per wavelength and depth of receivers."""
    places = np.array([[x, z] for x in OFFSETS for z in DEPTHS])
    heads = [f"{depth:g} m" for depth in DEPTHS]
    click.echo("order  points  " + "  ".join(f"{head:>6}" for head in heads) + "    mean  [%]")
    for order in orders:
        for count in points:
            error = 100 * errors(order, count, SOURCE_DEPTHS, places)
            largest = error.reshape(-1, len(OFFSETS), len(DEPTHS)).max(axis=(0, 1))
            row = "  ".join(f"{value:6.2f}" for value in largest)
            click.echo(f"{order:5d}  {count:6g}  {row}  {np.sqrt((error**2).mean()):6.2f}")


if __name__ == "__main__":
    main()
