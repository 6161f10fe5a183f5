"""Integrals and delays of records: the same in windows as at once, with exact transposes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwicli.propagators.sampling.integral import Delay, Integral

STEP, STEPS = 0.25, 23
WINDOWS = [(0, 7), (7, 8), (8, 20), (20, STEPS)]


def recorded(through: Callable[[Any], Any], values: np.ndarray) -> np.ndarray:
    """Records after an operation on those of windows."""
    total = np.full_like(values, np.nan)

    def collect(first: int, last: int, steps: np.ndarray) -> None:
        total[first:last] = steps

    take = through(collect)
    for first, last in WINDOWS:
        take(first, last, values[first:last])
    return total


def injected(through: Callable[[Any], Any], values: np.ndarray) -> np.ndarray:
    """Steps that enter in windows, the last first."""
    steps = through(lambda array, first=0, last=None: array[first:last])
    parts = [steps(values, first, last) for first, last in WINDOWS[::-1]]
    return np.concatenate(parts[::-1])


INTEGRAL, DELAY = Integral(STEP, "float64"), Delay()


@pytest.mark.parametrize(
    ("record", "inject", "expected"),
    [
        (INTEGRAL.recorded, INTEGRAL.injected, STEP * np.tri(STEPS)),
        (DELAY.recorded, DELAY.injected, np.eye(STEPS, k=-1)),
        # Of velocities by reciprocity: an integral that is delayed.
        (
            lambda collect: INTEGRAL.recorded(DELAY.recorded(collect)),
            lambda steps: INTEGRAL.injected(DELAY.injected(steps)),
            STEP * np.tri(STEPS, k=-1),
        ),
    ],
    ids=["integral", "delay", "both"],
)
def test_records_are_summed_and_delayed(record: Any, inject: Any, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(recorded(record, np.eye(STEPS)), expected)
    np.testing.assert_array_equal(injected(inject, np.eye(STEPS)), expected.T)
