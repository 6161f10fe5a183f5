"""Weights of differences that are the best over a band of wavenumbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import minimum_filter1d
from sympy import Rational, finite_diff_weights

from fwicli import Discretization
from fwicli.errors import PhysicsError
from fwicli.propagators.equations.differences import second_difference
from fwicli.propagators.equations.registry import EQUATIONS
from fwicli.propagators.equations.stencils import ERROR, HALF, SECOND, Stencil
from fwicli.propagators.sampling.stability import default_points, fewest_points
from tests.propagators.checks.test_sides import exact, mismatch

Make = Callable[..., Any]
Array = np.ndarray
OPTIMISED = Stencil(8, "optimised")
ANGLES = np.linspace(1e-3, np.pi, 20001)


def square(order: int, weights: Any) -> Array:
    """(K h)**2 of a second difference, at all wavenumbers."""
    centre, *sides = weights
    return -centre - 2 * sum(c * np.cos(j * ANGLES) for j, c in enumerate(sides, start=1))


def slope(weights: Any) -> Array:
    """K h of a slope half a cell away, at all wavenumbers."""
    return np.asarray(2 * sum(a * np.sin((j + 0.5) * ANGLES) for j, a in enumerate(weights)))


def taylor_slope(order: int) -> list[float]:
    """Weights of Taylor's series half a cell away."""
    points = [Rational(2 * j + 1, 2) for j in range(-order // 2, order // 2)]
    return [float(w) for w in finite_diff_weights(1, points, 0)[-1][-1][order // 2 :]]


@pytest.mark.parametrize("order", list(SECOND))
@pytest.mark.parametrize("kind", ["second", "half"])
def test_errors_are_the_least_over_the_band(order: int, kind: str) -> None:
    """They swing between their bounds once more than there are weights: Chebyshev's mark.

    A second difference has a lower bound in the slopes of the layer, too.
    """
    second = kind == "second"
    weights = Stencil(order, "optimised").second if second else HALF[order]
    seen = np.sqrt(square(order, weights)) if second else slope(weights)
    error = seen / ANGLES - 1
    beyond = np.flatnonzero(np.abs(error) > 1.002 * ERROR)[0]
    assert 2 * np.pi / ANGLES[beyond] < 0.65 * fewest_points(order, ERROR)
    ends = [0, beyond - 1]
    turns = np.flatnonzero(np.diff(np.sign(np.diff(error[:beyond])))) + 1
    bound = np.abs(error) > 0.99 * ERROR
    if second:
        # The two curves touch next to where their difference turns.
        bound |= minimum_filter1d(excess(order), 3000) < 3e-8
    assert np.sum(bound[[*turns, *ends]]) >= order // 2 + 1


def excess(order: int) -> Array:
    """Squares of an optimised second difference less those of the layer's slopes, over k**2."""
    optimised = square(order, Stencil(order, "optimised").second)
    return np.asarray((optimised - slope(taylor_slope(order - 2)) ** 2) / ANGLES**2)


@pytest.mark.parametrize("order", list(SECOND))
def test_second_difference_keeps_above_the_slopes_of_the_layer(order: int) -> None:
    """Else the absorbing layer amplifies waves."""
    assert excess(order).min() > -3e-8


@pytest.mark.parametrize("order", list(SECOND))
def test_limit_of_the_step_is_that_of_both_kinds(order: int) -> None:
    both = square(order, Stencil(order, "optimised").second), slope(HALF[order]) ** 2
    assert Stencil(order, "optimised").largest_square == pytest.approx(max(b.max() for b in both))
    assert Stencil(order).largest_square == pytest.approx(
        square(order, Stencil(order).second).max()
    )


def test_weights_in_single_precision_sum_to_zero() -> None:
    """Like those of Taylor; none is far from its value in double precision."""
    weights = second_difference(Stencil(8, "optimised"), (10.0, 12.5), 1)
    assert sum(weights) == 0
    centre, *sides = Stencil(8, "optimised").second
    expected = np.array([*sides[::-1], centre, *sides]) / 12.5**2
    np.testing.assert_allclose(weights, expected, rtol=3e-6, atol=1e-6 * abs(centre) / 12.5**2)


def test_coarser_grids_are_allowed() -> None:
    """With a tenth of the error at the end of the band, on about the same grid."""
    assert default_points(Stencil(8)) == pytest.approx(3.40, abs=0.01)
    assert default_points(Stencil(8, "optimised")) == pytest.approx(3.50, abs=0.01)


# --- kernels --------------------------------------------------------------------------------------


def test_slopes_are_transposed(make_setting: Make) -> None:
    """Second differences are their own transposes."""
    s = make_setting(2, equation="velocity_pressure", order=8, stencil="optimised")
    adjoint = s.propagator.adjoint(s.model, s.gather, s.sources, s.receivers)
    assert mismatch(s.forward(), s.gather, s.wavelet, adjoint) < 1e-13


# Slow: derivatives are those of the same statements.
@pytest.mark.slow
@pytest.mark.parametrize("equation", [e for e in EQUATIONS if e != "tti"])
def test_operators_are_exact(make_setting: Make, equation: str) -> None:
    exact(make_setting(2, equation=equation, order=8, stencil="optimised"))


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stencil": "best"}, "choose taylor or optimised"),
        ({"stencil": "optimised", "order": 4}, "choose an order of 6, 8"),
        ({"stencil": "optimised", "equation": "tti"}, "both sides of a point"),
    ],
)
def test_stencils_that_do_not_exist_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PhysicsError, match=said):
        Discretization.for_model(
            np.full((20, 20), 2000.0),
            10.0,
            dt=0.002,
            frequency=20.0,
            samples=10,
            **(
                {"properties": {"epsilon": 0.2, "delta": 0.1, "theta": 0.1}}
                if "equation" in options
                else {}
            ),
            **options,
        )
