"""Smoothing by diffusion: an inner product that keeps constants, close to a Gaussian."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fwicli.inversion.preconditioning.smoothing import Smoother

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("shape", [(17, 12), (8, 9, 7)], ids=str)
def test_symmetric_and_positive(shape: tuple[int, ...]) -> None:
    """The whole matrix: equal to its transpose, and with eigenvalues in (0, 1]."""
    s = Smoother(30 * RNG.random(shape), RNG.random(shape) > 0.2, (10.0, 15.0, 12.0)[: len(shape)])
    if len(shape) == 2:
        matrix = s(np.eye(int(np.prod(shape))).reshape(-1, *shape)).reshape(-1, np.prod(shape))
        np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-15)
        eigenvalues = np.linalg.eigvalsh(matrix)
        assert eigenvalues.min() > 0
        assert eigenvalues.max() < 1 + 1e-12
    a, b = RNG.standard_normal((2, *shape))
    assert np.vdot(s(a), b) == pytest.approx(np.vdot(a, s(b)), rel=1e-12)
    assert np.vdot(s(a), a) > 0


def test_close_to_a_gaussian() -> None:
    """Width exactly, shape to some per cent, where the length is the same everywhere."""
    spike = np.zeros((81, 61))
    spike[40, 30] = 1.0
    s = Smoother(np.full(spike.shape, 60.0), np.ones(spike.shape, dtype=bool), (10.0, 12.0))
    smoothed = s(spike)
    assert smoothed.sum() == pytest.approx(1.0)
    offset = 10.0 * (np.arange(81) - 40)
    assert (smoothed.sum(axis=1) * offset**2).sum() == pytest.approx(60**2, rel=1e-3)
    gaussian = gaussian_filter(spike, (6.0, 5.0))
    assert np.linalg.norm(smoothed - gaussian) < 0.2 * np.linalg.norm(gaussian)


def test_length_varies() -> None:
    """Each place has its own width."""
    length = np.where(np.arange(121) < 60, 20.0, 80.0)[:, None] * np.ones(11)
    s = Smoother(length, np.ones(length.shape, dtype=bool), (10.0, 10.0))
    for place, expected in ((25, 20.0), (90, 80.0)):
        spike = np.zeros(length.shape)
        spike[place] = 1.0
        offset = 10.0 * (np.arange(121) - place)
        width = np.sqrt((s(spike).mean(axis=1) * offset**2).sum())
        assert width == pytest.approx(expected, rel=0.02)


def test_nothing_flows_to_fixed_points() -> None:
    """And constants stay, also beside them."""
    free = np.ones((20, 15), dtype=bool)
    free[:, :5] = False
    s = Smoother(np.full(free.shape, 50.0), free, (10.0, 10.0))
    np.testing.assert_allclose(s(np.where(free, 3.0, 0.0)), np.where(free, 3.0, 0.0), rtol=1e-12)
