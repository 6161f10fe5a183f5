"""The preconditioner is an inner product: symmetric and positive."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.preconditioning.preconditioner import Preconditioner, illumination_weight
from fwicli.inversion.preconditioning.smoothing import Smoother
from fwicli.inversion.preconditioning.tapers import from_region, with_depth
from fwicli.survey.grid import Grid

RNG = np.random.default_rng(0)
FREE = RNG.random((20, 30)) > 0.2
WEIGHT = illumination_weight(RNG.random((20, 30)), FREE, 0.01)
GRID = Grid((20, 30), (10.0, 10.0), (0.0, 0.0))
MUTED = WEIGHT * with_depth(GRID, 0.5) * from_region(~FREE, GRID, 25.0)
SMOOTHER = Smoother(40 * RNG.random((20, 30)), FREE, GRID.spacing)


@pytest.mark.parametrize("weight", [1.0, WEIGHT, MUTED], ids=["even", "energy", "all"])
@pytest.mark.parametrize("smoother", [None, SMOOTHER], ids=["", "smooth"])
@pytest.mark.parametrize("blocks", [1, 2])
def test_symmetric_and_positive(
    weight: np.ndarray | float, smoother: Smoother | None, blocks: int
) -> None:
    """<P a, b> = <a, P b> and <P a, a> > 0, whatever it is made of, and in every block."""
    p = Preconditioner(FREE, weight, smoother)
    a, b = RNG.standard_normal((2, blocks, 20, 30))
    assert np.vdot(p(a), b) == pytest.approx(np.vdot(a, p(b)), rel=1e-12)
    assert np.vdot(p(a), a) > 0
    np.testing.assert_allclose(p(a)[-1], p(a[-1]), rtol=1e-10, atol=1e-14)


def test_fixed_points_do_not_move() -> None:
    p = Preconditioner(FREE, WEIGHT, SMOOTHER)
    assert not p(RNG.standard_normal((20, 30)))[~FREE].any()


def test_waves_decide_the_smoothing() -> None:
    """Rough gradients lose more than smooth ones."""
    everywhere = np.ones((20, 30), dtype=bool)
    p = Preconditioner(everywhere, 1.0, Smoother(np.full((20, 30), 30.0), everywhere, (10.0, 10.0)))
    smooth = np.broadcast_to(np.cos(np.linspace(0, np.pi, 30)), (20, 30))
    rough = RNG.standard_normal((20, 30))
    shares = [np.linalg.norm(p(g)) / np.linalg.norm(g) for g in (smooth, rough)]
    assert shares[0] > 0.9
    assert shares[1] < 0.3


def test_dark_points_are_raised() -> None:
    """Where less energy arrives the gradient weighs more, up to the damping."""
    illumination = np.array([[4.0, 1.0, 0.0]])
    weight = illumination_weight(illumination, np.ones((1, 3), dtype=bool), 0.01)
    assert weight[0, 0] < weight[0, 1] < weight[0, 2]
    assert weight[0, 2] == pytest.approx(1 / np.sqrt(0.01))
