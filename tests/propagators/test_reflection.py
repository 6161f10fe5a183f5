"""Waves reflected by an interface, against plane-wave theory.

In the upper half-space the field that a line source q(t) leaves by reflection is, with
kz = sqrt(w**2 / c**2 - k**2) above and kz' below,

    u(x, Z, w) = 1 / (4 pi) integral R(k) exp(-i (k x + kz Z)) / (i kz) dk q(w),
    R(k) = (r' kz - r kz') / (r' kz + r kz'),

where Z is the sum of the heights of source and receiver above the interface (Aki and Richards,
2002, Quantitative Seismology, section 6.1). Frequencies with a negative imaginary part, undone in
time, keep the integral smooth.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest

from fwicli import AbsorbingLayer, Discretization, Grid, Propagator, time_axis
from fwicli.propagators.equations.properties import parameters
from fwicli.propagators.sampling.stability import stable_step
from fwicli.survey.signals.wavelets import ricker, times

GRID = Grid((81, 81), (10.0, 10.0), (0.0, 0.0))
INTERVAL, SAMPLES = 0.002, 400
# Half-way between two nodes, as the values of cells have it.
INTERFACE, FIRST_BELOW = 405.0, 41
SOURCE = np.array([[160.0, 305.0]])
ANGLES = (0.0, 10.0, 20.0, 30.0, 40.0, 45.0)
RECEIVERS = np.array([[160.0 + 200.0 * np.tan(np.radians(a)), 305.0] for a in ANGLES])
UPPER = {"vp": 2000.0, "rho": 1000.0}
LOWER = {"vp": 2000.0, "rho": 2000.0}


def theory(lower: Mapping[str, float], wavelet: np.ndarray) -> np.ndarray:
    """Reflected field at the receivers, in the plane-wave integral above."""
    length, damping = 4 * SAMPLES, 8 / (INTERVAL * SAMPLES)
    decay = np.exp(-damping * times(INTERVAL, SAMPLES))
    spectrum = np.fft.rfft(wavelet * decay, length)
    loud = np.abs(spectrum) > 1e-6 * np.abs(spectrum).max()
    w = 2 * np.pi * np.fft.rfftfreq(length, INTERVAL)[loud] - 1j * damping
    height = 2 * INTERFACE - SOURCE[0, 1] - RECEIVERS[0, 1]
    # Twice the largest wavenumber that travels, in steps that see the damping of the frequencies.
    k = np.arange(0.0, 2 * w.real.max() / UPPER["vp"], 0.2 * damping / UPPER["vp"])
    weight = np.full(k.size, 2 * k[1])  # both signs of k
    weight[0] *= 0.5
    result = np.zeros((len(RECEIVERS), spectrum.size), dtype=complex)
    offsets = RECEIVERS[:, 0] - SOURCE[0, 0]
    cosines = np.cos(offsets[:, None] * k)
    for i, frequency in zip(np.flatnonzero(loud), w, strict=True):
        above, below = (_vertical(frequency, vp, k) for vp in (UPPER["vp"], lower["vp"]))
        ratio = lower["rho"] / UPPER["rho"]
        reflection = (ratio * above - below) / (ratio * above + below)
        integrand = reflection * np.exp(-1j * above * height) / (1j * above) * weight
        result[:, i] = cosines @ integrand / (4 * np.pi) * spectrum[i]
    return np.asarray(np.fft.irfft(result, length)[:, :SAMPLES] / decay)


def _vertical(frequency: complex, vp: float, k: np.ndarray) -> np.ndarray:
    """Vertical wavenumber of a wave that decays as it goes."""
    kz = np.sqrt((frequency / vp) ** 2 - k**2 + 0j)
    return np.where(kz.imag > 0, -kz, kz)


@cache
def propagator(equation: str, order: int, points: float) -> Propagator:
    layer = AbsorbingLayer(20, 2000.0, UPPER["vp"] / (10.0 * points))
    axis = time_axis(INTERVAL, SAMPLES, 3000.0, GRID.spacing, order)
    return Propagator(Discretization(equation, GRID, axis, layer, order))


def reflected(
    equation: str, lower: Mapping[str, float], wavelet: np.ndarray, order: int, points: float
) -> np.ndarray:
    """Difference of the records with and without the interface."""

    def records(below: Mapping[str, float]) -> np.ndarray:
        earth = {name: np.full(GRID.shape, value) for name, value in UPPER.items()}
        for name, values in earth.items():
            values[:, FIRST_BELOW:] = below[name]
        F = propagator(equation, order, points)
        return F.forward(parameters(equation, earth), wavelet[None], SOURCE, RECEIVERS)

    return records(lower) - records(UPPER)


def errors(
    equation: str, lower: Mapping[str, float], order: int = 8, points: float = 8.0
) -> np.ndarray:
    """Relative L2 errors of the reflected wave, one an angle, and that of all of them."""
    wavelet = ricker(times(INTERVAL, SAMPLES), UPPER["vp"] / (10.0 * points))
    expected = theory(lower, wavelet)
    difference = reflected(equation, lower, wavelet, order, points) - expected
    each = np.linalg.norm(difference, axis=1) / np.linalg.norm(expected, axis=1)
    return np.append(each, np.linalg.norm(difference) / np.linalg.norm(expected))


def test_theory_is_that_of_an_image() -> None:
    """Where R does not depend on the angle the field is R times that of the mirrored source."""
    from tests.propagators.test_propagator import line_source

    wavelet = ricker(times(INTERVAL, SAMPLES), 20.0)
    found = theory(LOWER, wavelet)
    for trace, receiver in zip(found, RECEIVERS, strict=True):
        path = np.hypot(receiver[0] - SOURCE[0, 0], 2 * (INTERFACE - receiver[1]))
        expected = line_source(wavelet, INTERVAL, path, 2000.0) / 3
        assert np.linalg.norm(trace - expected) < 1e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("equation", "rho", "bound"),
    [
        ("variable_density", 1200.0, 0.01),
        ("variable_density", 2000.0, 0.01),
        ("variable_density", 500.0, 0.013),
        ("velocity_pressure", 2000.0, 0.01),
    ],
)
def test_contrast_of_density(equation: str, rho: float, bound: float) -> None:
    """Within 1 % from 0 to 45 degrees at 8 points in the wavelength of the peak frequency.

    Of what is left at a contrast of 2, a third is the dispersion of the way there and back. At 1/2
    the bar of 1 % is missed (see `interfaces`).
    """
    found = errors(equation, {"vp": 2000.0, "rho": rho})
    assert found[-1] < bound, found
    assert found.max() < 1.5 * bound, found


def test_without_preparation_a_step_is_too_soft(monkeypatch: pytest.MonkeyPatch) -> None:
    """Densities used as they are lose 5 % at 8 points, a quarter of it at 16."""
    monkeypatch.setattr(
        "fwicli.propagators.equations.interfaces.sharpened", lambda properties: properties
    )
    found = {points: errors("variable_density", LOWER, 8, points)[-1] for points in (8.0, 16.0)}
    assert 0.04 < found[8.0] < 0.06, found
    assert found[16.0] < 0.3 * found[8.0], found


def test_contrasts_of_velocity() -> None:
    """Of second order: a step of squared slowness sampled at points is a little too sharp.

    At a ratio of 1.2 and 16 points the error is 2 % with density constant, and below 1 % with a
    step of density as well; at 8 points it is 7 %.
    """
    alone = {"vp": 2400.0, "rho": 1000.0}
    assert errors("acoustic", alone, points=16.0)[-1] < 0.025
    assert errors("variable_density", {"vp": 2400.0, "rho": 2000.0}, points=16.0)[-1] < 0.01
    coarse, fine = (errors("acoustic", alone, 8, points)[0] for points in (10.0, 20.0))
    assert coarse > 3.5 * fine, (coarse, fine)


def test_rough_density_is_stable_at_the_largest_step() -> None:
    """Prepared densities are rougher, yet within the limit that is found from velocity alone."""
    grid = Grid((61, 61), (10.0, 10.0), (0.0, 0.0))
    interval, samples = stable_step(2000.0, grid.spacing, 8), 4000
    axis = time_axis(interval, samples, 2000.0, grid.spacing, 8, 1, corrected=False)
    layer = AbsorbingLayer(20, 2000.0, 20.0)
    F = Propagator(Discretization("variable_density", grid, axis, layer))
    rho = np.where(np.random.default_rng(1).random(grid.shape) < 0.5, 1000.0, 3000.0)
    earth = parameters("variable_density", {"vp": np.full(grid.shape, 2000.0), "rho": rho})
    place = np.array([[300.0, 300.0]]), np.array([[350.0, 310.0]])
    impulse = np.eye(1, samples)  # of all frequencies
    trace = np.abs(F.forward(earth, impulse, *place)[0])
    loudest = [part.max() for part in np.split(trace, 4)]
    assert loudest[0] > loudest[1] > loudest[2] > loudest[3], loudest
