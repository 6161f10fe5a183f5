"""Errors of records on a coarse grid near sources, the sea floor and the top of the model.

    python benchmarks/coarse_grid_errors.py [--points 3.4] [--draws 4] [--json FILE]
    python benchmarks/coarse_grid_errors.py --estimates [--marmousi FILE] [--json FILE]

Relative L2 errors of the traces of a Ricker wavelet whose band ends at so many points per
wavelength on the coarse grid.

Source: a homogeneous medium, against theory, by the distance from the source in cells, in 2D and
3D; and what is left of the errors without their part in the wavelet and its second derivative, as
inversions compare traces next to a source. Sources and directions are drawn, the largest error
counts.

Places (2D, against a grid four times as fine, which is averaged to the coarse one): water over a
faster half-space, source and receivers so many coarse cells below the top, absorbing or free, and
so many above the sea floor; offsets from four cells to four wavelengths.

With --estimates: the error of the grid that is chosen for an error, as `fwi check` estimates it,
and as `fwi check --calibrate` measures it against the grid of the model (the larger of all traces
and of the farthest tenth), for earths that differ in their contrasts. Marmousi-II is added with its
file of velocities, raw float32 in km/s on 1601 x 401 points.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.special import hankel2

from fwicli import (
    SURFACE,
    AbsorbingLayer,
    Discretization,
    EarthModel,
    Grid,
    Propagator,
    Spectrum,
    regrid,
    ricker,
    time_axis,
    times,
)

Array = NDArray[Any]

SPEED, BOTTOM, SPACING = 1500.0, 2200.0, 20.0
DISTANCES = np.array([0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0])
# Coarse cells from the top to source and receivers, and from there to the sea floor.
DEPTHS, HEIGHTS = (0.4, 1.0, 2.3, 5.0), (1.0, 2.5, 6.0)
FINER = 4


def wavelet(points: float, length: float) -> tuple[Array, float]:
    """A wavelet whose band ends at so many points per wavelength, and its interval [s]."""
    highest = SPEED / points / SPACING
    interval = 1 / (20 * highest)
    frequency = highest * 30.0 / Spectrum.of(ricker(times(0.001, 500), 30.0), 0.001).highest
    count = int((5 / frequency + length / SPEED) / interval)
    return ricker(times(interval, count), frequency), interval


def theory(source: Array, interval: float, r: float, ndim: int) -> Array:
    """The field of a point source at a distance [m]."""
    n = 4 * source.size
    angular = 2 * np.pi * np.fft.rfftfreq(n, interval)
    green = np.exp(-1j * angular * r / SPEED) / (4 * np.pi * r)
    if ndim == 2:
        angular[0] = angular[1]
        green = -0.25j * hankel2(0, angular * r / SPEED)
    return np.asarray(np.fft.irfft(np.fft.rfft(source, n) * green, n)[: source.size])


def records(
    earth: EarthModel, q: Array, interval: float, source: Array, receivers: Array, free: bool
) -> Array:
    """Gather of one source, with a free surface or a layer on all sides."""
    grid = earth.grid
    axis = time_axis(interval, q.size, BOTTOM, grid.spacing, 8)
    cells = max(12, round(12 * SPACING / grid.spacing[0]))
    layer = AbsorbingLayer(cells, BOTTOM, SPEED / 8 / SPACING, 4, SURFACE if free else ())
    F = Propagator(Discretization("acoustic", grid, axis, layer))
    model = {"m": (1 / earth.vp.astype(float) ** 2).astype(np.float32)}
    return F.forward(model, q[None], source, receivers).astype(float)


def error(found: Array, expected: Array) -> Array:
    """Relative L2 difference of each trace."""
    return np.asarray(np.linalg.norm(found - expected, axis=1) / np.linalg.norm(expected, axis=1))


def span(q: Array, interval: float) -> Array:
    """Orthonormal functions, of shape (samples, 2), with the span of q and q''."""
    frequencies = np.fft.rfftfreq(2 * q.size, interval)
    second = np.fft.irfft(frequencies**2 * np.fft.rfft(q, 2 * q.size), 2 * q.size)[: q.size]
    columns = np.stack([q / np.linalg.norm(q), second / np.linalg.norm(second)], axis=1)
    return np.asarray(np.linalg.qr(columns)[0])


def source(points: float, draws: int, ndim: int) -> dict[str, list[float]]:
    """Largest errors by distance, whole, and without the wavelet and its second derivative."""
    rng, n = np.random.default_rng(0), 44 if ndim == 2 else 32
    q, interval = wavelet(points, 8 * SPACING)
    grid = Grid((n,) * ndim, (SPACING,) * ndim, (0.0,) * ndim)
    earth = EarthModel(grid, np.full(grid.shape, SPEED))
    r = SPACING * np.repeat(DISTANCES, 3)
    expected = np.stack([theory(q, interval, d, ndim) for d in r])
    basis = span(q, interval)
    whole, left = [], []
    for _ in range(draws):
        place = SPACING * ((n - 1) // 2 + rng.uniform(-0.5, 0.5, (1, ndim)))
        directions = rng.standard_normal((r.size, ndim))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        gather = records(earth, q, interval, place, place + r[:, None] * directions, free=False)
        whole.append(error(gather, expected))
        difference = gather - expected
        part = difference - difference @ basis @ basis.T
        left.append(np.linalg.norm(part, axis=1) / np.linalg.norm(expected, axis=1))
    return {
        name: np.stack(values).reshape(draws, -1, 3).max(axis=(0, 2)).tolist()
        for name, values in (("whole", whole), ("left", left))
    }


def places(points: float, free: bool, depth: float, height: float) -> float:
    """Error of the gather of a source in water, on the coarse grid against the fine one."""
    across, h = int(4 * 3.4 * 2) + 24, SPACING / FINER
    shape = (FINER * across + 1, FINER * 24 + 1)
    grid = Grid(shape, (h, h), (0.0, 0.0))
    floor = SPACING * (depth + height)
    z = np.broadcast_to(grid.coordinates(1), shape)
    earth = EarthModel(grid, np.where(z < floor, SPEED, BOTTOM))
    q, interval = wavelet(points, 2 * SPACING * across)
    place = np.array([[8.3 * SPACING, depth * SPACING]])
    offsets = SPACING * np.arange(4.0, 4 * 3.4 * 2, 1.7)
    receivers = place + np.stack([offsets, np.zeros(offsets.size)], axis=1)
    fine = records(earth, q, interval, place, receivers, free)
    averaged = regrid(earth, Grid((2, 2), (SPACING, SPACING), (0.0, 0.0)))
    coarse = records(averaged, q, interval, place, receivers, free)
    return float(np.linalg.norm(coarse - fine) / np.linalg.norm(fine))


ERRORS = (0.02, 0.05)
CONFIG = """\
model: {{vp: {{file: {vp}}}, spacing: {spacing}{properties}}}
geometry:
  sources: {{{source}}}
  receivers: {{{receivers}}}
wavelet: {{kind: ricker, frequency: {frequency}}}
time: {{interval: 0.004, duration: {duration}}}
execution: {{workers: 1}}
physics: {{min_points_per_wavelength: 2{physics}}}
"""
LINE = {
    "spacing": 10,
    "properties": "",
    "source": "x: 100, z: 60",
    "receivers": "x: {start: 0, stop: 4000, step: 20}, z: 60",
    "frequency": 8,
    "duration": 3.2,
    "physics": "",
}
CUBE = {
    **LINE,
    "spacing": 20,
    "source": "x: 300, y: 400, z: 40",
    "receivers": "x: {start: 100, stop: 1100, step: 50}, y: {start: 100, stop: 1100, step: 100}, "
    "z: 40, layout: grid",
    "frequency": 6,
    "duration": 1.2,
}
WELLS = {
    **LINE,
    "spacing": 5,
    "source": "x: 20, z: 300",
    "receivers": "x: 380, z: {start: 20, stop: 580, step: 10}",
    "frequency": 30,
    "duration": 0.45,
}
MARMOUSI = {
    **LINE,
    "spacing": "7.5, unit: km/s",
    "source": "x: 7000, z: 15",
    "receivers": "x: {start: 0, stop: 11970, step: 45}, z: 15",
    "frequency": 6,
    "duration": 4.0,
}


def earths(folder: Path) -> dict[str, dict[str, Any]]:
    """Models in files, and what their configs say beside the usual."""
    x, z = 10.0 * np.arange(401)[:, None], 10.0 * np.arange(151)[None]
    floor = np.where(z < 305, 1500, 2500 + 0.5 * z) + 0 * x
    salt = np.where(z < 300 + 80 * np.sin(x / 300), 1500, 1800 + 0.6 * z)
    beds = np.where(z // 40 % 2 == 0, 2600, 1900) + 0 * x
    deep = 5.0 * np.arange(121)[None] + np.zeros((81, 1))
    cube = 20.0 * (np.arange(41) + 0.1 * np.arange(61)[:, None, None]) + np.zeros((61, 61, 1))
    models = {
        "uniform": 2000 + 0 * x + 0 * z,
        "velocity grows with depth": 1500 + 0.9 * z + 0 * x,
        "three layers": np.where(z < 250, 1800, np.where(z < 600, 2200, 2600)) + 0 * x,
        "thin beds below water": np.where(z < 200, 1500, beds),
        "hard sea floor": floor,
        "wavy floor, salt": np.where((abs(x - 2200) < 600) & (abs(z - 850) < 250), 4400, salt),
        "beds between wells": np.where(deep // 50 % 2 == 0, 1900, 2600),
        "dipping layers, 3D": np.where(cube < 150, 1500, 1700 + 0.9 * cube),
    }
    for name, vp in models.items():
        np.save(folder / f"{name}.npy", vp.astype(np.float32))
    rock = floor > 1500
    for name, value in {"rho": 1200, "epsilon": 0.15, "delta": 0.05}.items():
        base = 1000 if name == "rho" else 0
        np.save(folder / f"{name}.npy", (base + value * rock).astype(np.float32))
    more: dict[str, dict[str, Any]] = {name: {} for name in models}
    more["beds between wells"], more["dipping layers, 3D"] = WELLS, CUBE
    rho = ", rho: {file: rho.npy}"
    anisotropy = f"{rho}, epsilon: {{file: epsilon.npy}}, delta: {{file: delta.npy}}"
    for name, changes in {
        "hard sea floor, optimised": {"physics": ", stencil: optimised"},
        "hard sea floor, free surface": {"physics": ", free_surface: true"},
        "hard sea floor, density": {"physics": ", equation: variable_density", "properties": rho},
        "hard sea floor, VTI": {"physics": ", equation: vti", "properties": anisotropy},
    }.items():
        more[name] = {"vp": "'hard sea floor.npy'", **changes}
    return more


def estimate(path: Path, allowed: float) -> dict[str, Any]:
    """Spacing [m] of the grid for an error, its error as estimated and as measured."""
    setting = f"physics.grid={{error: {allowed}}}"
    command = [sys.executable, "-m", "fwicli", "check", path.name, "--set", setting]
    command += ["--calibrate", "--grid-error", "--json"]
    ended = subprocess.run(command, cwd=path.parent, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"fwi check {path.name}: {ended.stderr}")
    plan = json.loads(ended.stdout)
    (stage,), (costs,) = plan["stages"], plan["costs"]["stages"]
    if costs["grid_error_percent"] is None:
        raise SystemExit(f"fwi check {path.name}: nothing was measured: {ended.stderr}")
    measured = [costs.get(f"grid_error_{name}percent", 0.0) for name in ("", "far_")]
    return {
        "spacing": max(np.atleast_1d(stage["spacing_m"])),
        "estimated": stage["grid_error_estimated_percent"],
        "dispersion": stage["grid_error_dispersion_percent"],
        "measured": max(measured),
    }


def estimates(marmousi: Path | None) -> dict[str, Any]:
    """Print errors of grids, estimated and measured."""
    numbers: dict[str, Any] = {}
    click.echo("errors [%] of grids for an error, estimated (of it by dispersion), and measured")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = earths(folder)
        if marmousi is not None:
            vp = f"{marmousi.resolve()}, shape: [1601, 401], dtype: float32"
            every["Marmousi-II"] = {**MARMOUSI, "vp": vp}
        for earth, changes in every.items():
            path = folder / f"{earth}.yaml"
            settings = {"vp": f"'{earth}.npy'", **LINE, **changes}
            path.write_text(CONFIG.format(**settings), encoding="utf-8")
            for allowed in ERRORS:
                row = numbers[f"{earth} {allowed}"] = estimate(path, allowed)
                click.echo(
                    f"  {earth:<30}{100 * allowed:6.0f}{row['spacing']:9.1f} m"
                    f"{row['estimated']:9.2f} ({row['dispersion']:5.2f}){row['measured']:9.2f}"
                )
    return numbers


def near(points: float, draws: int) -> dict[str, Any]:
    """Print errors near sources, the sea floor and the top of the model."""
    numbers: dict[str, Any] = {"points": points, "distances": DISTANCES.tolist()}
    click.echo(f"errors [%] at {points:g} points per wavelength, by distance from the source")
    click.echo("  cells      " + "".join(f"{d:>8g}" for d in DISTANCES))
    for ndim in (2, 3):
        numbers[f"{ndim}D"] = source(points, draws, ndim)
        for name, values in numbers[f"{ndim}D"].items():
            click.echo(f"  {ndim}D {name:<8}" + "".join(f"{100 * v:8.2f}" for v in values))
    click.echo("errors [%] of gathers in water, by cells below the top and above the sea floor")
    click.echo("  top        cells below it" + "".join(f"{f'floor {v:g}':>11}" for v in HEIGHTS))
    for free in (False, True):
        for depth in DEPTHS:
            row = [places(points, free, depth, height) for height in HEIGHTS]
            top = "free" if free else "absorbing"
            numbers[f"{top} {depth:g}"] = row
            click.echo(f"  {top:<10} {depth:<14g}" + "".join(f"{100 * v:11.2f}" for v in row))
    return numbers


@click.command()
@click.option("--points", default=3.4, show_default=True, help="In the shortest wavelength.")
@click.option("--draws", default=4, show_default=True, help="Of the place of the source.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Write the numbers here.")
@click.option("--estimates", "estimated", is_flag=True, help="Of grids for an error.")
@click.option("--marmousi", type=click.Path(exists=True, path_type=Path), help="Velocities.")
def main(
    points: float, draws: int, path: Path | None, estimated: bool, marmousi: Path | None
) -> None:
    """Print the tables."""
    numbers = estimates(marmousi) if estimated else near(points, draws)
    if path is not None:
        path.write_text(json.dumps(numbers, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
