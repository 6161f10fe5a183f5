"""Synthetic and observed traces of known arrivals."""

from __future__ import annotations

from typing import Any

import numpy as np

from fwicli.survey.signals.wavelets import ricker, times

INTERVAL, SAMPLES, FREQUENCY = 0.004, 400, 8.0
# An octave of a Ricker wavelet: its period.
PERIOD = 1 / FREQUENCY


def pulse(late: float, frequency: float = FREQUENCY) -> np.ndarray:
    """One arrival at 0.8 s, of unit strength, late by some seconds."""
    return ricker(times(INTERVAL, SAMPLES) - late, frequency, 0.8)[None]


def train(late: float) -> np.ndarray:
    """Several arrivals of either polarity, their spectrum with notches, all late by as much."""
    rng = np.random.default_rng(0)
    arrivals = zip(rng.uniform(-0.3, 0.3, 6), rng.standard_normal(6), strict=True)
    return np.asarray(sum(a * pulse(late + t) for t, a in arrivals))


def gathers(seed: int = 0, receivers: int = 4, samples: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Noisy arrivals, synthetic and observed: at other times, and the traces of other strengths."""
    rng = np.random.default_rng(seed)
    time = times(INTERVAL, samples)
    polarity = (-1.0) ** np.arange(receivers)
    strengths = polarity * 10.0 ** rng.uniform(-1, 1, (2, receivers))
    late = np.array([rng.uniform(-0.03, 0.03, receivers), np.zeros(receivers)])
    moveout = 0.05 * np.arange(receivers)
    onsets = np.array(
        [
            [a * ricker(time - t, FREQUENCY) for a, t in zip(*rows, strict=True)]
            for rows in zip(strengths, late + moveout, strict=True)
        ]
    )
    noise = rng.standard_normal(onsets.shape)
    noisy = onsets + 0.05 * np.abs(onsets).max(axis=-1, keepdims=True) * noise
    return noisy[0], noisy[1]


def rising(misfit: Any, arrivals: Any, until: float) -> bool:
    """Whether the misfit grows with every step of a shift, early or late, all the way."""
    observed = arrivals(0.0)
    for sign in (-1, 1):
        shifts = sign * np.linspace(0, until, 26)
        values = [misfit(arrivals(shift), observed, INTERVAL)[0] for shift in shifts]
        if not np.all(np.diff(values) > 0):
            return False
    return True
