"""Stability limit and points per wavelength."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.errors import StabilityError
from fwicli.propagators.equations.stencils import Stencil
from fwicli.propagators.sampling.stability import (
    SAFETY,
    fewest_points,
    stable_step,
    time_axis,
    velocity_error,
)


@pytest.mark.parametrize("order", [2, 4, 8, 16])
def test_weights_differentiate_polynomials(order: int) -> None:
    """The second derivative is exact for polynomials up to its order plus one."""
    centre, *others = Stencil(order).second
    for power in range(order + 2):
        value = centre * 0.0**power
        value += sum(c * (n**power + (-n) ** power) for n, c in enumerate(others, start=1))
        assert value == pytest.approx(2.0 if power == 2 else 0.0, abs=1e-6 * 8**power)


@pytest.mark.parametrize("order", [4, 8])
@pytest.mark.parametrize("spacing", [(10.0, 10.0), (10.0, 5.0), (10.0, 10.0, 20.0)])
def test_limit_is_where_the_scheme_turns_unstable(order: int, spacing: tuple[float, ...]) -> None:
    """The largest eigenvalue of dt**2 v**2 L is 4 at the limit, for the highest wavenumber."""
    dt = stable_step(3000.0, spacing, order) / SAFETY
    c = Stencil(order).second
    nyquist = -sum(c[0] + 2 * sum(w * (-1) ** n for n, w in enumerate(c[1:], start=1)) for _ in "x")
    largest = sum(nyquist / h**2 for h in spacing)
    assert dt**2 * 3000.0**2 * largest == pytest.approx(4.0)


def test_step_is_the_fewest_substeps() -> None:
    """The interval is divided by the smallest integer that is stable."""
    axis = time_axis(0.004, 100, 4700.0, (7.5, 7.5), 8)
    limit = stable_step(4700.0, (7.5, 7.5), 8)
    assert axis.step <= limit < axis.interval / (axis.substeps - 1)


def test_too_few_substeps_are_refused_with_a_limit_that_works() -> None:
    """The step named in the message is stable: rounded down, never up."""
    with pytest.raises(StabilityError, match=r"at most 0\.000867 s") as caught:
        time_axis(0.004, 100, 4700.0, (7.5, 7.5), 8, substeps=2)
    assert "`physics.substeps: 5` or more" in str(caught.value)
    assert stable_step(4700.0, (7.5, 7.5), 8) >= 0.000867


def test_fewest_points_have_one_percent_error() -> None:
    """Values agree with those published for the same stencils (12.8, 5.3, 3.9 and 3.4)."""
    for order, expected in {2: 12.8, 4: 5.3, 6: 3.9, 8: 3.4}.items():
        points = fewest_points(order)
        assert points == pytest.approx(expected, abs=0.05)
        assert velocity_error(points, order) == pytest.approx(0.01, rel=1e-3)
    assert np.all(np.diff([fewest_points(o) for o in range(2, 17, 2)]) < 0)
