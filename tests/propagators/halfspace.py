"""Waves of a line source in a homogeneous half space (Lamb's problem, with buried points).

For every wavenumber k along the surface and complex frequency w, upgoing and downgoing P and S
waves of the source, with potentials exp(i k x -+ p z) and exp(i k x -+ s z), are reflected so that
the tractions s_xz and s_zz vanish at z = 0:

    p**2 = k**2 - (w / vp)**2,    s**2 = k**2 - (w / vs)**2,
    u = (i k, -+ p) P + (+- s, i k) S.

The sum over wavenumbers repeats the source along the surface, so far away that its waves come in
after the end of the record; those above `WIDTH` over the spacing are left out smoothly.

Reference: Aki and Richards (2002), Quantitative Seismology, chapters 5 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwicli import AbsorbingLayer, Discretization, Grid, Points, Propagator, time_axis
from fwicli.survey.signals.wavelets import ricker, times

Array = NDArray[np.float64]

WIDTH, LENGTH = 2 * np.pi, 3500.0
# vp, vs and rho of the half space [m/s, kg/m3], and the source components.
EARTH = 3000.0, 1600.0, 2200.0
SOURCES = ("pressure", "fz")

# Depth of a source and its component.
Source = tuple[float, str]
# From a source, a depth [m], wavenumbers [1/m] and an angular frequency [1/s] to displacements.
Response = Callable[[Source, float, Array, complex], NDArray[np.complex128]]


@dataclass(frozen=True)
class Rock:
    """A half space: an equation with its properties, and its displacements in theory."""

    equation: str
    properties: Mapping[str, float]
    response: Response
    fastest: float = EARTH[0]
    reference_frequency: float | None = None


def isotropic() -> Rock:
    """That of Lamb's problem."""
    properties = dict(zip(("vp", "vs", "rho"), EARTH, strict=True))
    return Rock("elastic", properties, partial(displacement, EARTH))


def errors(
    order: int,
    points: float,
    depths: tuple[float, ...],
    places: Array,
    rock: Rock | None = None,
    emitted: tuple[str, ...] = SOURCES,
) -> Array:
    """Relative errors of velocities against Lamb's problem.

    Sources inject volume, and push down, or are moments, with a Ricker wavelet as their rate. Along
    z there are 12 m where the order is 4, as in other tests.

    Parameters
    ----------
    order : int
        Of the space differences.
    points : float
        Of a grid of 10 m, in the S wavelength at the peak frequency of a Ricker wavelet.
    depths : tuple of float
        Of the sources [m].
    places : ndarray of shape (n, 2)
        Offsets and depths of the receivers [m].
    rock : Rock, optional
        By default that of Lamb's problem.
    emitted : tuple of str
        Components of the sources.

    Returns
    -------
    ndarray of shape (sources, 2, n)
        By source, depth first; of v_x and v_z; and receiver.
    """
    rock = rock or isotropic()
    spacing = (10.0, 12.0) if order == 4 else (10.0, 10.0)
    frequency, samples, x = rock.properties["vs"] / points / 10.0, 320, 503.7
    grid = Grid((150, 80), spacing, (0.0, 0.0))
    axis = time_axis(0.002, samples, rock.fastest, grid.spacing, order)
    layer = AbsorbingLayer(20, rock.fastest, frequency, 4, ("z-",))
    F = Propagator(
        Discretization(
            rock.equation,
            grid,
            axis,
            layer,
            order=order,
            precision="float64",
            reference_frequency=rock.reference_frequency,
        )
    )
    model = F.parameters(**{n: np.full(grid.shape, v) for n, v in rock.properties.items()})
    wavelet = ricker(times(0.002, samples), frequency, 1.2 / frequency)
    if "mxx" in emitted:
        t = times(0.002, samples) - 1.2 / frequency
        wavelet = t * np.exp(-((np.pi * frequency * t) ** 2))
    n = len(places)
    at = places + np.array([x, 0.0])
    # With a pressure the kernel is that of other tests.
    receivers = Points(np.concatenate([at, at, at[:1]]), ["vx"] * n + ["vz"] * n + ["pressure"])
    by_source = []
    for depth in depths:
        sources = Points(np.array([[x, depth]] * len(emitted)), list(emitted))
        for number, name in enumerate(emitted):
            q = np.zeros((len(emitted), samples))
            q[number] = wavelet
            gather = F.forward(model, q, sources, receivers)[:-1]
            expected = velocities(rock.response, (depth, name), places, wavelet, 0.002, 10.0)
            expected = expected.reshape(gather.shape)
            error = np.linalg.norm(gather - expected, axis=1) / np.linalg.norm(expected, axis=1)
            by_source.append(error.reshape(2, n))
    return np.array(by_source)


def velocities(
    response: Response,
    source: Source,
    places: Array,
    wavelet: Array,
    interval: float,
    spacing: float,
) -> Array:
    """Particle velocities, of shape (2, n_receivers, samples).

    `source` has its depth and `fx`, `fz`, `mxx`, `mzz`, `mxz` or `pressure`, which injects volume;
    `places` are offsets and depths of receivers [m].
    """
    n = 4 * wavelet.size
    decay = 12.0 / (n * interval)
    damping = np.exp(-decay * interval * np.arange(wavelet.size))
    frequencies = 2 * np.pi * np.fft.rfftfreq(n, interval) - 1j * decay
    spectrum = np.fft.rfft(wavelet * damping, n)
    traces = np.zeros((2, len(places), frequencies.size), dtype=complex)
    step, most = 2 * np.pi / LENGTH, WIDTH / spacing
    k = step * np.arange(-int(2 * most / step), int(2 * most / step) + 1)
    taper = 0.5 * (1 + np.cos(np.pi * np.clip(np.abs(k) / most - 1, 0, 1)))
    waves = np.exp(1j * np.multiply.outer(places[:, 0], k)) * taper * step / (2 * np.pi)
    for number in np.flatnonzero(np.abs(spectrum) > 1e-7 * np.abs(spectrum).max()):
        w = frequencies[number]
        for row, depth in enumerate(places[:, 1]):
            u = response(source, float(depth), k, w)
            traces[:, row, number] = 1j * w * (u @ waves[row]) * spectrum[number]
    return np.fft.irfft(traces, n, axis=-1)[..., : wavelet.size] / damping


def displacement(
    earth: tuple[Any, Any, float],
    source: Source,
    depth: float,
    k: Array,
    w: complex,
) -> NDArray[np.complex128]:
    """Displacements along x and z at a depth, of shape (2, n) for n wavenumbers.

    `earth` has vp, vs and rho; velocities of rocks with losses are complex.
    """
    vp, vs, rho = earth
    p, s = np.sqrt(k**2 - (w / vp) ** 2), np.sqrt(k**2 - (w / vs) ** 2)
    mixed = 2 * k**2 - (w / vs) ** 2

    def emitted(sign: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        """Potentials at the source of what goes up (1) or down (-1)."""
        if source[1] == "pressure":
            moment = rho * (vp**2 - vs**2) / 1000 / (1j * w) ** 2
            return -moment / (rho * vp**2) / (2 * p), 0 * s
        share = 1 / (rho * w**2)
        slip = source[1][1:] if source[1][0] == "m" else ""
        ends = sorted({slip, slip[::-1]})
        both = []
        # Of a moment, derivatives of forces by the place of the source: Aki and Richards (3.23).
        for q, force in (
            (p, {"x": -1j * k / (2 * p), "z": -sign * np.ones_like(p) / 2}),
            (s, {"x": sign * np.ones_like(s) / 2, "z": -1j * k / (2 * s)}),
        ):
            by_place = {"x": -1j * k, "z": -sign * q}
            parts = [force[i] * by_place[j] for i, j in ends] if slip else [force[source[1][1]]]
            both.append(share * sum(parts))
        return both[0], both[1]

    up = emitted(1)
    a, b = up[0] * np.exp(-p * source[0]), up[1] * np.exp(-s * source[0])
    shear, normal = 2j * k * p * a - mixed * b, mixed * a + 2j * k * s * b
    both = mixed**2 - 4 * k**2 * p * s
    a, b = (
        (2j * k * s * shear - mixed * normal) / both,
        (2j * k * p * normal + mixed * shear) / both,
    )
    a, b = a * np.exp(-p * depth), b * np.exp(-s * depth)
    reflected = np.array([1j * k * a + s * b, -p * a + 1j * k * b])
    sign, away = (-1 if depth >= source[0] else 1), abs(depth - source[0])
    a, b = (f * np.exp(-q * away) for f, q in zip(emitted(sign), (p, s), strict=True))
    return reflected + np.array([1j * k * a - sign * s * b, sign * p * a + 1j * k * b])
