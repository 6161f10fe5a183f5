"""The preconditioner is an inner product: symmetric and positive."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.preconditioning import Preconditioner, illumination_weight

RNG = np.random.default_rng(0)
FREE = RNG.random((20, 30)) > 0.2
WEIGHT = illumination_weight(RNG.random((20, 30)), FREE, 0.01)


@pytest.mark.parametrize("sigma", [(), (2.0, 1.0)])
def test_symmetric_and_positive(sigma: tuple[float, ...]) -> None:
    """<P a, b> = <a, P b> and <P a, a> > 0."""
    p = Preconditioner(FREE, WEIGHT, sigma)
    a, b = RNG.standard_normal((2, 20, 30))
    assert np.vdot(p(a), b) == pytest.approx(np.vdot(a, p(b)), rel=1e-12)
    assert np.vdot(p(a), a) > 0


def test_fixed_points_do_not_move() -> None:
    p = Preconditioner(FREE, WEIGHT, (3.0, 3.0))
    assert not p(RNG.standard_normal((20, 30)))[~FREE].any()


def test_dark_points_are_raised() -> None:
    """Where less energy arrives the gradient weighs more, up to the damping."""
    illumination = np.array([[4.0, 1.0, 0.0]])
    weight = illumination_weight(illumination, np.ones((1, 3), dtype=bool), 0.01)
    assert weight[0, 0] < weight[0, 1] < weight[0, 2]
    assert weight[0, 2] == pytest.approx(1 / np.sqrt(0.01))
