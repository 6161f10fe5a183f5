"""Sets of slopes: the nearest member is a member, and it is the nearest."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.regularization.constraints import SlopeRange, SlopeSet, Smoothness, Variation

RNG = np.random.default_rng(2)
SHAPE = (2, 7, 6)
EDGES = RNG.random(SHAPE) > 0.2
SLOPE = RNG.standard_normal(SHAPE)
SETS: dict[str, SlopeSet] = {
    "variation": Variation(0.3),
    "smoothness": Smoothness(0.4),
    "trend": SlopeRange(1, low=0.1),
    "both ways": SlopeRange(0, -0.2, 0.3),
}


@pytest.mark.parametrize("name", SETS)
def test_nearest_is_the_nearest_member(name: str) -> None:
    """<g - p, q - p> <= 0 for every member q: what characterises a projection."""
    one = SETS[name]
    nearest = one.nearest(SLOPE, EDGES)
    assert one.excess(SLOPE, EDGES) > 0.05
    assert one.excess(nearest, EDGES) < 1e-14
    np.testing.assert_array_equal(nearest[~EDGES], SLOPE[~EDGES])
    np.testing.assert_allclose(one.nearest(nearest, EDGES), nearest, rtol=1e-12, atol=1e-15)
    left = np.where(EDGES, SLOPE - nearest, 0.0)
    for scale in (0.01, 0.3, 1.0, 5.0):
        member = one.nearest(scale * RNG.standard_normal(SHAPE), EDGES)
        near = one.nearest(nearest + 0.1 * scale * RNG.standard_normal(SHAPE), EDGES)
        for q in (member, near):
            assert np.vdot(left, q - nearest) < 1e-12


@pytest.mark.parametrize("name", SETS)
def test_members_stay(name: str) -> None:
    inside = np.full(SHAPE, 0.15)
    np.testing.assert_array_equal(SETS[name].nearest(inside, EDGES), inside)
    assert SETS[name].excess(inside, EDGES) == 0


def test_excess_is_relative_to_the_limit() -> None:
    slope = np.zeros(SHAPE)
    slope[0] = 3.0
    everywhere = np.ones(SHAPE, dtype=bool)
    assert Variation(2.0).excess(slope, everywhere) == pytest.approx(0.5)
    assert Smoothness(2.0).excess(slope, everywhere) == pytest.approx(0.5)
    assert SlopeRange(0, -4.0, 2.0).excess(slope, everywhere) == pytest.approx(0.25)
    assert SlopeRange(0, low=0.0).excess(-slope, everywhere) == pytest.approx(1.0)
    assert SlopeRange(0, low=0.0).excess(slope, ~everywhere) == 0
