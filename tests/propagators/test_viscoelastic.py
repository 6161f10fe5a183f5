"""Elastic waves that lose energy: constant Qp and Qs, Green's functions, fluids, and stability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import newton

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, time_axis
from fwicli.propagators.equations import viscoacoustic
from fwicli.propagators.equations.registry import load
from fwicli.survey.signals.wavelets import ricker, times
from tests.propagators import theory
from tests.propagators.test_elastic import media

VP, VS, RHO, SPACING, FREQUENCY, INTERVAL = 2800.0, 1600.0, 2200.0, 10.0, 10.0, 0.002
QUALITIES = [(20.0, 20.0), (200.0, 50.0), (50.0, 200.0)]


def modulus(name: str, qp: float, qs: float) -> Callable[[Any], Any]:
    """Modulus of P or S waves over density [m2/s2]."""
    earth = {"vp": VP, "vs": VS, "rho": RHO, "qp": qp, "qs": qs}
    return theory.modulus(name, earth, FREQUENCY)


def constant_q(w: Any, velocity: float, quality: float) -> tuple[Any, Any]:
    """Decay [1/m] and phase velocity [m/s] after Kjartansson."""
    gamma = np.arctan(1 / quality) / np.pi
    phase = velocity * (w / (2 * np.pi * FREQUENCY)) ** gamma
    return w / phase * np.tan(np.pi * gamma / 2), phase


def speeds(qp: float, qs: float) -> tuple[Any, Any]:
    """Complex velocities of P and S waves [m/s], functions of angular frequency."""
    p, s = (modulus(name, qp, qs) for name in "ps")
    return (lambda w: np.sqrt(p(w))), (lambda w: np.sqrt(s(w)))


@pytest.mark.parametrize(("qp", "qs"), QUALITIES)
def test_both_moduli_have_a_constant_q(qp: float, qs: float) -> None:
    """Decay and phase velocity of both waves of the statement, over its whole band."""
    w = 2 * np.pi * FREQUENCY * np.geomspace(*viscoacoustic.BAND, 101)
    for name, velocity, quality in (("p", VP, qp), ("s", VS, qs)):
        wavenumber = w / np.sqrt(modulus(name, qp, qs)(w))
        decay, phase = constant_q(w, velocity, quality)
        assert np.abs(-wavenumber.imag / decay - 1).max() < 0.01
        assert np.abs(w / wavenumber.real / phase - 1).max() < 0.0025


def propagator(shape: tuple[int, ...], samples: int, frequency: float = FREQUENCY) -> Propagator:
    """Of order 8, about the same reference frequency always."""
    fastest = 1.05 * VP
    grid = Grid(shape, (SPACING,) * len(shape), (0.0,) * len(shape))
    axis = time_axis(INTERVAL, samples, fastest, grid.spacing, 8)
    layer = AbsorbingLayer(20, fastest, frequency, 4)
    return Propagator(
        Discretization("viscoelastic", grid, axis, layer, reference_frequency=FREQUENCY)
    )


def rock(F: Propagator, qp: float, qs: float) -> dict[str, Any]:
    earth = {"vp": VP, "vs": VS, "rho": RHO, "qp": qp, "qs": qs}
    return F.parameters(**{n: np.full(F.grid.shape, value) for n, value in earth.items()})


# Slow: a kernel of all components; those of every day have pressure.
@pytest.mark.slow
@pytest.mark.parametrize(("qp", "qs"), QUALITIES)
@pytest.mark.parametrize("ndim", [2, 3])
def test_full_space(ndim: int, qp: float, qs: float) -> None:
    """Velocities of forces and an explosion within 1 % at 8 points in the S wavelength."""
    frequency, samples = VS / (8 * SPACING), 180
    F = propagator((64, *[56] * (ndim - 1)), samples, frequency)
    wavelet = ricker(times(INTERVAL, samples), frequency, 0.1)
    source = np.full((1, ndim), 223.7)
    place = np.array([141.0, 97.0]) if ndim == 2 else np.array([121.0, 62.0, 97.0])
    emitted, last = ["fx", "fz", "pressure"], ndim - 1
    receivers = Points(np.repeat(source + place, 2, axis=0), ["vx", "vz"])
    for number, name in enumerate(emitted):
        q = np.zeros((3, samples))
        q[number] = wavelet
        sources = Points(np.repeat(source, 3, axis=0), emitted)
        gather = F.forward(rock(F, qp, qs), q, sources, receivers)
        for trace, axis_of_receiver in zip(gather, (0, last), strict=True):
            end = {"fx": 0, "fz": last, "pressure": None}[name]
            response = theory.elastic(speeds(qp, qs), RHO, place, end, axis_of_receiver)
            if end is None:
                moment, (p, s) = response, (modulus(n, qp, qs) for n in "ps")
                factor = 1 if ndim == 2 else 4 / 3
                response = lambda w, f=moment, p=p, s=s, c=factor: (  # noqa: E731
                    f(w) * RHO * (p(w) - c * s(w)) / 1000 / (1j * w)
                )
            expected = theory.trace(wavelet, INTERVAL, response)
            error = np.linalg.norm(trace - expected) / np.linalg.norm(expected)
            assert error < 0.01, (name, axis_of_receiver, error)


@pytest.mark.slow  # a kernel of forces and velocities, and 400 wavelengths of grid points
@pytest.mark.parametrize(("qp", "qs"), [(20.0, 20.0), (50.0, 50.0), (200.0, 200.0)])
def test_waves_lose_what_theory_says(qp: float, qs: float) -> None:
    """Decay and phase velocity of P and of S waves over two octaves, from two receivers.

    The wavenumber of one wave explains the ratio of both records, with that of the other wave.
    """
    samples, near, far = 900, 300.0, 1700.0
    F = propagator((211, 191), samples)
    wavelet = ricker(times(INTERVAL, samples), FREQUENCY, 0.15)
    source = np.array([[200.0, 950.0]])
    receivers = source + np.array([[near, 0.0], [far, 0.0]])
    f = np.fft.rfftfreq(8 * samples, INTERVAL)
    band = (f >= FREQUENCY / 2) & (f <= 2 * FREQUENCY)
    w = 2 * np.pi * f[band]
    waves = [w / np.sqrt(modulus(name, qp, qs)(w)) for name in "ps"]
    for axis, velocity, quality in ((0, VP, qp), (1, VS, qs)):
        q = np.zeros((2, samples))
        q[axis] = wavelet
        sources = Points(np.repeat(source, 2, axis=0), ["fx", "fz"])
        at = Points(np.repeat(receivers, 2, axis=0), ["vx", "vz", "vx", "vz"])
        gather = F.forward(rock(F, qp, qs), q, sources, at)[axis::2].astype(float)
        first, second = (np.fft.rfft(trace, 8 * samples)[band] for trace in gather)

        def misfit(k: Any, a: int = axis, recorded: Any = second / first) -> Any:
            speed = [w / x for x in (k if n == a else waves[n] for n in (0, 1))]
            ends = (np.array([r, 0.0]) for r in (far, near))
            above, below = (
                theory.elastic((lambda _: speed[0], lambda _: speed[1]), RHO, end, a, a)(w)
                for end in ends
            )
            return above / below - recorded

        decay, phase = constant_q(w, velocity, quality)
        wavenumber = newton(misfit, w / phase - 1j * decay)
        assert np.abs(-wavenumber.imag / decay - 1).max() < 0.01, axis
        assert np.abs(w / wavenumber.real / phase - 1).max() < 0.005, axis


# --- limits ---------------------------------------------------------------------------------------


def test_without_losses_waves_are_elastic(make_setting: Any) -> None:
    """At a Q of 1e6 records are those of `elastic`, in rocks below water."""
    s, gathers = make_setting(2, equation="elastic"), []
    rng, shape = np.random.default_rng(1), s.propagator.grid.shape
    earth = {"vp": 1500 + 1000 * rng.random(shape), "vs": 300 + 600 * rng.random(shape)}
    earth |= {"rho": 1000 * (1 + rng.random(shape))}
    earth["vs"][:, :6] = 0
    for equation, losses in (("elastic", {}), ("viscoelastic", {"qp": 1e6, "qs": 1e6})):
        F = Propagator(replace(s.propagator.discretization, equation=equation))
        gathers.append(
            F.forward(F.parameters(**earth, **losses), s.wavelet, s.sources, s.receivers)
        )
    error = np.linalg.norm(gathers[1] - gathers[0]) / np.linalg.norm(gathers[0])
    assert error < 3e-5, error


def test_fluids_are_viscoacoustic(make_setting: Any) -> None:
    """Where vs is zero: pressure of `viscoacoustic`, whatever qs is."""
    s, gathers = make_setting(2, equation="viscoacoustic"), []
    shape = s.propagator.grid.shape
    earth = {"vp": 1500 + 500 * np.random.default_rng(1).random(shape), "rho": 1100.0, "qp": 30.0}
    solids = [{"vs": np.zeros(shape), "qs": qs} for qs in (0.01, 80.0)]
    for equation, others in (("viscoacoustic", {}), *(("viscoelastic", o) for o in solids)):
        F = Propagator(replace(s.propagator.discretization, equation=equation))
        model = F.parameters(**earth, **others)
        gathers.append(F.forward(model, s.wavelet, s.sources, s.receivers))
    for gather in gathers[1:]:
        assert np.linalg.norm(gather - gathers[0]) < 1e-6 * np.linalg.norm(gathers[0])
    assert np.array_equal(gathers[1], gathers[2])


def test_qs_of_water_does_not_matter(make_setting: Any) -> None:
    """Nor does it beside rocks: neither for records nor for their gradient."""
    s, results = make_setting(2, equation="viscoelastic"), []
    water = s.model["g"] == 0
    assert water.any()
    for loss in (0.9, 1e-3):
        model = {**s.model, "b": np.where(water, loss, s.model["b"])}
        results.append(s.propagator.forward(model, s.wavelet, s.sources, s.receivers))
    assert np.linalg.norm(results[1] - results[0]) < 1e-7 * np.linalg.norm(results[0])


@pytest.mark.slow  # 20 000 steps
@pytest.mark.parametrize("name", media())
@pytest.mark.parametrize("quality", [16.0, 60.0])
def test_layer_is_stable(name: str, quality: float) -> None:
    """In 20 000 steps nothing grows, with losses that change from rock to rock."""
    earth, samples = dict(media()[name]), 10000
    solid = earth["vs"] > 0
    earth["qp"] = np.where(solid, quality * earth["vp"] / 2500, 1000.0)
    earth["qs"] = np.where(solid, 0.6 * earth["qp"], 5.0)
    fastest = load("viscoelastic").speeds(earth, 2)[1]
    grid = Grid((41, 41), (SPACING, SPACING), (0.0, 0.0))
    axis = time_axis(0.002, samples, fastest, grid.spacing, 8, corrected=False)
    assert axis.substeps * samples >= 20000
    F = Propagator(Discretization("viscoelastic", grid, axis, AbsorbingLayer(12, fastest, 15.0)))
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
