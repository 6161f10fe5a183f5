"""Errors of waves at a topography, a plane that the grid cuts at an angle, against Lamb's problem.

A line source in a homogeneous half space pushes into the surface, on it and half an S wavelength
below; receivers lie on the surface and 0.3 wavelengths below, at 1 to 4 wavelengths along it.
Numbers are relative L2 errors of both components of velocity, along the surface and across it, in
per cent: the largest of each offset. Points are those in the S wavelength at the peak frequency of
a Ricker wavelet; vp / vs is 1.9. `free` is the flat surface on a row of points, without topography;
the plane at 0 degrees lies at shares of a cell below such a row.

    python benchmarks/topography.py [--points 10 --points 15] [--order 8]
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.propagators.inclined import OFFSETS, Plane, errors

PLANES = (
    Plane(None),
    *(Plane(0.0, share) for share in (0.0, 0.25, 0.5, 0.75)),
    *(Plane(angle) for angle in (15.0, 26.57, 45.0)),
)


@click.command()
@click.option("--points", multiple=True, type=float, default=(10.0, 15.0, 20.0))
@click.option("--order", type=int, default=8)
def main(points: tuple[float, ...], order: int) -> None:
    """Print errors by points per wavelength, plane, depth of the source and offset."""
    heads = "  ".join(f"{offset:g} wl" for offset in OFFSETS)
    click.echo(f"points  plane          source  {heads}  [%]")
    for count in points:
        for plane in PLANES:
            for depth in (0.0, 0.5):
                error = 100 * errors(plane, count, depth, order).max(axis=0)
                row = "  ".join(f"{value:4.1f}" for value in error)
                click.echo(f"{count:6g}  {plane!s:13}  {depth:6g}  {row}")


if __name__ == "__main__":
    main()
