"""Elastic waves in vertical transverse isotropy: velocities, stability, and isotropic media."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, time_axis
from fwicli.propagators.equations import elastic_vti
from fwicli.propagators.equations.equation import ROUND_OFF
from fwicli.propagators.equations.properties import parameters
from fwicli.survey.signals.wavelets import ricker, times

# Spacing and layer are those of other tests, so that kernels are compiled once.
VP, VS, RHO, SPACING = 3000.0, 1500.0, 2000.0, 10.0
SHALE = {"epsilon": 0.2, "delta": 0.05}
ELLIPTICAL = {"epsilon": 0.15, "delta": 0.15}
EQUATION = elastic_vti.EQUATION


def stiffness(vp: Any, vs: Any, epsilon: Any, delta: Any, gamma: Any = 0.0) -> np.ndarray:
    """Voigt's matrix over density, by Thomsen's definitions, of shape (6, 6, ...) [m2/s2]."""
    c33, c55, gamma = np.broadcast_arrays(vp**2, vs**2, gamma)
    c11, c66 = c33 * (1 + 2 * epsilon), c55 * (1 + 2 * gamma)
    c13 = np.sqrt(2 * delta * c33 * (c33 - c55) + (c33 - c55) ** 2) - c55
    c = np.zeros((6, 6, *c33.shape))
    c[0, 0] = c[1, 1] = c11
    c[0, 1] = c[1, 0] = c11 - 2 * c66
    c[0, 2] = c[2, 0] = c[1, 2] = c[2, 1] = c13
    c[2, 2], c[3, 3], c[4, 4], c[5, 5] = c33, c55, c55, c66
    return c


def christoffel(angle: Any, c: np.ndarray) -> np.ndarray:
    """Of plane waves at angles to the vertical in (x, z), of shape (..., 2, 2) [m2/s2]."""
    x, z = np.sin(angle), np.cos(angle)
    mixed = (c[0, 2] + c[4, 4]) * x * z
    rows = [[c[0, 0] * x**2 + c[4, 4] * z**2, mixed], [mixed, c[4, 4] * x**2 + c[2, 2] * z**2]]
    return np.moveaxis(np.array(np.broadcast_arrays(*rows[0], *rows[1])), 0, -1).reshape(
        *np.shape(mixed), 2, 2
    )


def random_media(count: int) -> dict[str, np.ndarray]:
    """Solids of any anisotropy that Thomsen's parameters can state, stable or not."""
    rng = np.random.default_rng(0)
    ranges = {"epsilon": (-0.3, 0.8), "delta": (-0.3, 0.8), "gamma": (-0.6, 0.8)}
    media = {name: low + (high - low) * rng.random(count) for name, (low, high) in ranges.items()}
    media["vp"] = np.full(count, VP)
    media["vs"] = VP * np.sqrt(0.05 + 0.65 * rng.random(count))
    real = 1 + 2 * media["delta"] > (media["vs"] / VP) ** 2
    return {name: values[real] for name, values in media.items()}


def allowed(media: dict[str, np.ndarray], words: str) -> np.ndarray:
    """Which media a limit allows."""
    (limit,) = [limit for limit in EQUATION.limits if words in limit.rule]
    names = limit.margin.__code__.co_varnames[: limit.margin.__code__.co_argcount]
    return np.asarray(limit.margin(**{n: media[n] for n in names if n in media}) >= 0)


# --- statements about media, without waves --------------------------------------------------------


@pytest.mark.parametrize("ndim", [2, 3])
def test_stiffness_must_be_positive(ndim: int) -> None:
    """The limits allow the media whose strains all cost energy, and no others."""
    media = random_media(4000)
    c = np.moveaxis(stiffness(**media), (0, 1), (-2, -1))
    named = {n: v for n, v in media.items() if n != "gamma" or ndim == 3}
    within = allowed(named, "strain must cost energy")
    if ndim == 2:
        c = c[:, [0, 2, 4]][:, :, [0, 2, 4]]
    else:
        within &= allowed(named, "c66 is negative")
    positive = np.linalg.eigvalsh(c).min(axis=-1) > 0
    assert 0.1 < positive.mean() < 0.999
    np.testing.assert_array_equal(within, positive)


def test_energy_runs_with_the_waves() -> None:
    """The limits of layers forbid group velocities against the slowness along an axis.

    Where P waves are faster than SV waves along x, too, as in all rocks.
    """
    media = random_media(400)
    rocks = 1 + 2 * media["epsilon"] > (media["vs"] / VP) ** 2 + 0.02
    media = {name: values[rocks] for name, values in media.items()}
    angle = np.linspace(1e-4, np.pi / 2 - 1e-4, 1001)[:, None]
    c = stiffness(**media)
    squared = np.linalg.eigvalsh(christoffel(angle, c))  # per angle, medium and wave
    slope = np.gradient(squared, angle[:, 0], axis=0)
    # w**2 = k**2 f(a): its derivative along kx over kx, and along kz over kz.
    a = angle[..., None]
    forward = {
        "along x": 2 * squared + slope / np.tan(a),
        "along z": 2 * squared - slope * np.tan(a),
    }
    for words, energy in forward.items():
        least = energy[3:-3].min(axis=(0, 2)) / VP**2
        clear = abs(least) > 2e-3
        assert clear.mean() > 0.9
        assert 0.1 < (least < 0).mean() < 0.9
        np.testing.assert_array_equal(allowed(media, words)[clear], least[clear] > 0)


def test_speeds_are_the_extremes() -> None:
    """Over all angles, of all waves; tight, and no bound that a wave exceeds."""
    media = random_media(400)
    stable = allowed(media, "strain must cost energy") & allowed(media, "c66 is negative")
    media = {name: values[stable] for name, values in media.items()}
    c = stiffness(**media)
    angle = np.linspace(0, np.pi / 2, 2001)[:, None]
    squared = np.linalg.eigvalsh(christoffel(angle, c))
    horizontal = np.minimum(c[4, 4], c[5, 5])
    gamma = media.pop("gamma")
    fast, slow = EQUATION.fastest(**media), EQUATION.slowest(**media, gamma=gamma)
    most, least = squared.max(axis=(0, 2)), np.minimum(squared.min(axis=(0, 2)), horizontal)
    assert (fast**2 > most * (1 - 1e-12)).all()
    assert (slow**2 < least * (1 + 1e-9)).all()
    np.testing.assert_allclose(fast**2, most, rtol=1e-5)
    np.testing.assert_allclose(slow**2, least, rtol=1e-3)
    fluid = {"vp": 1500.0, "vs": 0.0, "epsilon": 0.0, "delta": 0.0, "rho": 1000.0}
    assert EQUATION.speeds(fluid, 2) == (1500.0, 1500.0)


def test_fluids_are_isotropic() -> None:
    earth = {"vs": np.array([0.0, 900.0]), "epsilon": np.array([0.0, 0.1])}
    within = [allowed({**earth, "delta": np.full(2, d)}, "a fluid") for d in (0.0, 0.1)]
    np.testing.assert_array_equal(within, [[True, True], [False, True]])


# --- waves ----------------------------------------------------------------------------------------


# Slow in 3D: see tests/equations.py.
@pytest.mark.parametrize("ndim", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_without_anisotropy_it_is_elastic(make_setting: Callable[..., Any], ndim: int) -> None:
    """To round-off, with fluids, random solids and the layer; in 3D of all components."""
    s = make_setting(ndim, equation="elastic_vti")
    rng, shape = np.random.default_rng(4), s.propagator.grid.shape
    earth = {"vp": 1500 + 1000 * rng.random(shape), "rho": 1000 * (1 + rng.random(shape))}
    earth["vs"] = earth["vp"] * (0.2 + 0.4 * rng.random(shape))
    earth["vs"][..., :6] = 0
    earth |= {name: np.zeros(shape) for name in ("epsilon", "delta", "gamma")}
    place: Any = s.sources, s.receivers
    if ndim == 3:
        names = ["pressure", "vx", "vy", "vz"]
        place = Points(s.sources, ["pressure", "fz"]), Points(s.receivers[:4], names)
    records = []
    for equation in ("elastic", "elastic_vti"):
        F = Propagator(replace(s.propagator.discretization, equation=equation))
        records.append(F.forward(parameters(equation, earth), s.wavelet, *place))
    error = np.linalg.norm(records[1] - records[0], axis=1) / np.linalg.norm(records[0], axis=1)
    assert error.max() < 1e-12, error


@pytest.mark.slow  # derivatives of a large equation
def test_operators_beside_fluids_are_exact(make_setting: Callable[..., Any]) -> None:
    """Dot tests of F and J, where the upper rows are water and the others random solids."""
    s = make_setting(2, equation="elastic_vti")
    for name, value in {"g": 0.0, "e": 1.0, "f": 1.0}.items():
        s.model[name][..., :6] = value
    at = s.wavelet, s.sources, s.receivers
    records, adjoint = s.forward(), s.propagator.adjoint(s.model, s.gather, *at[1:])
    scale = np.linalg.norm(s.gather)
    difference = np.vdot(records, s.gather) - np.vdot(s.wavelet, adjoint)
    assert abs(difference) < 1e-12 * np.linalg.norm(records) * scale
    born = s.propagator.jacobian(s.model, s.perturbation, *at)
    gradient = s.propagator.jacobian_adjoint(s.model, s.gather, *at)
    product = sum(np.vdot(s.perturbation[n], g) for n, g in gradient.items())
    assert abs(np.vdot(born, s.gather) - product) < 1e-12 * np.linalg.norm(born) * scale


def plane_wave(angle: float, wave: int, properties: dict[str, float]) -> tuple[float, float]:
    """Phase velocity of a broad beam at an angle, measured and from Christoffel's equation [m/s].

    Forces and receivers act along the polarization of the wave, which the other waves at this
    angle have not. They are on the line along which its energy runs.
    """
    frequency, interval, samples, near, far = 25.0, 0.001, 600, 250.0, 650.0
    c = stiffness(VP, VS, properties["epsilon"], properties["delta"])
    squared, vectors = np.linalg.eigh(christoffel(angle, c))
    ahead = np.linalg.eigvalsh(christoffel(np.array([angle - 1e-4, angle + 1e-4]), c))
    velocity = np.sqrt(squared[wave])
    slope = np.diff(np.sqrt(ahead[:, wave]))[0] / 2e-4
    polarization, ray = vectors[:, wave], angle + np.arctan(slope / velocity)
    front, energy = np.array([np.cos(angle), -np.sin(angle)]), np.array([np.sin(ray), np.cos(ray)])
    grid = Grid((301, 301), (SPACING,) * 2, (-1500.0, -1500.0))
    shape = grid.shape
    earth = {n: np.full(shape, v) for n, v in {"vp": VP, "vs": VS, "rho": RHO}.items()}
    earth |= {n: np.full(shape, v) for n, v in properties.items()}
    fastest = EQUATION.speeds(earth, 2)[1]
    axis = time_axis(interval, samples, fastest, grid.spacing, 8)
    F = Propagator(Discretization("elastic_vti", grid, axis, AbsorbingLayer(12, fastest, 15.0)))
    along = np.arange(-1250.0, 1251.0, 5.0)
    line = along[:, None] * front - (near + far) / 2 * energy
    shares = np.exp(-((along / 700.0) ** 2))
    wavelet = ricker(times(interval, samples), frequency)
    q = np.concatenate([p * shares[:, None] * wavelet for p in polarization])
    sources = Points(np.concatenate([line, line]), ["fx"] * along.size + ["fz"] * along.size)
    places = [(d - (near + far) / 2) * energy for d in (near, near, far, far)]
    gather = F.forward(
        parameters("elastic_vti", earth), q, sources, Points(places, ["vx", "vz"] * 2)
    )
    first, second = np.einsum("k,rkt->rt", polarization, gather.reshape(2, 2, -1).astype(float))
    product = np.conj(np.fft.rfft(first, 2 * samples)) * np.fft.rfft(second, 2 * samples)
    correlation = np.fft.irfft(product, 128 * samples)[: 64 * samples]
    delay = np.argmax(correlation) * interval / 64
    cosine = np.cos(ray - angle)
    return float((far - near) * cosine / delay), float(velocity)


@pytest.mark.slow  # a dozen runs on a large grid
@pytest.mark.parametrize("wave", [1, 0], ids=["P", "SV"])
@pytest.mark.parametrize(
    ("degrees", "properties"),
    [*[(degrees, SHALE) for degrees in (0, 25, 45, 65, 90)], (40, ELLIPTICAL)],
)
def test_plane_waves_have_the_phase_velocity(
    degrees: float, properties: dict[str, float], wave: int
) -> None:
    """Within 0.5 % of Christoffel's equation, at 12 points in the P wavelength and 6 in that of S.

    In elliptical media it is vp**2 (1 + 2 epsilon sin**2) of P waves, and vs of SV waves.
    """
    angle = np.radians(degrees)
    measured, velocity = plane_wave(angle, wave, properties)
    if properties is ELLIPTICAL:
        closed = VP * np.sqrt(1 + 2 * ELLIPTICAL["epsilon"] * np.sin(angle) ** 2)
        assert velocity == pytest.approx(closed if wave else VS, rel=1e-12)
    assert measured == pytest.approx(velocity, rel=5e-3)


@pytest.mark.slow  # a large equation in 3D, see tests/equations.py
def test_horizontal_shear_waves_are_elliptical() -> None:
    """In 3D, within 0.5 %: arrivals along rays in the plane across the force that makes them."""
    gamma, frequency, interval, samples, near, far = 0.2, 25.0, 0.001, 400, 180.0, 340.0
    directions = np.radians([0.0, 30.0, 60.0, 90.0])
    grid = Grid((77, 41, 77), (SPACING,) * 3, (-380.0, -200.0, -380.0))
    shape, vs = grid.shape, 1600.0
    earth = {n: np.full(shape, v) for n, v in {"vp": VP, "vs": vs, "rho": RHO, **SHALE}.items()}
    earth["gamma"] = np.full(shape, gamma)
    fastest = EQUATION.speeds(earth, 3)[1]
    axis = time_axis(interval, samples, fastest, grid.spacing, 8)
    layer = AbsorbingLayer(6, fastest, 20.0)
    F = Propagator(Discretization("elastic_vti", grid, axis, layer))
    ray = np.stack([np.sin(directions), 0 * directions, np.cos(directions)], axis=-1)
    wavelet = ricker(times(interval, samples), frequency)[None]
    places = Points(np.concatenate([near * ray, far * ray]), ["vy"] * 2 * len(ray))
    gather = F.forward(
        parameters("elastic_vti", earth), wavelet, Points(np.zeros((1, 3)), ["fy"]), places
    )
    horizontal = np.sin(directions) ** 2 / (vs**2 * (1 + 2 * gamma))
    expected = 1 / np.sqrt(horizontal + np.cos(directions) ** 2 / vs**2)
    for number, velocity in enumerate(expected):
        first, second = gather[[number, number + len(ray)]].astype(float)
        product = np.conj(np.fft.rfft(first, 2 * samples)) * np.fft.rfft(second, 2 * samples)
        delay = np.argmax(np.fft.irfft(product, 128 * samples)[: 64 * samples]) * interval / 64
        assert (far - near) / delay == pytest.approx(velocity, rel=5e-3)


def late_over_early(properties: dict[str, float]) -> np.ndarray:
    """Loudest values of quarters of 20 000 steps, over the first; in a layer of 12 cells."""
    samples, grid = 10000, Grid((41, 41), (SPACING, SPACING), (0.0, 0.0))
    earth = {n: np.full(grid.shape, v) for n, v in {"vp": VP, "vs": VS, "rho": RHO}.items()}
    earth |= {n: np.full(grid.shape, v) for n, v in properties.items()}
    fastest = EQUATION.speeds(earth, 2)[1]
    axis = time_axis(0.002, samples, fastest, grid.spacing, 8, corrected=False)
    assert axis.substeps * samples >= 20000
    layer = AbsorbingLayer(12, fastest, 15.0)
    gather = Propagator(Discretization("elastic_vti", grid, axis, layer)).forward(
        parameters("elastic_vti", earth),
        ricker(times(0.002, samples), 15.0)[None],
        np.array([[200.0, 200.0]]),
        np.array([[300.0, 120.0]]),
    )[0]
    loudest = np.array([np.abs(part).max() for part in np.split(gather, 4)])
    return np.asarray(loudest / loudest[0])


@pytest.mark.slow  # 20 000 steps each, at an order of the differences that no quick test has
@pytest.mark.parametrize(
    ("epsilon", "delta", "grows"),
    [
        (0.2, 0.05, False),
        (0.3, -0.1, False),
        (0.8, 0.0, False),
        # 0.037 and 0.088 c33**2 below the bounds of the layers along x and z, and 0.038 above.
        (0.1, 0.2, False),
        (0.0, 0.15, True),
        (0.1, 0.3, True),
    ],
)
def test_layer_amplifies_what_is_refused(epsilon: float, delta: float, grows: bool) -> None:
    """And absorbs the waves of all other media."""
    properties = {"epsilon": epsilon, "delta": delta}
    earth = {"vp": VP, "vs": VS, "rho": RHO, **properties}
    names = [limit.margin.__code__.co_varnames for limit in EQUATION.limits]
    margins = [
        limit.margin(**{n: earth[n] for n in args if n in earth})
        for limit, args in zip(EQUATION.limits, names, strict=True)
    ]
    assert (min(margins) < -ROUND_OFF) == grows
    late = late_over_early(properties)
    if grows:
        assert late[3] > max(1.0, 100 * late[2]), late
    else:
        assert late[1:].max() < 1e-4, late
