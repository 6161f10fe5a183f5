"""Derivatives of any order in time, and records of line sources."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.survey.signals import fractional, line_source

RNG = np.random.default_rng(1)
INTERVAL = 0.002
TIMES = INTERVAL * np.arange(1500)


def pulse(delay: float) -> np.ndarray:
    square = (np.pi * 10 * (TIMES - delay)) ** 2
    return (1 - 2 * square) * np.exp(-square)


@pytest.mark.parametrize("order", [-1.5, -0.5, 0.5, 1.0, 1.7])
def test_transpose(order: float) -> None:
    x, y = RNG.standard_normal((2, 3, 200))
    forward = fractional.derivative(x, order, INTERVAL)
    back = fractional.transpose(y, order, INTERVAL)
    error = abs(np.vdot(forward, y) - np.vdot(x, back))
    assert error < 1e-13 * np.linalg.norm(forward) * np.linalg.norm(y)


@pytest.mark.parametrize("order", [-0.5, 0.5, 1.0])
def test_derivative_of_a_pulse(order: float) -> None:
    """(i w)**order in the frequency domain, on a record far longer than its tail."""
    signal, n = pulse(1.0), 1 << 17
    frequencies = 2j * np.pi * np.fft.rfftfreq(n, INTERVAL)
    frequencies[0] = 1.0
    expected = np.fft.irfft(np.fft.rfft(signal, n) * frequencies**order, n)[: signal.size]
    error = np.linalg.norm(fractional.derivative(signal, order, INTERVAL) - expected)
    assert error < 0.01 * np.linalg.norm(expected)


def test_orders_add_up() -> None:
    half = fractional.derivative(pulse(1.0), -0.5, INTERVAL)
    twice = fractional.derivative(half, -0.5, INTERVAL)
    whole = fractional.derivative(pulse(1.0), -1.0, INTERVAL)
    np.testing.assert_allclose(twice, whole, atol=1e-12 * np.abs(whole).max())


@pytest.mark.parametrize("distance", [800.0, 1600.0, 3000.0])
def test_point_sources_become_line_sources(distance: float) -> None:
    """In a medium of 2000 m/s, both by their Green's functions: within 5 %, phase and amplitude."""
    arrival, fine = distance / 2000.0, 20
    point = pulse(0.1 + arrival) / (4 * np.pi * distance)
    # H(t - t0) / (2 pi (t**2 - t0**2)**(1/2)), integrated over fine samples.
    edges = INTERVAL * (np.arange(TIMES.size * fine + 1) / fine - 0.5)
    integral = np.arccosh(np.maximum(edges / arrival, 1.0)) / (2 * np.pi)
    green = np.diff(integral).reshape(-1, fine).sum(axis=1)
    line = np.convolve(pulse(0.1), green)[: TIMES.size]
    corrected = line_source.records(point, 2000.0, INTERVAL, delay=0.1)
    assert np.linalg.norm(corrected - line) < 0.05 * np.linalg.norm(line)
    assert np.linalg.norm(point / np.linalg.norm(point) - line / np.linalg.norm(line)) > 0.5
