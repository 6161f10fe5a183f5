"""Topography: volumes of cut cells, exact operators, Lamb's problem turned, and stability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from fwicli import Discretization, Grid, Points, Propagator, times
from fwicli.errors import GeometryError, PhysicsError
from fwicli.propagators.equations import cut_cells, registry
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.verification import Verification
from fwicli.survey.signals.wavelets import ricker
from fwicli.survey.topography import Topography
from tests.propagators import inclined
from tests.propagators.inclined import Plane
from tests.propagators.test_solid_surface import media

H = 10.0
SHAPE = (41, 41)
# A hill between slopes of up to 27 degrees, with a corner.
HILL = 120.0 - 55.0 * np.exp(-(((np.arange(41) - 20.0) / 8.0) ** 2)) + 15.0 * (np.arange(41) > 30)


def hill(order: int = 4, precision: str = "float64", **options: Any) -> tuple[Propagator, Any]:
    """A propagator below a hill of random rock, and its model."""
    rng = np.random.default_rng(0)
    vp = 2000 + 1000 * rng.random(SHAPE)
    earth = {"vs": vp * (0.35 + 0.2 * rng.random(SHAPE)), "rho": 1800 + 400 * rng.random(SHAPE)}
    usual = {"dt": 0.004, "samples": 60, "frequency": 15.0, "cells": 10, "topography": HILL}
    F = Propagator.for_model(
        vp,
        H,
        properties=earth,
        equation="elastic",
        order=order,
        precision=precision,
        **{**usual, **options},
    )
    return F, F.parameters(vp=vp, **earth)


def points(F: Propagator) -> tuple[Points, Points]:
    """Sources and receivers on the surface, next to it and below."""
    surface = F.discretization.topography
    assert surface is not None
    sources = np.array([[103.0, 0.0], [203.0, 0.0], [250.0, 37.0]])
    receivers = np.array(
        [[90.0, 0.0], [203.0, 0.0], [237.0, 3.0], [310.0, 11.0], [361.0, 0.0], [120.0, 71.0]]
    )
    return (
        Points(surface.below(sources), ["fz", "pressure", "fx"]),
        Points(surface.below(receivers), ["vz", "vx", "pressure", "vz", "pressure", "vx"]),
    )


# --- volumes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ndim", [2, 3])
def test_volumes_add_up_to_the_rock(ndim: int) -> None:
    """Wherever the surface cuts the cells; no place has much more than a cell, and none less."""
    shape, pads = (21, 24, 30)[3 - ndim :], ((0, 0),) * ndim
    grid = Grid(shape, (10.0, 7.0, 5.0)[3 - ndim :], (3.0,) * ndim)
    depths = 60.0 + 25.0 * np.random.default_rng(1).random(shape[:-1])
    rock = cut_cells.CutCells(Topography.on(grid, depths), pads, Stencil(8))
    for half in [(), (ndim - 2, ndim - 1)]:
        volumes = rock.array(cut_cells.volume(half))
        assert volumes.min() >= 0
        assert volumes.max() < 1.4
        inner = (slice(4, -4),) * (ndim - 1)
        cells = (depths - 3.0)[inner].mean() / 5.0 - (0.5 if half else 0.0)
        assert abs(shape[-1] - 0.5 - cells - volumes[inner].sum(axis=-1).mean()) < 0.1
    assert (rock.array(cut_cells.volume(()))[..., 20:] == 1).all()


def test_volumes_of_a_plane_are_exact() -> None:
    """Sums over columns are the depth of the rock below, also where rows are cut."""
    grid = Grid((40, 40), (10.0, 10.0), (0.0, 0.0))
    for dip in (0.0, 0.27, 0.5):
        depths = 80.0 + 3.7 + dip * 10.0 * np.arange(40)
        rock = cut_cells.CutCells(Topography.on(grid, depths), ((0, 0), (0, 0)), Stencil(8))
        for name, half in ((cut_cells.volume(()), 0.0), (cut_cells.volume((0, 1)), 0.5)):
            sums = rock.array(name)[4:-4].sum(axis=1)
            below = 39.5 + half - (depths / 10.0 + half * dip)[4:-4]
            # A dipole does not stay in its column, and moves along the plane.
            assert abs((sums - below).mean()) < 2e-3, (dip, name)


@pytest.mark.parametrize("order", [4, 8, 12])
def test_no_wave_is_faster_than_in_the_interior(order: int) -> None:
    """The largest eigenvalue of slopes between masses and volumes, over jagged surfaces."""
    rng = np.random.default_rng(2)
    grid = Grid((30, 40), (1.0, 1.0), (0.0, 0.0))
    depths = 6.0 + 20.0 * np.repeat(rng.random(10), 3)
    rock = cut_cells.CutCells(Topography.on(grid, depths), ((0, 0), (0, 0)), Stencil(order))
    weights = Stencil(order).half
    # Velocities at the sides are held, so that no slope wraps around the grid.
    moving = rock.belongs(0) & (np.abs(np.arange(30) - 14.5) < 8)[:, None]
    for axis, volume in ((0, cut_cells.volume(())), (1, cut_cells.volume((0, 1)))):
        full, volumes = rock.array(cut_cells.whole(0, axis)), rock.array(volume)
        masses = rock.array(cut_cells.mass(0))
        v = rng.standard_normal(grid.shape) * moving
        for _ in range(200):
            high, low = (_slope(v, w, axis) for w in (weights, np.ones(1)))
            e = volumes * (full * high + (1 - full) * low)
            force = _transposed(e * full, weights, axis)
            force += _transposed(e * (1 - full), np.ones(1), axis)
            largest = (force * v).sum() / (masses * v**2).sum()
            v = moving * force / masses
            v /= np.abs(v).max()
        assert 0.95 < largest / (2 * np.abs(weights).sum()) ** 2 < 1.001, axis


def _slope(v: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
    """D v, a staggered difference at points along x, half a cell on along z."""
    return sum(
        w * (np.roll(v, -axis - n, axis) - np.roll(v, 1 + n - axis, axis))
        for n, w in enumerate(weights)
    )


def _transposed(e: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
    """D^T e."""
    return sum(
        w * (np.roll(e, axis + n, axis) - np.roll(e, axis - 1 - n, axis))
        for n, w in enumerate(weights)
    )


# --- operators ------------------------------------------------------------------------------------


def test_adjoint_is_exact() -> None:
    """<F q, d> = <q, F^T d> for all components on and below the surface."""
    F, model = hill()
    place = points(F)
    rng = np.random.default_rng(3)
    q = rng.standard_normal((3, 60)) * np.array([[1e6], [1.0], [1e6]])
    gather = F.forward(model, q, *place)
    d = rng.standard_normal(gather.shape) / np.linalg.norm(gather, axis=1, keepdims=True)
    back = F.adjoint(model, d, *place)
    error = abs(np.vdot(gather, d) - np.vdot(q, back))
    assert error < 1e-13 * np.linalg.norm(gather * np.linalg.norm(d, axis=1, keepdims=True))
    # What is in the air is never read.
    air = F.discretization.topography.is_air
    other = {name: np.where(air, 1.5 * values, values) for name, values in model.items()}
    assert (F.forward(other, q, *place) == gather).all()
    rock = {name: np.where(air, values, 1.01 * values) for name, values in model.items()}
    assert (F.forward(rock, q, *place) != gather).any()


def test_records_are_reciprocal() -> None:
    """Force here and velocity there are exchanged to round-off: slopes and pulls are transposes."""
    F, model = hill(samples=26)
    surface = F.discretization.topography
    places = surface.below(np.array([[173.0, 0.0], [226.0, 0.0], [200.0, 24.0]]))
    receivers = Points(np.repeat(places, 3, axis=0), 3 * ["vz", "vx", "pressure"])
    sources = Points(np.repeat(places, 3, axis=0), 3 * ["fz", "fx", "pressure"])
    q = ricker(times(0.004, 26), 20.0, 0.04)
    records = np.array(
        [
            F.forward(model, q * np.eye(9)[n][:, None], sources, receivers)
            for n in (0, 1, 3, 4, 6, 7)
        ]
    )[:, [0, 1, 3, 4, 6, 7]]
    error = np.abs(records - records.transpose(1, 0, 2)).max(axis=2) / np.abs(records).max()
    assert error.max() < 1e-9, error


def test_energy_does_not_grow() -> None:
    """In 2 500 steps below a jagged surface, in rock that changes from point to point."""
    rng = np.random.default_rng(4)
    F, model = hill(samples=600, topography=120.0 + 60.0 * rng.random(41))
    q = np.zeros((3, 600))
    q[0] = 1e6 * ricker(times(0.004, 600), 15.0)
    gather = F.forward(model, q, *points(F))
    loudest = [np.abs(part).max() for part in np.split(gather[[0, 1, 3, 5]], 4, axis=1)]
    assert loudest[1] < 0.2 * loudest[0], loudest
    assert max(loudest[2:]) < loudest[1], loudest


@pytest.mark.slow  # five kernels of 2D and 3D each, with Hessians
@pytest.mark.parametrize("ndim", [2, 3])
def test_operators_are_exact(ndim: int) -> None:
    """Transposes, derivatives and Hessian; gradients are zero in the air."""
    if ndim == 2:
        F, model = hill(order=8)
        place = points(F)
    else:
        rng, shape = np.random.default_rng(0), (15, 17, 21)
        vp = 2000 + 1000 * rng.random(shape)
        earth = {"vs": 0.5 * vp, "rho": 1800 + 400 * rng.random(shape)}
        x, y = np.indices(shape[:-1])
        F = Propagator.for_model(
            vp,
            H,
            properties=earth,
            equation="elastic",
            dt=0.004,
            samples=40,
            frequency=15.0,
            order=4,
            cells=6,
            precision="float64",
            topography=80.0 - 30.0 * np.exp(-((x - 7) ** 2 + (y - 8) ** 2) / 16.0),
        )
        model = F.parameters(vp=vp, **earth)
        surface = F.discretization.topography
        at = np.array([[60.0, 70.0, 0.0], [83.0, 91.0, 0.0], [90.0, 60.0, 23.0], [47.0, 80.0, 4.0]])
        place = (
            Points(surface.below(at[:3]), ["fz", "pressure", "fy"]),
            Points(surface.below(at), ["vz", "vx", "pressure", "vy"]),
        )
    for verdict in Verification(F, model, *place).run():
        bar = 0.01 if "slope" in verdict.name else verdict.bar
        assert verdict.value < bar, verdict
    samples = F.time.samples
    q = np.random.default_rng(5).standard_normal((3, samples))
    gather = F.forward(model, q, *place)
    gradient = F.jacobian_adjoint(model, gather, q, *place)
    air = F.discretization.topography.is_air
    for name, values in gradient.items():
        assert not values[air].any(), name
        assert values[~air].any(), name


# --- Lamb's problem -------------------------------------------------------------------------------


@pytest.mark.slow  # kernels of order 8, and integrals over wavenumbers
@pytest.mark.parametrize("plane", [Plane(0.0, 0.5), Plane(15.0), Plane(26.57)], ids=str)
@pytest.mark.parametrize(("points", "bar"), [(15.0, 0.1), (20.0, 0.05)])
def test_lamb(plane: Plane, points: float, bar: float) -> None:
    """Sources and receivers on planes and below, a wavelength apart; stairs err by 40 %."""
    errors = inclined.errors(plane, points, 0.0)[:, 0]
    assert errors.max() < bar, errors
    deeper = inclined.errors(plane, points, 0.5)
    assert deeper.max() < bar, deeper


# --- stability ------------------------------------------------------------------------------------


@pytest.mark.slow  # 20 000 steps
@pytest.mark.parametrize("name", media())
@pytest.mark.parametrize("jagged", [False, True])
def test_topography_is_stable(name: str, jagged: bool) -> None:
    """In 20 000 steps nothing grows; waves of a few points in a soft layer, or mud, stay there."""
    earth, samples = media()[name], 10000
    rough = 60.0 + 40.0 * np.random.default_rng(6).random(41)
    F = Propagator.for_model(
        earth["vp"],
        H,
        properties={n: v for n, v in earth.items() if n != "vp"},
        equation="elastic",
        dt=0.002,
        samples=samples,
        frequency=15.0,
        fastest=4400.0,
        topography=rough if jagged else HILL,
    )
    assert F.time.substeps * samples >= 20000
    surface = F.discretization.topography
    gather = F.forward(
        F.parameters(**earth),
        ricker(times(0.002, samples), 15.0)[None],
        Points(surface.below(np.array([[200.0, 0.0]])), ["fz"]),
        Points(surface.below(np.array([[300.0, 0.0]])), ["vz"]),
    )[0]
    loudest = [np.abs(part).max() for part in np.split(gather, 4)]
    assert name == "mud" or loudest[1] < 0.2 * loudest[0], loudest
    assert max(loudest[2:]) <= max(1.05 * loudest[1], 1e-5 * loudest[0]), loudest


# --- refusals -------------------------------------------------------------------------------------


def test_points_in_the_air_are_refused() -> None:
    F, model = hill()
    sources, _ = points(F)
    high = np.array([[200.0, 300.0], [200.0, 40.0], [100.0, 99.0]])
    message = r"receivers: 2 of 3 points lie in the air .* first point 1 at \(200, 40\) m by 25 m"
    with pytest.raises(GeometryError, match=message):
        F.forward(model, np.zeros((3, 60)), sources, Points(high, "vz"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"equation": "variable_density"}, "`variable_density` has no topography; use `elastic`"),
        ({"free": ("x-",)}, "a topography is a free surface on top"),
        ({"stencil": "optimised"}, "optimised stencils have no differences at a topography"),
        ({"topography": 15.0}, "from 15 to 15 m.* must stay between 20 and 360 m"),
        (
            {"topography": np.ones(40)},
            r"has the shape \(40,\), and the columns of the grid \(41,\)",
        ),
        ({"topography": np.full(41, np.nan)}, "not finite"),
    ],
)
def test_what_has_no_topography_is_refused(options: dict[str, Any], message: str) -> None:
    vp = np.full(SHAPE, 2000.0)
    usual = {"equation": "elastic", "topography": 100.0, "properties": {"vs": 0.5 * vp, "rho": vp}}
    with pytest.raises((GeometryError, PhysicsError), match=message):
        Discretization.for_model(
            vp, H, dt=0.004, samples=10, frequency=10.0, **{**usual, **options}
        )


def test_air_has_no_say_in_the_time_step() -> None:
    """The fastest wave is that of the rock, whatever stands in the air, zeros included."""
    vp = np.full(SHAPE, 2000.0)
    vp[:, :8] = 0.0
    vs, rho = 0.5 * vp, np.where(vp > 0, 2000.0, 0.0)
    F = Propagator.for_model(
        vp,
        H,
        properties={"vs": vs, "rho": rho},
        equation="elastic",
        dt=0.004,
        samples=10,
        frequency=10.0,
        topography=85.0,
    )
    assert F.layer.velocity == 2000.0
    filled = F.parameters(vp=vp, vs=vs, rho=rho)
    assert np.ptp(filled["r"]) == 0


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ndim", [2, 3])
def test_memory_of_cut_cells_is_that_of_the_plan(ndim: int) -> None:
    """All arrays of the cut cells, and the masses at points of each velocity."""
    shape, pads, stencil = (12, 11, 14)[-ndim:], ((4, 3),) * (ndim - 1) + ((0, 4),), Stencil(4)
    grid = Grid(shape, (10.0,) * ndim, (0.0,) * ndim)
    rock = cut_cells.CutCells(Topography.on(grid, 45.0), pads, stencil)
    padded = tuple(n + sum(pad) for n, pad in zip(shape, pads, strict=True))
    masses = sum(rock.array(cut_cells.mass(axis)).size * 8 for axis in range(ndim))
    assert cut_cells.memory(padded, stencil) == rock.nbytes + masses


def test_levels_are_those_of_the_footprint() -> None:
    """All levels of all fields, cut cells and moduli of a forward run."""
    F, model = hill()
    sources, receivers = points(F)
    F.forward(model, np.ones((3, 60)), sources, receivers)
    with F._pool.runner() as runner:
        shapes = [shape for _, shape in runner.arrays._arrays]
    levels = sum(math.prod(shape[:-2]) for shape in shapes if len(shape) > 1)
    table = registry.load("elastic")
    fields = {n for c in ("vx", "vz", "pressure") for n in table.recorded(2)[c].fields}
    assert levels == table.footprint_below(("z-",), 2, True).arrays(False, fields)
