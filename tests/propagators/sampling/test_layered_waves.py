"""Waves of a point source in horizontal layers, with the differences of a grid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import hankel2

from fwicli.propagators.absorbing import SURFACE, AbsorbingLayer
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling.layered_errors import LayeredRecords, Receivers, Waves
from fwicli.propagators.sampling.layered_waves import Column, Pairs, Sampling
from fwicli.survey.signals.wavelets import Spectrum, ricker, times

SPEED, DENSITY = (2000.0, 3000.0), (1.0, 2.0)
SPECTRUM = Spectrum.of(ricker(times(0.004, 400), 8.0), 0.004)


def sampling(spacing: float, kind: str = "second", **others: object) -> Sampling:
    layer = AbsorbingLayer(12, 3000.0, 8.0, 4, SURFACE if others.pop("free", False) else ())
    settings = {"step": 1e-3, "corrected": True, "layer": layer, "stencil": Stencil(8), **others}
    return Sampling(spacing=(spacing, spacing), kind=kind, **settings)


def pairs(frequency: float = 8.0) -> Pairs:
    """Waves at all angles in the first medium, and some that do not propagate."""
    angular = np.array([2 * np.pi * frequency - 0.8j])
    wavenumber = np.linspace(0.02, 1.15, 24) * 2 * np.pi * frequency / SPEED[0]
    return Pairs(angular, np.zeros(24, dtype=int), wavenumber)


def upright(pair: Pairs, speed: float) -> np.ndarray:
    """Wavenumbers along z of waves that fade downwards."""
    root = np.sqrt((pair.angular[0] / speed) ** 2 - pair.wavenumber**2)
    return np.where(root.imag > 0, -root, root)


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("density", [(1.0, 1.0), DENSITY])
def test_reflection_of_an_interface(density: tuple[float, float], free: bool) -> None:
    """R = (b k_z - b' k_z') / (b k_z + b' k_z') at all angles, and -1 at the free surface."""
    h, floor, source, receiver = 2.5, 401.25, 150.0, 90.0
    below = h * np.arange(321) > floor
    speed, r = np.where(below, SPEED[1], SPEED[0]), np.where(below, density[1], density[0])
    parameters = {"k": 1 / (r * speed**2)} | ({"b": 1 / r} if density[1] != 1 else {})
    kind = "half" if density[1] != 1 else "second"
    column, some = Column(parameters, sampling(h, kind, free=free)), pairs()
    pressure = column.pressures(some, source, np.array([receiver]))[0]
    upper, lower = (upright(some, c) for c in SPEED)
    R = (upper / density[0] - lower / density[1]) / (upper / density[0] + lower / density[1])
    if free:  # waves between two mirrors, from below the receiver
        loop = 1 + R * np.exp(-2j * upper * floor)
        up = np.exp(1j * upper * receiver) - np.exp(-1j * upper * receiver)
        back = np.exp(-1j * upper * source) + R * np.exp(-1j * upper * (2 * floor - source))
        expected = up * back / loop / (2j * upper)
    else:
        back = R * np.exp(-1j * upper * (2 * floor - source - receiver))
        expected = (np.exp(-1j * upper * abs(source - receiver)) + back) / (2j * upper)
    assert np.linalg.norm(pressure - expected) < 0.01 * np.linalg.norm(expected)
    # Without the interface a tenth of the waves are others.
    same = Column({"k": np.full(321, SPEED[0] ** -2.0)}, sampling(h, free=free))
    other = same.pressures(some, source, np.array([receiver]))[0]
    assert np.linalg.norm(other - expected) > 0.1 * np.linalg.norm(expected)


@pytest.mark.parametrize("kind", ["second", "half"])
@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("anisotropic", [False, True])
def test_solution_is_that_of_the_whole_matrix(kind: str, free: bool, anisotropic: bool) -> None:
    """In a random medium, for sources above and below receivers."""
    rng, n, h = np.random.default_rng(0), 40, 20.0
    parameters = {"k": 1 / rng.uniform(1500, 3000, n) ** 2, "b": rng.uniform(0.5, 1, n)}
    if kind == "second":
        del parameters["b"]
    if anisotropic:
        parameters |= {"e": rng.uniform(1.2, 1.4, n), "s": rng.uniform(1.0, 1.1, n)}
    layer = AbsorbingLayer(3, 3000.0, 8.0, 0, SURFACE if free else ())  # too thin to absorb
    column = Column(parameters, sampling(h, kind, layer=layer))
    angular = np.array([60 - 1j, 150 - 1j])
    some = Pairs(angular, np.array([0, 1, 1]), np.array([0.01, 0.02, 0.001]))
    depths = np.array([20.0, 407.0, 780.0])
    weights = column.weights(depths)
    for source in (81.0, 500.0):
        pressures = column.pressures(some, source, depths)
        for pair, (number, k) in enumerate(zip(some.frequency, some.wavenumber, strict=True)):
            matrix, scale = whole(column, angular[number], k)
            right = -column.weights(np.array([source]))[0] / h * scale
            expected = weights @ (scale * np.linalg.solve(matrix, right))
            assert pressures[:, pair] == pytest.approx(expected, rel=3e-4)


def whole(column: Column, w: complex, k: float) -> tuple[np.ndarray, np.ndarray]:
    """Matrix of a column with its layer, from differences of continued values, and s / d."""
    n, stencil, h = column.n, column.sampling.stencil, column.sampling.spacing[1]
    places = np.arange(1, 5)
    if column.sampling.kind == "half":
        K = 2 * np.sin(k * h * (places - 0.5)) @ stencil.half / h
    else:
        K = np.sqrt(2 * (1 - np.cos(k * h * places)) @ np.array(stencil.second[1:])) / h
    d = 1 - column.b * K**2 * (column.e - column.s**2) / (column.k * w**2)
    diagonal = column.k * w**2 - column.s**2 * column.b * K**2 / d
    turn = np.exp(-2j * np.arcsin(w * column.sampling.step / 2))
    on, half = (
        c / (1 - b * turn)
        for b, c in (
            column.sampling.layer.coefficients(n, h, column.sampling.step, x, column.free)
            for x in (0.0, 0.5)
        )
    )
    order = 8 if column.sampling.kind == "half" else 6
    slopes = Stencil(order).half / h
    plain = extended(n, column.free, lambda f: second(f, stencil, h, column))
    stretched = extended(n, column.free, lambda f: twice(f, slopes, half, column))
    return (plain + stretched) + np.diag(diagonal / (1 + on)), column.s / d


def extended(n: int, free: tuple[bool, bool], operator: object) -> np.ndarray:
    """Matrix of an operator on values that are continued by 16 points at both ends."""
    columns = []
    for unit in np.eye(n):
        wide = np.zeros(n + 32)
        wide[16 : 16 + n] = unit
        if free[0]:
            wide[:16] = -unit[16:0:-1]
            wide[16] = 0
        columns.append(operator(wide)[16 : 16 + n])
    return np.stack(columns, axis=1)


def second(f: np.ndarray, stencil: Stencil, h: float, column: Column) -> np.ndarray:
    if column.sampling.kind == "half":
        return twice(f, stencil.half / h, np.ones(column.n), column)
    out = stencil.second[0] * f
    for j, c in enumerate(stencil.second[1:], start=1):
        out = out + c * (np.roll(f, j) + np.roll(f, -j))
    return out / h**2


def twice(f: np.ndarray, slopes: np.ndarray, shares: np.ndarray, column: Column) -> np.ndarray:
    """A slope half a cell on, times shares and inverse densities, and one back."""
    n = column.n
    b = 2 / (1 / column.b[1:] + 1 / column.b[:-1]) * shares[: n - 1]
    wide = np.zeros(f.size, dtype=b.dtype)
    wide[16 : 15 + n] = b
    if column.free[0]:
        wide[:16] = b[15::-1]
    on = sum(a * (np.roll(f, -j) - np.roll(f, j - 1)) for j, a in enumerate(slopes, start=1))
    flux = wide * on
    return sum(a * (np.roll(flux, 1 - j) - np.roll(flux, j)) for j, a in enumerate(slopes, start=1))


def records(ndim: int) -> tuple[LayeredRecords, np.ndarray]:
    """Of a source in the middle of a uniform medium, at four offsets from half a wavelength on."""
    offset = np.array([150.0, 500.0, 1000.0, 2000.0])
    receivers = Receivers(offset, np.full(4, 700.0), np.array([False, False, True, True]))
    waves = Waves(SPECTRUM, 2.0, SPEED[0], SPEED[0])
    return LayeredRecords(waves, 700.0, receivers, ndim), offset


def uniform(spacing: float, **others: object) -> Column:
    n = int(1400 / spacing) + 1
    return Column({"k": np.full(n, SPEED[0] ** -2.0)}, sampling(spacing, **others))


@pytest.mark.parametrize("ndim", [2, 3])
def test_records_in_a_uniform_medium(ndim: int) -> None:
    """Against theory: of a line in 2D, of a point in 3D."""
    integral, offset = records(ndim)
    gather = integral.records(integral.waves(uniform(10.0)))
    phase = integral.pairs.angular * offset[:, None] / SPEED[0]
    theory = (
        -0.25j * hankel2(0, phase)
        if ndim == 2
        else np.exp(-1j * phase) / (4 * np.pi * offset[:, None])
    )
    weights = np.sqrt(integral.shares)
    errors = np.linalg.norm((gather - theory) * weights, axis=1)
    relative = errors / np.linalg.norm(theory * weights, axis=1)
    assert relative[1:3].max() < 0.02
    assert relative.max() < 0.15


def test_errors_are_those_of_dispersion_in_a_uniform_medium() -> None:
    """The phase of the largest offset: |exp(i phi) - 1| with phi = w t d."""
    integral, offset = records(2)
    integral.receivers.far[:] = [False, False, False, True]
    every, far = integral.errors(integral.waves(uniform(40.0)), integral.waves(uniform(10.0)))
    angle = np.linspace(1e-3, np.pi, 4000)
    places = np.arange(1, 5)
    K = np.sqrt(2 * (1 - np.cos(np.outer(angle, places))) @ np.array(Stencil(8).second[1:]))
    w = integral.pairs.angular.real
    d = np.interp(w * 40 / SPEED[0], K[: K.argmax()], (angle / K)[: K.argmax()]) - 1
    phi = w * offset[-1] / SPEED[0] * d
    energy = integral.shares / w
    expected = np.sqrt((energy * (2 * np.sin(phi / 2)) ** 2).sum() / energy.sum())
    assert far == pytest.approx(expected, rel=0.1)
    assert every < far
    same = integral.waves(uniform(10.0))
    assert integral.errors(same, same) == (0.0, 0.0)


def test_sources_on_grids_do_not_differ_at_a_distance() -> None:
    """The constant in k of a source stays there: 0.5 % of dispersion at 160 m, not 5 %."""
    offset = np.array([160.0, 240.0])
    receivers = Receivers(offset, np.full(2, 700.0), np.array([False, True]))
    integral = LayeredRecords(Waves(SPECTRUM, 2.0, SPEED[0], SPEED[0]), 700.0, receivers, 2)
    errors = integral.errors(integral.waves(uniform(20.0)), integral.waves(uniform(10.0)))
    assert max(errors) < 0.002


def test_steps_that_are_not_corrected_add_their_dispersion() -> None:
    integral, _ = records(2)
    exact = integral.waves(uniform(10.0))
    errors = [
        integral.errors(integral.waves(uniform(10.0, step=0.004, corrected=corrected)), exact)[1]
        for corrected in (True, False)
    ]
    assert errors[0] < 0.01 < 0.05 < errors[1]
