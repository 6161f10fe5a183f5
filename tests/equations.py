"""Equations that tests run for; large ones are slow tests, as their kernels compile slowly."""

from __future__ import annotations

import pytest

from fwicli.propagators.equations.registry import EQUATIONS

LARGE = ("velocity_pressure", "vti", "tti")

# For tests of what all equations share: the small ones stand for the large ones until test-full.
large_are_slow = pytest.mark.parametrize(
    "equation",
    [pytest.param(e, marks=pytest.mark.slow if e in LARGE else ()) for e in EQUATIONS],
)


def is_slow(equation: str, ndim: int = 2, precision: str = "float64") -> bool:
    """Whether two of three make a kernel costly: a large equation, 3D, single precision."""
    return (equation in LARGE) + (ndim == 3) + (precision == "float32") >= 2


every_dimension = pytest.mark.parametrize(
    ("ndim", "equation"),
    [
        pytest.param(ndim, equation, marks=pytest.mark.slow if is_slow(equation, ndim) else ())
        for equation in EQUATIONS
        for ndim in (2, 3)
    ],
)
