"""Adjoint sources are derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.misfits import MISFITS


@pytest.mark.parametrize("name", MISFITS)
def test_adjoint_source_is_the_derivative(name: str) -> None:
    """Against central differences in random directions."""
    rng = np.random.default_rng(0)
    synthetic, observed = rng.standard_normal((2, 4, 50))
    value, adjoint = MISFITS[name]()(synthetic, observed, 0.004)
    assert value > 0
    for _ in range(5):
        direction = rng.standard_normal(synthetic.shape)
        h = 1e-5
        up = MISFITS[name]()(synthetic + h * direction, observed, 0.004)[0]
        down = MISFITS[name]()(synthetic - h * direction, observed, 0.004)[0]
        assert np.vdot(adjoint, direction) == pytest.approx((up - down) / (2 * h), rel=1e-6)


@pytest.mark.parametrize("name", MISFITS)
def test_nothing_is_left_where_data_agree(name: str) -> None:
    data = np.random.default_rng(1).standard_normal((4, 50))
    value, adjoint = MISFITS[name]()(data, data, 0.004)
    assert value == 0
    assert not adjoint.any()
