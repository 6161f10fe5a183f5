"""Transport against known answers and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.stats import norm

from fwicli.inversion.misfits.graph_space import GraphSpace, assignment
from fwicli.inversion.misfits.residuals import LeastSquares
from fwicli.inversion.misfits.wasserstein import distance_of
from tests.inversion.arrivals import INTERVAL, gathers, train


def test_distance_of_gaussians() -> None:
    """(mu_1 - mu_2)**2 + (sigma_1 - sigma_2)**2."""
    t = 0.001 * (np.arange(2000) + 0.5)
    f, g = norm.pdf(t, 0.8, 0.05), norm.pdf(t, 1.15, 0.09)
    distance, _ = distance_of(f / f.sum() + 1e-18, g / g.sum() + 1e-18, 0.001)
    assert distance == pytest.approx(0.35**2 + 0.04**2, rel=1e-4)


def test_distance_is_symmetric_and_that_of_a_shift_its_square() -> None:
    """Of any masses."""
    rng = np.random.default_rng(0)
    f, g = rng.random((2, 60))
    f, g = f / f.sum(), g / g.sum()
    there, back = distance_of(f, g, 0.1)[0], distance_of(g, f, 0.1)[0]
    assert there == pytest.approx(back, rel=1e-12)
    tiny = np.full(80, 1e-14)
    early, late = tiny.copy(), tiny.copy()
    early[5:65], late[12:72] = f, f
    shifted = distance_of(early / early.sum(), late / late.sum(), 0.1)[0]
    assert shifted == pytest.approx(0.7**2, rel=1e-6)


def test_derivative_of_the_distance() -> None:
    """Central differences, mass moved from one sample to another."""
    rng = np.random.default_rng(1)
    f, g = rng.random((2, 40))
    f, g = f / f.sum(), g / g.sum()
    _, slope = distance_of(f, g, 0.1)
    for a, b in ((3, 4), (0, 39), (30, 7)):
        move = np.zeros(40)
        move[a], move[b] = 1.0, -1.0
        up, down = (distance_of(f + h * move, g, 0.1)[0] for h in (1e-6, -1e-6))
        assert slope[a] - slope[b] == pytest.approx((up - down) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("price", [1e-4, 1e-2, 1.0])
def test_assignment_is_the_cheapest(price: float) -> None:
    """As by another solver; and no sample is taken twice."""
    s, d = (g[0] for g in gathers(3))
    n = np.arange(s.size)
    cost = price * (n[:, None] - n) ** 2.0 + (s[:, None] - d) ** 2
    rows, best = min_weight_full_bipartite_matching(csr_array(cost + 1.0))
    permutation = assignment(s, d, price)
    assert sorted(permutation) == list(n)
    assert cost[n, permutation].sum() == pytest.approx(cost[rows, best].sum(), rel=1e-12)


def test_graph_space_becomes_least_squares() -> None:
    """Where nothing may move; and is never more."""
    synthetic, observed = train(0.03), train(0.0)
    squares, residual = LeastSquares()(synthetic, observed, INTERVAL)
    value, adjoint = GraphSpace(shift=1e-6, step=INTERVAL)(synthetic, observed, INTERVAL)
    assert value == pytest.approx(squares, rel=1e-12)
    np.testing.assert_allclose(adjoint, residual, rtol=1e-12)
    values = [GraphSpace(t, INTERVAL)(synthetic, observed, INTERVAL)[0] for t in (0.1, 0.3, 1.0)]
    assert squares > values[0] > values[1] > values[2] > 0
