"""Robust misfits: least squares for small residuals, and a small weight for wild ones."""

from __future__ import annotations

import numpy as np
import pytest

from fwicli.inversion.misfits.residuals import Huber, LeastSquares, StudentT
from tests.inversion.arrivals import INTERVAL, SAMPLES, pulse, train

ROBUST = [Huber(), Huber(0.1), StudentT(), StudentT(1.0, 0.3)]


@pytest.mark.parametrize("misfit", ROBUST, ids=str)
def test_small_residuals_are_those_of_least_squares(misfit: Huber | StudentT) -> None:
    """To their constant factor: (nu + 1) / nu for Student's t."""
    observed = np.tile(train(0.0), (3, 1))
    synthetic = observed + 1e-6 * np.random.default_rng(0).standard_normal(observed.shape)
    factor = 1.0 if isinstance(misfit, Huber) else (misfit.degrees + 1) / misfit.degrees
    value, adjoint = misfit(synthetic, observed, INTERVAL)
    squares, residual = LeastSquares()(synthetic, observed, INTERVAL)
    assert value == pytest.approx(factor * squares, rel=1e-6)
    np.testing.assert_allclose(adjoint, factor * residual, rtol=1e-6)


@pytest.mark.parametrize(
    ("misfit", "change"),
    [(LeastSquares(), (10, 100)), (Huber(0.1), (0, 0.05)), (StudentT(1.0, 0.1), (0, 0.03))],
    ids=str,
)
def test_spikes(misfit: LeastSquares | Huber | StudentT, change: tuple[float, float]) -> None:
    """Change of the adjoint source, relative to its norm, by three spikes of 100 times the peak.

    That of least squares is all spikes; that of Student's t hardly changes.
    """
    observed = np.concatenate([train(0.01 * r) for r in range(12)])
    synthetic = np.concatenate([train(0.01 * r + 0.02) for r in range(12)])
    clean = misfit(synthetic, observed, INTERVAL)[1]
    wild = observed.copy()
    wild[[1, 5, 8], [20, SAMPLES // 2, 250]] += 100 * np.abs(observed).max()
    relative_change = np.linalg.norm(misfit(synthetic, wild, INTERVAL)[1] - clean) / np.linalg.norm(
        clean
    )
    assert change[0] <= relative_change < change[1]


def test_gather_of_zeros_has_no_misfit() -> None:
    """It has no level that a residual could be compared with."""
    for misfit in ROBUST:
        value, adjoint = misfit(pulse(0.0), 0 * pulse(0.0), INTERVAL)
        assert value == 0
        assert not adjoint.any()
