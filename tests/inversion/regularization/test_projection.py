"""The nearest model within bounds and with slopes in sets, against what is known of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, isotonic_regression, minimize

from fwicli.errors import ModelError
from fwicli.inversion.regularization import projection
from fwicli.inversion.regularization.constraints import SlopeRange, SlopeSet, Smoothness, Variation
from fwicli.inversion.regularization.projection import TOLERANCE, Constraints, Feasible

RNG = np.random.default_rng(6)
SHAPE, SPACING = (14, 11), (10.0, 20.0)
Z = np.broadcast_to(SPACING[1] * np.arange(SHAPE[1]), SHAPE)
VP = 1800 + 3 * Z + 200 * RNG.standard_normal(SHAPE)
FIXED = Z < 50
SETS: dict[str, list[SlopeSet]] = {
    "variation": [Variation(6.0)],
    "smoothness": [Smoothness(8.0)],
    "trend": [SlopeRange(1, low=0.0)],
    "lateral": [SlopeRange(0, -2.0, 2.0)],
    "all": [Variation(9.0), Smoothness(9.0), SlopeRange(1, low=0.0), SlopeRange(0, -8.0, 8.0)],
}


def feasible(sets: list[SlopeSet], low: float = 1700.0, high: float = 2600.0) -> Feasible:
    return Feasible(np.where(FIXED, VP, low), np.where(FIXED, VP, high), sets, SPACING)


@pytest.mark.parametrize("name", SETS)
def test_result_is_the_nearest_member(name: str) -> None:
    """<m - p, q - p> <= 0 for every member q; bounds and fixed points to the bit."""
    within = feasible(SETS[name])
    nearest = within.project(VP)
    assert within.excess(VP) > 0.2
    assert within.excess(nearest) <= TOLERANCE
    assert np.all((nearest >= within.low) & (nearest <= within.high))
    np.testing.assert_array_equal(nearest[FIXED], VP[FIXED])
    left = VP - nearest
    for scale in (30.0, 100.0, 300.0):
        for base in (nearest, VP, 2000 + 3 * Z):
            other = within.project(base + scale * RNG.standard_normal(SHAPE))
            missed = np.vdot(left, other - nearest)
            assert missed < 2e-3 * np.linalg.norm(left) * np.linalg.norm(other - nearest)


@pytest.mark.parametrize("name", SETS)
def test_members_stay(name: str) -> None:
    """To the bit, so that a feasible model is not changed by being checked."""
    model = np.where(FIXED, VP, 2000 + 0.5 * Z)
    np.testing.assert_array_equal(feasible(SETS[name]).project(model), model)


def test_trend_is_isotonic_regression() -> None:
    """Column by column, clipped by the bounds: the exact answer."""
    nearest = feasible(SETS["trend"]).project(VP)
    expected = VP.copy()
    for column, result in zip(VP, expected, strict=True):
        result[3:] = np.clip(isotonic_regression(column[3:]).x, 1700, 2600)
    free = ~FIXED
    error = np.linalg.norm((nearest - expected)[free])
    assert error < 1e-2 * np.linalg.norm((VP - expected)[free])


def test_variation_is_that_of_a_quadratic_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Along a line the ball is a polytope: min |v - m|**2, sum t <= n tau, -t <= D v <= t."""
    monkeypatch.setattr(projection, "TOLERANCE", 1e-6)
    n, tau = 13, 4.0
    line = 2000 + 150 * RNG.standard_normal(n)
    wide = Feasible(np.full((n, 2), 0.0), np.full((n, 2), 9e3), [Variation(tau)], SPACING)
    nearest = wide.project(np.stack([line, line], axis=1))
    np.testing.assert_allclose(nearest[:, 0], nearest[:, 1], rtol=1e-6)
    # Slopes along z are zero; they have an edge at every point of the first column.
    count = int(wide.differences.edges.any(axis=0).sum())
    d = np.diff(np.eye(n), axis=0) / SPACING[0]
    ones = np.eye(n - 1)
    rows = np.block([[-d, ones], [d, ones]])
    total = np.concatenate([np.zeros(n), -2 * np.ones(n - 1)])[None]
    solution = minimize(
        lambda y: (
            0.5e-4 * np.sum((y[:n] - line) ** 2),
            1e-4 * np.r_[y[:n] - line, np.zeros(n - 1)],
        ),
        np.r_[np.full(n, line.mean()), np.zeros(n - 1)],
        jac=True,
        method="SLSQP",
        constraints=LinearConstraint(
            np.vstack([rows, total]), np.r_[np.zeros(2 * n - 2), -count * tau], np.inf
        ),
        options={"maxiter": 500, "ftol": 1e-11},
    )
    assert solution.success
    error = np.linalg.norm(nearest[:, 0] - solution.x[:n])
    assert error < 1e-4 * np.linalg.norm(line - solution.x[:n])


def test_smoothness_solves_its_linear_system() -> None:
    """Without bounds in the way p = (I + l D^T D)^-1 m, with the l that meets the limit."""
    wide = Feasible(np.full(SHAPE, 0.0), np.full(SHAPE, 9e3), SETS["smoothness"], SPACING)
    nearest = wide.project(VP)
    d = wide.differences
    pull = d.gradient_transpose(d.gradient(nearest))
    left = VP - nearest
    factor = np.vdot(left, pull) / np.vdot(pull, pull)
    assert factor > 0
    assert np.linalg.norm(left - factor * pull) < 5e-3 * np.linalg.norm(left)


def test_contradictions_are_refused() -> None:
    """Bounds that fall with depth leave no trend that rises with it."""
    low = 3000 - 5 * Z
    within = Feasible(low, low + 100, [SlopeRange(1, low=0.0)], SPACING, "rho")
    with pytest.raises(ModelError, match=r"no model of rho.*widen the bounds or loosen"):
        within.project(low + 50)


def test_each_property_has_its_own() -> None:
    """Properties that are not constrained stay."""
    constraints = Constraints({"rho": feasible(SETS["variation"])})
    projected = constraints.project({"vp": VP, "rho": VP})
    assert projected["vp"] is VP
    np.testing.assert_array_equal(projected["rho"], feasible(SETS["variation"]).project(VP))
