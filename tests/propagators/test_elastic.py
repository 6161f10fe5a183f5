"""Elastic waves: Green's functions, fluids, and records of another program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, time_axis
from fwicli.propagators.kernels import generation
from fwicli.propagators.kernels.signature import Signature
from fwicli.survey.signals.wavelets import ricker, times
from tests.equations import USUAL_ORDER
from tests.propagators import theory

VP, VS, RHO, SPACING = 3000.0, 1600.0, 2200.0, 10.0


@pytest.mark.parametrize("ndim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_full_space(ndim: int) -> None:
    """Velocities of forces and an explosion within 1 % at 8 points in the S wavelength."""
    frequency, interval, samples = VS / (8 * SPACING), 0.002, 160
    grid = Grid((64, *[56] * (ndim - 1)), (SPACING,) * ndim, (0.0,) * ndim)
    axis = time_axis(interval, samples, VP, grid.spacing, 8)
    layer = AbsorbingLayer(16, VP, frequency, 4)
    F = Propagator(Discretization("elastic", grid, axis, layer, precision="float64"))
    earth = {"vp": VP, "vs": VS, "rho": RHO}
    model = F.parameters(**{n: np.full(grid.shape, value) for n, value in earth.items()})
    wavelet = ricker(times(interval, samples), frequency, 0.1)
    source = np.full((1, ndim), 223.7)
    place = np.array([141.0, 97.0]) if ndim == 2 else np.array([121.0, 62.0, 97.0])
    emitted, last = ["fx", "fz", "pressure"], ndim - 1
    # The bulk modulus, on which an injection of volume acts.
    bulk = RHO * (VP**2 - (1 if ndim == 2 else 4 / 3) * VS**2)
    receivers = Points(np.repeat(source + place, 2, axis=0), ["vx", "vz"])
    for number, name in enumerate(emitted):
        q = np.zeros((3, samples))
        q[number] = wavelet
        sources = Points(np.repeat(source, 3, axis=0), emitted)
        gather = F.forward(model, q, sources, receivers)
        for trace, axis_of_receiver in zip(gather, (0, last), strict=True):
            end = {"fx": 0, "fz": last, "pressure": None}[name]
            response = theory.elastic((VP, VS), RHO, place, end, axis_of_receiver)
            if end is None:
                moment = response
                response = lambda w, f=moment: f(w) * bulk / 1000 / (1j * w)  # noqa: E731
            expected = theory.trace(wavelet, interval, response)
            error = np.linalg.norm(trace - expected) / np.linalg.norm(expected)
            assert error < 0.01, (name, axis_of_receiver, error)


def test_fluids_are_acoustic(make_setting: Any) -> None:
    """Where vs is zero, pressure and velocities are those of the acoustic system."""
    names = ["pressure", "vx", "vz"]
    gathers, settings = [], {}
    for equation in ("velocity_pressure", "elastic"):
        settings[equation] = s = make_setting(2, equation=equation, order=4)
        shape = s.propagator.grid.shape
        vp = 1500 + 500 * np.random.default_rng(1).random(shape)
        earth = {"vp": vp, "rho": np.full(shape, 1100.0), "vs": np.zeros(shape)}
        model = s.propagator.parameters(
            **{n: v for n, v in earth.items() if n != "vs" or equation == "elastic"}
        )
        at = settings["velocity_pressure"].receivers
        emitted, q = ["pressure", "fx", "fz"], np.zeros((6, s.wavelet.shape[1]))
        q[:3] = np.random.default_rng(2).standard_normal((3, s.wavelet.shape[1]))
        if equation == "elastic":  # silent, so that the kernel is that of other tests
            emitted += ["mxx", "mzz", "mxz"]
        place = Points(at[[0, 1, 2, 0, 0, 0][: len(emitted)]], emitted), Points(at[3:6], names)
        gathers.append(s.propagator.forward(model, q[: len(emitted)], *place))
    error = np.linalg.norm(gathers[1] - gathers[0], axis=1) / np.linalg.norm(gathers[0], axis=1)
    assert error.max() < 1e-6, error


def media() -> dict[str, dict[str, np.ndarray]]:
    """Layers of rock, the same below water, smooth and correlated random rocks."""
    rng, shape = np.random.default_rng(0), (41, 41)
    z = np.broadcast_to(np.arange(41), shape)
    vp = np.choose(z // 11, [1800.0, 3200.0, 2400.0, 4000.0])
    vs, rho = vp * np.choose(z // 11, [0.3, 0.6, 0.45, 0.58]), 1800 + 0.2 * vp
    layers = {"vp": vp, "vs": vs, "rho": rho}
    water = z < 11
    wet = {"vp": np.where(water, 1500.0, vp), "vs": np.where(water, 0.0, vs)}
    wet["rho"] = np.where(water, 1000.0, rho)
    rough = {}
    for name, cells in (("smooth", 6.0), ("correlated", 2.0)):
        x, y = (gaussian_filter(rng.standard_normal(shape), cells) for _ in range(2))
        x, y = (v / np.abs(v).max() for v in (x, y))
        speeds = {"vp": 2750 + 1250 * x, "vs": (2750 + 1250 * x) * (0.45 + 0.13 * y)}
        rough[name] = {**speeds, "rho": 2100 + 300 * y}
    return {"layers": layers, "below water": wet, **rough}


@pytest.mark.slow
@pytest.mark.parametrize("name", media())
def test_layer_is_stable(name: str) -> None:
    """In 20 000 steps nothing grows; slow waves along an interface with water decay slowly."""
    earth, samples, fastest = media()[name], 10000, 4000.0
    grid = Grid((41, 41), (SPACING, SPACING), (0.0, 0.0))
    axis = time_axis(0.002, samples, fastest, grid.spacing, 8, corrected=False)
    assert axis.substeps * samples >= 20000
    F = Propagator(Discretization("elastic", grid, axis, AbsorbingLayer(12, fastest, 15.0)))
    gather = F.forward(
        F.parameters(**earth),
        ricker(times(0.002, samples), 15.0)[None],
        np.array([[200.0, 200.0]]),
        np.array([[300.0, 120.0]]),
    )[0]
    loudest = [np.abs(part).max() for part in np.split(gather, 4)]
    assert loudest[2] < 1e-3 * loudest[0], loudest
    # The round-off of single precision remains.
    assert loudest[3] < max(loudest[2], 1e-5 * loudest[0]), loudest


@pytest.mark.slow
def test_records_of_another_program(shared_data: Path) -> None:
    """Pressure and velocities of the elastic Marmousi-II by Deepwave, without a fitted scale.

    Its source is a rate of pressure of (10 m)**2 w in water; ours is q = 100 w' / vp**2.
    """
    path = shared_data / "elastic_marmousi2.h5"
    if not path.exists():
        pytest.skip(f"no {path}")
    with h5py.File(path) as file:
        earth = {n: file[f"model/{n}"][:].astype(float) for n in ("vp", "vs", "rho")}
        wavelet, interval = file["wavelet"][:].astype(float), float(file.attrs["dt"])
        shot = 5
        source = np.array([[file["source_x"][shot], file["source_z"][shot]]])
        x, depth = file["receiver_x"][:], file["node_z"][:]
        streamer = np.stack([x, file["streamer_z"][:]], axis=1)
        nodes = np.stack([x, depth], axis=1)
        names = ["streamer_p", "node_p", "node_vx", "node_vz"]
        expected = [file[name][shot].astype(float) for name in names]
    w = 2 * np.pi * np.fft.rfftfreq(4 * wavelet.size, interval)
    rate = np.fft.irfft(1j * w * np.fft.rfft(wavelet, 4 * wavelet.size))[: wavelet.size]
    grid = Grid(earth["vp"].shape, (10.0, 10.0), (0.0, 0.0))
    fastest = float(earth["vp"].max())
    axis = time_axis(interval, wavelet.size, fastest, grid.spacing, 8)
    F = Propagator(Discretization("elastic", grid, axis, AbsorbingLayer(20, fastest, 3.0, 4)))
    components = [c for c in ("pressure", "pressure", "vx", "vz") for _ in x]
    receivers = Points(np.concatenate([streamer, nodes, nodes, nodes]), components)
    q = 100 * rate[None] / 1500.0**2
    gather = F.forward(F.parameters(**earth), q, source, receivers).astype(float)
    for name, part, other in zip(names, np.split(gather, 4), expected, strict=True):
        error = np.linalg.norm(part - other) / np.linalg.norm(other)
        assert error < 0.03, (name, error)


# Slow: large kernels of this test alone. The quick case has those of inversions.
@pytest.mark.parametrize(
    "kinds",
    [
        ("gradient", "illumination"),
        pytest.param(("gradient", "correlation", "illumination"), marks=pytest.mark.slow),
    ],
)
def test_images_in_water_are_acoustic(kinds: tuple[str, ...]) -> None:
    """Correlation, illumination and gradient are those of `velocity_pressure`, without a factor."""
    shape, images = (51, 41), {}
    vp, rho = np.full(shape, 1800.0), np.full(shape, 1000.0)
    vp[:, 20:], rho[:, 25:] = 2300.0, 1400.0
    receivers = np.stack([np.arange(20.0, 490.0, 20.0), np.full(24, 40.0)], axis=1)
    at = ricker(times(0.002, 300), 12.0)[None], np.array([[250.0, 60.0]]), receivers
    for equation in ("velocity_pressure", "elastic"):
        earth = {"rho": rho, **({"vs": 0 * vp} if equation == "elastic" else {})}
        F = Propagator.for_model(
            vp,
            spacing=(10.0, 12.0),
            dt=0.002,
            samples=300,
            frequency=12.0,
            equation=equation,
            order=USUAL_ORDER,
            precision="float64",
            properties=earth,
        )
        model = F.parameters(vp=vp, **earth)
        result = F.images(model, lambda d: d, *at, kinds=kinds)
        images[equation] = {**result.images, "k": result.gradient["k"]}
    for name, expected in images["velocity_pressure"].items():
        error = np.linalg.norm(images["elastic"][name] - expected) / np.linalg.norm(expected)
        assert error < 1e-3, (name, error)


def test_loop_of_one_parameter_runs_backwards() -> None:
    """Without other parameters no multiplier has two levels, which would tell the direction."""
    signature = Signature(
        "gradient",
        "elastic",
        (10.0, 12.0),
        USUAL_ORDER,
        10,
        "float64",
        images=("gradient",),
        parameters=("k",),
    )
    assert "for (int time = time_M" in generation.generate(signature).source


# Slow: three kernels of solids. `test_operators` has one parameter of variable density every day.
@pytest.mark.slow
def test_gradient_of_one_parameter_is_that_of_all() -> None:
    """Without other parameters, no multiplier has two levels; the loop still runs backwards."""
    rng, shape = np.random.default_rng(3), (33, 37)
    earth = {"rho": 1000 * (1 + rng.random(shape)), "vs": 500 + 200 * rng.random(shape)}
    vp = 1500 + 1000 * rng.random(shape)
    F = Propagator.for_model(
        vp,
        spacing=(10.0, 12.0),
        dt=0.004,
        samples=60,
        frequency=12.0,
        equation="elastic",
        order=4,
        precision="float64",
        properties=earth,
    )
    model = F.parameters(vp=vp, **earth)
    gather = rng.standard_normal((2, 60))
    receivers = np.array([[100.0, 40.0], [200.0, 43.0]])
    at = rng.standard_normal((1, 60)), np.array([[83.0, 57.0]]), receivers
    one = Propagator(replace(F.discretization, parameters=("k",)))
    gradients = [p.jacobian_adjoint(model, gather, *at)["k"] for p in (F, one)]
    assert np.linalg.norm(gradients[0] - gradients[1]) < 1e-12 * np.linalg.norm(gradients[0])
